/**
 * What all reads have in common, and how a task looks for itself: a read is the operation that waits, and the iterator that `yield*` resumes in
 * the task's own step.
 */

import { Op, PENDING, type Waker } from '../kernel/index.ts';
import { BYTE_BUDGET } from './budget.ts';
import type { Input } from './input.ts';
import { READY, type Reader } from './reader.ts';

/** Yielded as it is, or a branch of a `select`: it completes where it is woken. */
const PLAIN = 0;
/** By `yield*`: the task itself looks. */
const TRAPPED = 1;
/** It has looked, and needs more. */
const STARVED = 2;

/**
 * A read of any kind: what it takes of the input, and when it has enough. It is its own iterator and iterator result, so that one without
 * arguments can be made once for each stream.
 */
export abstract class ReadOperation<T> extends Op<T> {
  readonly reader: Reader;
  /** How it is yielded. */
  private stage = PLAIN;
  /** @internal As an iterator result; the read itself while `yield*` waits for it. */
  value: unknown = undefined;
  /** @internal */
  done: boolean = false;

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
    const { stage } = this;
    if (stage !== STARVED) this.begin();
    if (stage === PLAIN) {
      const value = this.perform(false);
      // Nobody can refuse it.
      if (reader.before !== null) reader.before = null;
      return value;
    }
    if (stage === STARVED || !reader.hopeful) return PENDING;
    return reader.goesOn() as never;
  }

  override park(waker: Waker<T>): void {
    const { stage } = this;
    this.stage = PLAIN;
    this.reader.park(this, waker as Waker<unknown>, stage !== PLAIN, stage === STARVED);
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
    if (value === PENDING) this.stage = STARVED;
    return value;
  }

  /** @internal The task is thrown into: it does not look any more. */
  left(): void {
    this.stage = PLAIN;
  }

  /** Itself, from the start. `yield*` asks at once, so a task that is in the middle of the same read notices nothing. */
  override [Symbol.iterator](): Generator<Op<T>, T, unknown> {
    this.value = undefined;
    this.done = false;
    return this as unknown as Generator<Op<T>, T, unknown>;
  }

  /** @internal As that of any operation, but that it looks when it is resumed. */
  next(result: unknown): this {
    if (this.value !== this) {
      this.stage = TRAPPED;
      this.value = this;
      return this;
    }
    this.left();
    const value = result === READY ? this.look() : result;
    if (value === PENDING) return this;
    this.value = value;
    this.done = true;
    return this;
  }

  /** @internal */
  throw(error: unknown): never {
    this.left();
    throw error;
  }

  /** @internal */
  return(value: unknown): this {
    this.left();
    this.value = value;
    this.done = true;
    return this;
  }
}
