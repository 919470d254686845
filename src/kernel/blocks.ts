/**
 * Blocks that can be cancelled as one, have a deadline, or a shield. In two forms: around a body
 * (`yield* failAfter(100, body)`), and for the rest of a block of the language (`using _ = deadline(100)`).
 */

import { runningTask } from './current.ts';
import type { CancelError } from './errors.ts';
import type { Spawnable } from './frames.ts';
import type { Co, Op } from './operation.ts';
import { routine } from './routine.ts';
import { CancelScope, checkDuration, checkSignal } from './scope.ts';

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

/** @internal Yield the result: a subroutine, or an operation. Throws `TypeError` if there is nothing to run. */
export function bodyOf<T, S>(body: Body<T, S>, scope: S): Op<T> | Co<T> {
  const made = typeof body === 'function' ? body(scope) : body;
  // A yield of nothing lets others run, so it would pass for a body that has done its work.
  if (made === undefined) {
    throw new TypeError(
      'a body is a generator, an operation, or a function that returns one; was a `return` forgotten?',
    );
  }
  return made;
}

/** @internal A scope that the running task has entered. */
export function entered(options: ScopeOptions): CancelScope {
  const task = runningTask();
  const { signal, timeout, shield = false } = options;
  // Before anything is entered.
  if (timeout !== undefined) checkDuration('timeout', timeout);
  checkSignal(signal);
  const scope = new CancelScope(task.kernel, task);
  scope.shielded = shield;
  scope.enter();
  if (timeout !== undefined) scope.expireAfter(timeout);
  scope.follow(signal);
  return scope;
}

/**
 * @internal What becomes of an error at the end of a scope's block: dropped if it is the scope's own cancel, thrown
 * otherwise. If a scope further out has been cancelled since, that one wins (rule 28).
 */
export function dropOwn(scope: CancelScope, error: unknown): void {
  // An error says more than the scopes that were forgotten on its way.
  scope.unwind();
  if (error !== scope.error || error === null) throw error;
  if (scope.inForce !== error) throw scope.inForce;
}

/**
 * Runs a body in a scope of its own. The result of the body, or `undefined` if the scope was cancelled and the body did
 * not complete.
 *
 * @example
 * const found = yield* cancelScope(function* (scope) {
 *   onKey('q', () => scope.cancel('no longer wanted'));
 *   return yield* search();
 * });
 */
export const cancelScope: <T>(body: Body<T>, options?: ScopeOptions) => Op<T | undefined> = routine(
  function* cancelScope<T>(body: Body<T>, options: ScopeOptions = {}): Co<T | undefined> {
    const scope = entered(options);
    try {
      return (yield bodyOf(body, scope)) as T;
    } catch (error) {
      dropOwn(scope, error);
      return undefined;
    } finally {
      scope[Symbol.dispose]();
    }
  },
);

/**
 * Gives a body `ms` milliseconds, and throws `TimeoutError` if it takes longer. A body that completes keeps its result,
 * however long it took. `undefined` only if the body's scope was cancelled by hand. Rules 25-28.
 */
export const failAfter: <T>(ms: number, body: Body<T>) => Op<T> = routine(function* failAfter<T>(
  ms: number,
  body: Body<T>,
): Co<T> {
  const scope = entered({ timeout: ms });
  try {
    return (yield bodyOf(body, scope)) as T;
  } catch (error) {
    dropOwn(scope, error);
    return expired(error);
  } finally {
    scope[Symbol.dispose]();
  }
});

/** Gives a body `ms` milliseconds, and returns the fallback if it takes longer. Rules 25-28. */
export const moveOnAfter: <T, F = undefined>(ms: number, body: Body<T>, fallback?: F) => Op<T | F> = routine(
  function* moveOnAfter<T, F>(ms: number, body: Body<T>, fallback?: F): Co<T | F> {
    const scope = entered({ timeout: ms });
    try {
      return (yield bodyOf(body, scope)) as T;
    } catch (error) {
      dropOwn(scope, error);
      return fallback as F;
    } finally {
      scope[Symbol.dispose]();
    }
  },
);

/**
 * Runs clean-up that has to wait: cancels from outside do not reach it for `ms` milliseconds; then it fails with
 * `TimeoutError`. For `finally` blocks, in which every other trap throws the cancel again. Rule 10.
 */
export const cleanup: <T>(ms: number, body: Body<T>) => Op<T> = routine(function* cleanup<T>(
  ms: number,
  body: Body<T>,
): Co<T> {
  const scope = entered({ timeout: ms, shield: true });
  try {
    return (yield bodyOf(body, scope)) as T;
  } catch (error) {
    dropOwn(scope, error);
    return expired(error);
  } finally {
    scope[Symbol.dispose]();
  }
});

/**
 * A deadline for the rest of a block: `using _ = deadline(100)`. After it each trap in the block throws the
 * `TimeoutError`. The result is the scope, whose deadline can be moved. Cancelled by hand, it throws its cancel, and
 * the block has no end at which that would be dropped: use `cancelScope` for it. Throws `MisuseError` outside of a
 * task. Rule 27.
 */
export function deadline(ms: number): CancelScope {
  const scope = entered({ timeout: ms });
  scope.failOnExpiry();
  return scope;
}

/**
 * A shield for the rest of a block, for at most `ms` milliseconds: `finally { using _ = shield(1000); yield* … }`. Then
 * each trap in it throws a `TimeoutError`. Throws `MisuseError` outside of a task. Rule 10.
 */
export function shield(ms: number): CancelScope {
  const scope = entered({ timeout: ms, shield: true });
  scope.failOnExpiry();
  return scope;
}

/**
 * Milliseconds until the nearest deadline that can end a wait here: 0 where a cancel is in force, `Infinity` if there
 * is none. Throws `MisuseError` outside of a task. Rule 26.
 */
export function effectiveDeadline(): number {
  return runningTask().scope.effectiveDeadline;
}

/** The scope's own cancel, at the end of a block that fails when its time is up. */
function expired(error: unknown): never {
  const { source, reason } = error as CancelError;
  if (source === 'deadline') throw reason;
  return undefined as never;
}
