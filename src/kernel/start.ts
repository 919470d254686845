/** Starting a task and waiting until it says that it is ready: what `group.start` is made of. Rule 18. */

import { MisuseError, TaskCancelledError } from './errors.ts';
import { Op, PENDING, type Waker } from './operation.ts';
import type { Task } from './task.ts';

/** @internal One start under way. */
export class Starting<T> {
  private readonly waker: Waker<T>;
  private task: Task<unknown> | null = null;
  /** Whether the task's end belongs to whoever started it. */
  private pending = true;
  private abandoned = false;
  /** The cancel for which it was abandoned. */
  private cancel: unknown;

  constructor(waker: Waker<T>) {
    this.waker = waker;
  }

  begun(task: Task<unknown>): void {
    this.task = task;
    if (this.abandoned) this.stop(task);
  }

  ready(value: T): void {
    if (!this.pending) throw new MisuseError('ready() was called twice, or after the end of the task');
    this.pending = false;
    this.waker.wake(value);
  }

  abandon(cancel: unknown): void {
    this.abandoned = true;
    this.cancel = cancel;
    if (this.task !== null) this.stop(this.task);
  }

  /** The task has ended. Whether that was news to whoever started it; otherwise a failure is the group's. */
  ended(task: Task<unknown>): boolean {
    if (!this.pending) return false;
    this.pending = false;
    return this.waker.fail(this.failure(task));
  }

  private failure(task: Task<unknown>): unknown {
    if (task.ending === 'failed') return task.outcome;
    if (this.cancel !== undefined) return this.cancel;
    if (this.abandoned || task.ending === 'cancelled') return new TaskCancelledError(task, task.outcome);
    return new MisuseError(`${task} ended without having called ready()`);
  }

  private stop(task: Task<unknown>): void {
    task.cancelFor('explicit', 'whoever started it does not wait any more');
  }
}

/** @internal The operation behind `group.start`. */
export class Start<T> extends Op<T> {
  private readonly spawn: (starting: Starting<T>) => Task<unknown>;

  constructor(spawn: (starting: Starting<T>) => Task<unknown>) {
    super();
    this.spawn = spawn;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<T>): void {
    const starting = new Starting(waker);
    waker.state = starting;
    // What runs in here may already take the waker away, so that there is an abort before there is a task.
    starting.begun(this.spawn(starting));
  }

  override abort(waker: Waker<T>, cancel?: unknown): boolean {
    (waker.state as Starting<T>).abandon(cancel);
    // Nothing half-started stays behind: its end is waited for.
    return false;
  }

  override describe(): string {
    return 'a task that starts';
  }
}
