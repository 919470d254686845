/** A task: a generator on its way, with the frames above it, what it waits for, and what became of it. */

import { MisuseError, TaskCancelledError } from './errors.ts';
import type { Kernel, Surroundings } from './kernel.ts';
import { type Co, Op, PENDING, type Waker } from './operation.ts';
import { CancelScope } from './scope.ts';

/** Where a task is: about to run, running, waiting, or ended in one of three ways. */
export type TaskState = 'ready' | 'running' | 'parked' | 'done' | 'failed' | 'cancelled';

/** Who owns tasks and is told when one ends: a group. */
export interface Owner extends CancelScope {
  /** One of its tasks has ended. */
  childEnded(task: Task<unknown>): void;
}

/**
 * Made by `spawn`. Not a promise, and not thenable: join it with `yield* task.join()`, or await `task.promise`. A task is a scope: `cancel()`
 * ends it. One that has not started yet runs to its first trap; one whose operation has completed gets that result first; one that
 * has ended stays as it is. Rules 2, 4, 5, 13.
 */
export class Task<T = unknown> extends CancelScope {
  /** Counts up in each kernel, from 1. */
  readonly id: number;
  /** Given at the spawn, otherwise a routine's name or `'task'`. */
  readonly name: string;
  /** @internal The group that it belongs to; `null`: the kernel itself. */
  readonly owner: Owner | null;
  /** @internal The innermost scope in which it stands. */
  scope: CancelScope;
  /** @internal What its next trap throws: the cancel in force where it stands. A copy, so that a trap looks at the task only. */
  due: Error | null = null;
  /** @internal How it ended, `null` before that. */
  ending: 'done' | 'failed' | 'cancelled' | null = null;
  /** @internal The generator that runs. */
  frame: Co<unknown>;
  /** @internal Those that wait for it. */
  callers: Co<unknown>[] | null = null;
  /** @internal What the next step hands in, and whether it is thrown. */
  inbox: unknown;
  /** @internal */
  failing = false;
  /** @internal The waker of the current park. */
  waker: Waker<unknown> | null = null;
  /** @internal The operation of the current park. */
  operation: Op<unknown> | null = null;
  /** @internal The waker of a park that could not be undone: nobody asks twice. */
  refused: Waker<unknown> | null = null;
  /** @internal Its neighbours among all tasks of the kernel. */
  before: Task<unknown> | null = null;
  /** @internal */
  next: Task<unknown> | null = null;
  /** @internal What its owner has entrusted to it: a server, the stream of a connection. Faster than a map, and smaller. */
  entrusted: unknown = undefined;
  /** @internal In which its steps run. */
  surroundings: Surroundings | null = null;
  /** @internal The result or the error. */
  outcome: unknown;
  /** @internal */
  joiners: Set<Waker<T>> | null = null;
  private settled: PromiseWithSettlers<T> | null = null;

  /** @internal */
  constructor(kernel: Kernel, owner: Owner | null, id: number, name: string, frame: Co<T>) {
    super(kernel, null);
    this.task = this as Task<unknown>;
    this.owner = owner;
    this.scope = this;
    this.id = id;
    this.name = name;
    this.frame = frame;
  }

  /** @internal From now on it stands in this scope. */
  stand(scope: CancelScope): void {
    this.scope = scope;
    this.due = scope.inForce;
  }

  /** Where the task is. */
  get status(): TaskState {
    if (this.ending !== null) return this.ending;
    if (this.waker !== null) return 'parked';
    return this.kernel.current === this ? 'running' : 'ready';
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.ending !== null;
  }

  /** What it waits for, in words. */
  get waitsFor(): string {
    try {
      return this.operation?.describe() ?? 'nothing';
    } catch {
      // A message about a deadlock must not end in an error about itself.
      return `${this.operation?.constructor.name}, which cannot describe itself`;
    }
  }

  /**
   * Waits until the task has ended, and gives its result. Throws the task's own error if it failed, `TaskCancelledError` if it
   * was cancelled. A failure has also gone to the scheduler, joined or not. Rules 16, 21.
   */
  join(): Op<T> {
    return new Join(this);
  }

  /** The outcome as a promise, made at the first access: a handle that nobody looks at rejects nothing. */
  get promise(): Promise<T> {
    if (this.settled === null) {
      this.settled = withSettlers<T>();
      if (this.ended) this.settle();
    }
    return this.settled.promise;
  }

  /** `task 3 (echo)`. */
  override toString(): string {
    return `task ${this.id} (${this.name})`;
  }

  /** @internal Tells the joiners, and the promise if there is one. */
  announce(): void {
    const { joiners } = this;
    this.joiners = null;
    if (joiners !== null) {
      for (const waker of joiners) {
        if (this.ending === 'done') waker.wake(this.outcome as T);
        else waker.fail(this.failure());
      }
    }
    if (this.settled !== null) this.settle();
  }

  /** @internal Ends here and now; whoever holds the promise hears of it, no other task does. */
  abandon(error: unknown): void {
    this.waker = this.operation = this.joiners = null;
    this.ending = 'failed';
    this.outcome = error;
    this.announce();
  }

  /** @internal What a joiner gets thrown. */
  failure(): unknown {
    return this.ending === 'cancelled' ? new TaskCancelledError(this, this.outcome) : this.outcome;
  }

  private settle(): void {
    const { resolve, reject } = this.settled as PromiseWithSettlers<T>;
    if (this.ending === 'done') resolve(this.outcome as T);
    else reject(this.failure());
  }
}

interface PromiseWithSettlers<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function withSettlers<T>(): PromiseWithSettlers<T> {
  const settlers = {} as PromiseWithSettlers<T>;
  settlers.promise = new Promise<T>((resolve, reject) => Object.assign(settlers, { resolve, reject }));
  return settlers;
}

class Join<T> extends Op<T> {
  private readonly task: Task<T>;

  constructor(task: Task<T>) {
    super();
    this.task = task;
  }

  override try(kernel: Kernel): T | typeof PENDING {
    const { task } = this;
    if (task.ending === 'done') return task.outcome as T;
    if (task.ended) throw task.failure();
    if (kernel.current === task) throw new MisuseError(`${task} waits for its own end: it would wait for ever`);
    if (task.kernel !== kernel)
      throw new MisuseError(`${task} belongs to another scheduler; await its promise instead`);
    return PENDING;
  }

  override park(waker: Waker<T>): void {
    this.task.joiners ??= new Set();
    this.task.joiners.add(waker);
  }

  override abort(waker: Waker<T>): boolean {
    this.task.joiners?.delete(waker);
    return true;
  }

  override blockedBy(): Task<unknown> {
    return this.task as Task<unknown>;
  }

  override describe(): string {
    return `the end of ${this.task}`;
  }
}
