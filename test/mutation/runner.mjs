/**
 * Stryker's test runner for this project: a process for each mutant, which runs the tests that reach it, those of the same name and the
 * quick ones first, until one fails. What a mutant breaks (descriptors, handlers of signals, the heap) ends with its process.
 *
 * A mutant that loops or waits for ever is recognised by what its process does, not by the clock: by processor time far over
 * that of its tests, or by none at all for seconds. So a busy machine does not count as a test that fails.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus, TestStatus } from '@stryker-mutator/api/test-runner';
import { TESTS_LEFT_OUT, testFiles } from './files.mjs';
import { CATALOGUE, COMPILED } from './places.mjs';

/** Processor time that a process may take over what its tests took without a mutant, as a factor and in milliseconds. */
const FACTOR = 3;
const SPARE_MS = 2_500;
/** A process that sleeps for so long waits for what does not come: no test waits for anything else for longer. */
const IDLE_MS = 4_000;
/** Where nothing can be said of a process: the whole time. */
const LONGEST_MS = 60_000;
const LOOK_EVERY_MS = 200;
/** Of Linux, for programs. */
const TICK_MS = 10;
/** A mutant that allocates for ever ends soon. */
const HEAP_MB = 400;

class Runner {
  #root = process.cwd();
  #folder = mkdtempSync(join(tmpdir(), 'genloop-mutation-'));
  #catalogue;

  capabilities() {
    return { reloadEnvironment: true };
  }

  async dryRun() {
    const tests = [];
    const coverage = { static: {}, perTest: {} };
    const catalogue = [];
    for (const file of testFiles(this.#root)) {
      const ending = await this.#run({ files: [this.#compiled(file)], bail: false }, Number.POSITIVE_INFINITY);
      if (process.env.DRYLOG) console.log(file, ending.how, ending.answer?.results.reduce((x, { ms }) => x + ms, 0), performance.now());
      if (ending.answer === undefined) {
        return { status: DryRunStatus.Error, errorMessage: `${file} ${ending.how}:\n${ending.output}` };
      }
      for (const { id, ms, failure, outside } of ending.answer.results) {
        // Not worth its time.
        if (outside || TESTS_LEFT_OUT.has(id.slice(file.length + 1))) continue;
        const common = { id, name: id.slice(file.length + 1), timeSpentMs: ms, fileName: join(this.#root, file) };
        if (failure === undefined) tests.push({ ...common, status: TestStatus.Success });
        else tests.push({ ...common, status: TestStatus.Failed, failureMessage: failure });
        catalogue.push({ id, file, ms });
      }
      const reached = ending.answer.mutantCoverage;
      for (const [id, count] of Object.entries(reached?.static ?? {})) coverage.static[id] = count;
      Object.assign(coverage.perTest, reached?.perTest);
    }
    writeFileSync(join(this.#root, CATALOGUE), JSON.stringify(catalogue));
    return { status: DryRunStatus.Complete, tests, mutantCoverage: coverage };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit }) {
    this.#catalogue ??= JSON.parse(readFileSync(join(this.#root, CATALOGUE), 'utf8'));
    const wanted = testFilter && new Set(testFilter);
    const chosen = this.#catalogue.filter(({ id }) => wanted === undefined || wanted.has(id));
    const files = this.#inOrder(chosen, activeMutant.fileName);
    const expected = chosen.reduce((sum, { ms }) => sum + ms, 0);
    const ending = await this.#run({ files, bail: true, hitLimit }, expected * FACTOR + SPARE_MS, activeMutant.id);
    if (ending.timedOut) return { status: MutantRunStatus.Timeout, reason: ending.how };
    if (ending.answer === undefined) {
      const failureMessage = `the process ${ending.how}\n${ending.output}`;
      return { status: MutantRunStatus.Killed, killedBy: [chosen[0]?.id ?? ''], failureMessage, nrOfTests: chosen.length };
    }
    const { results, hitCount } = ending.answer;
    if (hitLimit !== undefined && hitCount > hitLimit) return { status: MutantRunStatus.Timeout, reason: 'hit limit' };
    const killer = results.find(({ failure }) => failure !== undefined);
    if (killer === undefined) return { status: MutantRunStatus.Survived, nrOfTests: results.length };
    const { id, failure } = killer;
    return { status: MutantRunStatus.Killed, killedBy: [id], failureMessage: failure, nrOfTests: results.length };
  }

  async dispose() {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #compiled(file) {
    return { file, url: pathToFileURL(join(this.#root, COMPILED, file.replace(/\.ts$/, '.js'))).href };
  }

  /** Those of the source's own test file first, then file by file, the quick ones first. */
  #inOrder(chosen, source) {
    const own = basename(source, '.ts');
    const files = new Map();
    for (const { id, file, ms } of [...chosen].sort((one, other) => one.ms - other.ms)) {
      const entry = files.get(file) ?? { ...this.#compiled(file), tests: [], ms: 0 };
      entry.tests.push(id);
      entry.ms += ms;
      files.set(file, entry);
    }
    const rank = ({ file, ms }) => (basename(file).startsWith(`${own}.`) ? -1 : ms);
    return [...files.values()].sort((one, other) => rank(one) - rank(other));
  }

  #run(order, limitMs, mutant = '') {
    const orderFile = join(this.#folder, 'order.json');
    const answer = join(this.#folder, 'answer.json');
    writeFileSync(orderFile, JSON.stringify({ ...order, answer }));
    rmSync(answer, { force: true });
    const child = spawn(
      process.execPath,
      [
        '--conditions=genloop-source',
        `--max-old-space-size=${HEAP_MB}`,
        join(this.#root, COMPILED, 'test/mutation/child.js'),
        orderFile,
      ],
      {
        cwd: this.#root,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, __STRYKER_ACTIVE_MUTANT__: mutant },
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        if (output.length < 20_000) output += chunk;
      });
    }
    const watch = new Watch(child.pid, limitMs);
    return new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        watch.close();
        killGroup(child.pid);
        child.stdout.destroy();
        child.stderr.destroy();
        const how = watch.reason ?? (signal === null ? `ended with code ${code}` : `was ended by ${signal}`);
        resolve({ timedOut: watch.reason !== undefined, how, output, answer: read(answer) });
      });
    });
  }
}

/** Ends a process, and all that it started, when it does nothing any more, or one thing for ever. */
class Watch {
  reason;
  #pid;
  #limit;
  #start = performance.now();
  #idleSince = performance.now();
  #used = -1;
  #timer;

  constructor(pid, limit) {
    this.#pid = pid;
    this.#limit = limit;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  close() {
    clearInterval(this.#timer);
  }

  #look() {
    const now = performance.now();
    const stat = statOf(this.#pid);
    if (stat !== undefined) {
      if (stat.used !== this.#used || stat.state !== 'S') this.#idleSince = now;
      this.#used = stat.used;
      if (stat.used > this.#limit) this.#end(`took ${stat.used} ms of processor time`);
      else if (now - this.#idleSince > (this.#limit === Number.POSITIVE_INFINITY ? 60_000 : IDLE_MS)) this.#end(`did nothing for ${IDLE_MS} ms`);
    } else if (now - this.#start > LONGEST_MS + this.#limit) {
      this.#end(`took ${LONGEST_MS + this.#limit} ms`);
    }
  }

  #end(reason) {
    this.reason ??= reason;
    killGroup(this.#pid);
  }
}

/** State and processor time of a process; `undefined` where the system does not say. */
function statOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return { state: fields[0], used: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return undefined;
  }
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: all of them have ended already.
  }
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'genloop', Runner)];
