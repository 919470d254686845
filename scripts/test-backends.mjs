/** The suite once more on each backend that is not the system's best, which `npm test` runs on. Takes the words and options of the test command. */

import { spawnSync } from 'node:child_process';
import { ROOT } from './native-sources.mjs';

const BACKENDS = ['poll', 'select'];
/** Tests in which no backend takes part, or that choose each of theirs by name. */
const WITHOUT_BACKEND = 'runner,layers,package,loader,browser,test/simulation/,testing/simulation/,poller/,start.test';

for (const backend of BACKENDS) {
  console.log(`GENLOOP_BACKEND=${backend}`);
  const args = ['--import', 'tsx', 'test/run.ts', '--except', WITHOUT_BACKEND, ...process.argv.slice(2)];
  const env = { ...process.env, GENLOOP_BACKEND: backend };
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  if (status !== 0) process.exitCode = status ?? 1;
}
