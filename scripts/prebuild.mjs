/** The addon that was built here, stripped, into prebuilds/<platform>-<arch>[-musl]/: where the loader of a published package looks. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ensureAddon } from './addon.mjs';
import { ADDON, ROOT } from './native-sources.mjs';

await ensureAddon();
const musl = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
const folder = join(ROOT, 'prebuilds', `${process.platform}-${process.arch}${musl ? '-musl' : ''}`);
const file = join(folder, 'addon.node');
mkdirSync(folder, { recursive: true });
copyFileSync(ADDON, file);
// -x keeps the global symbols, by which Node finds the module.
const { status } = spawnSync('strip', ['-x', file], { stdio: 'inherit' });
if (status !== 0) throw new Error('strip failed: it comes with the compiler (binutils)');
console.log(`${file}: ${Math.round(statSync(file).size / 1024)} KiB`);
