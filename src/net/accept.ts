/**
 * What stands between a listening socket and those who wait for its connections.
 *
 * The poller knows one waiter for each direction of a descriptor; here that is the queue, and behind it wait as many tasks
 * as like, first come first served (rule 31). The accept happens where readiness is told, and its result goes at once to
 * the first who still waits: a task that was cancelled is not in the queue any more, one that took something else
 * in a `select` refuses, and then the next one gets it. If there is none, the connection is kept for whoever comes:
 * an accept took effect or threw, never both (rule 4).
 *
 * After a burst the kernel may have more than there were waiters: then the next accept is tried before waiting, and
 * costs no question for readiness. Where the last one found nothing, it is not: that would be a needless call.
 */

import { type Kernel, Op, PENDING, WaitQueue, type Waker } from '../kernel/index.ts';
import { ClosedError, type Socket, SystemError } from '../os/index.ts';
import { BusyError, Readiness, type Registration, type Waiter } from '../poller/index.ts';
import { pollerOf } from '../scheduler/index.ts';
import { isTransient } from './accept-errors.ts';

/** Connections that are gone before they are accepted, skipped before others get their turn. */
const SKIPS = 64;

/** Something that is made of an accepted socket. */
export interface Accepted {
  /** Closes it. */
  close(): void;
}

/** @internal The connections of one listener, and who waits for them. */
export class Arrivals<S extends Accepted> implements Waiter {
  readonly socket: Socket;
  /** What messages call the listener. */
  readonly name: () => string;
  /** Connections that were gone before they could be accepted. */
  skipped = 0;
  private readonly make: (socket: Socket) => S;
  /** Those who want a connection. */
  private readonly takers = new WaitQueue<S>();
  /** Those who want to be told that there may be one, and take it themselves. */
  private readonly watchers = new WaitQueue();
  /** Accepted, and nobody waited any more. */
  private readonly kept: S[] = [];
  /** Whether the last accept may have left some behind. */
  private more = false;
  /** Where this waits, if it does. */
  private registration: Registration | null = null;
  private kernel: Kernel | null = null;

  constructor(socket: Socket, name: () => string, make: (socket: Socket) => S) {
    this.socket = socket;
    this.name = name;
    this.make = make;
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.takers.size + this.watchers.size;
  }

  /** The next connection, whoever waits; `undefined` if there is none. Throws `SystemError`, `ClosedError`. */
  next(): S | undefined {
    return this.kept.shift() ?? this.accept();
  }

  /** The next connection, if nobody waits for it. */
  take(): S | undefined {
    return this.takers.size > 0 ? undefined : this.next();
  }

  /** As {@link Arrivals.take}, but asks the kernel only where that has a prospect. Throws `ClosedError`. */
  takeLikely(): S | undefined {
    if (this.socket.closed) throw this.closedError('has been closed');
    return this.more || this.kept.length > 0 ? this.take() : undefined;
  }

  /** Waits in line for a connection. */
  parkTaker(waker: Waker<S>): void {
    this.arm(waker.kernel);
    this.takers.add(waker);
  }

  /** Waits in line until there may be a connection that nobody before it wants. */
  parkWatcher(waker: Waker<void>): void {
    this.arm(waker.kernel);
    this.watchers.add(waker);
  }

  /** Takes a waiter out of its line. */
  unpark(waker: Waker<S> | Waker<void>): void {
    // Whichever line it stands in: the waker knows.
    this.takers.remove(waker as Waker<S>);
    this.disarmIfIdle();
  }

  /** The socket is readable. Called by the poller, outside of any task. */
  wake(): boolean {
    this.registration = null;
    try {
      while (this.takers.size > 0) {
        const stream = this.accept();
        if (stream === undefined) break;
        if (this.takers.wake(stream) === 0) this.kept.push(stream);
      }
      // One is enough: it takes what there is, and the others are woken by what comes then.
      if (this.takers.size === 0) {
        this.more = true;
        this.watchers.wake();
      }
    } catch (error) {
      this.takers.fail(error);
      this.watchers.fail(error);
    }
    this.armAgain();
    return true;
  }

  /** It cannot be waited for any more: closed behind the listener, or its scheduler has ended. Called by the poller. */
  fail(error: unknown): boolean {
    this.registration = null;
    this.takers.fail(error);
    this.watchers.fail(error);
    return true;
  }

  /** Closes the socket and what was accepted for nobody; whoever waits gets a `ClosedError`. */
  close(): void {
    this.registration?.poller.unpark(this.registration, Readiness.IN, this);
    // Before anybody is told: who is told looks.
    this.socket.close();
    this.fail(this.closedError('was closed while a task waited for a connection'));
    for (const stream of this.kept.splice(0)) stream.close();
  }

  private accept(): S | undefined {
    const { socket } = this;
    for (let skipped = 0; skipped < SKIPS; skipped++) {
      let accepted: Socket | undefined;
      try {
        accepted = socket.accept();
        this.more = accepted !== undefined;
        if (accepted === undefined) return undefined;
        return this.make(accepted);
      } catch (error) {
        accepted?.close();
        // What cannot even be set up (a socket that its peer has reset) is as good as gone.
        if (!isTransient(error) && !(accepted !== undefined && error instanceof SystemError)) throw error;
        this.skipped++;
      }
    }
    // Others first. The kernel will say again that there are more.
    this.more = false;
    return undefined;
  }

  private arm(kernel: Kernel): void {
    if (this.registration !== null) {
      if (this.kernel === kernel) return;
      throw new BusyError(`tasks of another scheduler already wait for connections to ${this.name()}`);
    }
    if (this.socket.closed) throw this.closedError('has been closed');
    this.registration = pollerOf(kernel).park(this.socket, Readiness.IN, this);
    this.kernel = kernel;
  }

  private armAgain(): void {
    if (this.waiting === 0 || this.registration !== null) return;
    try {
      this.arm(this.kernel as Kernel);
    } catch (error) {
      this.fail(error);
    }
  }

  private disarmIfIdle(): void {
    const { registration } = this;
    if (this.waiting > 0 || registration === null) return;
    this.registration = null;
    registration.poller.unpark(registration, Readiness.IN, this);
  }

  private closedError(what: string): ClosedError {
    return new ClosedError(`${this.name()} ${what}`);
  }
}

/** @internal Waits for a connection. */
export class Accept<S extends Accepted> extends Op<S> {
  private readonly arrivals: Arrivals<S>;

  constructor(arrivals: Arrivals<S>) {
    super();
    this.arrivals = arrivals;
  }

  override try(): S | typeof PENDING {
    return this.arrivals.takeLikely() ?? PENDING;
  }

  override park(waker: Waker<S>): void {
    this.arrivals.parkTaker(waker);
  }

  override abort(waker: Waker<S>): boolean {
    this.arrivals.unpark(waker);
    return true;
  }

  override describe(): string {
    return `a connection to ${this.arrivals.name()}`;
  }
}

/** @internal Waits until there may be a connection that no `accept()` waits for. */
export class Arrival extends Op<void> {
  private readonly arrivals: Arrivals<Accepted>;

  constructor(arrivals: Arrivals<Accepted>) {
    super();
    this.arrivals = arrivals;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    this.arrivals.parkWatcher(waker);
  }

  override abort(waker: Waker<void>): boolean {
    this.arrivals.unpark(waker);
    return true;
  }

  override describe(): string {
    return `a connection to ${this.arrivals.name()}`;
  }
}
