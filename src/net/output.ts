/**
 * The writing side of a stream: who writes, and how far that has come.
 *
 * A write is tried at once, always: mostly everything fits. What does not fit is sent as room comes, where the readiness is reported
 * and without a step of the task, which goes on when all of it has gone. Once a part of a write has gone, all of
 * it must: if it is cancelled then, the stream takes no more writes (rule 35).
 */

import { Op, PENDING, type Waker } from '../kernel/index.ts';
import { ClosedError } from '../os/index.ts';
import { Buffer } from '../platform/node.ts';
import { BusyError } from '../poller/index.ts';
import { isLent } from './borrowed.ts';
import { BYTE_BUDGET } from './budget.ts';
import { EndedError, PartialWriteError } from './errors.ts';
import type { Input } from './input.ts';
import { Side } from './side.ts';
import type { Transport } from './transport.ts';

/** Who writes, and how it waits for the transport. The wake of its wait comes here first. */
export class Output extends Side<void> {
  /** How many bytes have ever gone. */
  sent = 0;
  /** Whether the direction was ended. */
  ended = false;
  private readonly input: Input;
  /** The write of which a part has gone, or that waits. */
  declare private operation: Write | null;
  /** Why nothing can be written any more. */
  declare private failure: unknown;

  static {
    // Written only where there is one.
    Object.assign(Output.prototype, { operation: null, failure: null });
  }

  constructor(transport: Transport, input: Input) {
    super(transport);
    this.input = input;
  }

  /** Refuses what cannot be written now. */
  admit(operation: Write | null): void {
    if (this.closed) throw new ClosedError(`${this.title} was used after it had been closed`);
    if (this.waker !== null) {
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

  /** Takes a parked write back; if a part of it has gone, nothing can follow. */
  unpark(waker: Waker<void>, cancel: unknown): void {
    if (this.waker !== waker) return;
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
    if (this.waker !== null) {
      throw new BusyError(`another task still writes to ${this.title}; end() comes after the last write`);
    }
    this.transport.endWriting();
    this.ended = true;
  }

  /** Fails who waits, and everybody who comes. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { waker, operation } = this;
    if (waker === null) return;
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

/** A write of all of these bytes. */
export class Write extends Op<void> {
  /** @internal */
  readonly length: number;
  /** @internal How much has gone. */
  sent = 0;
  /** @internal Whether it is the others' turn. */
  tired = false;
  /** @internal As an iterator result. */
  value: unknown = undefined;
  /** @internal */
  done: boolean = false;
  private readonly output: Output;
  private bytes: Uint8Array;
  private pending = false;
  private underWay = false;
  private asked = false;

  constructor(output: Output, bytes: Uint8Array, length: number = bytes.length) {
    super();
    this.output = output;
    this.bytes = bytes;
    this.length = length;
  }

  /** @internal Sends what fits of what has not gone yet: how many bytes; `undefined` if none fit. */
  transfer(transport: Transport): number | undefined {
    return transport.send(this.bytes, this.sent, this.length - this.sent);
  }

  /** @internal Copies what was lent to us, which holds no longer than this step. */
  protected keep(): void {
    if (isLent(this.bytes)) this.bytes = Buffer.from(this.bytes) as Buffer;
  }

  override try(): undefined | typeof PENDING {
    this.output.admit(this);
    if (!this.pending) this.sent = 0;
    this.pending = !this.output.advance(this);
    return this.pending ? PENDING : undefined;
  }

  override park(waker: Waker<void>): void {
    this.keep();
    this.pending = false;
    this.output.park(this, waker);
  }

  override abort(waker: Waker<void>, cancel?: unknown): boolean {
    this.output.unpark(waker, cancel);
    return true;
  }

  override describe(): string {
    return `a write of ${this.length} bytes to ${this.output.title}`;
  }

  /** Its own iterator, as nearly every write is yielded once: one object less. */
  override [Symbol.iterator](): Generator<Op<void>, void, unknown> {
    if (this.underWay) return super[Symbol.iterator]();
    this.underWay = true;
    this.asked = this.done = false;
    this.value = this;
    return this as unknown as Generator<Op<void>, void, unknown>;
  }

  /** @internal */
  next(): this {
    if (this.asked) {
      this.value = undefined;
      this.done = true;
      this.underWay = false;
    } else {
      this.asked = true;
    }
    return this;
  }

  /** @internal */
  throw(error: unknown): never {
    this.underWay = false;
    // Again, as one cancel may end many writes: here it is about to be caught.
    throw noted(error, this.sent);
  }

  /** @internal */
  return(value: unknown): this {
    this.underWay = false;
    this.value = value;
    this.done = true;
    return this;
  }
}

/** Puts on an error how many bytes of the write had gone; on a cancel also on its reason, which a block may throw in its place. */
function noted(error: unknown, bytesWritten: number): unknown {
  if (!(error instanceof Error)) return error;
  if (Object.isExtensible(error)) Object.assign(error, { bytesWritten });
  const { reason } = error as { reason?: unknown };
  if (reason instanceof Error && Object.isExtensible(reason)) Object.assign(reason, { bytesWritten });
  return error;
}
