/** Which tests decide over mutants. */

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Folders, and single files, with tests of the kernel, the poller and the scheduler. */
const PLACES = ['test/kernel', 'test/poller', 'test/scheduler', 'test/mutation/programs.ts'];

/** Files that are left out, with the reason. */
const LEFT_OUT = new Map([
  ['test/kernel/group-many.test.ts', 'groups of a hundred thousand tasks take their time'],
  ['test/scheduler/threads.test.ts', 'threads take half a second each, and die without telling what they reached'],
]);

/** Sources over which tests that start programs decide, too, and which: such a test takes a hundred times as long as others. */
const PROGRAMS = new Map([
  ['src/scheduler/blocking.ts', 'signals.test.ts'],
  ['src/scheduler/guest.ts', 'guest.test.ts'],
  ['src/scheduler/interrupts.ts', 'signals.test.ts'],
  ['src/scheduler/observe.ts', 'debug.test.ts'],
  ['src/scheduler/signals.ts', 'on-signal.test.ts'],
]);

/** The test files, by their paths inside of `root`. */
export function testFiles(root) {
  return PLACES.flatMap((place) => {
    if (place.endsWith('.ts')) return [place];
    return readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `${place}/${name}`);
  })
    .filter((file) => !LEFT_OUT.has(file))
    .sort();
}

/** Whether a test that starts programs decides over a source. */
export function startsProgramsFor(file, source) {
  for (const [of, test] of PROGRAMS) if (source.endsWith(of) && basename(file) === test) return true;
  return false;
}

/** These try every mutant that they reach, however long they take. */
export const ALWAYS = ['test/mutation/programs.ts'];

/** Whether a test file stands for a source. */
export function isNamesake(file, source) {
  return basename(file).startsWith(`${basename(source, '.ts')}.`);
}

/** Whether a test file is in the folder that stands for a source's. */
export function isNeighbour(file, source) {
  return basename(dirname(file)) === basename(dirname(source));
}
