/** The test command once for each value of an environment variable. The words and options of the command line go to each. */

import { spawnSync } from 'node:child_process';
import { ROOT } from './native-sources.mjs';

/** `except`: parts of paths, with commas between them, of the files that are left out. The process fails if one of the runs does. */
export function suiteForEach(variable, values, except) {
  for (const value of values) {
    console.log(`${variable}=${value}`);
    const args = ['--import', 'tsx', 'test/run.ts', '--except', except, ...process.argv.slice(2)];
    const env = { ...process.env, [variable]: value };
    const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
    if (status !== 0) process.exitCode = status ?? 1;
  }
}
