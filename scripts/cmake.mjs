/**
 * The second build, by CMake (through cmake-js for the addon, which knows Node's ways; plain CMake for what has no Node in it).
 *
 *   node scripts/cmake.mjs                                       build/Release/addon.node
 *   node scripts/cmake.mjs --tag asan --sanitize address,undefined    build/asan/addon.node
 *   node scripts/cmake.mjs --tag kqueue --libkqueue /usr         with the kqueue backend over libkqueue
 *   node scripts/cmake.mjs --tag coverage --coverage
 *   node scripts/cmake.mjs --core-test [--sanitize …]            builds and runs native/test/
 *   node scripts/cmake.mjs --bench                               build/bench/*, from native/bench/*.cc
 */

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { BuildError, findHeaders } from './build-addon.mjs';
import { ROOT } from './native-sources.mjs';

const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: 'Release' },
    sanitize: { type: 'string', default: '' },
    libkqueue: { type: 'string', default: '' },
    coverage: { type: 'boolean', default: false },
    'core-test': { type: 'boolean', default: false },
    bench: { type: 'boolean', default: false },
  },
});

const require = createRequire(import.meta.url);

try {
  if (spawnSync('cmake', ['--version'], { stdio: 'ignore' }).status !== 0) {
    throw new BuildError('This build needs cmake (3.19 or newer) in the PATH. `npm run build` does without.');
  }
  if (values['core-test']) coreTest();
  else if (values.bench) plainCMake('bench', { GENLOOP_BUILD_BENCH: 'ON' });
  else addon();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`genloop: ${error.message}`);
  process.exitCode = 1;
}

function common() {
  return {
    GENLOOP_SANITIZE: values.sanitize,
    GENLOOP_COVERAGE: values.coverage ? 'ON' : 'OFF',
    LIBKQUEUE_PREFIX: values.libkqueue,
  };
}

function addon() {
  const options = {
    ...common(),
    GENLOOP_OUT: join(ROOT, 'build', values.tag),
    // Not those of cmake-js: with napi_versions it brings node_api.h without uv.h, and a foreign libuv would be found instead.
    GENLOOP_NODE_INCLUDE: findHeaders(),
    GENLOOP_NAPI_INCLUDE: dirname(require.resolve('node-addon-api/package.json')),
  };
  const cmakeJs = require.resolve('cmake-js/bin/cmake-js');
  run(process.execPath, [
    cmakeJs,
    'build',
    ...['-d', 'native', '-O', join(ROOT, 'build', 'cmake', values.tag), '-l', 'warn', '-m'],
    ...['-p', String(availableParallelism())],
    ...Object.entries(options).map(([name, value]) => `--CD${name}=${value}`),
  ]);
}

function coreTest() {
  // Always with sanitizers: nothing is preloaded here, so they cost a second and find what the test cannot see.
  const sanitize = values.sanitize || 'address,undefined';
  const folder = plainCMake('core', { ...common(), GENLOOP_SANITIZE: sanitize, GENLOOP_BUILD_TESTS: 'ON' });
  run(join(folder, 'core_test'), []);
}

/** Everything that has no Node in it. Returns the folder of the build. */
function plainCMake(name, options) {
  const folder = join(ROOT, 'build', 'cmake', name);
  const defines = Object.entries({ GENLOOP_BUILD_ADDON: 'OFF', ...options }).map(([key, value]) => `-D${key}=${value}`);
  run('cmake', ['-S', 'native', '-B', folder, '--log-level=WARNING', ...defines]);
  run('cmake', ['--build', folder, '--parallel', String(availableParallelism())]);
  return folder;
}

function run(command, args) {
  const { status, error, signal } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined) throw new BuildError(`${command} does not run: ${error.message}`);
  if (status !== 0)
    throw new BuildError(`${command} failed (${signal ?? `exit code ${status}`}); what it says stands above.`);
}
