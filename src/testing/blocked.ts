/**
 * Waiting until all others wait. What a test wants to say with "give it a moment": the tasks that it started have come
 * as far as they can, each stands at its operation, and now the next thing may happen to them.
 *
 * A timer that is due at once is how this is found out: a scheduler fires it after it has stepped its tasks and asked
 * for readiness, so whoever is ready then goes first, and the timer is set again.
 */

import { type Kernel, Op, PENDING, type Timer, type Waker } from '../kernel/index.ts';

/** Who waits in a kernel for all others. */
class Watch {
  private readonly kernel: Kernel;
  private readonly waiters: Set<Waker<void>> = new Set();
  private timer: Timer | null = null;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  add(waker: Waker<void>): void {
    this.waiters.add(waker);
    // Also one that was taken out: a kernel that fails drops all its timers.
    if (this.timer === null || this.timer.place < 0) this.look();
  }

  delete(waker: Waker<void>): void {
    this.waiters.delete(waker);
    if (this.waiters.size > 0 || this.timer === null) return;
    this.kernel.timers.cancel(this.timer);
    this.timer = null;
  }

  /** Looks at the kernel when the present round is over. */
  private look(): void {
    const { timers, host } = this.kernel;
    this.timer = timers.set(host.now(), () => this.decide());
  }

  private decide(): void {
    const { kernel, waiters } = this;
    // Whoever sleeps until now is not blocked either.
    if (kernel.ready > 0 || kernel.timers.next <= kernel.host.now()) {
      this.look();
      return;
    }
    this.timer = null;
    const woken = [...waiters];
    waiters.clear();
    for (const waker of woken) waker.wake();
  }
}

const watches = new WeakMap<Kernel, Watch>();

function watchOf(kernel: Kernel): Watch {
  let watch = watches.get(kernel);
  if (watch === undefined) {
    watch = new Watch(kernel);
    watches.set(kernel, watch);
  }
  return watch;
}

class AllBlocked extends Op<void> {
  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    watchOf(waker.kernel).add(waker);
  }

  override abort(waker: Waker<void>): boolean {
    watchOf(waker.kernel).delete(waker);
    return true;
  }

  override describe(): string {
    return 'all other tasks to be blocked';
  }
}

/**
 * Waits until every other task of this scheduler waits for something: none is ready, no descriptor that one waits for
 * is, and no timer is due. Timers that are set for later do not matter, and virtual time does not jump to them
 * meanwhile. Several tasks may wait so at once; they do not count, and go on together.
 *
 * @example
 * const reader = g.spawn(read(queue));
 * yield* waitAllBlocked();
 * assert.is(reader.status, 'parked');
 */
export function waitAllBlocked(): Op<void> {
  return new AllBlocked();
}
