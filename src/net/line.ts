/**
 * A line of tasks that wait for one direction of a socket: first come, first served (rule 31). The line waits for the socket, once,
 * and makes the calls of those who stand in it, in their order; so a datagram goes to who has waited longest, and not to
 * who happens to run first (rule 42).
 *
 * The call is made when the socket is found ready. What comes of it is the result: nobody has to look again, and a `select` takes a
 * datagram only if it has won.
 */

import { type Kernel, Op, PENDING, type Timer, type Waker } from '../kernel/index.ts';
import { ClosedError, type Socket, type SystemError } from '../os/index.ts';
import { BusyError, type Direction, Registration, type Waiter } from '../poller/index.ts';
import { pollerOf } from '../scheduler/index.ts';
import { BYTE_BUDGET } from './budget.ts';

/** The pauses, in milliseconds, while the system has no memory for what is sent: readiness does not tell when it has again. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 64;
/** After needless calls, so many times in a row none is tried before waiting. */
const MOST_SKIPPED = 32;
/**
 * Datagrams since the last wait that make a socket a busy one. It leaves the kernel's set until somebody waits again: to leave
 * and to come back are two short calls, to stay costs each datagram that is answered 0.2 µs, in which the kernel looks at the set.
 */
const BUSY = 8;

/** Tasks that wait for one direction of a socket. */
export class Line implements Waiter {
  readonly socket: Socket;
  private readonly direction: Direction;
  private readonly entries = new Set<Entry>();
  private kernel: Kernel | null = null;
  private registration: Registration | null = null;
  /** Datagrams received since the last wait. */
  private received = 0;
  private timer: Timer | null = null;
  private pause = 0;
  private isShort = false;
  private bytes = 0;
  /** Whether the last call came back full, so that another may find something. */
  private promising = false;
  private misses = 0;
  private skip = 0;

  /** For one direction of this socket. */
  constructor(socket: Socket, direction: Direction) {
    this.socket = socket;
    this.direction = direction;
  }

  /** Whether a call may be made before any wait: nobody is overtaken, and nobody kept from his turn. */
  get isFree(): boolean {
    return this.entries.size === 0 && this.bytes < BYTE_BUDGET;
  }

  /** Whether a call before any wait is likely to find something. */
  get isPromising(): boolean {
    if (!this.promising) return false;
    if (this.skip === 0) return true;
    this.skip--;
    return false;
  }

  /** A call has moved so many bytes, and received so many datagrams. `promising`: another one may find more. */
  moved(bytes: number, promising: boolean, received: number = 0): void {
    this.bytes += bytes;
    this.received += received;
    // While several are answered, others come.
    this.promising = promising || received > 1;
    this.pause = 0;
    this.isShort = false;
  }

  /** A call that was tried first has found nothing, or something. */
  tried(found: boolean): void {
    if (found) {
      this.misses = 0;
      this.leaveSet();
    } else {
      this.promising = false;
      this.skip = Math.min(2 ** this.misses++ - 1, MOST_SKIPPED);
    }
  }

  /** The system has no memory for now: the line waits for a while, and not for readiness, which it has already. */
  runShort(): void {
    this.isShort = true;
  }

  /** @internal Puts a task at the end. */
  join(entry: Entry): void {
    const { kernel } = entry.waker;
    if (this.kernel !== null && this.kernel !== kernel) {
      throw new BusyError(`tasks of another scheduler wait for ${this.socket}; a socket belongs to one at a time`);
    }
    this.bytes = 0;
    this.entries.add(entry);
    if (this.entries.size > 1) return;
    this.kernel = kernel;
    try {
      this.watch(kernel);
    } catch (error) {
      this.leave(entry);
      throw error;
    }
  }

  /** @internal Takes a task out. */
  leave(entry: Entry): void {
    this.entries.delete(entry);
    if (this.entries.size === 0) this.rest();
  }

  wake(): boolean {
    this.registration = null;
    this.serve();
    return true;
  }

  fail(error: unknown): boolean {
    this.registration = null;
    const waiting = [...this.entries];
    this.entries.clear();
    this.rest();
    for (const { waker } of waiting) waker.fail(error);
    return waiting.length > 0;
  }

  /** The socket has been closed: whoever is here still, waited for time. */
  closed(): void {
    if (this.entries.size > 0) this.fail(new ClosedError(`${this.socket} was closed while a task waited for it`));
  }

  private serve(): void {
    for (const entry of this.entries) {
      const { operation, waker } = entry;
      let outcome: unknown;
      try {
        outcome = operation.attempt(entry.progress);
      } catch (error) {
        this.entries.delete(entry);
        waker.fail(error);
        continue;
      }
      if (outcome === PENDING) break;
      this.entries.delete(entry);
      if (!waker.wake(outcome)) operation.refused(outcome);
    }
    if (this.entries.size === 0) {
      this.rest();
      this.leaveSet();
      return;
    }
    try {
      this.watch(this.kernel as Kernel);
    } catch (error) {
      this.fail(error);
    }
  }

  private watch(kernel: Kernel): void {
    if (this.isShort) {
      this.isShort = false;
      this.pause = Math.min(this.pause === 0 ? FIRST_PAUSE : this.pause * 2, LONGEST_PAUSE);
      this.timer = kernel.timers.set(kernel.host.now() + this.pause, () => {
        this.timer = null;
        this.serve();
      });
      return;
    }
    this.registration = pollerOf(kernel).park(this.socket, this.direction, this);
    this.received = 0;
  }

  /** Whoever brought the socket into the set: one who sends, also. */
  private leaveSet(): void {
    if (this.received < BUSY) return;
    const { watcher } = this.socket;
    if (watcher instanceof Registration) watcher.poller.withdraw(watcher);
  }

  /** Nobody waits any more. */
  private rest(): void {
    const { kernel, registration, timer } = this;
    this.kernel = this.registration = this.timer = null;
    if (timer !== null) kernel?.timers.cancel(timer);
    registration?.poller.unpark(registration, this.direction, this);
  }
}

/** How far an operation of several calls has come. */
export interface Progress {
  /** What is next. */
  at: number;
  /** How many have gone. */
  done: number;
}

/** A task in a line. */
interface Entry {
  readonly operation: LineOperation<unknown>;
  readonly waker: Waker<unknown>;
  readonly progress: Progress;
}

/** An operation that stands in a line until it is its turn. */
export abstract class LineOperation<T> extends Op<T> {
  protected readonly line: Line;
  /** Of the try that found no end, for the park that follows it at once. */
  private begun: Progress | null = null;

  constructor(line: Line) {
    super();
    this.line = line;
  }

  /** Makes the call: its result, or that it would block. Throws what went wrong. */
  abstract attempt(progress: Progress): T | typeof PENDING;

  /** Nobody wants the result any more: what must not get lost is put back. */
  abstract refused(outcome: unknown): void;

  /** Whether to try before waiting. */
  protected abstract get isWorthTrying(): boolean;

  override try(): T | typeof PENDING {
    const { line } = this;
    // Used after its close, it says so at once, and not after those who wait.
    line.socket.fileno();
    this.begun = null;
    if (!line.isFree || !this.isWorthTrying) return PENDING;
    const progress = this.begin();
    const outcome = this.attempt(progress);
    line.tried(outcome !== PENDING);
    if (outcome === PENDING) this.begun = progress;
    return outcome;
  }

  override park(waker: Waker<T>): void {
    const progress = this.begun ?? this.begin();
    this.begun = null;
    const entry: Entry = { operation: this, waker: waker as Waker<unknown>, progress };
    this.line.join(entry);
    waker.state = entry;
  }

  override abort(waker: Waker<T>): boolean {
    if (waker.state !== undefined) this.line.leave(waker.state as Entry);
    return true;
  }

  /** Where it begins, if it is one of several calls. */
  protected begin(): Progress {
    return { at: 0, done: 0 };
  }
}

/** Whether an error means that the system has no memory for what is sent, for now. */
export function isShortage(error: unknown): boolean {
  return (error as SystemError | null)?.code === 'ENOBUFS';
}
