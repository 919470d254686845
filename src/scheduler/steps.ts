/** The part of a round in which tasks have their steps. */

import type { Scheduler } from './scheduler.ts';

/**
 * Steps between two questions for readiness while tasks are ready: asking costs a system call. Rule 40. More only where the last
 * answer made more tasks ready: asked before they have run, the kernel would name the same descriptors again.
 */
export const STEPS_PER_POLL: number = 64;

/**
 * Runs at most `limit` steps, sends what they have left to be sent together, and runs steps of whoever goes on with that: a task that
 * answers and reads again is parked when readiness is asked for. How many steps that were.
 */
export function runSteps(scheduler: Scheduler, limit: number): number {
  const { kernel } = scheduler;
  const steps = kernel.run(limit);
  const transmission = scheduler.pollerIfOpen?.transmission ?? null;
  if (transmission === null || transmission.size === 0) return steps;
  transmission.flush();
  const more = kernel.run(STEPS_PER_POLL);
  transmission.flush();
  return steps + more;
}
