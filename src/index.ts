/**
 * What a program of tasks needs. The layers below are modules of their own: `genloop/os`, `genloop/poller`,
 * `genloop/kernel`, `genloop/scheduler`.
 *
 * @module genloop
 */

export {
  CancelError,
  type CancelSource,
  type Co,
  DeadlockError,
  InternalError,
  isCancelled,
  type Kernel,
  MisuseError,
  Op,
  PENDING,
  pass,
  routine,
  type Spawnable,
  type SpawnOptions,
  sleep,
  Task,
  TaskCancelledError,
  type TaskState,
  type Waker,
} from './kernel/index.ts';
export {
  type BackendName,
  ClosedError,
  Descriptor,
  type Pollable,
  Socket,
  SocketAddress,
  SystemError,
} from './os/index.ts';
export { BusyError, type PollerCounters, Readiness, readinessNames } from './poller/index.ts';
export {
  currentScheduler,
  currentTask,
  type ErrorPolicy,
  type Main,
  PriorityWait,
  ReadWait,
  run,
  runSync,
  Scheduler,
  type SchedulerOptions,
  WriteWait,
  wasInterrupted,
} from './scheduler/index.ts';
