/**
 * What the environment asks for, so that a program can be looked into without a change: `GENLOOP_PS=1` and
 * `GENLOOP_TRACE=file`. Called once, by the import of `genloop`, before any task can run. (Not by a dynamic import, which a
 * program that calls `runSync` at once would not wait for; and not by a top-level `await`, with which nobody could
 * `require` this package.)
 */

import { isMainThread, process, threadId } from '../platform/node.ts';
import { installPs } from './install.ts';
import { startTrace } from './trace.ts';

/** Stands in a file's name for the process. */
const PROCESS = '%p';

/** Does what the environment asks for, for the rest of the process. */
export function inspectAsAsked(env: NodeJS.ProcessEnv = process.env): void {
  const { GENLOOP_PS, GENLOOP_TRACE } = env;
  // Threads get no signals.
  if (GENLOOP_PS === '1' && isMainThread) installPs();
  if (GENLOOP_TRACE !== undefined && GENLOOP_TRACE !== '') startTrace({ file: fileOf(GENLOOP_TRACE) });
}

/** Each process, and each thread, needs a file of its own. */
function fileOf(name: string): string {
  const file = name.replaceAll(PROCESS, String(process.pid));
  return isMainThread ? file : `${file}.${threadId}`;
}
