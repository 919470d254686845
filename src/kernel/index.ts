/**
 * The kernel of the scheduler: tasks, operations, frames and timers. It knows no descriptor and loads no addon.
 *
 * @module kernel
 */

export {
  type Body,
  cancelScope,
  cleanup,
  deadline,
  effectiveDeadline,
  failAfter,
  moveOnAfter,
  type ScopeOptions,
  shield,
} from './blocks.ts';
export { runningTask } from './current.ts';
export {
  CancelError,
  type CancelSource,
  DeadlockError,
  errorsOf,
  firstOf,
  InternalError,
  isCancelled,
  MisuseError,
  TaskCancelledError,
  TimeoutError,
} from './errors.ts';
export { type ChildOptions, checkPolicy, type ErrorPolicy, Group, type GroupOptions, group } from './group.ts';
export { type Host, Kernel, type KernelOptions, type Spawnable, type SpawnOptions } from './kernel.ts';
export { Local } from './local.ts';
export { type Co, isOp, Op, PENDING, pass, type Waker } from './operation.ts';
export { routine } from './routine.ts';
export { type CancelOptions, CancelScope } from './scope.ts';
export { sleep } from './sleep.ts';
export { Task, type TaskState } from './task.ts';
export { Timer, Timers } from './timers.ts';
