/**
 * uvu's `suite`, with three additions: every test must leave the process as it found it (descriptors and handles of
 * Node's loop, see `leaks.ts`), tests can be chosen by name, and the runner can learn which test was under way when a
 * process crashed or hung.
 *
 * The check is wrapped around the test's own function and is not an `after.each` hook: uvu calls those a second
 * time when one throws, outside of any test, and then ends without a summary.
 */

import { writeFileSync } from 'node:fs';
import { suite as uvuSuite } from 'uvu';
import { type Holdings, holdings, settled } from './leaks.ts';
import { underSeeds } from './seeds.ts';
import { renewStalls, stallIfAsked } from './stalls.ts';

/** The body of a test. */
export type TestBody = () => void | Promise<void>;

/** A set of tests: call it to add one, then `run()`. */
export interface Suite {
  (name: string, body: TestBody): void;
  /** Runs only such tests, for the time of an investigation: the runner counts the others as failures. */
  only(name: string, body: TestBody): void;
  /** Runs a function before the first test of this suite; what it opens, `after` has to close. */
  before: Hook;
  /** Runs a function after the last test. */
  after: Hook;
  /** Queues the suite. A file that does not call this runs nothing, and the runner says so. */
  run(): void;
}

/** `before(f)` once around the suite, `before.each(f)` around every test. */
export interface Hook {
  (body: TestBody): void;
  each(body: TestBody): void;
}

const filter: string = process.env.GENLOOP_TEST_FILTER ?? '';
const noteFile: string | undefined = process.env.GENLOOP_TEST_NOTE;

stallIfAsked();

/** A new set of tests under a common title. */
export function suite(title: string): Suite {
  const inner = uvuSuite(title);
  let atStart: Holdings | undefined;
  let failures = 0;
  inner.before(async () => {
    atStart = await holdings();
  });
  const wanted = (name: string): boolean => `${title} ${name}`.includes(filter);
  const add = (name: string, body: TestBody): void => {
    if (wanted(name)) inner(name, guard(name, body));
  };
  const guard = (name: string, body: TestBody) => async (): Promise<void> => {
    note(`${title}: ${name}`);
    const before = await holdings();
    failures++;
    renewStalls();
    await underSeeds(body);
    refuse(await settled(before), 'the test');
    failures--;
  };
  const run = (): void => {
    // Registered last, so that it runs after the suite's own clearing up.
    inner.after(async () => {
      note('');
      // A failed test may well have left something; uvu would forget its message if this threw too.
      if (atStart !== undefined && failures === 0) refuse(await settled(atStart), `suite "${title}"`);
    });
    inner.run();
  };
  return Object.assign(add, {
    only: (name: string, body: TestBody): void => inner.only(name, guard(name, body)),
    before: loud(inner.before as Hook, `before "${title}"`),
    after: loud(inner.after as Hook, `after "${title}"`),
    run,
  });
}

/** Says that something was left out because this machine cannot do it. The runner repeats it above its last line. */
export function notRun(why: string): void {
  // uvu writes its dots without a line end.
  process.stdout.write(`\nnot run: ${why}\n`);
}

/** uvu counts the tests as failed when a hook throws, and loses what it threw. */
function loud(hook: Hook, where: string): Hook {
  const wrap = (body: TestBody) => async (): Promise<void> => {
    try {
      await body();
    } catch (error) {
      console.error(`\n${where}:`, error);
      throw error;
    }
  };
  const add = (body: TestBody): void => hook(wrap(body));
  return Object.assign(add, { each: (body: TestBody): void => hook.each(wrap(body)) });
}

function refuse(found: readonly string[], who: string): void {
  if (found.length > 0) throw new Error(`${who} left something behind:\n      ${found.join('\n      ')}`);
}

function note(what: string): void {
  if (noteFile !== undefined) writeFileSync(noteFile, what);
}
