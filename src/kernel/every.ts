/**
 * A beat: ticks at multiples of a period, counted from the first wait. How long a task works between two of them does
 * not move those that follow; what it was too late for is counted, and not made up for by a burst.
 */

import type { Kernel } from './kernel.ts';
import { Op, PENDING, type Waker } from './operation.ts';
import type { Timer } from './timers.ts';

class Every extends Op<number> {
  private readonly period: number;
  /** When the first wait began; `null` before it. */
  private start: number | null = null;
  /** How many periods have been handed out. A count, because a sum of times would drift. */
  private taken = 0;

  constructor(period: number) {
    super();
    this.period = period;
  }

  override try(kernel: Kernel): number | typeof PENDING {
    const now = kernel.host.now();
    this.start ??= now;
    const passed = this.passed(now);
    if (passed === 0) return PENDING;
    this.taken += passed;
    return passed;
  }

  override park(waker: Waker<number>): void {
    waker.state = waker.kernel.timers.set(this.due, () => this.ring(waker));
  }

  override abort(waker: Waker<number>): boolean {
    waker.kernel.timers.cancel(waker.state as Timer);
    return true;
  }

  override describe(): string {
    return `the next tick of every(${this.period})`;
  }

  /** When the next tick is due. */
  private get due(): number {
    return (this.start as number) + (this.taken + 1) * this.period;
  }

  /** How many periods have passed that nobody took. */
  private passed(now: number): number {
    if (now < this.due) return 0;
    // At least the one that is due: a division may round what a multiplication did not.
    return Math.max(1, Math.floor((now - (this.start as number)) / this.period) - this.taken);
  }

  private ring(waker: Waker<number>): void {
    const passed = this.passed(waker.kernel.host.now());
    // Another task that waits for the same ticks has taken this one.
    if (passed === 0) this.park(waker);
    else if (waker.wake(passed)) this.taken += passed;
  }
}

/**
 * A beat without drift: each `yield*` of the same operation waits for the next multiple of `ms` milliseconds since the
 * first. Its result is how many periods have passed since the last tick: 1, or more if the task came too late for some.
 * A tick that is not taken (a cancel, a lost `select`) is there for the next wait. Two tasks that wait for the same
 * beat share its ticks. Throws `RangeError` for what is not a finite number above 0, `TypeError` for what is no number.
 * Rule 25.
 *
 * @example
 * const beat = every(1000);
 * for (;;) {
 *   const periods = yield* beat;
 *   if (periods > 1) console.log(`${periods - 1} seconds without a measurement`);
 *   measure();
 * }
 */
export function every(ms: number): Op<number> {
  if (typeof ms !== 'number') throw new TypeError(`every takes a number of milliseconds, not ${String(ms)}`);
  if (!(ms > 0 && ms < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`every takes a finite number of milliseconds above 0, not ${ms}`);
  }
  return new Every(ms);
}
