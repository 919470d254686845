/** The errors of tasks. Each has a `code`; a cancel keeps Node's own (`ABORT_ERR`), so that code for Node's aborts works. */

import type { CancelScope } from './scope.ts';
import type { Task } from './task.ts';

/**
 * Why something was cancelled: a call of `cancel`, a deadline, the failure or the end of another task of the group, an `AbortSignal`, a signal
 * of the system, or the end of the run.
 */
export type CancelSource = 'explicit' | 'deadline' | 'sibling' | 'abort' | 'signal' | 'shutdown';

let stacks = false;

/** @internal Whether errors that are control flow get a stack, which shows who cancelled; for debug mode. Rule 9. */
export function captureStacks(wanted: boolean): void {
  stacks = wanted;
}

/** An error that is control flow. Its stack would cost many times the rest. */
abstract class StacklessError extends Error {
  constructor(message: string, cause: unknown) {
    const limit = Error.stackTraceLimit;
    if (!stacks) Error.stackTraceLimit = 0;
    super(message, { cause });
    Error.stackTraceLimit = limit;
  }
}

/** Thrown at each trap of a cancelled scope. `name` and `code` are those of Node's `AbortError`. Rule 9. */
export class CancelError extends StacklessError {
  override readonly name = 'AbortError' as const;
  readonly code = 'ABORT_ERR' as const;
  /** Why. */
  readonly source: CancelSource;
  /** What was given to `cancel`; for a deadline its `TimeoutError`, for a failure elsewhere its error. */
  readonly reason: unknown;
  // Private, so that a cancel that is printed does not bring the tree of all scopes with it.
  readonly #scope: CancelScope | null;
  readonly #by: Task<unknown> | null;

  /** @internal */
  constructor(
    source: CancelSource,
    reason: unknown,
    scope: CancelScope | null = null,
    by: Task<unknown> | null = null,
  ) {
    super(typeof reason === 'string' ? `the task was cancelled: ${reason}` : 'the task was cancelled', reason);
    this.source = source;
    this.reason = reason;
    this.#scope = scope;
    this.#by = by;
  }

  /** The scope that was cancelled. */
  get scope(): CancelScope | null {
    return this.#scope;
  }

  /** The task that asked for it; `null` for a timer or a callback. */
  get by(): Task<unknown> | null {
    return this.#by;
  }
}

/** A deadline has passed. `code` is `'ERR_GENLOOP_TIMEOUT'`. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError' as const;
  readonly code = 'ERR_GENLOOP_TIMEOUT' as const;
  /** The time that there was, in milliseconds. */
  readonly ms: number;

  /** @internal */
  constructor(ms: number) {
    super(`it took longer than ${ms} ms`);
    this.ms = ms;
  }
}

/** Whether an error is a cancel on its way through a task, ours or Node's. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'ABORT_ERR';
}

/** Under this key an error that came first carries those of its group that came after it. In the registry, as two copies of a package do get installed. */
const LATER: unique symbol = Symbol.for('genloop.laterErrors') as never;

/**
 * All errors of the group out of which this one came, in the order in which they happened; `[error]` if it was the only one. The first is
 * thrown as it is: its type does not depend on how many others failed. Rule 15.
 */
export function errorsOf(error: unknown): readonly unknown[] {
  const later =
    typeof error === 'object' && error !== null ? (error as { [LATER]?: readonly unknown[] })[LATER] : undefined;
  return [error, ...(later ?? [])];
}

/** @internal The first of them, which carries the others; printed, it shows them. The same object counts once. */
export function firstOf(errors: readonly unknown[]): unknown {
  const [first, ...later] = new Set(errors.flatMap(errorsOf));
  if (later.length > 0 && typeof first === 'object' && first !== null && Object.isExtensible(first)) {
    // Enumerable: that is what makes Node print it.
    Object.defineProperty(first, LATER, { value: later, enumerable: true, configurable: true });
  }
  return first;
}

/** Thrown to whoever joins a task that was cancelled. `code` is `'ERR_GENLOOP_CANCELLED'`. */
export class TaskCancelledError extends StacklessError {
  override readonly name = 'TaskCancelledError' as const;
  readonly code = 'ERR_GENLOOP_CANCELLED' as const;

  /** @internal */
  constructor(task: Task<unknown>, cause: unknown) {
    super(`${task} was cancelled`, cause);
  }
}

/** Nothing can ever happen again, and tasks still wait. `code` is `'ERR_GENLOOP_DEADLOCK'`. */
export class DeadlockError extends Error {
  override readonly name = 'DeadlockError' as const;
  readonly code = 'ERR_GENLOOP_DEADLOCK' as const;
  // Private, so that a deadlock that is printed does not bring the tree of all tasks with it.
  readonly #tasks: readonly Task<unknown>[];

  /** @internal */
  constructor(tasks: readonly Task<unknown>[], where: (task: Task<unknown>) => string | undefined) {
    const lines = tasks.map((task) => {
      const place = where(task);
      return `  ${task} waits for ${task.waitsFor}${place === undefined ? '' : ` at ${place}`}`;
    });
    super(`nothing is ready, no timer is set, nothing waits for I/O, and yet:\n${lines.join('\n')}`);
    this.#tasks = tasks;
  }

  /** The tasks that wait, in the order of their start. */
  get tasks(): readonly Task<unknown>[] {
    return this.#tasks;
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
