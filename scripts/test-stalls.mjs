/**
 * The suite on a machine that stands still at random moments, as a loaded one does: `test/support/stalls.ts` says how. GENLOOP_TEST_STALLS=7 takes
 * that seed alone; otherwise three. Takes the words and options of the test command.
 */

import { spawnSync } from 'node:child_process';
import { ROOT } from './native-sources.mjs';

const { GENLOOP_TEST_STALLS: asked } = process.env;
const SEEDS = asked === undefined ? ['1', '2', '3'] : [asked];
/** Tests that make no system call of ours. */
const WITHOUT_CALLS = 'runner,layers,package,loader,browser';

for (const seed of SEEDS) {
  console.log(`GENLOOP_TEST_STALLS=${seed}`);
  const args = ['--import', 'tsx', 'test/run.ts', '--except', WITHOUT_CALLS, ...process.argv.slice(2)];
  const env = { ...process.env, GENLOOP_TEST_STALLS: seed };
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  if (status !== 0) process.exitCode = status ?? 1;
}
