/** src/ into dist/, by tsc alone. dist/ is emptied first: what a renamed file left behind would be published. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from './native-sources.mjs';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
process.exitCode = status ?? 1;
