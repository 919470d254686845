/** What tests about cancelling say often. */

import { type Co, sleep, type Task } from '../../src/kernel/index.ts';
import type { World } from './world.ts';

/** Spawns a task of its own. */
export function start<T>(world: World, body: () => Co<T>): Task<T> {
  return world.kernel.spawn(body());
}

/** What a subroutine throws; fails if it throws nothing. */
export function* caught(body: () => Co<unknown>): Co<unknown> {
  try {
    yield* body();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Waits until it is cancelled. */
export function* forever(): Co<void> {
  yield* sleep(Number.POSITIVE_INFINITY);
}

/** Numbers from 0 on, below 1, that look random: the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
