/** The package as a consumer gets it: packed, installed into an empty project, its addon compiled there, imported. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { notRun, suite } from './support/suite.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What npm says when no registry answers. */
const OFFLINE = /ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/;

interface Result {
  ok: boolean;
  stdout: string;
  output: string;
}

function run(folder: string, command: string, ...args: string[]): Promise<Result> {
  // Not the settings of the `npm test` around this one: they name its folder and its scripts.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)/.test(name)),
  );
  return new Promise((done) => {
    execFile(command, args, { cwd: folder, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      done({ ok: error === null, stdout, output: `${stdout}${stderr}` });
    });
  });
}

async function runWell(folder: string, command: string, ...args: string[]): Promise<string> {
  const { ok, stdout, output } = await run(folder, command, ...args);
  assert.ok(ok, `${command} ${args.join(' ')} failed:\n${output}`);
  return stdout;
}

let folder = '';
let tarball = '';
let files: string[] = [];

const test = suite('package');

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'genloop-package-'));
  await runWell(ROOT, process.execPath, 'scripts/build-dist.mjs');
  const packed = await runWell(ROOT, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder);
  const answer = JSON.parse(packed) as unknown;
  // npm 12 gives an object by package name, earlier ones an array.
  const entries = (Array.isArray(answer) ? answer : Object.values(answer as object)) as {
    filename: string;
    files: { path: string }[];
  }[];
  const [entry] = entries;
  assert.ok(entry !== undefined);
  tarball = join(folder, entry.filename);
  files = entry.files.map(({ path }) => path);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test('the tarball has what a consumer needs', () => {
  const needed = [
    'LICENSE',
    'package.json',
    'bin/genloop.js',
    'scripts/build-addon.mjs',
    'scripts/native-sources.mjs',
    'native/sources.gypi',
    'dist/os/loader.js',
    'dist/os/loader.d.ts',
    'dist/os/loader.js.map',
    'src/os/loader.ts',
  ];
  for (const file of needed) assert.ok(files.includes(file), `${file} is missing`);
  assert.ok(files.some((file) => /^native\/core\/.*\.cc$/.test(file)));
  assert.ok(files.some((file) => /^native\/binding\/.*\.cc$/.test(file)));
});

test('and nothing else: with a binding.gyp in it npm would want to build it, and refuse', () => {
  const allowed = [
    /^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/,
    /^bin\/genloop\.js$/,
    /^(dist|src)\//,
    /^native\/(core|binding)\/[^/]+\.(cc|h)$/,
    /^native\/sources\.gypi$/,
    /^prebuilds\/[^/]+\/addon\.node$/,
    /^scripts\/(build-addon|native-sources)\.mjs$/,
  ];
  assert.equal(
    files.filter((file) => !allowed.some((pattern) => pattern.test(file))),
    [],
  );
});

test('an empty project installs it, compiles the addon and imports every entry', async () => {
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=0', '--fetch-timeout=10000'];
  const installed = await run(project, 'npm', 'install', ...quiet, tarball);
  if (!installed.ok && OFFLINE.test(installed.output)) return notRun('installing the package: no registry answers');
  assert.ok(installed.ok, installed.output);

  await runWell(project, 'npx', '--no-install', 'genloop', 'build');
  writeFileSync(
    join(project, 'main.js'),
    `import { readFileSync } from 'node:fs';
     import { loadAddon } from './node_modules/genloop/dist/os/loader.js';
     const { exports } = JSON.parse(readFileSync('node_modules/genloop/package.json', 'utf8'));
     for (const entry of Object.keys(exports)) {
       if (entry !== './package.json') await import('genloop' + entry.slice(1));
     }
     console.log(typeof loadAddon());`,
  );
  const env = { ...process.env };
  delete process.env.GENLOOP_ADDON;
  try {
    assert.is((await runWell(project, process.execPath, 'main.js')).trim(), 'object');
  } finally {
    if (env.GENLOOP_ADDON !== undefined) process.env.GENLOOP_ADDON = env.GENLOOP_ADDON;
  }
});

test.run();
