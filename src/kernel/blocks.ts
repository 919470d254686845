/**
 * Blocks that can be cancelled as one, have a deadline, or a shield. In two forms: around a body (`yield* failAfter(100, body)`), and for
 * the rest of a block of the language (`using _ = deadline(100)`).
 */

import { runningTask } from './current.ts';
import { CancelError } from './errors.ts';
import type { Spawnable } from './kernel.ts';
import type { Co, Op } from './operation.ts';
import { routine } from './routine.ts';
import { CancelScope, checkDuration } from './scope.ts';

/** What a block runs: a generator, an operation, or a function that gets the block's scope and makes one of them. */
export type Body<T, S = CancelScope> = Spawnable<T> | ((scope: S) => Spawnable<T>);

/** Options of a block. */
export interface ScopeOptions {
  /** Cancels the scope when it is aborted. */
  signal?: AbortSignal;
  /** Milliseconds after which the scope is cancelled. */
  timeout?: number;
  /** Whether cancels from outside stop here. Give such a scope a `timeout`. */
  shield?: boolean;
}

/** @internal Yield the result: a subroutine, or an operation. */
export function bodyOf<T, S>(body: Body<T, S>, scope: S): Op<T> | Co<T> {
  return typeof body === 'function' ? body(scope) : body;
}

/** @internal A scope that the running task has entered. */
export function entered(options: ScopeOptions): CancelScope {
  const task = runningTask();
  const { signal, timeout, shield = false } = options;
  if (timeout !== undefined) checkDuration('timeout', timeout);
  const scope = new CancelScope(task.kernel, task);
  scope.shielded = shield;
  scope.enter();
  try {
    if (timeout !== undefined) scope.expireAfter(timeout);
    scope.follow(signal);
  } catch (error) {
    scope[Symbol.dispose]();
    throw error;
  }
  return scope;
}

/**
 * @internal What becomes of an error at the end of a scope's block: dropped (`true`) if it is the scope's own cancel, thrown otherwise. If
 * a scope further out has been cancelled since, that one wins (rule 28).
 */
export function dropOwn(scope: CancelScope, error: unknown): true {
  if (error !== scope.error || error === null) throw error;
  if (scope.inForce !== error) throw scope.inForce;
  return true;
}

/**
 * Runs a body in a scope of its own. The result of the body, or `undefined` if the scope was cancelled and the body did not complete.
 *
 * @example
 * const found = yield* cancelScope(function* (scope) {
 *   onKey('q', () => scope.cancel('no longer wanted'));
 *   return yield* search();
 * });
 */
export const cancelScope: <T>(body: Body<T>, options?: ScopeOptions) => Op<T | undefined> = routine(
  function* cancelScope<T>(body: Body<T>, options: ScopeOptions = {}): Co<T | undefined> {
    using scope = entered(options);
    try {
      return (yield bodyOf(body, scope)) as T;
    } catch (error) {
      dropOwn(scope, error);
      return undefined;
    }
  },
);

/**
 * Gives a body `ms` milliseconds, and throws `TimeoutError` if it takes longer. A body that completes keeps its result, however long it
 * took. `undefined` only if the body's scope was cancelled by hand. Rules 25-28.
 */
export const failAfter: <T>(ms: number, body: Body<T>) => Op<T> = routine(function* failAfter<T>(
  ms: number,
  body: Body<T>,
): Co<T> {
  using scope = entered({ timeout: ms });
  try {
    return (yield bodyOf(body, scope)) as T;
  } catch (error) {
    dropOwn(scope, error);
    return expired(scope, error);
  }
});

/** Gives a body `ms` milliseconds, and returns the fallback if it takes longer. Rules 25-28. */
export const moveOnAfter: <T, F = undefined>(ms: number, body: Body<T>, fallback?: F) => Op<T | F> = routine(
  function* moveOnAfter<T, F>(ms: number, body: Body<T>, fallback?: F): Co<T | F> {
    using scope = entered({ timeout: ms });
    try {
      return (yield bodyOf(body, scope)) as T;
    } catch (error) {
      dropOwn(scope, error);
      return fallback as F;
    }
  },
);

/**
 * Runs clean-up that has to wait: cancels from outside do not reach it for `ms` milliseconds; then it fails with `TimeoutError`. For
 * `finally` blocks, in which every other trap throws the cancel again. Rule 10.
 */
export const cleanup: <T>(ms: number, body: Body<T>) => Op<T> = routine(function* cleanup<T>(
  ms: number,
  body: Body<T>,
): Co<T> {
  using scope = entered({ timeout: ms, shield: true });
  try {
    return (yield bodyOf(body, scope)) as T;
  } catch (error) {
    dropOwn(scope, error);
    return expired(scope, error);
  }
});

/**
 * A deadline for the rest of a block: `using _ = deadline(100)`. After it each trap in the block throws the `TimeoutError`. The result
 * is the scope, whose deadline can be moved. Throws `MisuseError` outside of a task. Rule 27.
 */
export function deadline(ms: number): CancelScope {
  const scope = entered({ timeout: ms });
  scope.failOnExpiry();
  return scope;
}

/**
 * A shield for the rest of a block, for at most `ms` milliseconds: `finally { using _ = shield(1000); yield* … }`. Then each trap in it
 * throws a `TimeoutError`. Throws `MisuseError` outside of a task. Rule 10.
 */
export function shield(ms: number): CancelScope {
  const scope = entered({ timeout: ms, shield: true });
  scope.failOnExpiry();
  return scope;
}

/** Milliseconds until the nearest deadline that can end a wait here; `Infinity` if there is none. Rule 26. */
export function effectiveDeadline(): number {
  return runningTask().scope.effectiveDeadline;
}

function expired(scope: CancelScope, error: unknown): never {
  if (error instanceof CancelError && error.source === 'deadline') throw scope.timeoutError();
  return undefined as never;
}
