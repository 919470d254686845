/** All tasks of a kernel, linked through the tasks themselves: a set would hash each one on its way in and out. */

import { printAs } from './printing.ts';
import type { Task } from './task.ts';

/** Tasks that have not ended, in the order of their spawns. */
export class TaskList implements Iterable<Task<unknown>> {
  private first: Task<unknown> | null = null;
  private last: Task<unknown> | null = null;
  private count = 0;

  /** How many there are. */
  get size(): number {
    return this.count;
  }

  /** @internal Adds a task that is in no list. */
  add(task: Task<unknown>): void {
    task.before = this.last;
    if (this.last === null) this.first = task;
    else this.last.next = task;
    this.last = task;
    this.count++;
  }

  /** @internal Takes out one that is in this list. */
  delete(task: Task<unknown>): void {
    const { before, next } = task;
    if (before === null) this.first = next;
    else before.next = next;
    if (next === null) this.last = before;
    else next.before = before;
    task.before = task.next = null;
    this.count--;
  }

  /** One after the other; one that ends meanwhile must not be the one that was just given. */
  *[Symbol.iterator](): Generator<Task<unknown>, void> {
    for (let task = this.first; task !== null; task = task.next) yield task;
  }
}

printAs(TaskList, (tasks) => [...tasks]);
