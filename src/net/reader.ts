/**
 * The reading side of a stream: who waits for bytes, and what happens when some come.
 *
 * A task that was woken by `yield*` receives in its own step, when its turn has come: so one buffer serves all streams of a
 * thread, a view of it can be handed out without a copy, and what the closing task did before it is seen (rule 32). Where the
 * wait is one of several (in a `select`), the bytes are received at the wake, since they are the decision.
 *
 * A read tries first only where that pays: after a wake, or where the last call filled its buffer. What completes without waiting
 * is bounded, by the kernel in number and here in bytes (rule 40).
 */

import { type Op, PENDING, type Waker } from '../kernel/index.ts';
import { ClosedError } from '../os/index.ts';
import { BusyError } from '../poller/index.ts';
import { RECEIVE_SIZE, receiveBuffer } from './borrowed.ts';
import { BYTE_BUDGET } from './budget.ts';
import { Input, type InputMark } from './input.ts';
import type { ReadOperation } from './read-operation.ts';
import { Side } from './side.ts';

/** How often a transport may be found ready at once before others get their turn. Rule 40. */
const READY_BUDGET = 32;

/** In place of a result: the task is to look for itself. */
export const READY: unique symbol = Symbol('ready');

/** Who reads, and how it waits for the transport. The wake of its wait comes here first. */
export class Reader extends Side<unknown> {
  readonly input: Input = new Input();
  // This side always waits.
  override state: unknown = undefined;
  protected override waker: Waker<unknown> | null = null;
  protected override wait: Op<unknown> | null = null;
  /** @internal Whether receiving may give something without waiting. */
  promising = false;
  private operation: ReadOperation<unknown> | null = null;
  /** Whether the task is to receive in its own step. */
  private inStep = false;
  /** Whether a task was woken and has not looked yet. */
  private woken = false;
  /** @internal How many bytes have come since the last wait. */
  burst = 0;
  /** @internal The input before something was taken of it that may be refused. */
  declare before: InputMark | null;

  static {
    // Written only where there is one, as few reads are branches of a `select`.
    Object.assign(Reader.prototype, { before: null });
  }

  /** Refuses a second reader, and everybody once closed. */
  admit(): void {
    if (this.closed) throw new ClosedError(`${this.title} was used after it had been closed`);
    if (this.waker !== null || this.woken) {
      throw new BusyError(`another task already reads from ${this.title}; one reader and one writer for each stream`);
    }
  }

  /** Whether a read may complete without waiting. It may still turn out that it does not. */
  get hopeful(): boolean {
    return (this.input.length > 0 || this.input.ended || this.promising) && this.burst < BYTE_BUDGET;
  }

  /** @internal The task goes on without a wait, and looks when its turn has come. */
  goesOn(): typeof READY {
    this.woken = true;
    return READY;
  }

  /** @internal The task that was told `READY` looks. */
  looks(): void {
    this.woken = false;
    if (this.closed) throw new ClosedError(`${this.title} was closed while a task waited for it`);
  }

  /** Receives once, into the common buffer. Whether there is anything new: bytes, the end or an error. */
  receive(): boolean {
    const buffer = receiveBuffer();
    const count = this.receiveInto(buffer, 0, buffer.length);
    if (count > 0) {
      // Already counted.
      this.input.received -= count;
      this.input.deliver(buffer, 0, count, false);
      this.input.delivered = false;
    }
    return count >= 0;
  }

  /** Receives once, into storage of the input's own, which is not copied then: for much of one piece. */
  receiveMore(wanted: number, most: number): boolean {
    const { input } = this;
    // As it comes: a peer that announces much and sends little costs little.
    const { bytes, at } = input.reserve(Math.min(wanted, Math.max(RECEIVE_SIZE, input.length)));
    const count = this.receiveInto(bytes, at, Math.min(most, bytes.length - at));
    if (count > 0) input.extend(count);
    return count >= 0;
  }

  /** Receives once: how many bytes; 0 if the end or an error came, which the input knows; -1 if there is nothing new. */
  receiveInto(bytes: Uint8Array, offset: number, length: number): number {
    const { input } = this;
    if (!this.promising || input.ended) return -1;
    this.promising = false;
    let count: number | undefined;
    try {
      count = this.transport.receive(bytes, offset, length);
    } catch (error) {
      input.fail(error);
      return 0;
    }
    if (count === undefined) return -1;
    if (count === 0) {
      input.end();
      return 0;
    }
    this.promising = count === length;
    this.burst += count;
    input.received += count;
    return count;
  }

  /** Parks a task's read. */
  park(operation: ReadOperation<unknown>, waker: Waker<unknown>, inStep: boolean, starved: boolean): void {
    // In a `select` a park may come without its try being the last word.
    this.admit();
    this.waker = waker;
    this.operation = operation;
    this.inStep = inStep;
    // What was delivered for nobody is in the input; what counts now is what comes.
    this.input.delivered = false;
    if (!starved && this.burst >= BYTE_BUDGET) {
      this.yieldTurn();
      return;
    }
    this.burst = 0;
    try {
      if (this.isReady()) this.wake();
    } catch (error) {
      this.waker = this.operation = null;
      throw error;
    }
  }

  /** Takes a parked read back. Whatever has come stays. */
  unpark(waker: Waker<unknown>): void {
    if (this.waker !== waker) return;
    this.withdraw();
    this.waker = this.operation = null;
  }

  /** Fails who waits, and everybody who comes. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { waker } = this;
    if (waker !== null) {
      this.withdraw();
      this.waker = this.operation = null;
      waker.fail(new ClosedError(`${this.title} was closed while a task waited for it`));
    }
    this.input.discard();
  }

  /** The transport is ready, or something has been delivered. */
  override wake(): boolean {
    if (this.waker === null) return false;
    const { input } = this;
    this.promising = input.delivered ? input.filled : true;
    input.delivered = false;
    if (this.inStep) return this.rouse();
    this.decide();
    return true;
  }

  /** The wait itself failed: closed elsewhere, refused, or not possible. */
  override fail(error: unknown): boolean {
    const { waker } = this;
    if (waker === null) return false;
    this.waker = this.operation = null;
    return waker.fail(error);
  }

  private rouse(): boolean {
    const waker = this.waker as Waker<unknown>;
    this.waker = this.operation = null;
    this.woken = true;
    if (waker.wake(READY)) return true;
    this.woken = false;
    return false;
  }

  /** Receives where nobody's step runs: the result is the wake. */
  private decide(): void {
    const waker = this.waker as Waker<unknown>;
    const operation = this.operation as ReadOperation<unknown>;
    try {
      for (let round = 0; ; round++) {
        const value = operation.perform(false);
        if (value !== PENDING) {
          const { before } = this;
          this.waker = this.operation = this.before = null;
          if (!waker.wake(value) && before !== null) this.input.rewind(before);
          return;
        }
        if (this.burst >= BYTE_BUDGET || round === READY_BUDGET) {
          this.yieldTurn();
          return;
        }
        if (!this.isReady()) return;
        this.promising = true;
      }
    } catch (error) {
      const { before } = this;
      this.waker = this.operation = this.before = null;
      if (waker.fail(error)) return;
      // An end in the middle had taken what came before it.
      if (before !== null) this.input.rewind(before);
      this.input.retell(error);
    }
  }

  /** Others first; then it goes on where it is. */
  private yieldTurn(): void {
    this.burst = 0;
    if (this.inStep) {
      this.rouse();
      return;
    }
    this.wakeLater();
  }

  protected override readiness(): Op<unknown> {
    return this.transport.readable();
  }
}
