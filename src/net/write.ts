/** The write that a task yields: all of some bytes. */

import { type Kernel, Op, PENDING, type Waker } from '../kernel/index.ts';
import { Buffer } from '../platform/node.ts';
import { LONGEST_SEND, type Transmission } from '../poller/index.ts';
import { isLent } from './borrowed.ts';
import { noted, type Output } from './output.ts';
import type { Transport } from './transport.ts';

/** A write of all of these bytes. */
export class Write extends Op<void> {
  /** @internal */
  readonly length: number;
  /** @internal How much has gone. */
  sent = 0;
  /** @internal Whether it is the others' turn. */
  tired = false;
  /** @internal Whether it was left to be sent with those of others. */
  left = false;
  /** @internal As an iterator result. */
  value: unknown = undefined;
  /** @internal */
  done: boolean = false;
  private readonly output: Output;
  private bytes: Uint8Array;
  private pending = false;
  private underWay = false;
  private asked = false;
  /** Whether it is yielded by `yield*`, so that nothing but its end can wake the task. */
  private trapped = false;
  /** With whose it is left to be sent, between its try and its park. */
  private transmission: Transmission | null = null;

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

  /** @internal As {@link Write.keep}, from where the bytes are now. */
  keepFrom(bytes: Uint8Array, offset: number): void {
    if (isLent(this.bytes)) this.bytes = Buffer.from(bytes.subarray(offset, offset + this.length)) as Buffer;
  }

  override try(kernel: Kernel): undefined | typeof PENDING {
    const { output, trapped } = this;
    this.trapped = false;
    this.transmission = null;
    output.admit(this);
    if (!this.pending) {
      this.sent = 0;
      if (trapped && this.isShort) this.transmission = output.transmissionFor(kernel);
      if (this.transmission !== null) return PENDING;
    }
    this.pending = !output.advance(this);
    return this.pending ? PENDING : undefined;
  }

  /** Whether it can be sent with others. Of memory that was given away nothing can be copied: the call says so. */
  protected get isShort(): boolean {
    return this.length > 0 && this.length <= LONGEST_SEND && this.bytes.length === this.length;
  }

  override park(waker: Waker<void>): void {
    const { transmission } = this;
    if (transmission !== null) {
      this.transmission = null;
      this.output.leave(this, this.bytes, waker, transmission);
      return;
    }
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
      this.asked = this.trapped = true;
    }
    return this;
  }

  /** @internal */
  throw(error: unknown): never {
    // Also where it was not even tried, as a cancel came first: the next time it may stand in a select.
    this.underWay = this.trapped = false;
    // Again, as one cancel may end many writes: here it is about to be caught.
    throw noted(error, this.sent);
  }

  /** @internal */
  return(value: unknown): this {
    this.underWay = this.trapped = false;
    this.value = value;
    this.done = true;
    return this;
  }
}
