/**
 * All that this library takes of Node, in one place: no other file that a browser may load imports `node:` modules or
 * uses the globals of Node. So a browser needs one file in place of another, and nothing else of the library knows of
 * the difference: `browser.ts` has the same names, and says of each what it is where there is no Node. An import map does
 * that in a page, the field `browser` of package.json in a bundler; in Node nothing has to be done or decided. (Not
 * `process.getBuiltinModule`, which Node 20.12 does not have; not a top-level `await`, with which nobody could `require`
 * this package.)
 *
 * They are Node's own, without a layer in between: in a send or a recv no call is added.
 */

/** Failed assertions that every test runner knows how to show. */
export { AssertionError } from 'node:assert';
/** The context of `AsyncLocalStorage` in which a task was spawned. */
export { AsyncResource } from 'node:async_hooks';
/** What `recv` and `read` give. */
export { Buffer } from 'node:buffer';
/** Where others hear what happens to tasks. */
export { channel } from 'node:diagnostics_channel';
/** Node's resolver of names. The module and not its functions: a program may put others in their place. */
export { default as dns } from 'node:dns';
/** Files: the addon, source maps, traces, the files of Unix sockets. */
export {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
/** The debugger, which knows where a generator stands. */
export { Session } from 'node:inspector';
/** Loading the addon, and reading source maps. */
export { createRequire, findSourceMap, SourceMap } from 'node:module';
/** The numbers of signals. */
export { constants } from 'node:os';
/** Paths of files. */
export { basename, join, relative, resolve } from 'node:path';
/** Signals, warnings, the environment, the end of the process. */
export { default as process } from 'node:process';
/** Paths of modules. */
export { fileURLToPath } from 'node:url';
/** Only one thread of a process gets signals, and each has a trace of its own. */
export { isMainThread, threadId } from 'node:worker_threads';

/** Lets the process end while this timer is set. */
export function unref(timer: NodeJS.Timeout): void {
  timer.unref();
}

/** Throws where there is no loop of Node's in which a scheduler could be a guest. Here there is one. */
export function needLoop(_verb: string): void {}
