/** clang-tidy over the core and the binding, with the commands that CMake recorded (`npm run build:cmake` first). */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, sourceFiles } from './native-sources.mjs';

const COMMAND = process.env.CLANG_TIDY ?? 'clang-tidy-14';
const BUILD = join(ROOT, 'build', 'cmake', 'Release');

if (!existsSync(join(BUILD, 'compile_commands.json'))) {
  console.error('clang-tidy needs the commands of the CMake build: `npm run build:cmake` first.');
  process.exitCode = 1;
} else {
  const { status, error } = spawnSync(COMMAND, ['-p', BUILD, '--quiet', ...sourceFiles()], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (error !== undefined) console.error(`${COMMAND} does not run: ${error.message}`);
  process.exitCode = status ?? 1;
}
