/** The books of a run: items, blocks that were entered, what was thrown and by whom, groups and their tasks, scopes and their deadlines. */

import { CancelError, type CancelScope, type Task } from 'genloop/kernel';
import type { ItemQueue } from './operations.ts';
import type { Together } from './program.ts';
import type { Witness } from './witness.ts';

/** A task of the program, and what its own code says became of it. */
export interface Life {
  task: Task<unknown> | null;
  began: boolean;
  completed: boolean;
  /** What it threw, in an array of its own: also `undefined` can be thrown. */
  thrown: unknown[];
  readonly group: GroupRecord | null;
}

/** A group that was entered. */
export interface GroupRecord {
  readonly owner: Task<unknown>;
  readonly lives: Life[];
  /** What should come out of it first: failures in their order. */
  readonly failures: unknown[];
  readonly isolate: boolean;
  readonly daemons: Life[];
  over: boolean;
}

/** A block with a `finally`. */
export interface TryRecord {
  left: number;
}

/** The books. */
export class Ledger {
  private readonly witness: Witness;
  private readonly items = new Map<number, boolean>();
  private readonly lives: Life[] = [];
  private readonly byTask = new Map<Task<unknown>, Life>();
  private readonly groups: GroupRecord[] = [];
  private readonly tries: TryRecord[] = [];
  private readonly deadlines = new Map<CancelScope, number>();
  private readonly queues: ItemQueue[] = [];
  private lastItem = 0;

  constructor(witness: Witness) {
    this.witness = witness;
  }

  /** A queue of the program. */
  queue(queue: ItemQueue): void {
    this.queues.push(queue);
  }

  /** A new item, which is about to be put somewhere. */
  item(): number {
    this.items.set(++this.lastItem, false);
    return this.lastItem;
  }

  /** A task got an item. */
  took(item: number, task: Task<unknown>): void {
    const taken = this.items.get(item);
    if (taken === undefined) this.witness.violate('one taker', `${task} got ${String(item)}, which nobody has put`);
    if (taken === true) this.witness.violate('one taker', `${task} got item ${item}, which another has got as well`);
    this.items.set(item, true);
  }

  /** A task of the program is spawned. */
  life(group: GroupRecord | null): Life {
    const life: Life = { task: null, began: false, completed: false, thrown: [], group };
    this.lives.push(life);
    return life;
  }

  /** And this is it. */
  born(life: Life, task: Task<unknown>): void {
    life.task = task;
    this.byTask.set(task, life);
  }

  /** The kernel says that a task has ended. */
  ended(task: Task<unknown>): void {
    const life = this.byTask.get(task);
    if (life === undefined) return;
    const [error] = life.thrown;
    const expected = life.completed ? 'done' : error instanceof CancelError ? 'cancelled' : 'failed';
    if (!life.began) this.witness.violate('outcomes', `${task} has ended, and never began (rule 5)`);
    else if (!life.completed && life.thrown.length === 0) {
      this.witness.violate('finally once', `${task} has ended in the middle of its code`);
    } else if (task.status !== expected) {
      this.witness.violate('outcomes', `${task} is ${task.status}, and its code says ${expected}`);
    }
  }

  /** A group is entered. */
  group(owner: Task<unknown>, isolate: boolean): GroupRecord {
    const record: GroupRecord = { owner, lives: [], failures: [], isolate, daemons: [], over: false };
    this.groups.push(record);
    return record;
  }

  /** A group was left, with this error if there was one. */
  left(record: GroupRecord, thrown: readonly unknown[]): void {
    record.over = true;
    for (const { task } of record.lives) {
      if (task?.ended === false) this.witness.violate('groups wait', `${task} still runs, and its group was left`);
    }
    const [first] = record.failures;
    const [error] = thrown;
    if (record.failures.length > 0) {
      if (error !== first)
        this.witness.violate('first failure', `${String(first)} was to come out, not ${String(error)}`);
    } else if (thrown.length > 0 && !(error instanceof CancelError)) {
      this.witness.violate('first failure', `${String(error)} came out of a group in which nothing failed`);
    }
  }

  /** Tasks that ran together have come to their end, in whatever way. */
  ranTogether(record: GroupRecord): void {
    record.over = true;
    for (const { task, began } of record.lives) {
      if (!began) this.witness.violate('outcomes', 'a task that ran together with others never began (rule 5)');
      if (task?.ended === false) this.witness.violate('groups wait', `${task} still runs, and what it ran in was left`);
    }
  }

  /** What came of them: of `all` the results, of `allSettled` who completed, of the others who came first. Each gives its place. */
  gave(how: Together, lives: readonly Life[], value: unknown): void {
    const places = lives.map((_, index) => index);
    const completed = lives.map((life) => life.completed);
    const isRight =
      how === 'all'
        ? String(value) === String(places) && completed.every(Boolean)
        : how === 'allSettled'
          ? String(value) === String(completed)
          : completed[value as number] === true;
    if (!isRight)
      this.witness.violate('outcomes', `${how} gave ${String(value)}, and of its tasks ${completed} completed`);
  }

  /** A block with a `finally` was entered. */
  entered(): TryRecord {
    const record = { left: 0 };
    this.tries.push(record);
    return record;
  }

  /** Its `finally` runs. */
  finally(record: TryRecord): void {
    if (++record.left > 1) this.witness.violate('finally once', 'a finally ran twice');
  }

  /** A scope has a deadline from now on. */
  deadline(scope: CancelScope, ms: number): void {
    this.deadlines.set(scope, this.witness.now + ms);
  }

  /** When the scope's time is up. */
  deadlineOf(scope: CancelScope): number {
    return this.deadlines.get(scope) ?? Number.POSITIVE_INFINITY;
  }

  /** A scope was left. */
  leftScope(scope: CancelScope): void {
    this.deadlines.delete(scope);
  }

  /** Looks at what time should have done. */
  review(): void {
    const { now } = this.witness;
    for (const [scope, deadline] of this.deadlines) {
      if (deadline <= now && !scope.cancelCalled) {
        this.witness.violate(
          'no wake lost',
          `a scope's deadline was ${deadline}, it is ${now}, and it is not cancelled`,
        );
      }
    }
  }

  /** Nothing will happen by itself: groups that still wait must have somebody to wait for. */
  quiescent(): void {
    for (const record of this.groups) {
      const { owner, over } = record;
      if (over || owner.waitsFor !== 'the tasks of its group') continue;
      const running = record.lives.filter(({ task }) => task?.ended === false);
      // The owner may wait in a group further in.
      if (this.groups.some((other) => other !== record && !other.over && other.owner === owner)) continue;
      if (running.length === 0) this.witness.violate('groups wait', `${owner} waits for a group that is empty`);
      if (
        running.every((life) => record.daemons.includes(life)) &&
        running.some(({ task }) => task?.cancelCalled === false)
      ) {
        this.witness.violate('groups wait', `${owner} waits for daemons that nobody has told to end`);
      }
    }
  }

  /** All tasks have ended. */
  finish(): void {
    for (const { task } of this.lives) {
      if (task?.ended === false) this.witness.violate('groups wait', `${task} has not ended`);
    }
    for (const { left } of this.tries) {
      if (left !== 1) this.witness.violate('finally once', `a finally ran ${left} times`);
    }
    const kept = new Set(this.queues.flatMap(({ items }) => items));
    for (const [item, taken] of this.items) {
      if (taken && kept.has(item)) this.witness.violate('one taker', `item ${item} was taken, and is still there`);
      if (!taken && !kept.has(item)) this.witness.violate('no value lost', `item ${item} was put, and nobody has it`);
    }
  }
}
