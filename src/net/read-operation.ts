/**
 * What all reads have in common, and how a task looks for itself: a read is the operation that waits, and the iterator that `yield*` resumes in
 * the task's own step.
 */

import { Op, PENDING, type Waker } from '../kernel/index.ts';
import { BYTE_BUDGET } from './budget.ts';
import type { Input } from './input.ts';
import { READY, type Reader } from './reader.ts';

/** A read of any kind: what it takes of the input, and when it has enough. */
export abstract class ReadOperation<T> extends Op<T> {
  readonly reader: Reader;
  /** @internal Whether it is yielded by `yield*`, so that the task itself looks. */
  trapped = false;
  private starved = false;

  constructor(reader: Reader) {
    super();
    this.reader = reader;
  }

  /** The result, taken out of the input; `PENDING` if that needs more. Throws what stands in place of a result. */
  protected abstract take(input: Input): T | typeof PENDING;

  /** It is yielded anew, and knows nothing of what it found the last time. */
  protected begin(): void {}

  /** Receives. Whether there is anything new. */
  protected receive(_inStep: boolean): boolean {
    return this.reader.receive();
  }

  override try(): T | typeof PENDING {
    const { reader } = this;
    reader.admit();
    if (!this.starved) this.begin();
    if (!this.trapped) {
      const value = this.perform(false);
      // Nobody can refuse it.
      if (reader.before !== null) reader.before = null;
      return value;
    }
    if (this.starved || !reader.hopeful) return PENDING;
    return reader.goesOn() as never;
  }

  override park(waker: Waker<T>): void {
    const { trapped, starved } = this;
    this.trapped = this.starved = false;
    this.reader.park(this, waker as Waker<unknown>, trapped, starved);
  }

  override abort(waker: Waker<T>): boolean {
    this.reader.unpark(waker as Waker<unknown>);
    return true;
  }

  override describe(): string {
    return `a read from ${this.reader.title}`;
  }

  /** @internal Takes and receives in turn, as long as that leads anywhere. */
  perform(inStep: boolean): T | typeof PENDING {
    const { reader } = this;
    const { input } = reader;
    try {
      for (;;) {
        // A result that nobody wants after all can be put back.
        if (!inStep) reader.before = input.mark();
        const value = this.take(input);
        if (value !== PENDING) return value;
        if (reader.burst >= BYTE_BUDGET || !this.receive(inStep)) return PENDING;
      }
    } finally {
      // What is left must survive the next trap.
      input.keep();
    }
  }

  /** @internal What `yield*` makes of the wake. */
  look(): T | typeof PENDING {
    this.reader.looks();
    const value = this.perform(true);
    if (value === PENDING) this.trapped = this.starved = true;
    return value;
  }

  /** @internal The task is thrown into: it does not look any more. */
  left(): void {
    this.trapped = this.starved = false;
  }

  override [Symbol.iterator](): Generator<Op<T>, T, unknown> {
    return new ReadTrap(this) as unknown as Generator<Op<T>, T, unknown>;
  }
}

/** The iterator of a read, and its own iterator result: as that of any operation, but that it looks when it is resumed. */
export class ReadTrap<T> {
  value: unknown;
  done: boolean = false;
  private readonly operation: ReadOperation<T>;
  private asked = false;

  constructor(operation: ReadOperation<T>) {
    this.operation = operation;
  }

  /** Makes it new: for operations that are made once for each stream. */
  renew(): this {
    this.asked = false;
    this.done = false;
    return this;
  }

  next(result: unknown): this {
    const { operation } = this;
    if (!this.asked) {
      this.asked = true;
      operation.trapped = true;
      this.value = operation;
      return this;
    }
    operation.left();
    const value = result === READY ? operation.look() : result;
    if (value === PENDING) {
      this.value = operation;
    } else {
      this.value = value;
      this.done = true;
    }
    return this;
  }

  throw(error: unknown): never {
    this.operation.left();
    throw error;
  }

  return(value: unknown): this {
    this.operation.left();
    this.value = value;
    this.done = true;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }
}
