/**
 * The suite on a machine that stands still at random moments, as a loaded one does: `test/support/stalls.ts` says how. GENLOOP_TEST_STALLS=7 takes
 * that seed alone; otherwise three. Takes the words and options of the test command.
 */

import { suiteForEach } from './suite.mjs';

const { GENLOOP_TEST_STALLS: asked } = process.env;
/** Tests that make no system call of ours. */
const WITHOUT_CALLS = 'runner,layers,package,loader,browser';

const seeds = asked === undefined ? ['1', '2', '3'] : [asked];
suiteForEach(
  seeds.map((seed) => ({ GENLOOP_TEST_STALLS: seed })),
  WITHOUT_CALLS,
);
