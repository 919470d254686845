/**
 * Compiles the sources and tests of Stryker's copy, file by file, into `mutated/`: a process for each mutant has no time for a
 * compiler. Nothing is bundled, as library and tests ask where their code stands. What Stryker has put into the sources
 * switches between the mutants: all are compiled at once.
 */

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { COMPILED } from './places.mjs';

const root = process.cwd();
const out = join(root, COMPILED);
const SUITE = resolve(root, 'test/support/suite.ts');
const OUR_SUITE = resolve(root, 'test/mutation/suite.ts');
const INSIDE = pathToFileURL(join(out, 'test/mutation/inside.js')).href;

mkdirSync(out);
symlinkSync(join(root, 'build'), join(out, 'build'));
symlinkSync(join(root, 'native'), join(out, 'native'));
const { name, version, type, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const compiled = JSON.stringify({ name, version, type, exports }).replace(/("genloop-source":"[^"]*)\.ts"/g, '$1.js"');
writeFileSync(join(out, 'package.json'), compiled);

const files = ['src', 'test', 'examples'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
);
await Promise.all(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')).map(compile));

async function compile(file) {
  const path = join(root, file);
  let source = readFileSync(path, 'utf8');
  // As if it had been compiled in place, on the fly: that is how tests look for their own names in stacks.
  const url = pathToFileURL(join(out, file)).href;
  if (!file.startsWith('src/')) {
    source = source
      .replaceAll('import.meta.url', JSON.stringify(url))
      .replace(/import\.meta\.resolve\('tsx(\/esm\/api)?'\)/g, JSON.stringify(INSIDE))
      // What is started by its name.
      .replace(/(\b(?:index|debug-program)|\/src\/[\w/-]+)\.ts(?=['"`])/g, '$1.js');
  }
  const { code } = await transform(source, {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    keepNames: true,
    sourcefile: url,
    sourcemap: 'inline',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  const to = join(out, file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, relinked(code, path));
}

/** The code with imports of the compiled files, and of our suite in place of uvu's. */
function relinked(code, path) {
  return code.replace(/((?:from|import)\s*\(?\s*)"(\.[^"]*)\.[jt]s"/g, (_all, verb, target) => {
    const wanted = resolve(dirname(path), `${target}.ts`);
    if (wanted !== SUITE || path === OUR_SUITE) return `${verb}"${target}.js"`;
    return `${verb}${JSON.stringify(pathToFileURL(join(out, 'test/mutation/suite.js')).href)}`;
  });
}
