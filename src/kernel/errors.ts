/** The errors of tasks. Each has a `code`; a cancel keeps Node's own (`ABORT_ERR`), so that code for Node's aborts works. */

import type { Task } from './task.ts';

/** Who cancelled: a call of `cancel`, a failure elsewhere, a signal of the system, or the end of the run. */
export type CancelSource = 'explicit' | 'sibling' | 'signal' | 'shutdown';

/** Thrown into a cancelled task at each of its traps. `name` and `code` are those of Node's `AbortError`. */
export class CancelError extends Error {
  override readonly name = 'AbortError' as const;
  readonly code = 'ABORT_ERR' as const;
  /** Who cancelled. */
  readonly source: CancelSource;
  /** What was given to `cancel`. */
  readonly reason: unknown;

  /** @internal */
  constructor(source: CancelSource, reason: unknown) {
    // A cancel is control flow: its stack would show the canceller, and costs seventy times the rest.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(typeof reason === 'string' ? `the task was cancelled: ${reason}` : 'the task was cancelled', {
      cause: reason,
    });
    Error.stackTraceLimit = limit;
    this.source = source;
    this.reason = reason;
  }
}

/** Whether an error is a cancel on its way through a task, ours or Node's. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'ABORT_ERR';
}

/** Thrown to whoever joins a task that was cancelled. `code` is `'ERR_GENLOOP_CANCELLED'`. */
export class TaskCancelledError extends Error {
  override readonly name = 'TaskCancelledError' as const;
  readonly code = 'ERR_GENLOOP_CANCELLED' as const;

  /** @internal */
  constructor(task: Task<unknown>, cause: unknown) {
    super(`${task} was cancelled`, { cause });
  }
}

/** Nothing can ever happen again, and tasks still wait. `code` is `'ERR_GENLOOP_DEADLOCK'`. */
export class DeadlockError extends Error {
  override readonly name = 'DeadlockError' as const;
  readonly code = 'ERR_GENLOOP_DEADLOCK' as const;
  /** The tasks that wait, in the order of their start. */
  readonly tasks: readonly Task<unknown>[];

  /** @internal */
  constructor(tasks: readonly Task<unknown>[], where: (task: Task<unknown>) => string | undefined) {
    const lines = tasks.map((task) => {
      const place = where(task);
      return `  ${task} waits for ${task.waitsFor}${place === undefined ? '' : ` at ${place}`}`;
    });
    super(`nothing is ready, no timer is set, nothing waits for I/O, and yet:\n${lines.join('\n')}`);
    this.tasks = tasks;
  }
}

/** The library was used in a way that cannot work; the message says what to do. `code` is `'ERR_GENLOOP_MISUSE'`. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError' as const;
  readonly code = 'ERR_GENLOOP_MISUSE' as const;

  constructor(message: string) {
    super(message);
  }
}

/** A bug in the library. The run ends and no task goes on. `code` is `'ERR_GENLOOP_INTERNAL'`, the bug is the `cause`. */
export class InternalError extends Error {
  override readonly name = 'InternalError' as const;
  readonly code = 'ERR_GENLOOP_INTERNAL' as const;

  /** @internal */
  constructor(cause: unknown) {
    super('internal error: the scheduler itself failed; please report it', { cause });
  }
}
