/** What tests about cancelling say often. */

import { type CancelError, type Co, cleanup, sleep, type Task } from '../../src/kernel/index.ts';
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

/** Waits until it is cancelled, and notes why. */
export function* noted(log: string[], name: string): Co<void> {
  try {
    yield* forever();
  } catch (error) {
    const { source, reason } = error as CancelError;
    log.push(`${name}: ${source}, ${reason}`);
    throw error;
  }
}

/** The same, and takes its time to clean up. */
export function* slowToEnd(log: string[], name: string, ms: number = 0): Co<void> {
  try {
    yield* noted(log, name);
  } finally {
    yield* cleanup(1_000, sleep(ms));
    log.push(`${name} ends`);
  }
}
