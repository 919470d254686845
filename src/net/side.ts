/**
 * What the two directions of a stream have in common: one task at a time waits in each, for the transport or for the others' turn.
 * The wake of that wait comes here first, and only what comes of it wakes the task.
 */

import { type Kernel, type Op, PENDING, type Timer, type Waker } from '../kernel/index.ts';
import type { Transport } from './transport.ts';

/** One direction of a stream. */
export abstract class Side<T> implements Waker<unknown> {
  readonly transport: Transport;
  closed = false;
  /** The transport's place to remember our wait. */
  declare state: unknown;
  /** Of the task that waits. */
  declare protected waker: Waker<T> | null;
  declare protected wait: Op<unknown> | null;
  /** Goes on after others have had their turn. */
  declare private later: Timer | null;

  static {
    // Written only into a side that waits: there are two of them for each connection, and few writes ever wait.
    Object.assign(Side.prototype, { state: undefined, waker: null, wait: null, later: null });
  }

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** What messages call the stream. */
  get title(): string {
    return this.transport.describe();
  }

  get kernel(): Kernel {
    return (this.waker as Waker<T>).kernel;
  }

  /** The transport is ready. */
  abstract wake(): boolean;

  /** The wait itself failed: closed elsewhere, refused, or not possible. */
  abstract fail(error: unknown): boolean;

  /** The transport's wait for this direction. Asked for once. */
  protected abstract readiness(): Op<unknown>;

  /** Asks the transport; if it is not ready, it will wake us. */
  protected isReady(): boolean {
    const { kernel } = this;
    this.wait ??= this.readiness();
    this.state = undefined;
    kernel.observer?.yielded?.(this.wait);
    if (this.wait.try(kernel) !== PENDING) return true;
    this.wait.park(this);
    return false;
  }

  /** Others first; then it goes on where it is. */
  protected wakeLater(): void {
    const { timers, host } = this.kernel;
    this.later = timers.set(host.now(), () => {
      this.later = null;
      this.wake();
    });
  }

  /** Takes our own wait back. */
  protected withdraw(): void {
    if (this.later === null) {
      this.wait?.abort(this);
      return;
    }
    this.kernel.timers.cancel(this.later);
    this.later = null;
  }
}
