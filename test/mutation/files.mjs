/** Which tests decide over mutants. */

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Folders, and single files, with tests of the kernel, the poller and the scheduler. */
const PLACES = ['test/kernel', 'test/poller', 'test/scheduler', 'test/mutation/programs.ts'];

/** Files that are left out, with the reason. */
const LEFT_OUT = new Map([['test/kernel/group-many.test.ts', 'groups of a hundred thousand tasks take their time']]);

/**
 * Sources that have to do with the process as a whole: their mutants are also tried by tests that start programs and threads,
 * which take a hundred times as long as the others.
 */
const OF_THE_PROCESS = [
  'src/scheduler/active.ts',
  'src/scheduler/blocking.ts',
  'src/scheduler/debug.ts',
  'src/scheduler/guest.ts',
  'src/scheduler/interrupts.ts',
  'src/scheduler/observe.ts',
  'src/scheduler/run.ts',
  'src/scheduler/running.ts',
  'src/scheduler/scheduler.ts',
  'src/scheduler/signals.ts',
];

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

/** Whether tests that start programs may decide over the mutants of a source. */
export function isOfTheProcess(source) {
  return OF_THE_PROCESS.some((each) => source.endsWith(each));
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
