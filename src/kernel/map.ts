/**
 * `map`, and the group that it shares with `all`, `race` and the others in `combine.ts`. What happens when a task ends
 * is decided where the group hears of it, and not by tasks that join: a child costs no more than a spawn.
 */

import { runningTask } from './current.ts';
import { firstOf } from './errors.ts';
import type { Spawnable } from './frames.ts';
import { Group, inGroup } from './group.ts';
import { type Co, isOp, Op, PENDING, type Waker } from './operation.ts';
import { routine } from './routine.ts';
import type { Task } from './task.ts';

/** Failures are dealt with in {@link Gathering.failed}, which knows more than a policy is told. */
const OWN_POLICY = { onError(): void {} };

/** @internal A group that gives what becomes of its tasks. As it is, the first failure cancels the rest. */
export class Gathering extends Group {
  /** In the order of their spawns. */
  readonly tasks: Task<unknown>[] = [];
  /** Whether a task, or the making of tasks, was cut short by a cancel of this group: there are no results then. */
  cut = false;
  /** Errors raised by tasks that were being cancelled, for groups in which a failure as such is not thrown. */
  protected readonly late: unknown[] = [];
  /** At most so many tasks at once. */
  private readonly limit: number;
  /** Whoever waits for fewer. */
  private maker: Waker<void> | null = null;

  constructor(limit: number = Number.POSITIVE_INFINITY) {
    const task = runningTask();
    super(task.kernel, task, OWN_POLICY);
    this.limit = limit;
  }

  override childEnded(task: Task<unknown>): void {
    if (task.ending === 'done') this.completed(task);
    // A task that was cancelled alone, by its handle, has failed to give a result; so has one that throws a cancel
    // which is not in force here.
    else if (task.ending === 'cancelled' && task.outcome !== task.error && this.cancelled) this.cut = true;
    else this.failed(task, task.failure());
    super.childEnded(task);
    // After what was decided above: it may have been a cancel.
    this.maker?.wake();
    this.maker = null;
  }

  /**
   * Spawns what `make` gives for each item, in their order. Without a limit all are spawned, whatever is cancelled: the
   * tasks exist already, and may have to take charge of something (rule 5). With one, an item is asked for when there
   * is room for its task, and `make` is not called any more in a cancelled group.
   */
  *fill<I>(items: Iterable<I>, make: (item: I, index: number) => Spawnable<unknown>): Co<void> {
    const limited = this.limit !== Number.POSITIVE_INFINITY;
    try {
      for (const item of items) {
        try {
          // Throws the cancel. Not before there is an item: if there is none, all results may be there (rule 4).
          if (limited && this.cancelled) yield;
          this.tasks.push(this.spawn(make(item, this.tasks.length)));
          if (this.live >= this.limit) yield new Room(this);
        } catch (error) {
          this.stopped(error);
          // Not by throwing: JavaScript would then drop an error of the iterator's own clean-up.
          break;
        }
        if (this.cancelCalled) break;
      }
    } catch (error) {
      this.stopped(error);
    }
  }

  awaitRoom(waker: Waker<void> | null): void {
    this.maker = waker;
  }

  /** Throws what was raised on account of a cancel from around (rule 12). */
  throwLate(): void {
    if (this.late.length > 0) throw firstOf(this.late);
  }

  /** Throws that, or the cancel that left no results. */
  interrupted(): never {
    this.throwLate();
    throw this.inForce;
  }

  protected completed(_task: Task<unknown>): void {}

  protected failed(_task: Task<unknown>, error: unknown): void {
    this.fail(error);
  }

  private stopped(error: unknown): void {
    if (this.cancelled && this.issued(error)) this.cut = true;
    else this.fail(error);
  }
}

/** Waits until a task of a full group has ended. */
class Room extends Op<void> {
  private readonly gathering: Gathering;

  constructor(gathering: Gathering) {
    super();
    this.gathering = gathering;
  }

  // Only made when there is none.
  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    this.gathering.awaitRoom(waker);
  }

  override abort(): boolean {
    this.gathering.awaitRoom(null);
    return true;
  }

  override describe(): string {
    return 'the end of one of its tasks, to make the next';
  }
}

/**
 * Runs a task for each item, at most `limit` at once, and gives their results in the order of the items. An item is
 * taken when there is room for its task, so the iterable may be endless; it is closed when the rest of it is not
 * wanted. The first failure, also of `fn` or of the iterable, cancels the tasks and is thrown when all have ended
 * ({@link errorsOf} tells the rest). Throws `TypeError` or `RangeError` for a `limit` that is no whole number from 1
 * on, before anything is taken. Rules 14, 15.
 *
 * @example
 * const pages = yield* map(urls, 8, function* (url) {
 *   return yield* fetchPage(url);
 * });
 */
export const map: <I, T>(items: Iterable<I>, limit: number, fn: (item: I, index: number) => Spawnable<T>) => Op<T[]> =
  routine(function* map<I, T>(
    items: Iterable<I>,
    limit: number,
    fn: (item: I, index: number) => Spawnable<T>,
  ): Co<T[]> {
    checkMap(items, limit, fn);
    const gathering = new Gathering(limit);
    yield inGroup(gathering, gathering.fill(items, fn));
    if (gathering.cut) gathering.interrupted();
    return gathering.tasks.map((task) => task.outcome) as T[];
  });

function checkMap(items: Iterable<unknown>, limit: number, fn: unknown): void {
  if (!isIterable(items)) throw new TypeError(`map takes an iterable of items, not ${kindOf(items)}`);
  if (typeof limit !== 'number') throw new TypeError(`map takes a number of tasks as its limit, not ${String(limit)}`);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`map takes a whole number of tasks from 1 on as its limit, not ${limit}`);
  }
  if (typeof fn !== 'function') throw new TypeError(`map takes a function that makes a task, not ${kindOf(fn)}`);
}

/** @internal Whether it can be iterated, and is not an operation: that can be too, for `yield*`. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Iterable<unknown> | null)?.[Symbol.iterator] === 'function' && !isOp(value);
}

/** @internal For messages: `[object Promise]`. */
export function kindOf(value: unknown): string {
  return isOp(value) ? `the operation ${value.describe()}` : Object.prototype.toString.call(value);
}
