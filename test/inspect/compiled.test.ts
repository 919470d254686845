/**
 * Places in programs that were compiled, with the package as it is published: JavaScript with source maps beside it. Stands for
 * `source-maps.ts` and the inspector's side of `where`.
 */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import * as assert from 'uvu/assert';
import { Program, ROOT } from '../examples/program.ts';
import { suite } from '../support/suite.ts';

const test = suite('where, compiled');

const SOURCE = `// Lines that do not come through to the JavaScript.
interface Nothing {
  nothing: true;
}

import { type Co, runSync, routine, sleep } from 'genloop';
import { formatPs, formatWhere, ps, where } from 'genloop/inspect';

const inner = routine(function* inner(): Co<void> {
  const nothing: Nothing | null = null;
  yield* sleep(60_000); // line 11
});

function* worker(): Co<void> {
  yield* inner(); // line 15
}

runSync(function* main(): Co<void> {
  const { currentScheduler } = yield* import_();
  const task = currentScheduler().spawn(worker(), { name: 'worker' });
  yield* sleep(1);
  console.log(formatWhere(where(task)) + formatPs(ps(), { width: 120 }));
  task.cancel();
});

function* import_(): Co<typeof import('genloop')> {
  return genloop;
}
import * as genloop from 'genloop';
`;

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

let folder = '';

function compile(from: string, source: string, to: string, options: ts.CompilerOptions): void {
  const { outputText, sourceMapText } = ts.transpileModule(source, {
    compilerOptions: { ...OPTIONS, ...options },
    fileName: from,
  });
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, outputText);
  if (sourceMapText === undefined) return;
  // A whole compiler says how to get from the map to the source; of one file alone it knows the name only.
  const map = JSON.parse(sourceMapText) as object;
  writeFileSync(`${to}.map`, JSON.stringify({ ...map, sourceRoot: options.sourceRoot ?? '' }));
}

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'genloop-compiled-'));
  const library = join(folder, 'genloop');
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const path = join(ROOT, 'src', file);
    compile(path, readFileSync(path, 'utf8'), join(library, 'dist', file.replace(/\.ts$/, '.js')), { sourceMap: true });
  }
  writeFileSync(join(library, 'package.json'), readFileSync(join(ROOT, 'package.json')));
  mkdirSync(join(folder, 'app', 'node_modules'), { recursive: true });
  symlinkSync(library, join(folder, 'app', 'node_modules', 'genloop'));
  writeFileSync(join(folder, 'app', 'package.json'), '{ "type": "module" }');
});

test.after(() => rmSync(folder, { recursive: true }));

/** Runs the program as it was compiled, and gives what it printed. */
async function printed(flags: string[], options: ts.CompilerOptions, change?: (main: string) => void): Promise<string> {
  const main = join(folder, 'app', 'out', 'main.js');
  rmSync(dirname(main), { recursive: true, force: true });
  compile('main.ts', SOURCE, main, options);
  change?.(main);
  const built = join(ROOT, 'build', 'Release', 'addon.node');
  const addon =
    process.env.GENLOOP_ADDON ??
    (existsSync(built) ? built : join(ROOT, 'prebuilds', `${process.platform}-${process.arch}`, 'addon.node'));
  await using child = new Program([process.execPath, ...flags, main], { env: { GENLOOP_ADDON: addon } });
  const { code, stdout, stderr } = await child.ended();
  assert.is(code, 0, stderr);
  return stdout;
}

const INSIDE = { inlineSourceMap: true, sourceRoot: '' };
const BESIDE = { sourceMap: true, sourceRoot: '../src/' };

for (const [how, flags, options, file] of [
  ['with a map beside it, and no flag', [], BESIDE, 'app/src/main.ts'],
  ['with a map beside it, and --enable-source-maps', ['--enable-source-maps'], BESIDE, 'app/src/main.ts'],
  ['with a map inside', [], INSIDE, 'app/out/main.ts'],
] as const) {
  test(`lines are the source's (${how})`, async () => {
    const text = await printed([...flags], options);
    const [first, ...frames] = text.split('\n');
    assert.match(first as string, /^task 2 \(worker\): sleep\(60000\), (?:59|1) (?:s|min) left$/);
    assert.match(frames[0] as string, new RegExp(`^ {4}at .*${file}:11 inner$`));
    assert.match(frames[1] as string, new RegExp(`^ {4}at .*${file}:15 worker$`));
    // In the table it is the user's place, and not one of the library.
    assert.match(text, /^ +1 +2 +worker +sleep\(60000\), .*main\.ts:11 inner$/m);
  });
}

for (const [how, change] of [
  ['missing', (main: string) => rmSync(`${main}.map`)],
  ['broken', (main: string) => writeFileSync(`${main}.map`, '{ "version"')],
  ['empty', (main: string) => writeFileSync(`${main}.map`, '{}')],
] as const) {
  test(`without a map that can be read, lines are the program's own (${how})`, async () => {
    const text = await printed([], BESIDE, change);
    const frame = /at .*app\/out\/main\.js:(\d+) inner/.exec(text);
    assert.ok(frame !== null, text);
    const lines = readFileSync(join(folder, 'app', 'out', 'main.js'), 'utf8').split('\n');
    assert.match(lines[Number(frame?.[1]) - 1] as string, /sleep\(60_000\)/);
  });
}

test.run();
