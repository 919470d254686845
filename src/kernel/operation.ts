/**
 * Operations and wakers: the one contract between tasks and everything that a task can wait for.
 *
 * An operation is a description. The kernel tries it; if it cannot be completed at once, it parks it with a waker, made
 * for this one park, that can be claimed once. Whoever completes the operation claims the waker; a claim that
 * comes too late is told so (`false`) and keeps what it wanted to hand over. That is what lets several
 * operations wait for the same task without losing what the losers would have taken.
 */

import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';

// These are in the registry of all symbols, because two copies of a package do get installed.

/** Returned by {@link Op.try} for "not now". */
export const PENDING: unique symbol = Symbol.for('genloop.pending') as never;

/** Recognises operations of another copy of this package. */
const BRAND: unique symbol = Symbol.for('genloop.operation') as never;

/** Given to a parked operation; one per park. */
export interface Waker<T> {
  /** Hands over the result. `false`: the task does not wait here any more; keep the value. */
  wake(value: T): boolean;
  /** Makes the operation fail. `false`: the task does not wait here any more. */
  fail(error: unknown): boolean;
  /** Whose clock, timers and host to use. */
  readonly kernel: Kernel;
  /** What the operation wants to remember of this park, for its `abort`; an operation may be parked several times. */
  state: unknown;
}

/** The body of a task: what it yields are operations, subroutines, or nothing (to let others run). */
export type Co<T> = Generator<Op<unknown> | Co<unknown> | undefined, T, unknown>;

let made: ((operation: Op<unknown>) => void) | null = null;

/** @internal Calls `listener` for each operation that is made; for debug mode. */
export function onMade(listener: ((operation: Op<unknown>) => void) | null): void {
  made = listener;
}

/**
 * Something to wait for. `yield op` is a statement, `yield* op` has the result's type. May be yielded any number of
 * times, by any number of tasks.
 *
 * @example
 * class Tick extends Op<void> {
 *   try() { return PENDING; }
 *   park(waker) { waker.state = setTimeout(() => waker.wake(), 10); }
 *   abort(waker) { clearTimeout(waker.state); return true; }
 *   describe() { return 'a tick'; }
 * }
 */
export abstract class Op<T> {
  constructor() {
    made?.(this);
  }

  /** Completes at once, if that is possible. What it throws is thrown at the yield. */
  abstract try(kernel: Kernel): T | typeof PENDING;

  /** Registers the waker where it will be found. May wake or fail it at once; what it throws fails the operation. */
  abstract park(waker: Waker<T>): void;

  /**
   * Undoes a park, at most once. `true`: nothing will come of it any more. `false`: it cannot be stopped; the task
   * stays parked until the waker is claimed. `cancel` is the error that the task will see, where a cancel is the reason.
   */
  abstract abort(waker: Waker<T>, cancel?: unknown): boolean;

  /** What `DeadlockError` and messages say of it: `'sleep(100)'`. */
  abstract describe(): string;

  /** The task that alone can complete it, where there is one: what debug mode finds circles with. */
  blockedBy?(): Task<unknown> | null;

  /** Yields the operation itself, once; its result is the result of the `yield*`. */
  [Symbol.iterator](): Generator<Op<T>, T, unknown> {
    return new Once(this) as unknown as Generator<Op<T>, T, unknown>;
  }
}

// On the prototype, so that it costs the instances nothing.
Object.defineProperty(Op.prototype, BRAND, { value: true });

/** Whether a value is an operation, also one of another copy of this package. */
export function isOp(value: unknown): value is Op<unknown> {
  return value instanceof Op || (typeof value === 'object' && value !== null && BRAND in value);
}

/**
 * The iterator of an operation, which is also its own iterator result: `yield*` hands it to the kernel as it is, and
 * reads it before it can change. One object instead of three at each wait.
 */
class Once<T> {
  value: unknown;
  done: boolean = false;
  private asked = false;

  constructor(operation: Op<T>) {
    this.value = operation;
  }

  next(result: unknown): this {
    if (this.asked) {
      this.value = result;
      this.done = true;
    } else {
      this.asked = true;
    }
    return this;
  }

  // Without it, `yield*` turns an error thrown into the task into a TypeError of its own.
  throw(error: unknown): never {
    throw error;
  }

  return(value: unknown): this {
    this.value = value;
    this.done = true;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

/** The operation behind `pass()`. A kernel knows its own and never parks it; in a `select` it is an ordinary one. */
class Pass extends Op<void> {
  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    waker.wake();
  }

  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return 'pass()';
  }
}

/** @internal */
export const PASS: Op<void> = new Pass();

/** Lets all other ready tasks run first: the typed form of a bare `yield`. */
export function pass(): Op<void> {
  return PASS;
}
