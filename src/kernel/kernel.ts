/**
 * The kernel: it steps tasks. It knows no descriptor, no clock and no Node; what it needs of the world is a {@link Host}.
 *
 * A step resumes a task's generator until it has to wait. What a generator yields is tried at once; only what cannot complete
 * is parked. Errors thrown by a task's frames, or by the operations it yields, are the task's; an error of the kernel's
 * own code is not caught here and ends the run (rule 24).
 */

import { enterKernel } from './current.ts';
import { firstFrame, frameOf, nameOf, popFrame, pushFrame, type Spawnable } from './frames.ts';
import type { Observer } from './observer.ts';
import { isOp, type Op, PASS, PENDING, type Waker } from './operation.ts';
import { printAs } from './printing.ts';
import { Ring } from './ring.ts';
import { isRoutineCall } from './routine.ts';
import { CancelScope, checkSignal } from './scope.ts';
import { type Owner, Task } from './task.ts';
import { TaskList } from './task-list.ts';
import { Timers } from './timers.ts';

/** What the kernel needs of the world. */
export interface Host {
  /** Monotonic time in milliseconds. */
  now(): number;
  /** From 0 on, below 1; asked only for seeded orders. */
  random(): number;
  /** The surroundings that a task which is spawned now carries with it: its steps run in them. Rule 46. */
  surroundings?(): Surroundings;
}

/** Runs a function in surroundings that were taken before; Node's `AsyncResource` is one. */
export interface Surroundings {
  /** Runs `step` with this `self` and `argument`. */
  runInAsyncScope<S, A>(step: (this: S, argument: A) => void, self: S, argument: A): void;
}

/** How a kernel is set up. */
export interface KernelOptions {
  host: Host;
  /** Called once for each task that fails, in the order of the failures. */
  onFailure: (task: Task<unknown>, error: unknown) => void;
  /** Reports the failure of a task whose group goes on; default: on the console. */
  report?: (task: Task<unknown>, error: unknown) => void;
  /** Steps ready tasks in a random order (drawn from the host) instead of first in, first out. For tests. */
  shuffle?: boolean;
}

/** How a task is set up. */
export interface SpawnOptions {
  /** For messages and looking; default: a routine's name, otherwise `'task'` (a generator does not know its function). */
  name?: string;
  /** Cancels the task when it is aborted. */
  signal?: AbortSignal;
  /** Whether it carries the `AsyncLocalStorage` context of its spawn; default true. Rule 46. */
  asyncContext?: boolean;
}

/** How many operations a task may complete in one step before others get their turn. Rule 40. */
const STEP_BUDGET = 32;

/** Stands for the cancel in force when the task runs: which one that is may still change. */
const CANCEL: unique symbol = Symbol('cancel') as never;

class TaskWaker implements Waker<unknown> {
  state: unknown;
  private readonly task: Task<unknown>;

  constructor(task: Task<unknown>) {
    this.task = task;
  }

  get kernel(): Kernel {
    return this.task.kernel;
  }

  wake(value: unknown): boolean {
    const { task } = this;
    return task.kernel.resume(task, this, value, false);
  }

  fail(error: unknown): boolean {
    const { task } = this;
    return task.kernel.resume(task, this, error, true);
  }
}

/** Tasks, the ready ring and the timers. */
export class Kernel {
  readonly host: Host;
  readonly timers: Timers = new Timers();
  /** All tasks that have not ended, in the order of their spawns. */
  readonly tasks: TaskList = new TaskList();
  /** The task whose step runs, `null` between steps. */
  current: Task<unknown> | null = null;
  /** Told what happens, if anybody wants to know. */
  observer: Observer | null = null;
  /** Called when a task becomes ready and the ring was empty. */
  onReady: (() => void) | null = null;
  private readonly ring = new Ring<Task<unknown>>();
  /** @internal Above all tasks that belong to no group. */
  root: CancelScope;
  /** @internal Where a task waits for the end of its own: no cancel comes here. */
  readonly shelter: CancelScope;
  /** @internal */
  readonly report: (task: Task<unknown>, error: unknown) => void;
  private readonly onFailure: (task: Task<unknown>, error: unknown) => void;
  private readonly shuffle: boolean;
  private lastId = 0;

  constructor(options: KernelOptions) {
    this.host = options.host;
    this.root = new CancelScope(this, null);
    this.shelter = new CancelScope(this, null);
    this.onFailure = options.onFailure;
    this.report = options.report ?? ((task, error) => console.error(`genloop: ${task} failed:`, error));
    this.shuffle = options.shuffle ?? false;
  }

  /** How many tasks are ready. */
  get ready(): number {
    return this.ring.length;
  }

  /** The ready tasks, the next first, for looking. */
  get readyTasks(): Task<unknown>[] {
    return this.ring.toArray();
  }

  /**
   * Starts a task at the end of the ready ring. It belongs to `owner` (a group), or to the kernel itself. Throws `TypeError` for what is
   * no task, `MisuseError` for a generator in use.
   */
  spawn<T>(body: Spawnable<T>, options: SpawnOptions = {}, owner: Owner | null = null): Task<T> {
    // Before anything has happened.
    checkSignal(options.signal);
    const frame = firstFrame(body);
    const task = new Task<T>(this, owner, ++this.lastId, options.name ?? nameOf(body), frame);
    task.attach(owner ?? this.root);
    task.follow(options.signal);
    if (options.asyncContext !== false) task.surroundings = this.host.surroundings?.() ?? null;
    this.tasks.add(task as Task<unknown>);
    this.enqueue(task as Task<unknown>);
    this.observer?.spawned?.(task as Task<unknown>, body);
    return task;
  }

  /** Runs at most `limit` steps of ready tasks. How many were run. */
  run(limit: number): number {
    const { ring } = this;
    const before = enterKernel(this);
    try {
      let steps = 0;
      for (; steps < limit && ring.length > 0; steps++) {
        if (this.shuffle) ring.promote(Math.floor(this.host.random() * ring.length));
        const task = ring.shift() as Task<unknown>;
        this.current = task;
        if (this.observer !== null) this.observer.stepping?.(task);
        if (task.surroundings === null) this.step(task);
        else task.surroundings.runInAsyncScope(this.step, this, task);
        if (this.observer !== null) this.observer.stepped?.(task);
      }
      return steps;
    } finally {
      this.current = null;
      enterKernel(before);
    }
  }

  /** @internal Undoes the wait of a task that is cancelled, if it waits. */
  undo(task: Task<unknown>): void {
    const { waker, operation } = task;
    // A task without a waker is running or already woken: it sees the cancel at its next trap (rules 4, 13).
    if (waker === null || operation === null || task.refused === waker) return;
    task.refused = waker;
    let undone: boolean;
    try {
      undone = operation.abort(waker, task.due);
    } catch (raised) {
      // The operation's fault is the task's, and the cancel comes at its next trap.
      this.resume(task, waker, raised, true);
      return;
    }
    if (undone) this.resume(task, waker, CANCEL, true);
  }

  /** @internal Claims a park. */
  resume(task: Task<unknown>, waker: Waker<unknown>, value: unknown, failing: boolean): boolean {
    if (task.waker !== waker) return false;
    task.waker = null;
    task.operation = null;
    task.inbox = value;
    task.failing = failing;
    this.observer?.woken?.(task, this.current);
    this.enqueue(task);
    return true;
  }

  /** Ends all tasks with this error, without running any of their code: after an internal error. Nothing can wake them again. */
  abandon(error: unknown): void {
    const tasks = [...this.tasks];
    this.ring.clear();
    this.timers.clear();
    for (const task of tasks) this.tasks.delete(task);
    this.current = null;
    this.renew();
    for (const task of tasks) task.abandon(error);
  }

  /** @internal What is spawned from now on is not affected by any cancel before. */
  renew(): void {
    this.root.detach();
    this.root = new CancelScope(this, null);
  }

  private enqueue(task: Task<unknown>): void {
    this.ring.push(task);
    if (this.onReady !== null && this.ring.length === 1) this.onReady();
  }

  private step(task: Task<unknown>): void {
    let value = task.inbox;
    let failing = task.failing;
    // Written only where it changes something: a step is little more than its memory accesses.
    if (value !== undefined) task.inbox = undefined;
    if (failing) {
      task.failing = false;
      if (value === CANCEL) value = this.interrupt(task);
    }
    for (let budget = STEP_BUDGET; ; ) {
      let result: IteratorResult<unknown, unknown>;
      try {
        result = failing ? task.frame.throw(value) : task.frame.next(value);
      } catch (error) {
        this.observer?.threw?.(task, error);
        if (!popFrame(task)) {
          this.finish(task, task.issued(error) ? 'cancelled' : 'failed', error);
          return;
        }
        value = error;
        failing = true;
        continue;
      }
      if (result.done) {
        if (!popFrame(task)) {
          this.finish(task, 'done', result.value);
          return;
        }
        value = result.value;
        failing = false;
        continue;
      }
      const yielded = result.value;
      if (yielded === undefined || yielded === PASS) {
        if (task.due === null) {
          this.enqueue(task);
          return;
        }
        value = this.interrupt(task);
        failing = true;
      } else if (isOp(yielded) && !isRoutineCall(yielded)) {
        // A trap: every one throws in a cancelled task (rule 2).
        if (task.due !== null) {
          value = this.interrupt(task);
          failing = true;
        } else {
          this.observer?.yielded?.(yielded);
          try {
            value = yielded.try(this);
            failing = false;
          } catch (error) {
            value = error;
            failing = true;
          }
          if (value === PENDING) {
            if (task.due === null) {
              this.park(task, yielded);
              return;
            }
            // It cancelled its own task.
            value = this.interrupt(task);
            failing = true;
          }
        }
      } else {
        // A subroutine (no trap, so a cancel waits), or something that cannot be yielded.
        value = undefined;
        failing = false;
        this.observer?.yielded?.(yielded as Op<unknown>);
        try {
          pushFrame(task, frameOf(yielded));
          continue;
        } catch (error) {
          value = error;
          failing = true;
        }
      }
      // Also a task that swallows every error in a loop lets the others run.
      if (--budget === 0) {
        task.inbox = value;
        task.failing = failing;
        this.enqueue(task);
        return;
      }
    }
  }

  /** What a trap throws in a cancelled task. */
  private interrupt(task: Task<unknown>): unknown {
    this.observer?.interrupted?.(task);
    return task.due;
  }

  private park(task: Task<unknown>, operation: Op<unknown>): void {
    const waker = new TaskWaker(task);
    task.waker = waker;
    try {
      operation.park(waker);
    } catch (error) {
      // An operation that woke its task and then failed: the task goes on, and the failure is not lost.
      if (!this.resume(task, waker, error, true)) this.onFailure(task, error);
    }
    if (task.waker !== waker) return;
    task.operation = operation;
    this.observer?.parked?.(task, operation);
    // A cancel from within the park could not undo what was not registered yet.
    if (task.due !== null) this.undo(task);
  }

  private finish(task: Task<unknown>, state: 'done' | 'failed' | 'cancelled', outcome: unknown): void {
    // Scopes that its code forgot to leave; a cancel that is still under way finds nothing of it.
    task.unwind();
    task.detach();
    task.ending = state;
    task.outcome = outcome;
    this.tasks.delete(task);
    this.observer?.ended?.(task);
    task.announce();
    if (task.owner !== null) task.owner.childEnded(task);
    else if (state === 'failed') this.onFailure(task, outcome);
  }
}

printAs(Kernel, (kernel) => `kernel, ${kernel.tasks.size} tasks`);
