/** The rooms: imports go down only, the addon is loaded in one place, and a file can be read in one sitting. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LONGEST_FILE = 400;
const LOADER = 'src/os/loader.ts';

/** Which rooms a room may import, besides whatever those may. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  os: ['platform'],
  poller: ['os'],
  kernel: [],
  sync: ['kernel'],
  scheduler: ['kernel', 'poller'],
  net: ['scheduler', 'sync'],
  workers: ['net'],
  messaging: ['workers'],
  testing: ['scheduler', 'net'],
  inspect: ['scheduler'],
};

/** Rooms that ask nothing of what they run on. */
const WITHOUT_NODE: readonly string[] = ['kernel', 'sync'];

/** What a browser loads, and the file in which all of that meets Node: there another takes its place. */
const IN_BROWSER: readonly string[] = ['kernel', 'sync', 'os', 'poller', 'scheduler', 'net', 'testing', 'inspect'];
const NODE = 'src/platform/node.ts';
/** Globals that only Node has. Those of the guest's loop are not among them: where there is none, it is not entered. */
const NODE_GLOBALS: readonly string[] = ['process', 'Buffer', 'global'];

interface Import {
  file: string;
  /** As written: `./x.ts`, `node:fs`, `genloop`. */
  what: string;
  /** Path from the repository's folder, for relative ones. */
  target: string | undefined;
}

function filesIn(folder: string, pattern: RegExp): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.split(sep).includes('node_modules'))
    .map((name) => join(folder, name))
    .sort();
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Imports, exports from, `import()` and `import type`, as the compiler's own scanner sees them. */
function importsOf(file: string): Import[] {
  return ts.preProcessFile(read(file), true, true).importedFiles.map(({ fileName: what }) => ({
    file,
    what,
    target: what.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), what)) : undefined,
  }));
}

/** What is left of a file when its types are gone: what it imports, by which names, and which other names it uses. */
function runTimeOf(file: string): { imported: string[]; names: Set<string>; used: Set<string> } {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
  const imported: string[] = [];
  const names = new Set<string>();
  const used = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const isType = ts.isImportDeclaration(node) ? node.importClause?.isTypeOnly === true : node.isTypeOnly;
      if (isType || node.moduleSpecifier === undefined) return;
      imported.push((node.moduleSpecifier as ts.StringLiteral).text);
      const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined;
      if (bindings !== undefined && ts.isNamedImports(bindings))
        for (const one of bindings.elements) names.add(one.name.text);
      return;
    }
    if (ts.isIdentifier(node) && !isName(node)) used.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { imported, names, used };
}

/** Whether it says what something is called, and does not stand for it: `x.name`, `{ name: x }`, `name() {}`. */
function isName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent)) return false;
  return (parent as Partial<ts.NamedDeclaration>).name === node;
}

/** `os` for `src/os/socket.ts`; undefined for `src/index.ts` and for what is not in `src`. */
function roomOf(file: string): string | undefined {
  const [top, room, rest] = file.split(sep);
  return top === 'src' && rest !== undefined ? room : undefined;
}

/** The room itself and everything below it. */
function below(room: string): Set<string> {
  const reached = new Set([room]);
  for (const one of reached) for (const next of ROOMS[one] ?? []) reached.add(next);
  return reached;
}

function none(complaints: readonly string[]): void {
  assert.ok(complaints.length === 0, `\n      ${complaints.join('\n      ')}`);
}

const sources = filesIn('src', /\.ts$/);
const imports = sources.flatMap(importsOf);
const test = suite('layers');

test('every source file lies in a room that the table names, but for the index', () => {
  none(sources.filter((file) => file !== 'src/index.ts' && !Object.hasOwn(ROOMS, roomOf(file) ?? '')));
});

test('a room imports itself and the rooms below it', () => {
  none(
    imports.flatMap(({ file, what, target }) => {
      const room = roomOf(file);
      if (target === undefined || room === undefined) return [];
      const to = roomOf(target);
      return to !== undefined && below(room).has(to) ? [] : [`${file} imports ${what}: ${room} may not`];
    }),
  );
});

test('no room reaches itself again through others', () => {
  const edges = new Map<string, Set<string>>();
  for (const { file, target } of imports) {
    const from = roomOf(file) ?? 'index';
    const to = target === undefined ? undefined : (roomOf(target) ?? 'index');
    if (to !== undefined && to !== from) edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
  const cycles: string[] = [];
  const walk = (room: string, path: readonly string[]): void => {
    if (path.includes(room)) cycles.push([...path.slice(path.indexOf(room)), room].join(' -> '));
    else for (const next of edges.get(room) ?? []) walk(next, [...path, room]);
  };
  for (const room of edges.keys()) walk(room, []);
  none(cycles);
});

test("the library imports nothing but itself and Node's modules, and the browser's rooms not even those", () => {
  none(
    imports.flatMap(({ file, what, target }) => {
      if (target !== undefined) return [];
      const room = roomOf(file);
      const allowed = what.startsWith('node:') && !(room !== undefined && WITHOUT_NODE.includes(room));
      return allowed ? [] : [`${file} imports ${what}`];
    }),
  );
});

test('what a browser loads meets Node in one file, and takes from it by name even what is global', () => {
  const entries = ['src/index.ts', ...IN_BROWSER.map((room) => join('src', room, 'index.ts'))];
  const reached = new Set(entries.filter((file) => sources.includes(file)));
  const complaints: string[] = [];
  for (const file of reached) {
    if (file === NODE) continue;
    const { imported, names, used } = runTimeOf(file);
    for (const what of imported) {
      if (what.startsWith('.')) reached.add(relative(ROOT, resolve(ROOT, dirname(file), what)));
      else complaints.push(`${file} imports ${what}; let it come from ${NODE}`);
    }
    for (const name of NODE_GLOBALS) {
      if (used.has(name) && !names.has(name))
        complaints.push(`${file} uses the global ${name}; import it from ${NODE}`);
    }
  }
  assert.ok(reached.has(NODE), `nothing imports ${NODE}`);
  none(complaints);
});

test('one file alone loads the addon', () => {
  // It takes what it needs for that from the file that takes everything of Node.
  const others = sources.filter((file) => file !== LOADER && roomOf(file) !== 'platform');
  none(others.filter((file) => /\.node['"`]|\bdlopen\(|createRequire/.test(read(file))));
});

test('the core of the addon knows no Node', () => {
  const foreign = /#include\s*["<](napi|node_api|node|uv|v8|js_native_api)[^">]*\.h|#include\s*"(\.\.\/)?binding\//;
  none(filesIn('native/core', /\.(cc|h)$/).filter((file) => foreign.test(read(file))));
});

test('examples import what a user would: the package, and Node', () => {
  none(
    filesIn('examples', /\.[mc]?[tj]s$/)
      .flatMap(importsOf)
      .flatMap(({ file, what, target }) => {
        const ours = what === 'genloop' || what.startsWith('genloop/');
        // One example may start another; none may reach into the library.
        const own = target?.startsWith(`examples${sep}`) ?? false;
        return ours || own || what.startsWith('node:') ? [] : [`${file} imports ${what}`];
      }),
  );
});

test(`no file is longer than ${LONGEST_FILE} lines`, () => {
  const files = [...sources, ...filesIn('native/core', /\.(cc|h)$/), ...filesIn('native/binding', /\.(cc|h)$/)];
  none(
    files.flatMap((file) => {
      const lines = read(file).split('\n').length - 1;
      return lines > LONGEST_FILE ? [`${file} has ${lines}`] : [];
    }),
  );
});

test.run();
