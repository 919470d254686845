/**
 * Promises inside tasks.
 *
 * A promise settles in Node's loop. So waiting for one needs a drive that lets the loop run: in `runSync()` it throws,
 * instead of waiting for what cannot come. A promise cannot be stopped either. A cancelled task abandons it, or, where
 * it was started for this one wait and got a signal, aborts it and waits until it has stopped: then nothing that it
 * began runs on behind the task's back.
 */

import { type Host, isCancelled, isOp, type Kernel, Op, PENDING, type Waker } from '../kernel/index.ts';
import type { PollingHost } from './waits.ts';

/** A promise was to be waited for where none can settle. `code` is `'ERR_GENLOOP_NO_HOST'`. */
export class NoHostError extends Error {
  override readonly name = 'NoHostError' as const;
  readonly code = 'ERR_GENLOOP_NO_HOST' as const;

  /** @internal */
  constructor(blocking: boolean) {
    const why = blocking
      ? 'runSync() owns the thread, and promises stand still until its end'
      : 'this kernel has no loop';
    super(`${why}; to wait for promises, use run(), or await them first and hand over what they gave`);
  }
}

/** @internal Throws {@link NoHostError} where promises do not settle while tasks run. */
export function requireHostLoop(kernel: Kernel): void {
  const { promises } = kernel.host as Host & Partial<PollingHost>;
  if (promises !== true) throw new NoHostError(promises === false);
}

/** A promise with those that wait for it. */
class Following<T> {
  state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  /** The value or the error. */
  outcome: unknown;
  readonly wakers: Set<Waker<T>> = new Set();

  constructor(promise: PromiseLike<T>) {
    promise.then(
      (value) => this.settle('fulfilled', value),
      (error) => this.settle('rejected', error),
    );
  }

  private settle(state: 'fulfilled' | 'rejected', outcome: unknown): void {
    this.state = state;
    this.outcome = outcome;
    for (const waker of this.wakers) {
      if (state === 'fulfilled') waker.wake(outcome as T);
      else waker.fail(outcome);
    }
    this.wakers.clear();
  }
}

/**
 * One for each promise: a loop that waits for the same one a million times leaves one reaction at it, and not a
 * million.
 */
const followings = new WeakMap<PromiseLike<unknown>, Following<unknown>>();

function follow<T>(promise: PromiseLike<T>): Following<T> {
  let following = followings.get(promise) as Following<T> | undefined;
  if (following === undefined) {
    following = new Following(promise);
    followings.set(promise, following as Following<unknown>);
  }
  return following;
}

/** @internal What all waits for promises share. */
export abstract class PromiseWait<T> extends Op<T> {
  override try(kernel: Kernel): T | typeof PENDING {
    requireHostLoop(kernel);
    return PENDING;
  }
}

class Until<T> extends PromiseWait<T> {
  private readonly promise: PromiseLike<T>;
  /** `null`: a thenable that is no plain promise. It may be lazy, and begin its work when it is asked. */
  private readonly following: Following<T> | null;

  constructor(promise: PromiseLike<T>) {
    super();
    this.promise = promise;
    // From here on: a task that is cancelled at this very yield abandons it, which must not end the process.
    this.following = promise instanceof Promise && promise.then === Promise.prototype.then ? follow(promise) : null;
  }

  override try(kernel: Kernel): T | typeof PENDING {
    const { following } = this;
    super.try(kernel);
    if (following === null || following.state === 'pending') return PENDING;
    if (following.state === 'rejected') throw following.outcome;
    return following.outcome as T;
  }

  override park(waker: Waker<T>): void {
    const following = this.following ?? follow(Promise.resolve(this.promise));
    waker.state = following;
    following.wakers.add(waker);
  }

  override abort(waker: Waker<T>): boolean {
    (waker.state as Following<T>).wakers.delete(waker);
    return true;
  }

  override describe(): string {
    return 'a promise';
  }
}

/** One call that is under way. */
interface Call {
  readonly controller: AbortController;
  /** The cancel that its task is to see. */
  cancel: unknown;
}

class UntilCall<T> extends PromiseWait<T> {
  private readonly begin: (signal: AbortSignal) => PromiseLike<T> | T;

  constructor(begin: (signal: AbortSignal) => PromiseLike<T> | T) {
    super();
    this.begin = begin;
  }

  override park(waker: Waker<T>): void {
    const call: Call = { controller: new AbortController(), cancel: undefined };
    waker.state = call;
    Promise.resolve(this.begin(call.controller.signal)).then(
      (value) => waker.wake(value),
      (error) => waker.fail(call.cancel !== undefined && isAbort(error, call.cancel) ? call.cancel : error),
    );
  }

  override abort(waker: Waker<T>, cancel?: unknown): boolean {
    const call = waker.state as Call;
    call.cancel = cancel;
    call.controller.abort(cancel);
    // What was begun is waited for.
    return false;
  }

  override describe(): string {
    return this.begin.name === '' ? 'a promise' : `a promise of ${this.begin.name}()`;
  }
}

/** Whether an error says no more than that the call was aborted. */
function isAbort(error: unknown, cancel: unknown): boolean {
  // A DOMException has the name and another code.
  return error === cancel || isCancelled(error) || (error instanceof Error && error.name === 'AbortError');
}

/**
 * Waits for a promise; its rejection is thrown. In two forms:
 *
 * - `until(promise)`: a cancel abandons the promise. What it becomes then is ignored, also a rejection. It counts as
 *   handled as soon as `until` was called. Another thenable than a promise (a query builder) is asked only at the
 *   `yield`, at each one.
 * - `until((signal) => promise)`: the function is called at the `yield`. A cancel aborts the signal, with the cancel as
 *   its reason, and the task goes on when the promise has settled. If it rejects with the abort, the task sees the
 *   cancel; with any other error, that error (rule 12); if it is fulfilled nevertheless, the task has the value, and
 *   its cancel comes at the next `yield` (rule 4). A promise that never settles after the abort is waited for for ever.
 *   One that loses a `select` is aborted and not waited for.
 *
 * Throws {@link NoHostError} at the `yield` in `runSync()`, and in a kernel without a loop around it; `TypeError` for
 * what is neither.
 *
 * @example
 * const response = yield* until((signal) => fetch(url, { signal }));
 * const text = yield* until(response.text());
 */
export function until<T>(source: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T> | T)): Op<T> {
  if (isThenable<T>(source)) return new Until(source);
  if (typeof source === 'function') return new UntilCall(source);
  throw new TypeError(`until takes a promise, or a function that makes one, not ${nameOf(source)}`);
}

function isThenable<T>(value: unknown): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function';
}

/** @internal What an error calls a value that cannot be waited for. */
export function nameOf(value: unknown): string {
  if (isOp(value)) return 'an operation; yield it as it is';
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object (${value.constructor?.name ?? 'without a class'})`;
}
