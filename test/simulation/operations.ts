/** What programs wait for, besides what the library has: a queue of items, a wait that cannot be undone, and one that is over at once. */

import { type Kernel, Op, PENDING, type Timer, WaitQueue, type Waker } from 'genloop/kernel';

/** Items, first in, first out. Who waits is handed the item at once. */
export class ItemQueue {
  readonly items: number[] = [];
  readonly waiters = new WaitQueue<number>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  put(item: number): void {
    if (this.waiters.wake(item) === 0) this.items.push(item);
  }

  toString(): string {
    return this.name;
  }
}

/** Takes an item. */
export class Take extends Op<number> {
  private readonly queue: ItemQueue;

  constructor(queue: ItemQueue) {
    super();
    this.queue = queue;
  }

  override try(): number | typeof PENDING {
    return this.queue.items.shift() ?? PENDING;
  }

  override park(waker: Waker<number>): void {
    this.queue.waiters.add(waker);
  }

  override abort(waker: Waker<number>): boolean {
    return this.queue.waiters.remove(waker);
  }

  override describe(): string {
    return `an item of ${this.queue}`;
  }
}

/** Completes after a time, and cannot be undone: as a system call in another thread. */
export class Stubborn extends Op<void> {
  protected readonly ms: number;

  constructor(ms: number) {
    super();
    this.ms = ms;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    const { kernel } = waker;
    waker.state = kernel.timers.set(kernel.host.now() + this.ms, () => waker.wake()) satisfies Timer;
  }

  override abort(): boolean {
    return false;
  }

  override describe(): string {
    return 'what cannot be stopped';
  }
}

/**
 * As {@link Stubborn}, but it says that it was undone, and completes all the same: too late, and twice. Who waits must not notice
 * (the contract: a claim that comes too late is told so).
 */
export class Careless extends Stubborn {
  override park(waker: Waker<void>): void {
    const { kernel } = waker;
    kernel.timers.set(kernel.host.now() + this.ms, () => {
      waker.wake();
      waker.wake();
    });
  }

  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return 'what comes too late';
  }
}

/** Completes at once. */
export class Immediate extends Op<void> {
  override try(_kernel: Kernel): void {}

  override park(): void {}

  override abort(): boolean {
    return true;
  }

  override describe(): string {
    return 'nothing';
  }
}
