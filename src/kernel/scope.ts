/**
 * Scopes: what can be cancelled as one. They form a tree. A task is a scope; so is each block in it that can be
 * cancelled or has a deadline, and so is a group, which holds the tasks that were spawned into it.
 *
 * What a trap has to know is one field, {@link CancelScope.inForce}: the cancel of the outermost cancelled scope around
 * it, as far as no shield stands between. It is pushed down when something changes, never looked for, and down to the
 * tasks that stand there (`task.due`): a trap costs one comparison (rule 2).
 */

import { CancelError, type CancelSource, MisuseError, TimeoutError } from './errors.ts';
import type { Kernel } from './kernel.ts';
import type { Local } from './local.ts';
import { printAs } from './printing.ts';
import type { Task } from './task.ts';
import type { Timer } from './timers.ts';

/** Options of {@link CancelScope.cancel}. */
export interface CancelOptions {
  /** After how many milliseconds shields inside do not protect any more. Default: they always do. Rule 10. */
  cleanup?: number;
}

/** A value of a {@link Local}, with those that were set around it. */
export interface LocalValue {
  readonly local: Local<unknown>;
  readonly value: unknown;
  readonly outer: LocalValue | null;
}

/** Something that can be cancelled as one. Made by blocks (`cancelScope`, `failAfter`, `group`, …), and by `spawn`. */
export class CancelScope implements Disposable {
  /** @internal */
  readonly kernel: Kernel;
  /** @internal The task in whose frames it stands; `null` for the kernel's own. */
  task: Task<unknown> | null;
  /** @internal What was asked of this scope itself. */
  error: Error | null = null;
  /** @internal What each trap in this scope throws; `null`: nothing. */
  inForce: Error | null = null;
  /** @internal Whether cancels from outside stop here. */
  shielded = false;
  /** @internal Whether the cancel in force passes shields. */
  hard = false;
  /** @internal Whether it has been left; nothing can happen to it any more. */
  gone = false;
  /** @internal Values of locals. */
  locals: LocalValue | null = null;
  /** @internal The scope around it. */
  parent: CancelScope | null = null;
  private firstChild: CancelScope | null = null;
  private lastChild: CancelScope | null = null;
  private older: CancelScope | null = null;
  private younger: CancelScope | null = null;
  private extras: Extras | null = null;

  /** @internal */
  constructor(kernel: Kernel, task: Task<unknown> | null) {
    this.kernel = kernel;
    this.task = task;
  }

  /** Whether a cancel of this scope or of one around it is in force here. */
  get cancelled(): boolean {
    return this.inForce !== null;
  }

  /** Whether this very scope was cancelled, by a call or by its deadline. */
  get cancelCalled(): boolean {
    return this.error !== null;
  }

  /** The reason of the cancel in force; `undefined` if there is none. */
  get reason(): unknown {
    return this.inForce instanceof CancelError ? this.inForce.reason : (this.inForce ?? undefined);
  }

  /**
   * Cancels what runs in this scope: its waits are undone, and each trap in it throws from now on, until the scope is
   * left. Never waits. The first cancel stays; one of a scope that has been left does nothing. Of several bounds on
   * clean-up the nearest holds, also one that is given to a scope which is cancelled already. Throws `RangeError` and
   * `TypeError` for what is no duration. Rules 2, 8, 9, 10.
   *
   * @param reason What `CancelError.reason` says.
   */
  cancel(reason?: unknown, options: CancelOptions = {}): void {
    const { cleanup } = options;
    // Before anything happens.
    if (cleanup !== undefined) checkDuration('cleanup', cleanup);
    this.cancelFor('explicit', reason);
    // One that has been left needs no timer, which nobody would ever take out.
    if (cleanup !== undefined && cleanup !== Number.POSITIVE_INFINITY && !this.gone) this.hardenAfter(cleanup);
  }

  /** @internal Cancels for any source. `false` if it was cancelled before, or has been left. */
  cancelFor(source: CancelSource, reason: unknown): boolean {
    if (this.gone || this.error !== null) return false;
    return this.cancelWith(new CancelError(source, reason, this, this.kernel.current));
  }

  /** @internal */
  cancelWith(error: Error): boolean {
    if (this.gone || this.error !== null) return false;
    this.error = error;
    this.spread();
    this.kernel.observer?.cancelled?.(this);
    return true;
  }

  /** @internal From now on no shield inside protects. */
  harden(): void {
    if (this.hard || this.gone) return;
    this.hard = true;
    this.spread();
  }

  /** Milliseconds until this scope's own deadline; 0 once it has passed, `Infinity` if there is none. */
  get remaining(): number {
    return until(this.extras?.deadline ?? null, this.kernel);
  }

  /**
   * Moves the deadline to `ms` milliseconds from now; `Infinity` takes it away. A scope that was cancelled, by its
   * deadline or by a call, stays so, and its deadline where it was. Throws `RangeError` and `TypeError` for what is no
   * duration. Rules 25, 26.
   */
  expireAfter(ms: number): void {
    checkDuration('a deadline', ms);
    if (this.gone || this.error !== null) return;
    const { timers, host } = this.kernel;
    if (this.extras !== null && this.extras.deadline !== null) {
      timers.cancel(this.extras.deadline);
      this.extras.deadline = null;
    }
    if (ms === Number.POSITIVE_INFINITY) return;
    this.extra.duration = ms;
    this.extra.deadline = timers.set(host.now() + ms, () => this.expire());
  }

  /** @internal The deadline throws a `TimeoutError` at the traps, instead of a cancel that a block turns into one. */
  failOnExpiry(): void {
    this.extra.throwsTimeout = true;
  }

  /**
   * An `AbortSignal` that is aborted as soon as a cancel is in force here; its reason is the cancel. For `fetch` and
   * whatever else takes one.
   */
  get signal(): AbortSignal {
    this.extra.controller ??= new AbortController();
    const { controller } = this.extra;
    if (this.inForce !== null && !controller.signal.aborted) controller.abort(this.inForce);
    return controller.signal;
  }

  /** @internal Is cancelled when this signal is aborted. */
  follow(signal: AbortSignal | undefined): void {
    checkSignal(signal);
    if (signal === undefined) return;
    const aborted = () => this.cancelFor('abort', signal.reason);
    if (signal.aborted) {
      aborted();
      return;
    }
    signal.addEventListener('abort', aborted, { once: true });
    this.extra.unfollow = () => signal.removeEventListener('abort', aborted);
  }

  /**
   * Milliseconds until the nearest deadline that can end a wait in here: 0 where a cancel is in force, `Infinity` if
   * there is none. From outside of a shield, only the end of the time for clean-up counts.
   */
  get effectiveDeadline(): number {
    if (this.inForce !== null) return 0;
    let nearest = Number.POSITIVE_INFINITY;
    let shielded = false;
    for (let scope: CancelScope | null = this; scope !== null; scope = scope.parent) {
      if (scope.extras !== null) {
        const { deadline, hardening } = scope.extras;
        nearest = Math.min(nearest, until(shielded ? hardening : deadline, this.kernel));
      }
      shielded ||= scope.shielded;
    }
    return nearest;
  }

  /** @internal Whether this is its cancel, or one of a scope around it. */
  issued(error: unknown): boolean {
    if (error === null) return false;
    for (let scope: CancelScope | null = this; scope !== null; scope = scope.parent) {
      if (scope.error === error) return true;
    }
    return false;
  }

  /** @internal Joins the tree, as the last child. */
  attach(parent: CancelScope): void {
    this.parent = parent;
    // A task is attached to its group, and gets what holds where it was spawned.
    this.locals = (this.kernel.current?.scope ?? parent).locals;
    this.older = parent.lastChild;
    if (parent.lastChild === null) parent.firstChild = this;
    else parent.lastChild.younger = this;
    parent.lastChild = this;
    if (parent.inForce !== null) this.inherit();
  }

  /** @internal Leaves the tree for good. Its deadline is forgotten, and it follows no signal any more. */
  detach(): void {
    const { parent, older, younger, extras } = this;
    if (extras !== null) {
      if (extras.deadline !== null) this.kernel.timers.cancel(extras.deadline);
      if (extras.hardening !== null) this.kernel.timers.cancel(extras.hardening);
      extras.deadline = extras.hardening = null;
      extras.unfollow?.();
      extras.unfollow = null;
    }
    // `parent` stays: an error on its way out may ask whose it is.
    this.gone = true;
    if (parent === null) return;
    if (older === null) parent.firstChild = younger;
    else older.younger = younger;
    if (younger === null) parent.lastChild = older;
    else younger.older = older;
    this.older = this.younger = null;
  }

  /** @internal Becomes the innermost scope of the task that runs. */
  enter(): this {
    const task = this.task as Task<unknown>;
    this.attach(task.scope);
    task.stand(this);
    return this;
  }

  /** @internal Leaves what the task has entered since and not left. Whether there was anything. */
  unwind(): boolean {
    const task = this.task as Task<unknown>;
    if (task.scope === this) return false;
    // Looked at before anything is left: a refusal leaves all as it was.
    for (let inner = task.scope; inner !== this; inner = inner.parent as CancelScope) {
      if (inner.task !== task) throw new MisuseError('this group was left already; a group ends by itself');
      inner.refuseTasks();
    }
    while (task.scope !== this) {
      const inner = task.scope;
      task.stand(inner.parent as CancelScope);
      inner.detach();
    }
    return true;
  }

  /**
   * Leaves the block; `using` calls it. Throws `MisuseError` if scopes inside are still open: they are left too. Also
   * if the task that runs is not the one that entered it, or a group inside still has tasks; then nothing happens.
   */
  [Symbol.dispose](): void {
    if (this.gone) return;
    const { kernel, task } = this;
    if (task === null || task !== kernel.current || (task as CancelScope) === this) {
      throw new MisuseError('only the task that entered a scope can leave it; to end what runs in it, cancel it');
    }
    this.refuseTasks();
    const disorder = this.unwind();
    task.stand(this.parent as CancelScope);
    this.detach();
    if (disorder) throw new MisuseError('a scope was left before one that was entered inside it; use `using` for both');
  }

  /** `scope`, and whether a cancel is in force in it. */
  toString(): string {
    return this.cancelled ? 'scope (cancelled)' : 'scope';
  }

  private refuseTasks(): void {
    for (let child = this.firstChild; child !== null; child = child.younger) {
      if (child.task !== this.task) throw new MisuseError('a group whose tasks still run cannot be left');
    }
  }

  private get extra(): Extras {
    this.extras ??= new Extras();
    return this.extras;
  }

  private hardenAfter(ms: number): void {
    const { extra } = this;
    const { timers, host } = this.kernel;
    const deadline = host.now() + ms;
    if (extra.hardening !== null) {
      if (extra.hardening.deadline <= deadline) return;
      timers.cancel(extra.hardening);
    }
    extra.hardening = timers.set(deadline, () => this.harden());
  }

  private expire(): void {
    const { duration, throwsTimeout } = this.extra;
    const error = new TimeoutError(duration);
    if (throwsTimeout) this.cancelWith(error);
    else this.cancelFor('deadline', error);
  }

  /** Takes over what is in force around it. Whether anything changed. */
  private inherit(): boolean {
    const { parent } = this;
    const open = parent !== null && (parent.hard || !this.shielded);
    const inForce = (open ? (parent as CancelScope).inForce : null) ?? this.error;
    const hard = this.hard || (open && (parent as CancelScope).hard);
    if (inForce === this.inForce && hard === this.hard) return false;
    this.inForce = inForce;
    this.hard = hard;
    if (this.task !== null && this.task.scope === this) this.task.due = inForce;
    return true;
  }

  /**
   * Tells all scopes inside, and only then undoes the waits in them: no code of an operation sees half a tree
   * cancelled. Rule 7.
   */
  private spread(): void {
    const changed: CancelScope[] = [];
    // This scope's own `hard` was set by the caller, so it counts as changed in any case.
    this.inherit();
    changed.push(this);
    for (let scope = this.after(this, true); scope !== null; ) {
      const descend = scope.inherit();
      if (descend) changed.push(scope);
      scope = scope.after(this, descend);
    }
    for (const scope of changed) scope.reach();
  }

  /** The next scope below `top`, parents before children, in the order of their entry. */
  private after(top: CancelScope, descend: boolean): CancelScope | null {
    if (descend && this.firstChild !== null) return this.firstChild;
    let scope: CancelScope = this;
    while (scope !== top) {
      if (scope.younger !== null) return scope.younger;
      scope = scope.parent as CancelScope;
    }
    return null;
  }

  private reach(): void {
    const { task, inForce, extras } = this;
    if (inForce === null) return;
    // A scope whose task stands in one further in is left to that one.
    if (task !== null && task.scope === this) this.kernel.undo(task);
    extras?.controller?.abort(inForce);
  }
}

printAs(CancelScope, String);

/** What few scopes have. */
class Extras {
  deadline: Timer | null = null;
  /** In milliseconds, for messages. */
  duration = 0;
  throwsTimeout = false;
  hardening: Timer | null = null;
  controller: AbortController | null = null;
  unfollow: (() => void) | null = null;
}

/** Milliseconds until a timer fires, or would have fired. */
function until(timer: Timer | null, kernel: Kernel): number {
  return timer === null ? Number.POSITIVE_INFINITY : Math.max(0, timer.deadline - kernel.host.now());
}

/** @internal Throws `TypeError` or `RangeError` for what is no duration. Rule 25. */
export function checkDuration(what: string, ms: number): void {
  if (typeof ms !== 'number') throw new TypeError(`${what} takes a number of milliseconds, not ${String(ms)}`);
  if (!(ms >= 0)) throw new RangeError(`${what} takes a number of milliseconds from 0 on, not ${ms}`);
}

/** @internal Throws `TypeError` for what is neither an `AbortSignal` nor `undefined`. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return;
  throw new TypeError('signal must be an AbortSignal');
}
