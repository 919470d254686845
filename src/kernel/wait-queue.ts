/**
 * The one queue under everything that tasks wait in line for: locks, semaphores, channels, conditions. Rules 41, 42.
 *
 * A doubly linked list through entries that are kept in the wakers themselves, so that a cancel takes its waiter out
 * of the middle at once, however long the queue is, and a waiter can go on to another queue without being woken. An
 * entry is taken out before its waker is claimed: whatever code a claim runs, it finds the queue in order.
 */

import { MisuseError } from './errors.ts';
import { Op, PENDING, type Waker } from './operation.ts';

/** What somebody waits for, in words; a function is asked each time, for what changes: `() => 'the lock of ' + owner`. */
export type Description = string | (() => string);

/** A place in the circle: the queue's own, which is before the first and after the last, or a waiter's. */
class Place {
  before: Place = this;
  after: Place = this;
}

class Entry<T> extends Place {
  readonly waker: Waker<T>;
  queue: WaitQueue<T>;
  /** Which entry of its queue it is, counted from the queue's beginning. */
  order = 0;

  constructor(waker: Waker<T>, queue: WaitQueue<T>) {
    super();
    this.waker = waker;
    this.queue = queue;
  }
}

/**
 * Tasks that wait, first in, first out. It keeps no values: hand over, or keep what nobody took. A waiter that was
 * cancelled is not in it any more; one that has got something else in a `select` refuses, and its turn goes to the next.
 *
 * @example
 * // A semaphore. `yield* semaphore` takes a permit, also as a branch of a `select`.
 * class Semaphore extends Op<void> {
 *   private readonly waiters = new WaitQueue();
 *   private permits: number;
 *   constructor(permits: number) {
 *     super();
 *     this.permits = permits;
 *   }
 *   override try() { return this.permits > 0 ? void this.permits-- : PENDING; }
 *   override park(waker: Waker<void>) { this.waiters.add(waker); }
 *   override abort(waker: Waker<void>) { return this.waiters.remove(waker); }
 *   override describe() { return 'a permit'; }
 *   release() {
 *     if (this.waiters.wake() === 0) this.permits++;   // handed over: nobody can overtake who was woken
 *   }
 * }
 */
export class WaitQueue<T = void> {
  private readonly description: Description;
  private readonly ring = new Place();
  private count = 0;
  private lastOrder = 0;

  /** @param description What those wait for who do not say so themselves. */
  constructor(description: Description = 'a wait queue') {
    this.description = description;
  }

  /** How many wait. */
  get size(): number {
    return this.count;
  }

  /**
   * Waits at the end of the queue until it is this one's turn; gives the value that was handed over. Never completes at
   * once. Throws what was given to `fail`.
   *
   * @param description What error messages say that the task waits for, wherever it is moved.
   */
  wait(description: Description = this.description): Op<T> {
    return new Wait(this, description);
  }

  /**
   * Hands the value to the first `n` that still want one; who has come meanwhile counts. How many took it: what is left
   * over stays with the caller. Throws `RangeError` for an `n` that is no whole number from 0 on (`Infinity`: all).
   */
  wake(value: T, n: number = 1): number {
    checkCount('wake', n);
    let taken = 0;
    while (taken < n) {
      const waker = this.shift(this.lastOrder);
      if (waker === null) break;
      if (waker.wake(value)) taken++;
    }
    return taken;
  }

  /** Hands the value to all that wait now, and to nobody who comes while that goes on. How many took it. */
  wakeAll(value: T): number {
    return this.drain((waker) => waker.wake(value));
  }

  /** Throws the error, one object, in all that wait now. How many that were. */
  fail(error: unknown): number {
    return this.drain((waker) => waker.fail(error));
  }

  /**
   * Moves the first `n` to the end of another queue, in their order, without waking them: so a condition hands its
   * waiters to the lock. How many were moved. They go on saying what they said that they wait for. Throws `RangeError`
   * for an `n` that is no whole number from 0 on, `MisuseError` for this very queue.
   */
  moveTo(other: WaitQueue<T>, n: number = Number.POSITIVE_INFINITY): number {
    checkCount('moveTo', n);
    if (other === this) throw new MisuseError('a queue cannot be moved to itself');
    const moving = Math.min(n, this.count);
    for (let moved = 0; moved < moving; moved++) {
      const entry = this.ring.after as Entry<T>;
      this.unlink(entry);
      other.link(entry);
    }
    return moving;
  }

  /**
   * For operations of your own, in `park`: puts the waker at the end. The queue keeps its place in `waker.state` until
   * the waker is woken or taken out. Throws `MisuseError` if `state` is in use: also for a waker that waits already.
   */
  add(waker: Waker<T>): void {
    if (waker.state !== undefined) {
      throw new MisuseError(
        'waker.state is in use; a queue keeps there where the waker stands, in one queue at a time',
      );
    }
    const entry = new Entry(waker, this);
    waker.state = entry;
    this.link(entry);
  }

  /**
   * For operations of your own, in `abort`: takes a waker out, of the queue to which it was moved if it was. `false` if
   * it does not wait. Takes the same time wherever it stands.
   */
  remove(waker: Waker<T>): boolean {
    const entry = waker.state;
    if (!(entry instanceof Entry)) return false;
    entry.queue.unlink(entry);
    waker.state = undefined;
    return true;
  }

  private drain(claim: (waker: Waker<T>) => boolean): number {
    const latest = this.lastOrder;
    let taken = 0;
    for (let waker = this.shift(latest); waker !== null; waker = this.shift(latest)) {
      if (claim(waker)) taken++;
    }
    return taken;
  }

  /** Takes the first out, unless it came later than this. */
  private shift(latest: number): Waker<T> | null {
    const first = this.ring.after;
    if (!(first instanceof Entry) || first.order > latest) return null;
    this.unlink(first);
    first.waker.state = undefined;
    return first.waker;
  }

  private link(entry: Entry<T>): void {
    const { ring } = this;
    entry.queue = this;
    entry.order = ++this.lastOrder;
    entry.before = ring.before;
    entry.after = ring;
    ring.before.after = entry;
    ring.before = entry;
    this.count++;
  }

  private unlink(entry: Entry<T>): void {
    entry.before.after = entry.after;
    entry.after.before = entry.before;
    this.count--;
  }
}

class Wait<T> extends Op<T> {
  private readonly queue: WaitQueue<T>;
  private readonly description: Description;

  constructor(queue: WaitQueue<T>, description: Description) {
    super();
    this.queue = queue;
    this.description = description;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<T>): void {
    this.queue.add(waker);
  }

  override abort(waker: Waker<T>): boolean {
    this.queue.remove(waker);
    return true;
  }

  override describe(): string {
    return typeof this.description === 'string' ? this.description : this.description();
  }
}

function checkCount(what: string, n: number): void {
  if (n === Number.POSITIVE_INFINITY || (Number.isInteger(n) && n >= 0)) return;
  throw new RangeError(`${what} takes a whole number of waiters from 0 on, not ${String(n)}`);
}
