/**
 * Finds and loads the addon: the only file that does.
 *
 * Three places are tried, the most deliberate first: the file that GENLOOP_ADDON names (a sanitizer build, or one that a
 * packager put elsewhere), what was built on this machine, and what came with the package. npm runs no install scripts
 * of dependencies any more, so "there is none for this system" is an ordinary case, and its message has to say what to do.
 *
 * Importing this file does nothing; each thread loads when it first needs the addon.
 */

import { createRequire, existsSync, fileURLToPath, join, process } from '../platform/node.ts';

/** Of the package: this file is src/os/loader.ts or dist/os/loader.js. */
const ROOT_URL = '../../';

let cached: unknown;

/**
 * The addon's exports, loaded at the first call.
 *
 * @throws An `Error` with the code `ERR_GENLOOP_NO_ADDON` that lists what was tried and what to do.
 */
export function loadAddon(): unknown {
  cached ??= load();
  return cached;
}

function load(): unknown {
  if (process.platform === 'win32') {
    throw noAddon('genloop waits on Unix file descriptors and does not run on Windows; it does in WSL.');
  }
  if (typeof process.dlopen !== 'function') {
    throw noAddon(
      'genloop needs a native addon, and this JavaScript runtime cannot load one (it has no process.dlopen). ' +
        'What genloop/testing simulates needs none.',
    );
  }
  const root = fileURLToPath(new URL(ROOT_URL, import.meta.url));
  const require = createRequire(import.meta.url);
  const tried: string[] = [];
  for (const file of candidates(root)) {
    if (!existsSync(file)) {
      tried.push(`${file}: no such file`);
      continue;
    }
    try {
      return require(file);
    } catch (error) {
      tried.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const inClone = existsSync(join(root, 'binding.gyp'));
  const remedy = inClone ? 'npm run build' : 'npx genloop build';
  throw noAddon(
    `genloop has no addon that loads here (${system()}, Node ${process.version}). Tried:\n` +
      `${tried.map((line) => `  ${line}\n`).join('')}` +
      `Build one with \`${remedy}\`: it needs a C++17 compiler and the headers that come with Node.`,
  );
}

function candidates(root: string): string[] {
  const override = process.env.GENLOOP_ADDON;
  // Whoever names a file wants that one, and no other in silence.
  if (override !== undefined && override !== '') return [override];
  const built = join(root, 'build', 'Release', 'addon.node');
  const shipped = join(root, 'prebuilds', system(), 'addon.node');
  return [built, shipped];
}

/** As the folders in prebuilds/ are named. */
function system(): string {
  return `${process.platform}-${process.arch}${isMusl() ? '-musl' : ''}`;
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  const before = report.excludeNetwork;
  // Otherwise the report looks up the names of all peers.
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime === undefined;
  } finally {
    if (before !== undefined) report.excludeNetwork = before;
  }
}

function noAddon(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_GENLOOP_NO_ADDON' });
}
