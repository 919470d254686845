/**
 * The kernel of the scheduler: tasks, operations, frames and timers. It knows no descriptor and loads no addon.
 *
 * @module kernel
 */

export {
  CancelError,
  type CancelSource,
  DeadlockError,
  InternalError,
  isCancelled,
  MisuseError,
  TaskCancelledError,
} from './errors.ts';
export { type Host, Kernel, type KernelOptions, type Spawnable, type SpawnOptions } from './kernel.ts';
export { type Co, isOp, Op, PENDING, pass, type Waker } from './operation.ts';
export { routine } from './routine.ts';
export { sleep } from './sleep.ts';
export { Task, type TaskState } from './task.ts';
export { Timer, Timers } from './timers.ts';
