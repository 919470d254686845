/**
 * The writing side of a stream: who writes, and how far that has come.
 *
 * A write is tried at once, always: mostly everything fits. What does not fit is sent as room comes, where the readiness is reported
 * and without a step of the task, which goes on when all of it has gone. Once a part of a write has gone, all of
 * it must: if it is cancelled then, the stream takes no more writes (rule 35).
 *
 * While other tasks are ready, a short write over a socket is left to be tried with theirs, when they have had their steps. Whatever
 * is done to the stream before comes after it all the same: it is sent then.
 */

import type { Kernel, Op, Waker } from '../kernel/index.ts';
import { ClosedError } from '../os/index.ts';
import { BusyError, type Sender, type Transmission } from '../poller/index.ts';
import { transmissionOf } from '../scheduler/index.ts';
import { BYTE_BUDGET } from './budget.ts';
import { EndedError, PartialWriteError } from './errors.ts';
import type { Input } from './input.ts';
import { Side } from './side.ts';
import type { Transport } from './transport.ts';
import type { Write } from './write.ts';

/** Who writes, and how it waits for the transport. The wake of its wait comes here first. */
export class Output extends Side<void> implements Sender {
  /** How many bytes have ever gone. */
  sent = 0;
  /** Whether the direction was ended. */
  ended = false;
  private readonly input: Input;
  protected override waker: Waker<void> | null = null;
  /** The write of which a part has gone, or that waits. */
  private operation: Write | null = null;
  /** Why nothing can be written any more. */
  declare private failure: unknown;

  static {
    // Written only where there is one.
    Object.assign(Output.prototype, { failure: null });
  }

  constructor(transport: Transport, input: Input) {
    super(transport);
    this.input = input;
  }

  /** Refuses what cannot be written now. */
  admit(operation: Write | null): void {
    if (this.closed) throw new ClosedError(`${this.title} was used after it had been closed`);
    if (this.isBusy()) {
      throw new BusyError(`another task already writes to ${this.title}; one reader and one writer for each stream`);
    }
    if (this.operation !== null && this.operation !== operation) this.cutOff(this.operation);
    if (this.failure !== null) throw this.failure;
    if (this.ended) throw new EndedError(this.title);
  }

  /** Sends what fits of this write. Whether all of it has gone. */
  advance(operation: Write): boolean {
    const { length } = operation;
    let burst = 0;
    try {
      while (operation.sent < length && burst < BYTE_BUDGET) {
        const count = operation.transfer(this.transport);
        if (count === undefined) break;
        operation.sent += count;
        burst += count;
      }
    } catch (error) {
      this.broken(error);
      throw noted(this.failure, operation.sent);
    } finally {
      this.sent += burst;
    }
    if (operation.sent === length) {
      if (this.operation !== null) this.operation = null;
      return true;
    }
    if (operation.sent > 0) this.operation = operation;
    operation.tired = burst >= BYTE_BUDGET;
    return false;
  }

  /** Parks a task's write, of which a part may have gone. */
  park(operation: Write, waker: Waker<void>): void {
    this.admit(operation);
    this.waker = waker;
    this.operation = operation;
    try {
      this.goOn(operation);
    } catch (error) {
      throw this.givenUp(operation, error);
    }
  }

  /** With whose writes a short one is left to be sent; `null` if it is tried at once. */
  transmissionFor(kernel: Kernel): Transmission | null {
    return this.transport.leave === undefined ? null : transmissionOf(kernel);
  }

  /** Leaves a task's write to be sent with those of others. */
  leave(operation: Write, bytes: Uint8Array, waker: Waker<void>, transmission: Transmission): void {
    this.waker = waker;
    this.operation = operation;
    operation.left = true;
    try {
      this.transport.leave?.(bytes, this, transmission);
    } catch (error) {
      operation.left = false;
      throw this.givenUp(operation, error);
    }
  }

  /** What was left has been sent, or as much of it as fitted. */
  gone(count: number, bytes: Uint8Array, offset: number): void {
    const waker = this.waker as Waker<void>;
    const operation = this.operation as Write;
    operation.left = false;
    operation.sent = count;
    this.sent += count;
    if (count === operation.length) {
      this.waker = this.operation = null;
      waker.wake();
      return;
    }
    operation.keepFrom(bytes, offset);
    try {
      this.goOn(operation);
    } catch (error) {
      waker.fail(this.givenUp(operation, error));
    }
  }

  /** What was left cannot be sent. */
  refused(error: unknown): void {
    const waker = this.waker as Waker<void>;
    const operation = this.operation as Write;
    operation.left = false;
    this.broken(error);
    waker.fail(this.givenUp(operation, this.failure));
  }

  /** Takes a parked write back; if a part of it has gone, nothing can follow. */
  unpark(waker: Waker<void>, cancel: unknown): void {
    if (!this.isBusy() || this.waker !== waker) return;
    const operation = this.operation as Write;
    this.withdraw();
    this.waker = this.operation = null;
    if (operation.sent > 0) this.cutOff(operation);
    noted(cancel, operation.sent);
  }

  /** Ends the direction. */
  end(): void {
    if (this.closed) throw new ClosedError(`${this.title} was used after it had been closed`);
    if (this.ended) return;
    if (this.isBusy()) {
      throw new BusyError(`another task still writes to ${this.title}; end() comes after the last write`);
    }
    this.transport.endWriting();
    this.ended = true;
  }

  /** Fails who waits, and everybody who comes. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.isBusy()) return;
    const waker = this.waker as Waker<void>;
    const { operation } = this;
    this.withdraw();
    this.waker = this.operation = null;
    const error = new ClosedError(`${this.title} was closed while a task waited for it`);
    waker.fail(noted(error, operation?.sent ?? 0));
  }

  /** The transport has room, or can tell why not. */
  override wake(): boolean {
    const { waker, operation } = this;
    if (waker === null || operation === null) return false;
    try {
      if (!this.advance(operation)) {
        this.goOn(operation);
        return true;
      }
    } catch (error) {
      waker.fail(this.givenUp(operation, error));
      return true;
    }
    this.waker = null;
    return waker.wake();
  }

  /** The wait itself failed: closed elsewhere, refused, or not possible. */
  override fail(error: unknown): boolean {
    const { waker, operation } = this;
    if (waker === null) return false;
    this.waker = this.operation = null;
    if (operation !== null && operation.sent > 0) this.cutOff(operation);
    return waker.fail(error);
  }

  /** Whether a task waits here. What was left to be sent with others goes now: it was tried before whatever is to be done. */
  private isBusy(): boolean {
    if (this.waker !== null && this.operation?.left === true) transmissionOf(this.kernel)?.flush();
    return this.waker !== null;
  }

  private goOn(operation: Write): void {
    // A transport that is ready at once, though nothing fitted a moment ago, has the others' turns in between.
    if (operation.tired || this.isReady()) {
      operation.tired = false;
      this.wakeLater();
    }
  }

  protected override readiness(): Op<unknown> {
    return this.transport.writable();
  }

  /** The write cannot go on: what it gets for that. It may have been refused a wait, with a part of it gone. */
  private givenUp(operation: Write, error: unknown): unknown {
    this.waker = this.operation = null;
    if (operation.sent > 0) this.cutOff(operation);
    return noted(error, operation.sent);
  }

  private cutOff(operation: Write): void {
    this.operation = null;
    this.failure ??= new PartialWriteError(this.title, operation.sent, operation.length);
  }

  /** A connection that is broken is broken in both directions; one that nobody reads from any more is not. */
  private broken(error: unknown): void {
    this.operation = null;
    // What the reader has found says more than the EPIPE that follows from it.
    this.failure ??= this.input.failure ?? error;
    if ((error as { code?: unknown }).code !== 'EPIPE') this.input.note(error);
  }
}

/** @internal Puts on an error how many bytes of the write had gone; on a cancel also on its reason, which a block may throw in its place. */
export function noted(error: unknown, bytesWritten: number): unknown {
  if (!(error instanceof Error)) return error;
  if (Object.isExtensible(error)) Object.assign(error, { bytesWritten });
  const { reason } = error as { reason?: unknown };
  if (reason instanceof Error && Object.isExtensible(reason)) Object.assign(reason, { bytesWritten });
  return error;
}
