/**
 * A process that runs tests on mutants, one order after the other, or on none and notes what each test reaches. Started by
 * `runner.mjs`, which says with each order which mutant is active.
 *
 * After a failure it says whether it is as good as new: whether nothing stayed open, and the test that failed passes without
 * the mutant. Otherwise the runner takes another process, and does not believe the failure if this one had a mutant before.
 */

import childProcess from 'node:child_process';
import { readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';
import { type Listed, type ListedSuite, open, settled, takeSuites } from './suite.ts';

/** What is to be done. */
interface Order {
  /** Where the answer goes. */
  readonly answer: string;
  /** The mutant that is active; none if it is empty. */
  readonly mutant: string;
  /** The test files, as URLs of compiled ones, with the ids of the tests in the order to run them; all of a file if there are none. */
  readonly files: readonly { readonly url: string; readonly file: string; readonly tests?: readonly string[] }[];
  /** End at the first failure. */
  readonly bail: boolean;
  /** So often may the mutant be passed through. */
  readonly hitLimit?: number;
}

/** What came of a test. */
interface Result {
  readonly id: string;
  readonly file: string;
  readonly ms: number;
  readonly failure?: string;
  /** It starts processes or threads. */
  readonly outside: boolean;
}

type Counts = Record<string, number>;

interface Stryker {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: { static: Counts; perTest: Record<string, Counts> };
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

/** Orders come here, a line each: the path of a file. */
const ORDERS = 0;
/** The runner reads here which test begins, and that an order is done. */
const PROGRESS = 3;
const DONE = 'done';
const PAUSE_MS = 5;
const pause = new Int32Array(new SharedArrayBuffer(4));
/** What Stryker's switches read when they are asked for the first time. */
const ACTIVE = '__STRYKER_ACTIVE_MUTANT__';

const scope = globalThis as { __stryker__?: Stryker };
scope.__stryker__ ??= {};
const stryker = scope.__stryker__;
const loaded = new Map<string, ListedSuite[]>();
/** Whether the test that runs has started something outside of this thread. */
let outside = false;
/** As under uvu: an error that nobody catches is a failure of the test that runs. */
let stray: unknown;

// Places in the tests are looked for in stacks.
process.setSourceMapsEnabled(true);
process.on('unhandledRejection', (error) => {
  stray ??= error ?? 'nothing';
});
// Node makes these at first use and keeps them.
void process.stdout;
void process.stderr;
const unused = (): void => {};
process.on('SIGWINCH', unused);
process.off('SIGWINCH', unused);
watch(childProcess, 'spawn');
watch(workerThreads, 'Worker');
syncBuiltinESMExports();

for (;;) {
  const path = nextLine();
  if (path === '') process.exit(0);
  const order = JSON.parse(readFileSync(path, 'utf8')) as Order;
  activate(order.mutant, order.hitLimit);
  const results: Result[] = [];
  let clean = true;
  for (const { url, file, tests } of order.files) {
    for (const suite of await suitesOf(url)) {
      const chosen = tests === undefined ? suite.tests : inOrder(suite.tests, file, tests);
      if (chosen.length === 0) continue;
      const before = open();
      for (const hook of suite.before) await hook();
      for (const test of chosen) {
        let result = await run(test, suite, file);
        // A test that a busy machine makes fail once in a while is no witness.
        if (order.bail && result.failure !== undefined && !result.outside) result = await run(test, suite, file);
        results.push(result);
        if (order.bail && result.failure !== undefined) {
          const { hitCount } = stryker;
          activate('');
          // What it broke in a process of its own has ended with that.
          clean = result.outside || (await run(test, suite, file)).failure === undefined;
          stryker.hitCount = hitCount;
          break;
        }
      }
      for (const hook of suite.after) await hook();
      if (results.at(-1)?.failure !== undefined && order.bail) {
        clean &&= await isSettled(before);
        break;
      }
    }
    if (results.at(-1)?.failure !== undefined && order.bail) break;
  }
  const { mutantCoverage, hitCount } = stryker;
  const answer = order.bail ? { results, hitCount, clean } : { results, mutantCoverage };
  writeFileSync(order.answer, JSON.stringify(answer));
  writeSync(PROGRESS, `${DONE}\n`);
}

function activate(mutant: string, hitLimit?: number): void {
  stryker.activeMutant = mutant;
  stryker.hitCount = hitLimit === undefined ? undefined : 0;
  stryker.hitLimit = hitLimit;
  // For the programs and threads that tests start.
  process.env[ACTIVE] = mutant;
}

/** Blocks until there is a line: no handle of Node's loop is open for that. */
function nextLine(): string {
  const line = Buffer.alloc(4096);
  for (;;) {
    try {
      const length = readSync(ORDERS, line);
      return line.toString('utf8', 0, length).trim();
    } catch (error) {
      // A program that a test started may have made the pipe non-blocking, which it is then for all.
      if ((error as { code?: string }).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }
}

async function suitesOf(url: string): Promise<ListedSuite[]> {
  let suites = loaded.get(url);
  if (suites === undefined) {
    await import(url);
    suites = takeSuites();
    loaded.set(url, suites);
  }
  return suites;
}

function inOrder(all: readonly Listed[], file: string, ids: readonly string[]): Listed[] {
  const byId = new Map(all.map((each) => [`${file} ${each.name}`, each]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

async function run({ name, body }: Listed, suite: ListedSuite, file: string): Promise<Result> {
  const id = `${file} ${name}`;
  writeSync(PROGRESS, `${id}\n`);
  outside = false;
  stryker.currentTestId = id;
  const started = process.cpuUsage();
  let failure: string | undefined;
  try {
    for (const hook of suite.beforeEach) await hook();
    const before = open();
    await body();
    await settled(before);
    for (const hook of suite.afterEach) await hook();
    if (stray !== undefined) throw stray;
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  stray = undefined;
  stryker.currentTestId = undefined;
  if (outside) addOutside(id);
  const { user, system } = process.cpuUsage(started);
  return { id, file, outside, ms: (user + system) / 1_000, ...(failure === undefined ? {} : { failure }) };
}

async function isSettled(before: ReturnType<typeof open>): Promise<boolean> {
  try {
    await settled(before);
    return true;
  } catch {
    return false;
  }
}

/** Adds what the processes and threads of a test reached. */
function addOutside(id: string): void {
  const file = process.env.GENLOOP_MUTATION_REACHED ?? '';
  if (file === '' || stryker.mutantCoverage === undefined) return;
  const { perTest } = stryker.mutantCoverage;
  perTest[id] ??= {};
  const counts = perTest[id];
  let lines: string[] = [];
  try {
    lines = readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    // They reached nothing, or were ended by a signal.
  }
  for (const line of lines) {
    for (const [mutant, count] of Object.entries(JSON.parse(line) as Counts)) {
      counts[mutant] = (counts[mutant] ?? 0) + count;
    }
  }
  rmSync(file, { force: true });
}

function watch(module: object, name: string): void {
  const noted = new Proxy((module as Record<string, object>)[name] as object, {
    apply: (target, self, given) => {
      outside = true;
      return Reflect.apply(target as () => void, self, given);
    },
    construct: (target, given, made) => {
      outside = true;
      return Reflect.construct(target as new () => object, given, made) as object;
    },
  });
  Object.assign(module, { [name]: noted });
}
