/** The handles of a group's tasks, for those who want to look at all of them: results, and the order of completion. */

import { MisuseError } from './errors.ts';
import { Op, PENDING, type Waker } from './operation.ts';
import { Ring } from './ring.ts';
import type { Task } from './task.ts';

/** What is asked of the group: how many tasks may still end. */
interface Live {
  readonly live: number;
}

/** @internal What one group keeps. */
export class Kept {
  /** In the order of their spawns. */
  readonly tasks: Task<unknown>[] = [];
  /** Those that have ended and that nobody has asked for, in the order of completion. */
  readonly fresh: Ring<Task<unknown>> = new Ring();
  readonly waiters: Waker<Task<unknown> | undefined>[] = [];

  ended(task: Task<unknown>): void {
    let waiter = this.waiters.shift();
    while (waiter !== undefined && !waiter.wake(task)) waiter = this.waiters.shift();
    if (waiter === undefined) this.fresh.push(task);
  }

  exhausted(): void {
    for (const waiter of this.waiters.splice(0)) waiter.wake(undefined);
  }

  results(): unknown[] {
    return this.tasks.map((task) => {
      if (!task.ended) throw new MisuseError(`${task} has not ended; results are there once all tasks have`);
      if (task.ending === 'done') return task.outcome;
      throw task.failure();
    });
  }
}

/** @internal Waits for the next task that ends. */
export class Next extends Op<Task<unknown> | undefined> {
  private readonly group: Live;
  private readonly kept: Kept;

  constructor(group: Live, kept: Kept) {
    super();
    this.group = group;
    this.kept = kept;
  }

  override try(): Task<unknown> | undefined | typeof PENDING {
    if (this.kept.fresh.length > 0) return this.kept.fresh.shift();
    return this.group.live === 0 ? undefined : PENDING;
  }

  override park(waker: Waker<Task<unknown> | undefined>): void {
    this.kept.waiters.push(waker);
  }

  override abort(waker: Waker<Task<unknown> | undefined>): boolean {
    const place = this.kept.waiters.indexOf(waker);
    if (place >= 0) this.kept.waiters.splice(place, 1);
    return true;
  }

  override describe(): string {
    return 'the next task of a group';
  }
}
