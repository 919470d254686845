/**
 * Waiting for several operations at once; exactly one of them takes effect. Rules 4, 6.
 *
 * Each branch is parked with a waker of its own in front of the one waker of the whole. Whoever claims a branch claims
 * the whole first, and only then are the others undone: what somebody hands over is the result, or it is refused and
 * stays with him. Nothing is taken that is not returned.
 *
 * A claim ends its park, accepted or not, so each branch gets either one claim or one abort. One that says in its abort
 * that it cannot be stopped may still claim afterwards: it is refused if another has won, and it decides if the whole
 * was cancelled. An operation is not undone while it is being parked, as it may not have registered yet: a
 * branch that is parked when another wins is undone as soon as its `park` has returned.
 */

import { firstOf, MisuseError } from './errors.ts';
import { Group } from './group.ts';
import type { Kernel } from './kernel.ts';
import { type Co, isOp, Op, PENDING, type Waker } from './operation.ts';
import { isRoutineCall } from './routine.ts';
import { Task } from './task.ts';

/** What `select` takes: operations in an array, or by name. */
export type Selectable = readonly Op<unknown>[] | Readonly<Record<string, Op<unknown>>>;

/**
 * What comes of a `select`: `{ key, value }` of the operation that completed. `key` tells which one, and with it the type of
 * `value`; in an array it is the index, as a number.
 */
export type Selected<O extends Selectable> = O extends readonly Op<unknown>[]
  ? number extends O['length']
    ? Selection<number, O[number]>
    : { [K in keyof O]: K extends `${infer I extends number}` ? Selection<I, O[K]> : never }[number]
  : { [K in keyof O]-?: Selection<K, O[K]> }[keyof O];

/** The outcome of one operation in a `select`. */
export interface Selection<K, O> {
  /** Which operation completed: its name, or its index. */
  readonly key: K;
  /** Its result. */
  readonly value: O extends Op<infer T> ? T : never;
}

/**
 * Waits for the first of several operations; the others do not happen. The result is `{ key, value }`; what the first
 * throws is thrown. What can be completed at once wins in the order in which it is named, and then nothing else is touched. A select is
 * an operation itself: it can be yielded again, and stand in another one.
 *
 * An operation that cannot be stopped holds up a cancel of the whole, until it completes. If the first has completed and
 * another fails in being undone, the value stands, and the error goes to the group of the task.
 *
 * Throws at once: `MisuseError` for nothing to wait for, and for a routine's call, which runs code and is no operation
 * (`race` runs such as tasks); `TypeError` for anything else that is none.
 *
 * @example
 * const first = yield* select({ item: queue.take(), pause: sleep(1000), quit: stopped.wait() });
 * if (first.key === 'item') handle(first.value);
 */
export function select<const O extends Selectable>(operations: O): Op<Selected<O>> {
  return new Select(named(operations)) as Op<unknown> as Op<Selected<O>>;
}

type Key = string | number;

interface Named {
  readonly key: Key;
  readonly operation: Op<unknown>;
}

interface Decision {
  readonly key: Key;
  readonly value: unknown;
}

class Select extends Op<Decision> {
  private readonly operations: readonly Named[];

  constructor(operations: readonly Named[]) {
    super();
    this.operations = operations;
  }

  override try(kernel: Kernel): Decision | typeof PENDING {
    const { observer } = kernel;
    // They count as yielded, all of them: none was forgotten.
    if (observer !== null) for (const { operation } of this.operations) observer.yielded?.(operation);
    for (const { key, operation } of this.operations) {
      const value = operation.try(kernel);
      if (value !== PENDING) return { key, value };
    }
    return PENDING;
  }

  override park(waker: Waker<Decision>): void {
    const choice = new Choice(waker);
    waker.state = choice;
    for (const { key, operation } of this.operations) {
      choice.park(key, operation);
      // What comes after it is not even parked.
      if (choice.decided) return;
    }
  }

  override abort(waker: Waker<Decision>, cancel?: unknown): boolean {
    return (waker.state as Choice).abort(cancel);
  }

  override describe(): string {
    const parts = this.operations.map(({ key, operation }) =>
      typeof key === 'number' ? operation.describe() : `${key}: ${operation.describe()}`,
    );
    return `the first of ${parts.join(', ')}`;
  }
}

/** One park of a select. */
class Choice {
  readonly whole: Waker<Decision>;
  /** Whether one of the branches has been claimed. */
  decided = false;
  private readonly branches: Branch[] = [];
  /** Whose group hears of what goes wrong after the decision. */
  private readonly task: Task<unknown> | null;

  constructor(whole: Waker<Decision>) {
    this.whole = whole;
    this.task = whole.kernel.current;
  }

  park(key: Key, operation: Op<unknown>): void {
    const branch = new Branch(this, key, operation);
    this.branches.push(branch);
    try {
      operation.park(branch);
    } catch (error) {
      // It has not registered, and is not undone. An error that comes too late to be the outcome is not lost either.
      if (!branch.fail(error)) this.blame(error);
    }
    branch.parked();
    if (this.decided) this.undoRest();
  }

  /** Undoes all. Whether nothing will come of any of them. */
  abort(cancel: unknown): boolean {
    const errors: unknown[] = [];
    let stopped = true;
    for (const branch of this.branches) {
      try {
        if (!branch.undo(cancel)) stopped = false;
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 0) return stopped;
    const error = firstOf(errors);
    if (!this.decided) throw error;
    // One of them completed in its abort, instead of being undone.
    this.blame(error);
    return stopped;
  }

  /** Undoes those that have lost. */
  undoRest(): void {
    for (const branch of this.branches) {
      try {
        branch.undo(undefined);
      } catch (error) {
        this.blame(error);
      }
    }
  }

  /**
   * Too late to be the outcome, and nobody's failure to catch: it becomes the failure of a task of its own, in the same
   * group. Rule 21.
   */
  private blame(error: unknown): void {
    const owner = this.task?.owner;
    const options = { name: 'the end of a select' };
    // A daemon, since it is none of the tasks whose results are asked for.
    if (owner instanceof Group) owner.spawn(raise(error), { ...options, daemon: true });
    else this.whole.kernel.spawn(raise(error), options);
  }
}

/** The waker of one branch: whoever claims it claims the whole. */
class Branch implements Waker<unknown> {
  readonly kernel: Kernel;
  state: unknown;
  private readonly choice: Choice;
  private readonly key: Key;
  private readonly operation: Op<unknown>;
  /** `asked`: an abort was called, and has not said that it undid everything. `over`: nothing can come of it. */
  private stage: 'parking' | 'parked' | 'asked' | 'over' = 'parking';

  constructor(choice: Choice, key: Key, operation: Op<unknown>) {
    this.kernel = choice.whole.kernel;
    this.choice = choice;
    this.key = key;
    this.operation = operation;
  }

  wake(value: unknown): boolean {
    return this.claim() && this.settle(this.choice.whole.wake({ key: this.key, value }));
  }

  fail(error: unknown): boolean {
    return this.claim() && this.settle(this.choice.whole.fail(error));
  }

  /** Its `park` has returned. */
  parked(): void {
    if (this.stage === 'parking') this.stage = 'parked';
  }

  /** Undoes it, at most once. Whether nothing will come of it. */
  undo(cancel: unknown): boolean {
    if (this.stage === 'parked') {
      this.stage = 'asked';
      let undone = true;
      try {
        undone = this.operation.abort(this, cancel);
      } finally {
        // Also if it throws: who cannot undo a wait cannot be trusted to go on with it.
        if (undone) this.stage = 'over';
      }
    }
    return this.stage === 'over';
  }

  private claim(): boolean {
    const possible = this.stage !== 'over' && !this.choice.decided;
    this.stage = 'over';
    if (possible) this.choice.decided = true;
    return possible;
  }

  // A whole that refuses was decided further out, which sends no abort after a claim: the rest is undone in any case.
  private settle(accepted: boolean): boolean {
    this.choice.undoRest();
    return accepted;
  }
}

// biome-ignore lint/correctness/useYield: it fails at once, also where every trap would throw a cancel instead
function* raise(error: unknown): Co<never> {
  throw error;
}

function named(operations: unknown): readonly Named[] {
  const isArray = Array.isArray(operations);
  if (!isArray && (typeof operations !== 'object' || operations === null || Symbol.iterator in operations)) {
    throw new TypeError('select takes one array or one record of operations: select([a, b]) or select({ a, b })');
  }
  const all = isArray
    ? Array.from(operations, (operation: unknown, key: Key) => ({ key, operation }))
    : Object.entries(operations as object).map(([key, operation]: [Key, unknown]) => ({ key, operation }));
  if (all.length === 0) throw new MisuseError('select needs at least one operation: with none it would wait for ever');
  for (const { key, operation } of all) {
    if (isRoutineCall(operation)) {
      const what = operation.describe();
      throw new MisuseError(`select cannot wait for ${what} (${key}), a subroutine; \`race\` runs such as tasks`);
    }
    if (!isOp(operation)) throw new TypeError(`select takes operations, and ${key} is ${misfit(operation)}`);
  }
  return all as readonly Named[];
}

/** Something that is no operation, with what to do instead. */
function misfit(value: unknown): string {
  if (value instanceof Task) return `${value} itself; wait for its join()`;
  if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}; call it first`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Symbol.iterator in value) return 'a generator or a collection; `race` runs generators as tasks';
  if (typeof (value as { then?: unknown }).then === 'function') return 'a promise; wait for `until(promise)`';
  return `an object (${value.constructor?.name ?? 'without a class'})`;
}
