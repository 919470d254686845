/** Formats the C++ as .clang-format says, or (without --write) refuses what is not. Version 14: others format differently. */

import { spawnSync } from 'node:child_process';
import { nativeFiles } from './native-files.mjs';

const COMMAND = process.env.CLANG_FORMAT ?? 'clang-format-14';

if (spawnSync(COMMAND, ['--version'], { stdio: 'ignore' }).status !== 0) {
  console.log(`not run: ${COMMAND} is not installed (CLANG_FORMAT names another)`);
} else {
  const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror'];
  const { status } = spawnSync(COMMAND, [...mode, ...nativeFiles()], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
