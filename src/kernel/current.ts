/** Which kernel steps just now: a block that is entered without a yield (`using deadline(100)`) asks for its task. */

import { MisuseError } from './errors.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';

let running: Kernel | null = null;

/** @internal Only a kernel sets it, around its steps; returns the one before. */
export function enterKernel(kernel: Kernel | null): Kernel | null {
  const before = running;
  running = kernel;
  return before;
}

/** The task whose step is running. Throws `MisuseError` outside of a step. */
export function runningTask(): Task<unknown> {
  const task = running?.current;
  if (task == null) throw new MisuseError('no task is running here; call it from inside a task');
  return task;
}
