/**
 * Waits in which nothing is under way: a server that keeps a connection for the client's next request. A server that stops cuts
 * such waits, and no others: who is being served is served to the end (rule 23).
 *
 * Marking a wait costs two small objects and no bookkeeping. Which tasks idle is found out when a server stops, by what they wait for.
 */

import {
  CancelScope,
  type Co,
  isOp,
  type Kernel,
  Op,
  type PENDING,
  routine,
  runningTask,
  type Task,
  type Waker,
} from '../kernel/index.ts';
import { isRoutineCall } from '../kernel/routine.ts';

/** Who wants to know of tasks that begin to idle: a server that stops. */
export interface IdleWatcher {
  /** What runs in it. */
  readonly scope: CancelScope;
  /** A task in the scope waits, marked as idle. */
  idles(): void;
}

const watchers = new Set<IdleWatcher>();
/** Wakers of tasks that wait for several operations, an idle one among them. */
const partly = new WeakSet<object>();

/** @internal From now on it is told of tasks that begin to idle. */
export function watchIdle(watcher: IdleWatcher): void {
  watchers.add(watcher);
}

/** @internal */
export function unwatchIdle(watcher: IdleWatcher): void {
  watchers.delete(watcher);
}

/** @internal Whether a task stands in this scope. */
export function standsIn(task: Task<unknown>, scope: CancelScope): boolean {
  for (let at: CancelScope | null = task.scope; at !== null; at = at.parent) if (at === scope) return true;
  return false;
}

/** @internal Whether a task waits, and its wait is marked. */
export function isIdle(task: Task<unknown>): boolean {
  const { waker, operation } = task;
  if (waker === null) return false;
  if (operation instanceof Idle || partly.has(waker)) return true;
  for (let at: CancelScope | null = task.scope; at !== null && at !== task; at = at.parent) {
    if (at instanceof IdleScope) return true;
  }
  return false;
}

function tell(task: Task<unknown>): void {
  for (const watcher of watchers) if (standsIn(task, watcher.scope)) watcher.idles();
}

/** An operation that is marked. All it does is the operation's. */
class Idle<T> extends Op<T> {
  private readonly operation: Op<T>;

  constructor(operation: Op<T>) {
    super();
    this.operation = operation;
  }

  override try(kernel: Kernel): T | typeof PENDING {
    kernel.observer?.yielded?.(this.operation);
    return this.operation.try(kernel);
  }

  override park(waker: Waker<T>): void {
    const task = waker.kernel.current;
    // In a `select` the task waits with another waker than its branches do.
    if (task?.waker != null && task.waker !== waker) partly.add(task.waker);
    this.operation.park(waker);
    if (watchers.size > 0 && task !== null) tell(task);
  }

  override abort(waker: Waker<T>, cancel?: unknown): boolean {
    return this.operation.abort(waker, cancel);
  }

  override blockedBy(): Task<unknown> | null {
    return this.operation.blockedBy?.() ?? null;
  }

  override describe(): string {
    return `${this.operation.describe()}, idle`;
  }

  // An operation may do a part of its work in the iterator that `yield*` makes of it.
  override [Symbol.iterator](): Generator<Op<T>, T, unknown> {
    return new IdleTrap(this, this.operation[Symbol.iterator]()) as unknown as Generator<Op<T>, T, unknown>;
  }
}

/** The iterator of an operation, which yields the marked one in its place; as that, its own iterator result. */
class IdleTrap<T> {
  value: unknown;
  done: boolean = false;
  private readonly idle: Idle<T>;
  private readonly inner: Generator<Op<T>, T, unknown>;

  constructor(idle: Idle<T>, inner: Generator<Op<T>, T, unknown>) {
    this.idle = idle;
    this.inner = inner;
  }

  next(result: unknown): this {
    return this.take(this.inner.next(result));
  }

  throw(error: unknown): this {
    return this.take(this.inner.throw(error));
  }

  return(value: unknown): this {
    return this.take(this.inner.return(value as T));
  }

  [Symbol.iterator](): this {
    return this;
  }

  private take({ done, value }: IteratorResult<Op<T>, T>): this {
    this.done = done === true;
    this.value = this.done ? value : this.idle;
    return this;
  }
}

/** Where a subroutine runs that is marked. */
class IdleScope extends CancelScope {}

const idleBlock: <T>(body: Op<T> | Co<T>) => Op<T> = routine(function* idle<T>(body: Op<T> | Co<T>): Co<T> {
  const task = runningTask();
  const scope = new IdleScope(task.kernel, task).enter();
  try {
    if (watchers.size > 0) tell(task);
    return (yield body) as T;
  } finally {
    scope[Symbol.dispose]();
  }
});

/**
 * Marks a wait as one in which nothing is under way: `yield* idle(client.readLine())`. A server that stops ends it, and with it the task
 * that waits, by a cancel; unless what it waits for has come. Elsewhere it changes nothing. Rule 23.
 *
 * Takes an operation, also as a branch of a `select`, or a generator, which is cut wherever it waits at that moment.
 */
export function idle<T>(wait: Op<T> | Co<T>): Op<T> {
  return isOp(wait) && !isRoutineCall(wait) ? new Idle(wait as Op<T>) : idleBlock<T>(wait as Op<T> | Co<T>);
}
