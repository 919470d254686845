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
export {
  type AnyResult,
  all,
  allSettled,
  firstSuccess,
  type ResultOf,
  type Results,
  race,
  type Settled,
  type SettledResults,
  type Tasks,
} from './combine.ts';
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
export { every } from './every.ts';
export type { Spawnable } from './frames.ts';
export { type ChildOptions, checkPolicy, type ErrorPolicy, Group, type GroupOptions, group } from './group.ts';
export { type Host, Kernel, type KernelOptions, type SpawnOptions, type Surroundings } from './kernel.ts';
export { Local } from './local.ts';
export { map } from './map.ts';
export { type Observer, observers } from './observer.ts';
export { type Co, isOp, Op, onMade, PENDING, pass, type Waker } from './operation.ts';
export { routine } from './routine.ts';
export { type CancelOptions, CancelScope } from './scope.ts';
export { type Selectable, type Selected, type Selection, select } from './select.ts';
export { sleep } from './sleep.ts';
export { type Owner, Task, type TaskState } from './task.ts';
export { TaskList } from './task-list.ts';
export { Timer, Timers } from './timers.ts';
export { type Description, WaitQueue } from './wait-queue.ts';
