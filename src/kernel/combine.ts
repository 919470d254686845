/**
 * Several tasks at once, of which some or all are wanted: `all`, `allSettled`, `race`, `firstSuccess`. Each is a group
 * of its own: it returns when every task in it has ended, those too that it cancelled (rule 14).
 *
 * Two questions decide what is thrown. A cancel from around only counts if a task was cut short by it: results that are
 * complete are handed over, and the cancel comes at the next trap (rule 4). And an error that a task raises while it is
 * being cancelled is never dropped (rule 12), also by those that do not mind failures.
 */

import type { Spawnable } from './frames.ts';
import { inGroup } from './group.ts';
import { Gathering, isIterable, kindOf } from './map.ts';
import type { Co, Op } from './operation.ts';
import { routine } from './routine.ts';
import type { Task } from './task.ts';

/** What the combinators take: an array or another iterable, or a record, of what can be spawned. */
export type Tasks = Iterable<Spawnable<unknown>> | Readonly<Record<string, Spawnable<unknown>>>;

/** What a task gives. */
export type ResultOf<S> = S extends Op<infer T> ? T : S extends Generator<unknown, infer T, unknown> ? T : never;

/** The results of tasks, in the same places: a tuple for a tuple, a record for a record, otherwise an array. */
export type Results<T> = T extends readonly unknown[]
  ? { -readonly [K in keyof T]: ResultOf<T[K]> }
  : T extends Iterable<infer S>
    ? ResultOf<S>[]
    : { -readonly [K in keyof T]: ResultOf<T[K]> };

/** How a task of {@link allSettled} has ended; the form is that of `Promise.allSettled`. */
export type Settled<T> = { status: 'fulfilled'; value: T } | { status: 'rejected'; reason: unknown };

/** How the tasks have ended, in the same places. */
export type SettledResults<T> = T extends readonly unknown[]
  ? { -readonly [K in keyof T]: Settled<ResultOf<T[K]>> }
  : T extends Iterable<infer S>
    ? Settled<ResultOf<S>>[]
    : { -readonly [K in keyof T]: Settled<ResultOf<T[K]>> };

/** The result of any one of the tasks. */
export type AnyResult<T> = T extends Iterable<infer S> ? ResultOf<S> : ResultOf<T[keyof T]>;

/** A failure is a result here, but for one that is raised while the task is being cancelled. */
class Settling extends Gathering {
  protected override failed(_task: Task<unknown>, error: unknown): void {
    // A cancel of its own is never from around: the input was bad, or there is a winner.
    if (this.cancelCalled) this.failures.push(error);
    else if (this.cancelled) this.late.push(error);
  }
}

class Race extends Gathering {
  winner: Task<unknown> | null = null;

  protected override completed(task: Task<unknown>): void {
    this.winner ??= task;
    this.cancelFor('sibling', 'another task ended first');
  }
}

class Attempts extends Settling {
  winner: Task<unknown> | null = null;
  /** Those whose wait was over when another won, with what it had brought them. */
  private readonly woken: Map<Task<unknown>, unknown> = new Map();

  protected override completed(task: Task<unknown>): void {
    if (this.winner !== null) return;
    this.winner = task;
    if (!this.cancelled) {
      for (const other of this.tasks) {
        if (!other.ended && other.waker === null) this.woken.set(other, other.inbox);
      }
    }
    this.cancelFor('sibling', 'another task succeeded first');
  }

  protected override failed(task: Task<unknown>, error: unknown): void {
    if (!this.woken.has(task)) super.failed(task, error);
    // An attempt that failed in the same round as another succeeded does not take the success away. Whether the error
    // is of the attempt, or of its clean-up, is certain only if it is the very one that its wait ended with.
    else if (this.woken.get(task) !== error) this.kernel.report(task, error);
  }
}

/**
 * Runs tasks at once and gives their results, in the same order or under the same keys. The first failure cancels the
 * others and is thrown when they have ended ({@link errorsOf} tells the rest). A task that was cancelled alone counts
 * as failed, with `TaskCancelledError`. Rules 14, 15.
 *
 * @example
 * const { user, posts } = yield* all({ user: fetchUser(id), posts: fetchPosts(id) });
 */
export const all: <const T extends Tasks>(tasks: T) => Op<Results<T>> = routine(function* all<const T extends Tasks>(
  tasks: T,
): Co<Results<T>> {
  const gathering = new Gathering();
  const keys = yield* spawned('all', gathering, tasks);
  if (gathering.cut) gathering.interrupted();
  return shaped(
    keys,
    gathering.tasks.map((task) => task.outcome),
  ) as Results<T>;
});

/**
 * Runs tasks at once and tells how each has ended, in the same order or under the same keys. A failure cancels nothing
 * and is not thrown. What is thrown is a cancel from around that cut a task short, or what a task raised on its
 * account. Rules 12, 14.
 *
 * @example
 * const [mail, push] = yield* allSettled([sendMail(), sendPush()]);
 * if (mail.status === 'rejected') log(mail.reason);
 */
export const allSettled: <const T extends Tasks>(tasks: T) => Op<SettledResults<T>> = routine(function* allSettled<
  const T extends Tasks,
>(tasks: T): Co<SettledResults<T>> {
  const gathering = new Settling();
  const keys = yield* spawned('allSettled', gathering, tasks);
  if (gathering.cut) gathering.interrupted();
  return shaped(keys, gathering.tasks.map(settled)) as SettledResults<T>;
});

/**
 * Runs tasks at once; the first that ends decides, with its result or its error. The others are cancelled and waited
 * for. An error that one of them still raises is thrown, also instead of a result; a result is dropped: to wait for one
 * of several operations without losing what the others would have brought, use `select`. Throws `RangeError` if there
 * are no tasks. Rules 12, 14, 15.
 *
 * @example
 * const answer = yield* race([askPrimary(), askReplica()]);
 */
export const race: <const T extends Tasks>(tasks: T) => Op<AnyResult<T>> = routine(function* race<
  const T extends Tasks,
>(tasks: T): Co<AnyResult<T>> {
  const gathering = new Race();
  yield* spawned('race', gathering, tasks);
  if (gathering.winner !== null) return gathering.winner.outcome as AnyResult<T>;
  if (gathering.cut) gathering.interrupted();
  throw noTasks('race');
});

/**
 * Runs tasks at once and gives the result of the first that completes; the others are cancelled and waited for.
 * Failures before that do not count, unless all fail: then an `AggregateError` with their errors in the order of the
 * tasks is thrown. An error in the clean-up of one that was cancelled is thrown; but one that had been woken, in the
 * same round, before another succeeded cannot take the success away: its failure is only reported, as in a group that
 * isolates. Throws `RangeError` if there are no tasks. Rules 12, 14, 15.
 *
 * @example
 * const socket = yield* firstSuccess(addresses.map((address) => connect(address)));
 */
export const firstSuccess: <const T extends Tasks>(tasks: T) => Op<AnyResult<T>> = routine(function* firstSuccess<
  const T extends Tasks,
>(tasks: T): Co<AnyResult<T>> {
  const gathering = new Attempts();
  yield* spawned('firstSuccess', gathering, tasks);
  if (gathering.winner !== null) {
    gathering.throwLate();
    return gathering.winner.outcome as AnyResult<T>;
  }
  if (gathering.cut) gathering.interrupted();
  const errors = gathering.tasks.map((task) => task.failure());
  if (errors.length === 0) throw noTasks('firstSuccess');
  throw new AggregateError(errors, `all ${errors.length} tasks failed`);
});

/** Runs the tasks to their ends. Gives the keys if they came as a record. */
function* spawned(what: string, gathering: Gathering, tasks: unknown): Co<readonly string[] | null> {
  const record = isRecord(tasks) ? tasks : null;
  const items = record === null ? tasks : Object.values(record);
  if (!isIterable(items) || typeof items !== 'object') {
    throw new TypeError(`${what} takes an array, another iterable, or a record of tasks, not ${kindOf(tasks)}`);
  }
  const keys = record === null ? null : Object.keys(record);
  yield inGroup(gathering, gathering.fill(items as Iterable<Spawnable<unknown>>, asItIs));
  return keys;
}

function asItIs<T>(task: T): T {
  return task;
}

/** A plain object: of any realm, and also without a prototype, but of no class. */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || isIterable(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function shaped(keys: readonly string[] | null, values: readonly unknown[]): unknown {
  return keys === null ? values : Object.fromEntries(keys.map((key, index) => [key, values[index]]));
}

function settled(task: Task<unknown>): Settled<unknown> {
  if (task.ending === 'done') return { status: 'fulfilled', value: task.outcome };
  return { status: 'rejected', reason: task.failure() };
}

function noTasks(what: string): RangeError {
  return new RangeError(`${what} of no tasks would wait for ever; give it at least one`);
}
