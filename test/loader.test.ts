/** What the loader looks for, and what it says. */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.ts';

type Loader = typeof import('../src/os/loader.ts');

const LOADER = fileURLToPath(new URL('../src/os/loader.ts', import.meta.url));
const PLATFORM = fileURLToPath(new URL('../src/platform/node.ts', import.meta.url));
const BUILT = process.env.GENLOOP_ADDON ?? fileURLToPath(new URL('../build/Release/addon.node', import.meta.url));

let copies = 0;

/** The loader as a module of its own, with nothing cached. */
function fresh(file: string = LOADER): Promise<Loader> {
  return import(`${pathToFileURL(file).href}?copy=${copies++}`) as Promise<Loader>;
}

/** Runs `body` with GENLOOP_ADDON set so. */
async function withOverride(file: string | undefined, body: () => Promise<void>): Promise<void> {
  const before = process.env.GENLOOP_ADDON;
  const set = (value: string | undefined): void => {
    if (value === undefined) delete process.env.GENLOOP_ADDON;
    else process.env.GENLOOP_ADDON = value;
  };
  set(file);
  try {
    await body();
  } finally {
    set(before);
  }
}

/** Runs `body` in an installed package that has nothing but the loader, and what that takes of Node. */
async function inPackage(body: (folder: string, file: string) => Promise<void>): Promise<void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'genloop-loader-')));
  try {
    const file = join(folder, 'dist', 'os', 'loader.ts');
    mkdirSync(join(folder, 'dist', 'os'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    copyFileSync(LOADER, file);
    mkdirSync(join(folder, 'dist', 'platform'));
    copyFileSync(PLATFORM, join(folder, 'dist', 'platform', 'node.ts'));
    await withOverride(undefined, () => body(folder, file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function failure(loader: Loader): Error & { code?: string } {
  try {
    loader.loadAddon();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('the addon was loaded');
}

const musl =
  process.platform === 'linux' &&
  (process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime ===
    undefined;
const SYSTEM = `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;

const test = suite('loader');

test('the addon that was built is loaded, once', async () => {
  const { loadAddon } = await fresh();
  const addon = loadAddon();
  assert.type(addon, 'object');
  assert.is(loadAddon(), addon);
});

test('importing it loads nothing and throws nothing', async () => {
  await withOverride('/nowhere/addon.node', async () => {
    assert.type((await fresh()).loadAddon, 'function');
  });
});

test('the file that GENLOOP_ADDON names is taken, and no other in its place', async () => {
  await withOverride('/nowhere/addon.node', async () => {
    const error = failure(await fresh());
    assert.is(error.code, 'ERR_GENLOOP_NO_ADDON');
    assert.match(error.message, '/nowhere/addon.node: no such file');
    assert.not.match(error.message, 'Release');
  });
});

test('in a clone the error names the command of a clone', async () => {
  await withOverride('/nowhere/addon.node', async () => {
    assert.match(failure(await fresh()).message, '`npm run build`');
  });
});

test('in an installed package the error lists what was tried and names the command of a consumer', async () => {
  await inPackage(async (folder, file) => {
    const error = failure(await fresh(file));
    assert.is(error.code, 'ERR_GENLOOP_NO_ADDON');
    assert.match(error.message, `${join(folder, 'build', 'Release', 'addon.node')}: no such file`);
    assert.match(error.message, `${join(folder, 'prebuilds', SYSTEM, 'addon.node')}: no such file`);
    assert.match(error.message, '`npx genloop build`');
  });
});

test('why an existing file does not load is quoted', async () => {
  await inPackage(async (folder, file) => {
    mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
    const addon = join(folder, 'build', 'Release', 'addon.node');
    writeFileSync(addon, 'not a shared object, but long enough to be looked at: '.repeat(100));
    const { message } = failure(await fresh(file));
    assert.not.match(message, `${addon}: no such file`);
    assert.match(message, `${addon}: `);
  });
});

test('a prebuilt addon of this system is loaded where none was built', async () => {
  await inPackage(async (folder, file) => {
    assert.ok(existsSync(BUILT), `${BUILT} is built before the tests`);
    mkdirSync(join(folder, 'prebuilds', SYSTEM), { recursive: true });
    copyFileSync(BUILT, join(folder, 'prebuilds', SYSTEM, 'addon.node'));
    assert.type((await fresh(file)).loadAddon(), 'object');
  });
});

test('Windows, and a runtime that cannot load addons, get a sentence', async () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
  try {
    const error = failure(await fresh());
    assert.is(error.code, 'ERR_GENLOOP_NO_ADDON');
    assert.match(error.message, /Windows/);
  } finally {
    Object.defineProperty(process, 'platform', platform);
  }
  const { dlopen } = process;
  (process as { dlopen?: unknown }).dlopen = undefined;
  try {
    assert.match(failure(await fresh()).message, /runtime cannot load/);
  } finally {
    process.dlopen = dlopen;
  }
});

test.run();
