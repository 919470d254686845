/**
 * A process that runs some tests on one mutant, or on none and notes what each of them reaches. Started by `runner.mjs`.
 */

import childProcess from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';
import { open, settled, takeSuites } from './suite.ts';

/** What is to be done. */
interface Order {
  /** Where the answer goes. */
  readonly answer: string;
  /** The test files, as URLs of compiled ones, with the names of the tests in the order to run them; all of a file if there are none. */
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

interface Stryker {
  currentTestId?: string | undefined;
  mutantCoverage?: unknown;
  hitCount?: number;
  hitLimit?: number;
}

const order = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as Order;
const scope = globalThis as { __stryker__?: Stryker };
scope.__stryker__ ??= {};
const stryker = scope.__stryker__;
if (order.hitLimit !== undefined) Object.assign(stryker, { hitCount: 0, hitLimit: order.hitLimit });

// Places in the tests are looked for in stacks.
process.setSourceMapsEnabled(true);

/** Whether the test that runs has started something outside of this thread. */
let outside = false;
watch(childProcess, 'spawn');
watch(childProcess, 'spawnSync');
watch(childProcess, 'execFileSync');
watch(workerThreads, 'Worker');
syncBuiltinESMExports();

const results: Result[] = [];
let failed = false;
// As under uvu: an error that nobody catches is a failure of the test that runs.
let stray: unknown;
process.on('unhandledRejection', (error) => {
  stray ??= error ?? 'nothing';
});
void process.stdout;
void process.stderr;
const unused = (): void => {};
process.on('SIGWINCH', unused);
process.off('SIGWINCH', unused);

for (const { url, file, tests } of order.files) {
  await import(url);
  for (const suite of takeSuites()) {
    const chosen = tests === undefined ? suite.tests : inOrder(suite.tests, file, tests);
    if (chosen.length === 0) continue;
    for (const hook of suite.before) await hook();
    for (const { name, body } of chosen) {
      const id = `${file} ${name}`;
      stryker.currentTestId = id;
      outside = false;
      const failure = await attempt(async () => {
        for (const hook of suite.beforeEach) await hook();
        const before = open();
        await body();
        await settled(before);
        for (const hook of suite.afterEach) await hook();
      });
      stryker.currentTestId = undefined;
      results.push({ id, file, outside, ...failure });
      failed ||= failure.failure !== undefined;
      if (failed && order.bail) break;
    }
    if (failed && order.bail) break;
    for (const hook of suite.after) await hook();
  }
  if (failed && order.bail) break;
}
const { mutantCoverage, hitCount } = stryker;
writeFileSync(order.answer, JSON.stringify(order.bail ? { results, hitCount } : { results, mutantCoverage }));
process.exit(0);

function inOrder<T extends { name: string }>(all: readonly T[], file: string, ids: readonly string[]): T[] {
  const byId = new Map(all.map((each) => [`${file} ${each.name}`, each]));
  return ids.flatMap((id) => byId.get(id) ?? []);
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

async function attempt(body: () => Promise<void>): Promise<{ ms: number; failure?: string }> {
  const before = process.cpuUsage();
  let failure: string | undefined;
  try {
    await body();
    if (stray !== undefined) throw stray;
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  stray = undefined;
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1_000, ...(failure === undefined ? {} : { failure }) };
}
