/**
 * Groups: blocks that own tasks. A group returns when every task in it has ended, so nothing runs on behind the back of
 * whoever called; the first failure cancels the others and comes out. The body counts as one of them.
 */

import { type Body, bodyOf } from './blocks.ts';
import { runningTask } from './current.ts';
import { firstOf, MisuseError } from './errors.ts';
import type { Spawnable } from './frames.ts';
import { Kept, Next } from './kept.ts';
import type { Kernel, SpawnOptions } from './kernel.ts';
import { type Co, Op, PENDING, type Waker } from './operation.ts';
import { routine } from './routine.ts';
import { CancelScope } from './scope.ts';
import { Start, type Starting } from './start.ts';
import type { Task } from './task.ts';

/**
 * What to do when a task fails: `'cancel'` the others and throw the error (the default), `'isolate'`: report it on the
 * console and go on, or a function of yours, after which the others go on; what it throws cancels them. Rule 21.
 */
export type ErrorPolicy = 'cancel' | 'isolate' | ((error: unknown, task: Task<unknown>) => void);

/** Options of {@link group}. */
export interface GroupOptions {
  /** What to do when a task fails; default `'cancel'`. A failure of the body itself always cancels. */
  onError?: ErrorPolicy;
  /** Cancels the group when it is aborted. */
  signal?: AbortSignal;
  /**
   * Keeps the handles of its tasks, for {@link Group.results} and {@link Group.next}. Not for a group that spawns for
   * ever.
   */
  keep?: boolean;
}

/** How a task is spawned into a group. */
export interface ChildOptions extends SpawnOptions {
  /**
   * Ends with the group, which does not wait for it: it is cancelled when the others have ended. Its clean-up is waited
   * for, and its errors count. Rule 19.
   */
  daemon?: boolean;
}

/** A block that owns tasks; made by {@link group}. */
export class Group extends CancelScope {
  /** @internal Failures, in the order in which they happened. */
  readonly failures: unknown[] = [];
  private readonly onError: ErrorPolicy;
  private readonly kept: Kept | null;
  /** @internal How many tasks it waits for. */
  live = 0;
  // These two are made at the first need: most groups have neither.
  private daemons: Set<Task<unknown>> | null = null;
  private starting: Map<Task<unknown>, Starting<unknown>> | null = null;
  /** Whether the daemons have been told that all others have ended. */
  private dismissed = false;
  private waiter: Waker<void> | null = null;

  /** @internal */
  constructor(kernel: Kernel, task: Task<unknown>, options: GroupOptions = {}) {
    super(kernel, task);
    const { onError = 'cancel', keep = false } = options;
    checkPolicy(onError);
    this.onError = onError;
    this.kept = keep ? new Kept() : null;
  }

  /** How many tasks have not ended, daemons included. */
  get size(): number {
    return this.live + (this.daemons?.size ?? 0);
  }

  /**
   * Spawns a task that belongs to this group. It starts when its turn comes, never inside this call. In a cancelled
   * group it runs to its first trap. Throws `MisuseError` once the group has ended, `TypeError` for what is no task.
   * Rules 5, 16, 17, 20.
   */
  spawn<T>(body: Spawnable<T>, options: ChildOptions = {}): Task<T> {
    if (this.gone) throw new MisuseError('this group has ended; spawn into one that is still open');
    const task = this.kernel.spawn(body, options, this);
    if (options.daemon === true) {
      this.daemons ??= new Set();
      this.daemons.add(task as Task<unknown>);
      // Too late: the others have ended already.
      if (this.dismissed) dismiss(task as Task<unknown>);
    } else {
      this.live++;
      this.dismissed = false;
      this.kept?.tasks.push(task as Task<unknown>);
    }
    return task;
  }

  /**
   * Spawns a task and waits until it calls `ready(value)`; gives that value. Until then its errors are thrown here and
   * not in the group, and a cancel of the caller ends it and waits for its end; afterwards it is a task like others.
   * Throws `TaskCancelledError` if it was cancelled before, `MisuseError` if it ended without having been ready.
   * Rule 18.
   *
   * @example
   * const port = yield* g.start(function* server(ready) {
   *   using listener = Socket.listener({ port: 0 });
   *   ready(listener.localAddress.port);
   *   …
   * });
   */
  start<T>(body: (ready: (value: T) => void) => Spawnable<unknown>, options: ChildOptions = {}): Op<T> {
    return new Start<T>((starting) => {
      const name = options.name ?? (body.name === '' ? undefined : body.name);
      const named = name === undefined ? options : { ...options, name };
      const task = this.spawn(
        body((value) => starting.ready(value)),
        named,
      ) as Task<unknown>;
      this.starting ??= new Map();
      this.starting.set(task, starting as Starting<unknown>);
      return task;
    });
  }

  /**
   * Waits for the next task that ends, in the order of completion; `undefined` once none is left. Each is given once,
   * whoever asks. Daemons do not count. Needs `keep: true`; throws `MisuseError` without it.
   */
  next(): Op<Task<unknown> | undefined> {
    return new Next(this, this.keeping('next()'));
  }

  /**
   * The results of its tasks in the order of their spawns, once they have ended; daemons do not count. Throws what a
   * join would throw for the first that has none, `MisuseError` while tasks run, and without `keep: true`.
   */
  get results(): unknown[] {
    return this.keeping('results').results();
  }

  /** `group of 3 tasks`. */
  override toString(): string {
    return `group of ${this.size} ${this.size === 1 ? 'task' : 'tasks'}`;
  }

  /** @internal One of its tasks has ended. */
  childEnded(task: Task<unknown>): void {
    if (this.daemons?.delete(task) !== true) {
      this.live--;
      // As with a join, who waits for it gets it first, and then the cancel that its failure brings.
      this.kept?.ended(task);
    }
    const starting = this.starting?.get(task);
    if (starting !== undefined) this.starting?.delete(task);
    const taken = starting?.ended(task) ?? false;
    if (!taken && task.ending === 'failed') this.childFailed(task, task.outcome);
    // Only now: the policy may have spawned another in its place.
    if (this.live === 0) this.kept?.exhausted();
    this.review();
  }

  /** @internal A failure that nobody in the group can undo. */
  fail(error: unknown): void {
    this.failures.push(error);
    this.cancelFor('sibling', error);
  }

  /** @internal Whether it does not wait for this task. */
  isDaemon(task: Task<unknown>): boolean {
    return this.daemons?.has(task) ?? false;
  }

  /** @internal Waits until all tasks have ended: cancels reach them, and not this wait. */
  get end(): Op<void> {
    return new GroupEnd(this);
  }

  /** @internal */
  get ended(): boolean {
    return this.size === 0;
  }

  /** @internal */
  awaitedBy(waker: Waker<void>): void {
    this.waiter = waker;
    this.review();
  }

  private childFailed(task: Task<unknown>, error: unknown): void {
    const { onError } = this;
    if (onError === 'cancel') this.fail(error);
    else if (onError === 'isolate') this.kernel.report(task, error);
    else {
      try {
        onError(error, task);
      } catch (raised) {
        this.fail(raised);
      }
    }
  }

  private review(): void {
    if (this.waiter === null || this.live > 0) return;
    if (!this.dismissed) {
      this.dismissed = true;
      for (const daemon of this.daemons ?? []) dismiss(daemon);
    }
    if (!this.ended) return;
    this.waiter.wake();
    this.waiter = null;
  }

  private keeping(what: string): Kept {
    if (this.kept !== null) return this.kept;
    throw new MisuseError(`${what} needs the handles of all tasks; make the group with { keep: true }`);
  }
}

function dismiss(daemon: Task<unknown>): void {
  daemon.cancelFor('shutdown', 'its group has ended');
}

/** @internal Whoever looks on may ask which group it is. */
export class GroupEnd extends Op<void> {
  readonly group: Group;

  constructor(group: Group) {
    super();
    this.group = group;
  }

  // The block asks first, and yields this only where there is something to wait for.
  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    this.group.awaitedBy(waker);
  }

  // Never asked: whoever waits stands outside of every scope.
  override abort(): boolean {
    return false;
  }

  override describe(): string {
    return 'the tasks of its group';
  }
}

/**
 * Runs a body that can spawn tasks, and returns its result when all of them have ended. The first failure of any cancels
 * the others and is thrown ({@link errorsOf} tells the rest). `g.cancel()` ends the group without an error; a body that
 * it cut short gives `undefined`. Rules 14, 15, 21.
 *
 * @example
 * const sum = yield* group(function* (g) {
 *   const a = g.spawn(count('a'));
 *   const b = g.spawn(count('b'));
 *   return (yield* a.join()) + (yield* b.join());
 * });
 */
export const group: <T>(body: (g: Group) => Spawnable<T>, options?: GroupOptions) => Op<T> = routine(function* group<T>(
  body: (g: Group) => Spawnable<T>,
  options: GroupOptions = {},
): Co<T> {
  const task = runningTask();
  return (yield inGroup(new Group(task.kernel, task, options), body, options.signal)) as T;
});

/** @internal Runs a body in a group that was made for it. */
export function* inGroup<T, G extends Group>(g: G, body: Body<T, G>, signal?: AbortSignal): Co<T> {
  const task = g.task as Task<unknown>;
  g.enter();
  let result: T | undefined;
  let cut = false;
  let thrown: unknown;
  try {
    g.follow(signal);
    result = (yield bodyOf(body, g)) as T;
  } catch (error) {
    thrown = error;
    // A cancel is no failure; whose it is shows when all have ended.
    cut = g.issued(error);
    if (!cut) g.fail(error);
  }
  g.unwind();
  task.stand(g.kernel.shelter);
  // Again, if somebody else has spawned one since the last had ended.
  while (!g.ended) yield g.end;
  task.stand(g);
  g[Symbol.dispose]();
  if (g.failures.length > 0) throw firstOf(g.failures);
  if (cut) {
    const { inForce, error } = g;
    // Its own cancel ends here. One from further out goes on, also one that the body kept from before a shield. A
    // body that has completed keeps its result (rule 4).
    if (inForce !== null && inForce !== error) throw inForce;
    if (thrown !== error) throw thrown;
  }
  return result as T;
}

/** @internal Throws `TypeError` for what is no policy. */
export function checkPolicy(onError: unknown): void {
  if (onError !== 'cancel' && onError !== 'isolate' && typeof onError !== 'function') {
    throw new TypeError(`onError must be 'cancel', 'isolate' or a function, not ${String(onError)}`);
  }
}
