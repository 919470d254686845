/**
 * What the poller knows of one descriptor: who waits on it, and what the kernel has been told. It hangs on the
 * descriptor (as its `watcher`), so that a wait finds it without a lookup and a close finds the waiters.
 */

import { type BackendRegistration, type Descriptor, NOT_ARMED, type Watcher } from '../os/index.ts';
import { Readiness } from './flags.ts';
import type { Poller } from './poller.ts';

/** Who waits: told once, by one of the two. `false` means that it no longer waits (it was cancelled, or lost a race). */
export interface Waiter {
  /** It is ready; the flags say how. */
  wake(flags: number): boolean;
  /** It cannot be waited for any more: closed, or refused by the kernel. */
  fail(error: unknown): boolean;
}

/** What can be waited for; the value is the flag. */
export type Direction = typeof Readiness.IN | typeof Readiness.OUT | typeof Readiness.PRI;

/** What messages say that a waiter does. */
export const VERB: Record<Direction, string> = {
  [Readiness.IN]: 'reads',
  [Readiness.OUT]: 'writes',
  [Readiness.PRI]: 'waits for urgent data',
};

/** One descriptor in one poller. At most one waiter for each direction. */
export class Registration implements BackendRegistration, Watcher {
  readonly poller: Poller;
  readonly fd: number;
  /** Changes once, if a bare number gets an owner. */
  generation: number;
  /** `null` for a bare number, whose close nobody tells us, until somebody owns it. */
  descriptor: Descriptor | null;
  interest = 0;
  armed: number = NOT_ARMED;
  reader: Waiter | null = null;
  writer: Waiter | null = null;
  priority: Waiter | null = null;
  /** A part of the scheduler itself that listens all the time (a timerfd, the signal pipe). */
  listener: ((flags: number) => void) | null = null;

  constructor(poller: Poller, fd: number, generation: number, descriptor: Descriptor | null) {
    this.poller = poller;
    this.fd = fd;
    this.generation = generation;
    this.descriptor = descriptor;
  }

  /** The flags that somebody waits for. */
  get wanted(): number {
    if (this.listener !== null) return Readiness.IN;
    return (
      (this.reader === null ? 0 : Readiness.IN) |
      (this.writer === null ? 0 : Readiness.OUT) |
      (this.priority === null ? 0 : Readiness.PRI)
    );
  }

  /** Who waits in this direction. */
  waiter(direction: Direction): Waiter | null {
    if (direction === Readiness.IN) return this.reader;
    return direction === Readiness.OUT ? this.writer : this.priority;
  }

  /** @internal Only the poller parks and unparks. */
  setWaiter(direction: Direction, waiter: Waiter | null): void {
    if (direction === Readiness.IN) this.reader = waiter;
    else if (direction === Readiness.OUT) this.writer = waiter;
    else this.priority = waiter;
  }

  /** The descriptor is about to be closed or given away. */
  closing(): void {
    this.poller.forget(this);
  }

  /** Takes all waiters away, and the listener. */
  takeAll(): Waiter[] {
    const waiters = [this.reader, this.writer, this.priority].filter((waiter) => waiter !== null);
    this.reader = this.writer = this.priority = null;
    this.listener = null;
    return waiters;
  }
}
