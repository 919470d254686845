/** What a program may choose about its scheduler. */

import type { ErrorPolicy } from '../kernel/index.ts';
import type { BackendName, Sys } from '../os/index.ts';
import {
  chooseMode,
  RECEIVE_MODES,
  RECEIVE_VARIABLE,
  type ReceiveMode,
  SEND_MODES,
  SEND_VARIABLE,
  type SendMode,
} from '../poller/index.ts';

/** Options of a a `Scheduler`. */
export interface SchedulerOptions {
  /** Which readiness call to use; default: `GENLOOP_BACKEND`, else the best of this system. */
  backend?: BackendName;
  /**
   * Who receives for a task that is parked in a stream's read: the wait itself, for all of them in one crossing, or the task once it
   * runs; default: `GENLOOP_RECEIVE`, else `'wait'`.
   */
  receive?: ReceiveMode;
  /**
   * Who sends a short write of a stream while other tasks are ready: the round, for all of its tasks in one crossing, or the task at once; default:
   * `GENLOOP_SEND`, else `'round'`.
   */
  send?: SendMode;
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

/** Who moves the bytes of streams. */
export interface Transfers {
  readonly receive: ReceiveMode;
  readonly send: SendMode;
}

/** What the options, else the environment, else the defaults say. Throws `RangeError`. */
export function chooseTransfers({ receive, send }: SchedulerOptions): Transfers {
  return {
    receive: chooseMode('receive', RECEIVE_MODES, RECEIVE_VARIABLE, receive),
    send: chooseMode('send', SEND_MODES, SEND_VARIABLE, send),
  };
}
