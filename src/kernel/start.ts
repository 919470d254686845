/** Starting a task and waiting until it says that it is ready: what `group.start` is made of. Rule 18. */

import { MisuseError, TaskCancelledError } from './errors.ts';
import { Op, PENDING, type Waker } from './operation.ts';
import type { Task } from './task.ts';

/** @internal One start under way. */
export class Starting<T> {
  /** Whether its errors still belong to whoever started it. */
  pending = true;
  /** The cancel that its starter got meanwhile. */
  cancel: unknown = null;
  task: Task<unknown> | null = null;
  private readonly waker: Waker<T>;

  constructor(waker: Waker<T>) {
    this.waker = waker;
  }

  ready(value: T): void {
    if (!this.pending) throw new MisuseError('ready() was called twice, or after the end of the task');
    this.pending = false;
    this.waker.wake(value);
  }

  ended(task: Task<unknown>): void {
    this.pending = false;
    if (task.ending === 'failed') this.waker.fail(task.outcome);
    else if (this.cancel !== null) this.waker.fail(this.cancel);
    else if (task.ending === 'cancelled') this.waker.fail(new TaskCancelledError(task, task.outcome));
    else this.waker.fail(new MisuseError(`${task} ended without having called ready()`));
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
    starting.task = this.spawn(starting);
  }

  override abort(waker: Waker<T>, cancel?: unknown): boolean {
    const starting = waker.state as Starting<T>;
    starting.cancel = cancel;
    starting.task?.cancelFor('explicit', 'whoever started it does not wait any more');
    // Nothing half-started stays behind: its end is waited for.
    return false;
  }

  override describe(): string {
    return 'a task that starts';
  }
}
