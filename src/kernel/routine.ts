/**
 * Subroutines as frames. V8 resumes nested `yield*` in time proportional to their depth; a frame that the kernel keeps
 * costs the same at any depth, and recursion a hundred thousand deep does not touch the native stack.
 */

import { MisuseError } from './errors.ts';
import { type Co, isOp, Op, type PENDING } from './operation.ts';

/** Recognises calls of another copy of this package. */
const ROUTINE: unique symbol = Symbol.for('genloop.routine') as never;

/** What generator functions have in common, and nothing else. */
const GENERATOR_FUNCTION: unknown = Object.getPrototypeOf(function* () {});

/** A call of a routine: an operation that the kernel runs as a frame, a new one each time it is yielded. */
export class RoutineCall<T> extends Op<T> {
  private readonly body: (...args: never[]) => Co<T>;
  private readonly self: unknown;
  private readonly args: readonly unknown[];
  /** @internal Whether {@link RoutineCall.start} gives a generator that is certainly new. */
  readonly fresh: boolean;

  constructor(body: (...args: never[]) => Co<T>, self: unknown, args: readonly unknown[], fresh: boolean) {
    super();
    this.body = body;
    this.self = self;
    this.args = args;
    this.fresh = fresh;
  }

  /** @internal A new generator of the routine. */
  start(): Co<T> {
    return this.body.apply(this.self, this.args as never[]);
  }

  /** The routine's name, for messages. */
  get name(): string {
    return this.body.name || 'routine';
  }

  override try(): T | typeof PENDING {
    throw new MisuseError(`${this.describe()} is a subroutine: yield it, or spawn it and join the task`);
  }

  override park(): void {
    this.try();
  }

  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return `${this.name}()`;
  }
}

Object.defineProperty(RoutineCall.prototype, ROUTINE, { value: true });

/** @internal Whether a value is a routine's call, also one of another copy of this package. */
export function isRoutineCall(value: unknown): value is RoutineCall<unknown> {
  return value instanceof RoutineCall || (!(value instanceof Op) && isOp(value) && ROUTINE in value);
}

/**
 * Makes the calls of a generator function operations: `yield* f(x)` then runs `f` as a frame of the task instead of a nested
 * generator. `this` is passed on; a call can be yielded, spawned, and yielded again.
 *
 * @example
 * const fib = routine(function* (n: number): Co<number> {
 *   return n < 2 ? n : (yield* fib(n - 1)) + (yield* fib(n - 2));
 * });
 */
export function routine<A extends unknown[], T, S = unknown>(
  body: (this: S, ...args: A) => Co<T>,
): (this: S, ...args: A) => Op<T> {
  if (typeof body !== 'function') throw new TypeError('routine takes a generator function');
  const fresh = Object.getPrototypeOf(body) === GENERATOR_FUNCTION;
  return function call(this: S, ...args: A): Op<T> {
    return new RoutineCall<T>(body as unknown as (...args: never[]) => Co<T>, this, args, fresh);
  };
}
