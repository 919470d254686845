/** Which tests decide over mutants. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders, and single files, with tests of the kernel, the poller and the scheduler. */
const PLACES = (process.env.PLACES?.split(',')) ?? ['test/kernel', 'test/poller', 'test/scheduler', 'test/mutation/programs.ts'];

/**
 * Files that are left out, with the reason: what they show is worth minutes once, not once for each mutant.
 */
const LEFT_OUT = new Map([
  ['test/scheduler/signals.test.ts', 'programs'],['test/scheduler/on-signal.test.ts', 'programs'],['test/scheduler/threads.test.ts', 'threads'],
  ['test/kernel/group-many.test.ts', 'groups of a hundred thousand tasks'],
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

/** Tests that are left out, with the reason. */
export const TESTS_LEFT_OUT = new Map([
  [
    'kernel: two copies of the package understand the operations, routines and cancels of each other',
    'copies the sources, which are compiled here',
  ],
]);
