/**
 * `npx genloop build`: compiles the addon with a C++ compiler and Node's own headers, and nothing else. No Python, no
 * CMake, no network. It is what a consumer without a matching prebuilt binary calls, since npm lets no install
 * script do it, and what a clone falls back to where node-gyp cannot work.
 *
 * Written for Node-API, the result serves every Node version from 20 on, so the headers need not be the newest.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { ADDON, ROOT, sourceFiles } from './native-sources.mjs';

const FLAGS = ['-std=c++17', '-O2', '-Wall', '-Wextra', '-fPIC', '-fvisibility=hidden', '-fno-exceptions', '-pthread'];
const DEFINES = [
  'NAPI_VERSION=8',
  'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
  'BUILDING_NODE_EXTENSION',
  'NODE_GYP_MODULE_NAME=addon',
];

/** Something that the build needs is missing; the message says what, and where it comes from. */
export class BuildError extends Error {}

/**
 * Folder with node_api.h and uv.h. `given` may be that folder, or a prefix above it such as an unpacked Node.
 * Without it: beside the running node, then where node-gyp keeps what it has downloaded.
 */
export function findHeaders(given = process.env.GENLOOP_NODE_HEADERS) {
  const prefix = dirname(dirname(process.execPath));
  const version = process.version.slice(1);
  const caches = [join(homedir(), '.cache', 'node-gyp'), join(homedir(), 'Library', 'Caches', 'node-gyp')];
  const places = given
    ? [resolve(given), join(resolve(given), 'include', 'node')]
    : [prefix, ...caches.map((cache) => join(cache, version))].map((place) => join(place, 'include', 'node'));
  const found = places.find((place) => existsSync(join(place, 'node_api.h')) && existsSync(join(place, 'uv.h')));
  if (found !== undefined) return found;
  throw new BuildError(
    `Node's C headers (node_api.h, uv.h) are missing. Looked in:\n${places.map((place) => `  ${place}\n`).join('')}` +
      'They come with the archives from nodejs.org, with Docker images and version managers, and as a package of their own with\n' +
      'some systems (Debian: libnode-dev). Otherwise `npx node-gyp install` downloads them, or say where they are:\n' +
      '`npx genloop build --headers <folder>`.',
  );
}

/** The compiler's command line so far: $CXX, or the first of the usual names that answers. */
function findCompiler() {
  const wanted = process.env.CXX?.trim();
  const commands = wanted ? [wanted.split(/\s+/)] : [['c++'], ['g++'], ['clang++']];
  for (const [command, ...rest] of commands) {
    if (spawnSync(command, [...rest, '--version'], { stdio: 'ignore' }).status === 0) return [command, ...rest];
  }
  throw new BuildError(
    wanted
      ? `The compiler that CXX names does not run: ${wanted}`
      : 'There is no C++ compiler (tried c++, g++, clang++; $CXX names another). On Debian and Ubuntu: `apt install g++`, on Alpine:\n' +
          '`apk add g++`, on Fedora: `dnf install gcc-c++`, on macOS: `xcode-select --install`.',
  );
}

function findNodeAddonApi() {
  try {
    return dirname(createRequire(join(ROOT, 'package.json')).resolve('node-addon-api/package.json'));
  } catch {
    throw new BuildError(
      'The package node-addon-api is missing: it is a dependency of genloop, so `npm install` brings it.',
    );
  }
}

/** Compiles everything into {@link ADDON}. Rejects with a {@link BuildError} if something is missing or does not compile. */
export async function buildAddon({ headers } = {}) {
  const include = findHeaders(headers);
  const compiler = findCompiler();
  const includes = [`-I${join(ROOT, 'native')}`, '-isystem', include, '-isystem', findNodeAddonApi()];
  const sources = sourceFiles();
  mkdirSync(dirname(ADDON), { recursive: true });
  // Beside its destination, so that the last step is a rename: a process that has the old one loaded goes on.
  const work = mkdtempSync(join(dirname(dirname(ADDON)), 'direct-'));
  try {
    const objects = sources.map((source, index) => join(work, `${index}-${basename(source)}.o`));
    const queue = sources.map((source, index) => [
      ...FLAGS,
      ...DEFINES.map((define) => `-D${define}`),
      ...includes,
      '-c',
      source,
      '-o',
      objects[index],
    ]);
    const worker = async () => {
      for (let task = queue.shift(); task !== undefined; task = queue.shift()) await run(compiler, task);
    };
    console.log(`genloop: compiling ${sources.length} files with ${compiler.join(' ')}, headers from ${include}`);
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    const result = join(work, 'addon.node');
    const kind = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-pthread'];
    await run(compiler, [...kind, '-o', result, ...objects]);
    renameSync(result, ADDON);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return ADDON;
}

function run([command, ...first], rest) {
  return new Promise((done, fail) => {
    const child = spawn(command, [...first, ...rest], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', fail);
    child.on('exit', (code, signal) => {
      if (code === 0) done();
      else fail(new BuildError(`The compiler failed (${signal ?? `exit code ${code}`}); what it says stands above.`));
    });
  });
}

/** The version of this package, for the command line. */
export function version() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
}
