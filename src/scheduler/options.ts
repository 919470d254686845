/** What a program may choose about its scheduler. */

import type { ErrorPolicy } from '../kernel/index.ts';
import type { BackendName, Sys } from '../os/index.ts';
import type { ReceiveMode } from '../poller/index.ts';

/** Options of a a `Scheduler`. */
export interface SchedulerOptions {
  /** Which readiness call to use; default: `GENLOOP_BACKEND`, else the best of this system. */
  backend?: BackendName;
  /**
   * Who receives for a task that is parked in a stream's read: the wait itself, for all of them in one crossing, or the task once it
   * runs; default: `GENLOOP_RECEIVE`, else `'wait'`.
   */
  receive?: ReceiveMode;
  /** The system to call; default: the real one. */
  sys?: Sys;
  /** What to do when a task fails; default `'cancel'`. */
  onError?: ErrorPolicy;
  /**
   * Whether each task runs in the `AsyncLocalStorage` context in which it was spawned; default true. A few nanoseconds a step, and some bytes
   * a task. Rule 46.
   */
  asyncContext?: boolean;
  /** Cancels all tasks of the first run when it is aborted. */
  signal?: AbortSignal;
  /** Steps ready tasks in an order drawn from this seed, to find out what depends on the order. For tests. */
  seed?: number;
}
