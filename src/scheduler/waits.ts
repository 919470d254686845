/**
 * The textbook's operations: wait until a descriptor is ready. Readiness is a hint: the call that follows may still say
 * "would block" (`undefined`), and then one waits again.
 */

import { type Host, type Kernel, MisuseError, Op, PENDING, type Waker } from '../kernel/index.ts';
import { type Descriptor, filenoOf, type Pollable } from '../os/index.ts';
import {
  type Direction,
  type Poller,
  Readiness,
  type Receiver,
  type Registration,
  type Transmission,
} from '../poller/index.ts';

/** A {@link Host} that can wait for descriptors: what the scheduler puts into its kernel. */
export interface PollingHost extends Host {
  readonly poller: Poller;
  /** Where short writes of several tasks go together; `null` while that is not to be, or nobody has waited yet. */
  readonly transmission: Transmission | null;
  /** Whether promises settle while tasks run: in every drive but the blocking one. */
  readonly promises: boolean;
  /** Whether Node's loop runs the scheduler, as a guest: what Node does off the thread calls back. */
  readonly attached: boolean;
}

/** @internal The poller of a task's scheduler. Throws `MisuseError` for a kernel that has none. */
export function pollerOf(kernel: Kernel): Poller {
  const { poller } = kernel.host as Partial<PollingHost>;
  if (poller === undefined) throw new MisuseError('this kernel has no poller: wait for descriptors in a Scheduler');
  return poller;
}

/** @internal Where a task's short writes go together with those of others, if there is anybody else whose turn comes. */
export function transmissionOf(kernel: Kernel): Transmission | null {
  const transmission = (kernel.host as Partial<PollingHost>).transmission ?? null;
  return transmission !== null && (kernel.ready > 0 || transmission.size > 0) ? transmission : null;
}

/** What the three waits share. The result is the readiness, a mask of `Readiness` flags. */
abstract class ReadinessWait extends Op<number> {
  /** What is waited for. */
  readonly target: Pollable;
  /** On the prototype: each wait makes an object, and what is the same in all need not be written into it. */
  declare protected readonly direction: Direction;

  /** Takes a descriptor, anything with `fileno()` or `fd`, or a number. Throws `TypeError`, `ClosedError`. */
  constructor(target: Pollable) {
    super();
    filenoOf(target);
    this.target = target;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<number>): void {
    waker.state = pollerOf(waker.kernel).park(this.target, this.direction, waker);
  }

  override abort(waker: Waker<number>): boolean {
    const registration = waker.state as Registration | undefined;
    if (registration !== undefined) registration.poller.unpark(registration, this.direction, waker);
    return true;
  }

  override describe(): string {
    const target = typeof this.target === 'number' ? `descriptor ${this.target}` : nameOf(this.target);
    return `${this.constructor.name}(${target})`;
  }
}

function waitsFor(wait: typeof ReadinessWait, direction: Direction): void {
  Object.defineProperty(wait.prototype, 'direction', { value: direction });
}

function nameOf(target: object): string {
  const text = String(target);
  return text === '[object Object]' ? target.constructor.name : text;
}

/**
 * Waits until a read will not block: data, the end, an error, or a connection to accept. One reader a descriptor: a second
 * gets `BusyError`. A close ends the wait with `ClosedError` (not for a bare number, whose close nobody sees). Rules 31, 32, 34.
 *
 * @example
 * yield new ReadWait(socket);
 * const data = socket.recv(8192);
 */
export class ReadWait extends ReadinessWait {
  static {
    waitsFor(ReadWait, Readiness.IN);
  }
}

/**
 * Waits as {@link ReadWait} does, and has what there is received into `receiver` before the task runs (recv(2), for all such
 * readers of a wait in one crossing). For who writes a stream: what was received stays in the receiver, whatever
 * becomes of the task.
 */
export class ReceiveWait extends ReadWait {
  private readonly receiver: Receiver;

  /** Takes a socket. Throws `ClosedError`. */
  constructor(target: Descriptor, receiver: Receiver) {
    super(target);
    this.receiver = receiver;
  }

  override park(waker: Waker<number>): void {
    waker.state = pollerOf(waker.kernel).parkReceiver(this.target as Descriptor, waker, this.receiver);
  }
}

/** Waits until a write will not block, or a connect has ended. One writer a descriptor. As {@link ReadWait}. */
export class WriteWait extends ReadinessWait {
  static {
    waitsFor(WriteWait, Readiness.OUT);
  }
}

/** Waits for something exceptional: TCP urgent data, a changed sysfs attribute. As {@link ReadWait}. */
export class PriorityWait extends ReadinessWait {
  static {
    waitsFor(PriorityWait, Readiness.PRI);
  }
}
