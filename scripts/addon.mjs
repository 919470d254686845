/**
 * The addon in a clone: nothing if it is up to date, otherwise node-gyp (as npm brings it) through binding.gyp, otherwise
 * the plain compiler.
 *
 * node-gyp takes its headers from the folder that npm's configuration calls `nodedir`, if there is one, whatever Node runs
 * here; so it is told. And `node-gyp rebuild` would remove all of build/, the sanitizers' trees with it.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BuildError, buildAddon } from './build-addon.mjs';
import { ADDON, isUpToDate, ROOT } from './native-sources.mjs';

const PREFIX = dirname(dirname(process.execPath));

/** Builds the addon if something it is made of has changed. Throws a {@link BuildError}, or exits as the compiler did. */
export async function ensureAddon({ force = false, direct = false } = {}) {
  if (!force && isUpToDate()) return;
  const gyp = direct ? undefined : findNodeGyp();
  const python = gyp === undefined ? undefined : findPython();
  if (gyp !== undefined && python !== undefined && existsSync(join(PREFIX, 'include', 'node', 'node_api.h'))) {
    const command = [
      gyp,
      'configure',
      'build',
      `--nodedir=${PREFIX}`,
      `--python=${python}`,
      '-j',
      'max',
      '--loglevel=warn',
    ];
    const { status } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) throw new BuildError('node-gyp failed; what it says stands above.');
  } else {
    await buildAddon();
  }
  if (!existsSync(ADDON)) throw new BuildError(`The build has ended well and made no ${ADDON}.`);
}

/** npm names its own node-gyp to the scripts it runs; outside of them it lies beside node. */
function findNodeGyp() {
  const npm = process.env.npm_execpath;
  const beside = ['node_modules', 'node-gyp', 'bin', 'node-gyp.js'];
  const places = [
    process.env.npm_config_node_gyp,
    npm === undefined ? undefined : join(dirname(dirname(npm)), ...beside),
    join(PREFIX, 'lib', 'node_modules', 'npm', ...beside),
  ];
  return places.find((place) => place?.endsWith('.js') && existsSync(place));
}

function findPython() {
  const names = [process.env.npm_config_python, process.env.PYTHON, 'python3', 'python'];
  return names.find((name) => {
    if (!name) return false;
    const { status } = spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))'], { stdio: 'ignore' });
    return status === 0;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { force: { type: 'boolean', default: false }, direct: { type: 'boolean', default: false } },
  });
  try {
    await ensureAddon(values);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`genloop: ${error.message}`);
    process.exitCode = 1;
  }
}
