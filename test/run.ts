/**
 * The test command: `npm test -- [words…] [--except words,…] [--filter text] [--jobs n] [--timeout seconds]`.
 *
 * uvu alone has no time limits, runs all files in one process, and lets a file that runs nothing pass. For a library of
 * system calls those are the three ways in which a failure looks like success: a leaked handle hangs for ever, a crash takes
 * the other files along. So each file gets a process (and a process group: its children end with it) and a
 * time limit; and whatever is not a counted pass is a failure, with the file's output shown.
 *
 * Words choose files by a part of their path, `--except words,…` leaves such files out. `--filter` chooses tests by a part of their name.
 * GENLOOP_NODE_ARGS gives node more arguments. Everything else in the environment is inherited (GENLOOP_BACKEND …).
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A file takes a few seconds; the slowest, under AddressSanitizer, about a minute. A loaded machine takes several times as long. */
const DEFAULT_TIMEOUT_S = '300';
/** Two: some files have a server and a client at work, and the usual build machine has two cores. */
const DEFAULT_JOBS = '2';
/** How long the pipes of an ended process may stay open in the hands of a child that left its group. */
const PIPE_GRACE_MS = 1_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filter: { type: 'string', default: '' },
    except: { type: 'string', default: '' },
    jobs: { type: 'string', default: process.env.GENLOOP_TEST_JOBS ?? DEFAULT_JOBS },
    timeout: { type: 'string', default: process.env.GENLOOP_TEST_TIMEOUT ?? DEFAULT_TIMEOUT_S },
    root: { type: 'string', default: join(ROOT, 'test') },
  },
});

interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  output: string;
}

interface Verdict {
  file: string;
  passed: number;
  failed: number;
  /** Why the file counts as failed; undefined if it does not. */
  problem: string | undefined;
  notRun: string[];
  output: string;
  seconds: number;
}

const folder = resolve(values.root);
const timeoutSeconds = positive('--timeout', values.timeout);
const jobs = Math.floor(positive('--jobs', values.jobs));
const running = new Set<ChildProcess>();
const notes = mkdtempSync(join(tmpdir(), 'genloop-test-'));
let notesMade = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const child of running) killGroup(child);
    rmSync(notes, { recursive: true, force: true });
    process.exit(130);
  });
}

const exceptions = values.except.split(',').filter((word) => word !== '');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join(folder, name))
  .filter((file) => positionals.length === 0 || positionals.some((word) => relative(ROOT, file).includes(word)))
  .filter((file) => !exceptions.some((word) => relative(ROOT, file).includes(word)))
  .sort();

const verdicts: Verdict[] = [];
const queue = [...files];
await Promise.all(Array.from({ length: jobs }, worker));
verdicts.sort((one, other) => (one.file < other.file ? -1 : 1));
rmSync(notes, { recursive: true, force: true });

const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0);
let failed = verdicts.reduce((sum, verdict) => sum + verdict.failed, 0);
if (verdicts.every((verdict) => verdict.passed + verdict.failed === 0)) {
  console.log(files.length === 0 ? 'no test file has such a name' : 'no test has run');
  failed++;
}
const troubled = verdicts.filter((verdict) => verdict.problem !== undefined);
if (troubled.length > 0) console.log('');
for (const { file, problem } of troubled) console.log(`failed: ${relative(ROOT, file)}: ${problem}`);
for (const why of new Set(verdicts.flatMap((verdict) => verdict.notRun))) console.log(`not run: ${why}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function worker(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const verdict = await runFile(file);
    verdicts.push(verdict);
    const name = relative(ROOT, file);
    if (verdict.problem === undefined) {
      console.log(`ok      ${name}  (${verdict.passed} in ${verdict.seconds.toFixed(1)} s)`);
    } else {
      console.log(`\n${verdict.output.trim()}\n\nFAILED  ${name}  (${verdict.problem})\n`);
    }
  }
}

async function runFile(file: string): Promise<Verdict> {
  const started = performance.now();
  const note = join(notes, String(notesMade++));
  const ending = await runNode(file, note);
  const plain = stripVTControlCharacters(ending.output);
  const total = lastCount(plain, 'Total');
  const passed = lastCount(plain, 'Passed') ?? 0;
  const skipped = lastCount(plain, 'Skipped') ?? 0;
  const notRun = [...plain.matchAll(/^not run: (.*)$/gm)].map((match) => match[1] ?? '');
  const during = readNote(note);
  const where = during === '' ? '' : `, during "${during}"`;

  let failed = total === undefined ? 0 : total - passed + skipped;
  const problems: string[] = [];
  if (failed - skipped > 0) problems.push(`${failed - skipped} failed`);
  if (skipped > 0) problems.push(`${skipped} skipped`);
  if (ending.timedOut) problems.push(`killed after ${timeoutSeconds} s${where}`);
  else if (ending.signal !== null) problems.push(`ended by ${ending.signal}${where}`);
  else if (ending.code !== 0 && failed === 0) problems.push(`exit code ${ending.code}${where}`);
  else if (total === undefined) problems.push(`ended without a summary (no run() at its end?)${where}`);
  else if (total === 0 && notRun.length === 0 && values.filter === '') problems.push('ran no test');
  // A file that broke outside of its tests still counts as one failure.
  if (problems.length > 0 && failed === 0) failed = 1;
  return {
    file,
    passed,
    failed,
    problem: problems.length > 0 ? problems.join(', ') : undefined,
    notRun,
    output: ending.output,
    seconds: (performance.now() - started) / 1_000,
  };
}

function runNode(file: string, note: string): Promise<Ending> {
  const extra = (process.env.GENLOOP_NODE_ARGS ?? '').split(' ').filter((word) => word !== '');
  const child = spawn(
    process.execPath,
    [...extra, '--conditions=genloop-source', '--import', import.meta.resolve('tsx'), file],
    {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        GENLOOP_TEST_FILTER: values.filter,
        GENLOOP_TEST_NOTE: note,
        // tsx writes its cache while tests run already, which looks like descriptors coming and going.
        TSX_DISABLE_CACHE: '1',
      },
    },
  );
  running.add(child);
  return new Promise((settle) => {
    const chunks: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, timeoutSeconds * 1_000);
    const done = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      running.delete(child);
      settle({ code, signal, timedOut, output: Buffer.concat(chunks).toString() });
    };
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => {
      chunks.push(Buffer.from(String(error)));
      done(1, null);
    });
    child.on('exit', (code, signal) => {
      killGroup(child);
      // Normally 'close' follows at once.
      const grace = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, PIPE_GRACE_MS);
      child.on('close', () => {
        clearTimeout(grace);
        done(code, signal);
      });
    });
  });
}

/** Ends a test file's process and all that it started. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: all of them have ended already.
  }
}

function lastCount(output: string, label: string): number | undefined {
  const matches = [...output.matchAll(new RegExp(`^ {2}${label}: +(\\d+)$`, 'gm'))];
  const count = matches.at(-1)?.[1];
  return count === undefined ? undefined : Number(count);
}

function readNote(note: string): string {
  try {
    return readFileSync(note, 'utf8');
  } catch {
    return '';
  }
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) {
    console.error(`${option} wants a number greater than 0, not "${text}"`);
    process.exit(2);
  }
  return value;
}
