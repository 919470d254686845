/**
 * `npm start` in a fresh clone: builds the addon if it is missing or old, then runs examples/start.ts from source, with this
 * terminal, and ends as it ends.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureAddon } from './addon.mjs';
import { BuildError } from './build-addon.mjs';
import { ROOT } from './native-sources.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM'];

const tsx = findTsx();
if (tsx === undefined) {
  console.error('genloop: the packages it is developed with are not installed yet: run `npm install` first.');
  process.exitCode = 1;
} else {
  try {
    await ensureAddon();
    start(tsx);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`genloop: ${error.message}`);
    process.exitCode = 1;
  }
}

function findTsx() {
  if (!existsSync(join(ROOT, 'node_modules'))) return undefined;
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  } catch {
    return undefined;
  }
}

function start(tsx) {
  const args = ['--conditions=genloop-source', '--import', tsx, join(ROOT, 'examples', 'start.ts')];
  const child = spawn(process.execPath, [...args, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the child as well, and a second one means "at once": it must not get the first one twice.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
    // The listeners above keep nothing alive; this process ends by itself.
  });
}
