/** The books of a run: items, blocks that were entered, what was thrown and by whom, groups and their tasks, scopes and their deadlines. */

import { CancelError, type CancelScope, type Task, TaskCancelledError } from 'genloop/kernel';
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
  /** Of one that is started: `waiting` until it has said that it is ready. */
  start: 'no' | 'waiting' | 'ready';
}

/** A group that was entered. */
export interface GroupRecord {
  readonly owner: Task<unknown>;
  readonly lives: Life[];
  /** What should come out of it first: failures in their order. */
  readonly failures: unknown[];
  readonly isolate: boolean;
  readonly daemons: Life[];
  /** Whether it keeps the handles of its tasks; then those that have ended and that nobody has asked for, in the order of their ends. */
  readonly keep: boolean;
  readonly fresh: Life[];
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
  private readonly deadlines = new Map<CancelScope, { readonly time: number; readonly round: number }>();
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
    const life: Life = { task: null, began: false, completed: false, thrown: [], group, start: 'no' };
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
    if (life.group?.keep === true && !life.group.daemons.includes(life)) life.group.fresh.push(life);
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
  group(owner: Task<unknown>, isolate: boolean, keep: boolean = false): GroupRecord {
    const record: GroupRecord = { owner, lives: [], failures: [], isolate, daemons: [], keep, fresh: [], over: false };
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

  /** What a kept group gave as the next task that has ended: each once, in the order of their ends. */
  next(record: GroupRecord, value: unknown): void {
    const first = record.fresh.shift();
    if (first === undefined && value === undefined) {
      if (!isEmpty(record)) this.witness.violate('groups wait', 'a group had no next task, and some of its tasks run');
    } else if (first?.task !== value) {
      this.witness.violate('one taker', `the next task of a group was ${String(value)}, and not ${first?.task}`);
    }
  }

  /** Whether who waits for the next task of a group has to be told something. */
  hasNext(record: GroupRecord): boolean {
    return record.fresh.length > 0 || isEmpty(record);
  }

  /** What a kept group gives as the results of its tasks, once it has been left; each task gives its number. */
  results(record: GroupRecord, read: () => readonly unknown[], numbers: ReadonlyMap<Life, number>): void {
    const kept = record.lives.filter((life) => !record.daemons.includes(life));
    const failed = kept.find(({ completed }) => !completed);
    try {
      const results = read();
      if (failed !== undefined) this.witness.violate('outcomes', `a group gave results, and ${failed.task} has none`);
      else if (String(results) !== String(kept.map((life) => numbers.get(life)))) {
        this.witness.violate('outcomes', `a group gave the results ${String(results)}`);
      }
    } catch (error) {
      const expected = failed?.thrown[0];
      const isRight = expected instanceof CancelError ? error instanceof TaskCancelledError : error === expected;
      if (failed === undefined || !isRight) {
        this.witness.violate('outcomes', `the results of a group threw ${String(error)}, not ${String(expected)}`);
      }
    }
  }

  /** A start has failed: what was started has ended before it was ready, and its own error is what came out, or a cancel. */
  startFailed(life: Life | null, error: unknown): void {
    if (life === null) {
      if (!(error instanceof CancelError)) this.witness.violate('outcomes', `nothing was started: ${String(error)}`);
      return;
    }
    if (life.start === 'ready')
      this.witness.violate('no value lost', `${life.task} was ready, and its starter was not told`);
    if (life.task?.ended !== true) {
      this.witness.violate('groups wait', `${life.task} is half started, and its starter has gone on`);
    }
    const [own] = life.thrown;
    const isCancel = error instanceof CancelError || error instanceof TaskCancelledError;
    if (own instanceof CancelError ? !isCancel : error !== own) {
      this.witness.violate('outcomes', `${life.task} threw ${String(own)}, and its starter got ${String(error)}`);
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
    this.deadlines.set(scope, { time: this.witness.now + ms, round: this.witness.rounds });
  }

  /** When the scope's time is up. */
  deadlineOf(scope: CancelScope): number {
    return this.deadlines.get(scope)?.time ?? Number.POSITIVE_INFINITY;
  }

  /** A scope was left. */
  leftScope(scope: CancelScope): void {
    this.deadlines.delete(scope);
  }

  /** Looks at what time should have done. */
  review(): void {
    const { dueBy } = this.witness;
    for (const [scope, { time, round }] of this.deadlines) {
      if (time <= dueBy && !this.witness.isLater(round) && !scope.cancelCalled) {
        this.witness.violate('no wake lost', `a scope's deadline was ${time}, it is ${dueBy}, and it is not cancelled`);
      }
    }
  }

  /** Nothing will happen by itself: groups that still wait must have somebody to wait for. */
  quiescent(): void {
    for (const [scope, { time }] of this.deadlines) {
      if (time < Number.POSITIVE_INFINITY && !scope.cancelCalled) {
        this.witness.violate('no wake lost', `a scope's deadline is ${time}, and nobody will tell`);
      }
    }
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

/** Whether nothing runs in a group that it waits for. */
function isEmpty({ lives, daemons }: GroupRecord): boolean {
  return lives.every((life) => life.task?.ended === true || daemons.includes(life));
}
