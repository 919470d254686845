/** Waiting for time. Milliseconds, as in Node; deadlines are absolute inside, and never early. */

import { Op, PENDING, type Waker } from './operation.ts';
import type { Timer } from './timers.ts';

class Sleep extends Op<void> {
  private readonly ms: number;

  constructor(ms: number) {
    super();
    this.ms = ms;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    if (this.ms === Number.POSITIVE_INFINITY) return;
    const { kernel } = waker;
    // The clock is read afresh: counted from the last wait, a sleep after a long step would end early.
    waker.state = kernel.timers.set(kernel.host.now() + this.ms, () => waker.wake());
  }

  override abort(waker: Waker<void>): boolean {
    if (waker.state !== undefined) waker.kernel.timers.cancel(waker.state as Timer);
    return true;
  }

  override describe(): string {
    return `sleep(${this.ms})`;
  }
}

/**
 * Sleeps for `ms` milliseconds: fractions count, 0 lets others run and fires timers that are due, `Infinity` sleeps until
 * cancelled. Throws `RangeError` for negative numbers and NaN, `TypeError` for anything else. Rule 25.
 */
export function sleep(ms: number): Op<void> {
  if (typeof ms !== 'number') throw new TypeError(`sleep takes a number of milliseconds, not ${String(ms)}`);
  if (!(ms >= 0)) throw new RangeError(`sleep takes a number of milliseconds from 0 on, not ${ms}`);
  return new Sleep(ms);
}
