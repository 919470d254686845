/**
 * Which schedulers run in this thread just now: for whoever looks on from outside (`genloop/inspect`, on a signal). A set
 * of those that a drive has taken up, and nothing that is touched in a step.
 */

import { activeScheduler } from './active.ts';
import type { Scheduler } from './scheduler.ts';

const driven = new Set<Scheduler>();

/** @internal A drive takes it up. */
export function driveBegins(scheduler: Scheduler): void {
  driven.add(scheduler);
}

/** @internal Its tasks have ended, or nobody drives it any more. */
export function driveEnds(scheduler: Scheduler): void {
  driven.delete(scheduler);
}

/** @internal Those that have tasks, in the order in which they began to run. */
export function runningSchedulers(): Scheduler[] {
  const all = new Set(driven);
  // A test may step rounds by itself.
  const active = activeScheduler();
  if (active !== null) all.add(active);
  return [...all].filter(({ size }) => size > 0);
}
