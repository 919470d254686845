/** `npm run bench`: builds the addon and the benchmark's C++ programs, then runs bench/run.ts with the arguments given. */

import { spawnSync } from 'node:child_process';
import { ROOT } from './native-sources.mjs';

run(['scripts/addon.mjs']);
run(['scripts/cmake.mjs', '--bench']);
run(['--conditions=genloop-source', '--import', 'tsx', 'bench/run.ts', ...process.argv.slice(2)]);

function run(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
