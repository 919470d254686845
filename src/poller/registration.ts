/**
 * What the poller knows of one descriptor: who waits on it, and what the kernel has been told. It hangs on the
 * descriptor (as its `watcher`), so that a wait finds it without a lookup and a close finds the waiters.
 */

import { type BackendRegistration, type Descriptor, NOT_ARMED, type Watcher } from '../os/index.ts';
import { BusyError } from './errors.ts';
import { Readiness } from './flags.ts';
import type { Poller } from './poller.ts';

/** Who waits: told once, by one of the two. `false` means that it no longer waits (it was cancelled, or lost a race). */
export interface Waiter {
  /** It is ready; the flags say how. */
  wake(flags: number): boolean;
  /** It cannot be waited for any more: closed, or refused by the kernel. */
  fail(error: unknown): boolean;
}

/**
 * Who takes what the poller has received for a parked reader. The bytes lie in the poller's own buffer; what is not
 * taken by then must be copied when {@link Receiver.settle} is called.
 */
export interface Receiver {
  /** Whether the reader rather receives by itself for now, since it expects much: then it is woken as any other. */
  readonly plain?: boolean;
  /** `result` bytes lie in `bytes` from `offset` on; 0 is the end of the stream, a negative result is -errno. The reader is woken after this. */
  received(bytes: Uint8Array, offset: number, result: number): void;
  /** The bytes are about to be overwritten. */
  settle(): void;
}

/** What can be waited for; the value is the flag. */
export type Direction = typeof Readiness.IN | typeof Readiness.OUT | typeof Readiness.PRI;

const VERB: Record<Direction, string> = {
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
  /** Where to put what the parked reader waits for; `null` if it wants to receive itself. */
  receiver: Receiver | null = null;
  declare writer: Waiter | null;
  declare priority: Waiter | null;
  /** A part of the scheduler itself that listens all the time (a timerfd, the signal pipe). */
  declare listener: ((flags: number) => void) | null;

  static {
    // Written only into those that have one: there is a registration for each connection, and few have.
    Object.assign(Registration.prototype, { writer: null, priority: null, listener: null });
  }

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
    if (direction === Readiness.IN) {
      this.reader = waiter;
      this.receiver = null;
    } else if (direction === Readiness.OUT) this.writer = waiter;
    else this.priority = waiter;
  }

  /** @internal Throws `BusyError` if somebody waits in this direction. */
  refuseSecond(direction: Direction): void {
    if (this.waiter(direction) === null) return;
    const who = this.descriptor ?? `descriptor ${this.fd}`;
    throw new BusyError(`another task already ${VERB[direction]} on ${who}; one waiter for each direction`);
  }

  /** @internal Nobody waits any more: each waiter gets an error of its own. How many there were. */
  failAll(makeError: (name: string) => Error): number {
    const { reader, writer, priority } = this;
    this.reader = this.receiver = null;
    if (this.writer !== null) this.writer = null;
    if (this.priority !== null) this.priority = null;
    if (this.listener !== null) this.listener = null;
    // Mostly nobody: a connection is closed by the task that would wait.
    return this.fail(reader, makeError) + this.fail(writer, makeError) + this.fail(priority, makeError);
  }

  private fail(waiter: Waiter | null, makeError: (name: string) => Error): number {
    if (waiter === null) return 0;
    waiter.fail(makeError(`${this.descriptor?.constructor.name ?? 'descriptor'} ${this.fd}`));
    return 1;
  }

  /** The descriptor is about to be closed or given away. */
  closing(): void {
    this.poller.forget(this);
  }
}
