/**
 * What a page gets: the build, in a folder of its own (another test may be building `dist` just now), the import map and the page of
 * docs/browser.md, and the checks as JavaScript. By their URLs.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where the page of the documentation expects the package. */
const PACKAGE = '/node_modules/genloop/dist/';
const DOCUMENT = join(ROOT, 'docs', 'browser.md');
/** The checks and what they need. */
const PROGRAMS: readonly string[] = [
  'test/browser/checks.ts',
  'test/browser/expect.ts',
  'test/browser/kernel-checks.ts',
  'examples/servers/echo.ts',
];
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
};
/** What a page posts its lines to. */
export const RESULT = '/result';

/** The files of a small site. */
export class Site implements Disposable {
  /** The page of the documentation, as it stands there. */
  readonly page: string;
  /** Its import map. */
  readonly map: Readonly<Record<string, string>>;
  /** The build. */
  readonly folder: string;
  private readonly isOurs: boolean;
  private readonly pages: ReadonlyMap<string, string>;

  /** Builds, or serves what another site has built. Throws if the build fails, or the documentation has no page. */
  constructor(built?: string) {
    const text = readFileSync(DOCUMENT, 'utf8');
    this.page = /^```html\n(.*?)^```$/ms.exec(text)?.[1] ?? '';
    const map = /<script type="importmap">(.*?)<\/script>/s.exec(this.page)?.[1];
    const drive = /^```ts\n(.*?)^```$/ms.exec(text)?.[1];
    if (map === undefined || drive === undefined)
      throw new Error(`${DOCUMENT} has no page with an import map, or no drive`);
    this.map = (JSON.parse(map) as { imports: Record<string, string> }).imports;
    const importMap = `<script type="importmap">${map}</script>`;
    this.pages = new Map([
      ['/', page(importMap, "import('/checks.js').then(({ report }) => report())")],
      ['/document', this.page + posting('document.getElementById("out").textContent')],
      // What it logs is what it has to say.
      ['/drive', page(importMap, "(console.log = post, import('/drive.js'))")],
      ...PROGRAMS.map((file): [string, string] => [`/${basename(file, '.ts')}.js`, compiled(join(ROOT, file))]),
      ['/drive.js', ts.transpileModule(drive, { compilerOptions: OPTIONS }).outputText],
    ]);
    this.isOurs = built === undefined;
    this.folder = built ?? mkdtempSync(join(tmpdir(), 'genloop-site-'));
    if (this.isOurs) this.build();
  }

  private build(): void {
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', this.folder];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    if (status === 0) return;
    this[Symbol.dispose]();
    throw new Error(`the build failed:\n${stdout}`);
  }

  /** The text at this path, or `undefined` where there is none. */
  get(path: string): string | undefined {
    const own = this.pages.get(path);
    if (own !== undefined || !path.startsWith(PACKAGE)) return own;
    try {
      return readFileSync(join(this.folder, normalize(path.slice(PACKAGE.length))), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Where an import leads, by the import map, from the module at this path. */
  resolve(what: string, from: string): string {
    const url = /^[./]/.test(what) ? new URL(what, `http://site${from}`).pathname : what;
    return this.map[url] ?? url;
  }

  [Symbol.dispose](): void {
    if (this.isOurs) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** JavaScript of a file of ours, which finds its neighbours beside it. */
function compiled(file: string): string {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions: OPTIONS });
  return outputText.replace(/from '\.[\w./]*\/([\w-]+)\.ts'/g, "from './$1.js'");
}

/** A page that posts what a promise gives, or why it gives nothing. */
function page(importMap: string, promise: string): string {
  return `<!doctype html><meta charset="utf-8">${importMap}<script>
    function post(lines) {
      return fetch('${RESULT}', { method: 'POST', body: JSON.stringify(lines) });
    }
    // What a module logs is posted by itself.
    ${promise}.then((lines) => Array.isArray(lines) && post(lines), (error) => post('failed: ' + (error.stack ?? error)));
  </script>`;
}

/** A script that runs after the modules in front of it, whether they have failed or not. */
function posting(expression: string): string {
  return `<script type="module">await fetch('${RESULT}', { method: 'POST', body: JSON.stringify(${expression}) });</script>`;
}
