/**
 * What has to be built before anything can be measured. C++ comes from CMake's build where there is one, and is
 * compiled here otherwise. Our TypeScript is turned into plain JavaScript first: then nothing of a loader is in
 * the process that is measured, and it imports the package as a user does, from dist/.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { Failure } from './context.ts';

/** The repository. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
/** Where everything lands that is built for the benchmark. */
const OUTPUT: string = path.join(ROOT, 'build', 'bench');
const SCRIPTS: string = path.join(OUTPUT, 'js');
const CXX_SOURCES: string = path.join(ROOT, 'native', 'bench');

/** A way to start a program, or the reason why it cannot be started here. */
export type Program = { command: string[] } | { missing: string };

/** The newest change among a file and the headers that belong to it. */
function newest(source: string, folder?: string): number {
  const headers =
    folder !== undefined && existsSync(folder) ? readdirSync(folder).map((f) => path.join(folder, f)) : [];
  return Math.max(...[source, ...headers].map((file) => statSync(file).mtimeMs));
}

/** Path of a program from native/bench. */
export function cxx(name: string): string {
  const source = path.join(CXX_SOURCES, `${name}.cc`);
  const binary = path.join(OUTPUT, name);
  if (existsSync(binary) && statSync(binary).mtimeMs >= newest(source, path.join(CXX_SOURCES, name))) return binary;
  mkdirSync(OUTPUT, { recursive: true });
  const compilers = process.env.CXX === undefined ? ['c++', 'g++', 'clang++'] : [process.env.CXX];
  for (const compiler of compilers) {
    const result = spawnSync(compiler, ['-O2', '-std=c++17', source, '-o', binary], { encoding: 'utf8' });
    if (result.error !== undefined) continue;
    if (result.status !== 0)
      throw new Failure(`${compiler} could not compile native/bench/${name}.cc:\n${result.stderr}`);
    return binary;
  }
  throw new Failure(`native/bench/${name}.cc: no C++ compiler found (tried ${compilers.join(', ')}); set CXX`);
}

/** A peer in Python. */
export function python(script: string, ...args: string[]): Program {
  // The interpreter itself: version managers put a shell script in its place.
  const probe = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  if (probe.status !== 0) return { missing: 'python3 is not installed' };
  return { command: [probe.stdout.trim(), path.join(ROOT, 'bench', 'peers', script), ...args] };
}

/** A peer in Go, compiled. */
export function go(name: string): Program {
  const source = path.join(ROOT, 'bench', 'peers', `${name}.go`);
  const binary = path.join(OUTPUT, `${name}_go`);
  if (!existsSync(binary) || statSync(binary).mtimeMs < newest(source)) {
    mkdirSync(OUTPUT, { recursive: true });
    const build = spawnSync('go', ['build', '-o', binary, source], { encoding: 'utf8' });
    if (build.error !== undefined) return { missing: 'go is not installed' };
    if (build.status !== 0) return { missing: `go build failed: ${build.stderr.trim().split('\n').at(-1)}` };
  }
  return { command: [binary] };
}

/** A peer in plain JavaScript for this Node. */
export function node(script: string, ...args: string[]): Program {
  return { command: [process.execPath, path.join(ROOT, 'bench', 'peers', script), ...args] };
}

/** The same command, with a peer's script loaded before the program. */
export function preloaded(command: readonly string[], script: string): string[] {
  const [executable = '', ...rest] = command;
  return [executable, '--import', pathToFileURL(path.join(ROOT, 'bench', 'peers', script)).href, ...rest];
}

/** A TypeScript program of the repository, compiled, with genloop from dist/. */
export function genloop(source: string, ...args: string[]): Program {
  if (!existsSync(path.join(ROOT, source))) return { missing: `${source} does not exist` };
  upToDate();
  return { command: [process.execPath, transpile(source), ...args] };
}

let checked = false;

/** Builds dist/ if a source is younger: yesterday's figures under today's commit are worse than none. */
function upToDate(): void {
  if (checked) return;
  checked = true;
  const built = path.join(ROOT, 'dist', 'index.js');
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const youngest = Math.max(...sources.map((file) => statSync(path.join(ROOT, 'src', file)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs >= youngest) return;
  const { status } = spawnSync(process.execPath, ['scripts/build-dist.mjs'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Failure('dist/ could not be built from src/: what tsc says stands above');
}

/** Compiles the whole folder of `source`, since a program may import its neighbours. */
function transpile(source: string): string {
  const folder = path.dirname(source);
  const from = path.join(ROOT, folder);
  const to = path.join(SCRIPTS, folder);
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const { outputText } = ts.transpileModule(readFileSync(path.join(from, file), 'utf8'), {
      fileName: file,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ES2022,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const target = path.join(to, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  return path.join(SCRIPTS, source.replace(/\.ts$/, '.js'));
}

/** `python3 --version` and the like: the first line of what a command prints, or `undefined`. */
export function versionOf(command: string, ...args: string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0];
  } catch {
    return undefined;
  }
}
