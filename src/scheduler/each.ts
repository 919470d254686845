/**
 * Async iterables inside tasks. What makes them hard is their end: an iterator that is left has to be closed, closing
 * may wait, and a `return()` queues behind a `next()` that has not answered, which may be never.
 */

import {
  type Co,
  cleanup,
  firstOf,
  isOp,
  type Op,
  routine,
  runningTask,
  type Spawnable,
  type Waker,
} from '../kernel/index.ts';
import { checkDuration } from '../kernel/scope.ts';
import { nameOf, PromiseWait, requireHostLoop, until } from './promises.ts';

/** How long an iterator may take to close, in milliseconds. */
const CLOSING_MS = 1000;

/** What {@link each} goes through. */
export type Items<T> = AsyncIterable<T> | Iterable<T>;

/** Options of {@link each}. */
export interface EachOptions {
  /** How many milliseconds the iterator's `return()` may take; default 1000. */
  cleanup?: number;
}

/**
 * The iterator's `next()`. Asked for in the park and not before: a task that is cancelled at the yield takes no item.
 */
class Next<T> extends PromiseWait<IteratorResult<T, unknown>> {
  readonly iterator: AsyncIterator<T, unknown>;
  /** Whether `next()` was called and has not answered, and whether it has failed: then the iterator has ended. */
  state: 'idle' | 'asked' | 'failed' = 'idle';

  constructor(iterator: AsyncIterator<T, unknown>) {
    super();
    this.iterator = iterator;
  }

  override park(waker: Waker<IteratorResult<T, unknown>>): void {
    // Until it has answered without throwing.
    this.state = 'failed';
    const answer = Promise.resolve(this.iterator.next());
    this.state = 'asked';
    answer.then(
      (result) => {
        this.state = 'idle';
        waker.wake(result);
      },
      (error) => {
        this.state = 'failed';
        waker.fail(error);
      },
    );
  }

  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return 'the next item of an async iterable';
  }
}

/**
 * Runs a body for each item of an async iterable, one after the other: `for await`, for tasks. Also for plain
 * iterables, whose items are handed over as they are. `stop()` ends the loop after this body.
 *
 * The iterator is closed by its `return()` on every path but its own end. It runs behind a shield, and is waited for
 * for `cleanup` milliseconds; then `TimeoutError` is thrown. An error of `return()` is thrown too; after an error of
 * the body, it goes with that (`errorsOf`). Where a cancel comes while the next item is waited for, `return()` is
 * called and not waited for, since it would queue behind that item, which is lost; a stream of Node's is destroyed
 * then.
 *
 * Throws `NoHostError` as `until` does, for async iterables only; `TypeError` for what is no iterable.
 *
 * @example
 * yield* each(readline.createInterface({ input }), function* (line, stop) {
 *   if (line === 'quit') return stop();
 *   yield* handle(line);
 * });
 */
export const each: <T>(
  source: Items<T>,
  body: (item: T, stop: () => void) => Spawnable<unknown>,
  options?: EachOptions,
) => Op<void> = routine(function* each<T>(
  source: Items<T>,
  body: (item: T, stop: () => void) => Spawnable<unknown>,
  options: EachOptions = {},
): Co<void> {
  const { cleanup: limit = CLOSING_MS } = options;
  checkDuration('cleanup', limit);
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  if (!isAsyncIterable(source)) {
    // The language closes this iterator on every path.
    for (const item of checkIterable(source)) {
      yield body(item, stop);
      if (stopped) return;
    }
    return;
  }
  const task = runningTask();
  // Before the iterator is made, which may begin something.
  requireHostLoop(task.kernel);
  const next = new Next(source[Symbol.asyncIterator]());
  try {
    while (!stopped) {
      const result = yield* next;
      if (result.done === true) return;
      yield body(result.value, stop);
    }
  } catch (error) {
    const cut = task.scope.issued(error);
    try {
      yield* close(next, source, limit);
    } catch (raised) {
      if (task.scope.issued(raised)) throw error;
      throw cut ? raised : firstOf([error, raised]);
    }
    throw error;
  }
  yield* close(next, source, limit);
});

function* close(next: Next<unknown>, source: AsyncIterable<unknown>, limit: number): Co<void> {
  const { iterator, state } = next;
  if (state === 'failed' || typeof iterator.return !== 'function') return;
  const closed = Promise.resolve(iterator.return());
  if (state === 'idle') {
    yield* cleanup(limit, until(closed));
    return;
  }
  closed.catch(() => {});
  const { destroy } = source as { destroy?: () => void };
  if (typeof destroy === 'function') destroy.call(source);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as AsyncIterable<unknown> | null | undefined)?.[Symbol.asyncIterator] === 'function';
}

function checkIterable<T>(value: Iterable<T>): Iterable<T> {
  if (!isOp(value) && typeof (value as Iterable<T> | null | undefined)?.[Symbol.iterator] === 'function') return value;
  throw new TypeError(`each takes an async iterable, or an iterable, not ${nameOf(value)}`);
}
