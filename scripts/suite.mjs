/** The test command once for each of several environments. The words and options of the command line go to each. */

import { spawnSync } from 'node:child_process';
import { ROOT } from './native-sources.mjs';

/** `environments`: what each adds to ours. `except`: parts of paths, with commas between them, of the files that are left out. The process fails if one of the runs does. */
export function suiteForEach(environments, except) {
  for (const added of environments) {
    console.log(
      Object.entries(added)
        .map(([variable, value]) => `${variable}=${value}`)
        .join(' '),
    );
    const args = ['--import', 'tsx', 'test/run.ts', '--except', except, ...process.argv.slice(2)];
    const env = { ...process.env, ...added };
    const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
    if (status !== 0) process.exitCode = status ?? 1;
  }
}
