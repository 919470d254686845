/**
 * The addon as an implementation of {@link Sys}, and the question "whose system calls does this code use?".
 *
 * Nothing is loaded at import: a program that only ever uses a simulated system needs no addon at all. The
 * calls are the addon's own functions, without a wrapper of ours in between (a crossing is what a system
 * call from JavaScript mostly costs).
 */

import { loadAddon } from './loader.ts';
import type { NodeLoop, Sys } from './sys.ts';

let addon: (Sys & NodeLoop) | undefined;
let entered: Sys | undefined;

function loaded(): Sys & NodeLoop {
  // A copy, because V8 keeps an addon's exports as a hash table: each call would look up its function by name.
  addon ??= { ...(loadAddon() as Sys & NodeLoop) };
  return addon;
}

/** The operating system itself. Throws `ERR_GENLOOP_NO_ADDON`, with what to do, where the addon was not built. */
export function realSys(): Sys {
  return loaded();
}

/** Whether this is the operating system itself. Loads nothing: without the addon no system is. */
export function isRealSys(sys: Sys): boolean {
  return sys === addon;
}

/** Node's event loop of the calling thread, for the guest. Throws `ERR_GENLOOP_NO_ADDON` like {@link realSys}. */
export function nodeLoop(): NodeLoop {
  return loaded();
}

/** The system that calls go to just now: the running scheduler's inside a step, otherwise the real one. */
export function currentSys(): Sys {
  return entered ?? loaded();
}

/**
 * Makes `sys` the current system and returns the one before, to be put back by the same function. Schedulers do
 * this around their turns.
 */
export function enterSys(sys: Sys | undefined): Sys | undefined {
  const before = entered;
  entered = sys;
  return before;
}
