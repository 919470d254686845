/** Whose turn it is: set while a scheduler runs steps, so that code inside a step finds its scheduler. */

import { MisuseError, type Task } from '../kernel/index.ts';
import type { Scheduler } from './scheduler.ts';

let active: Scheduler | null = null;

/** @internal */
export function activeScheduler(): Scheduler | null {
  return active;
}

/** @internal Only the drives set it. */
export function setActiveScheduler(scheduler: Scheduler | null): void {
  active = scheduler;
}

/** The scheduler whose step is running. Throws `MisuseError` outside of a step. */
export function currentScheduler(): Scheduler {
  if (active === null) throw new MisuseError('no task is running here; call it from inside a task');
  return active;
}

/** The task whose step is running. Throws `MisuseError` outside of a step. */
export function currentTask(): Task<unknown> {
  const task = currentScheduler().currentTask;
  if (task === null) throw new MisuseError('no task is running here; call it from inside a task');
  return task;
}
