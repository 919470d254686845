/**
 * The operations that send datagrams. Each is tried at once, and waits only while the system takes no more: for room in the socket's
 * buffer by readiness, for the system's own memory (ENOBUFS) by time.
 */

import { PENDING } from '../kernel/index.ts';
import {
  type Data,
  type DatagramBatch,
  type SendMessageOptions,
  type SocketAddress,
  type SystemError,
  sendmmsg,
  sendmsg,
} from '../os/index.ts';
import { isShortage, type Line, LineOperation, type Progress } from './line.ts';

/** Options of `sendMany`. */
export interface SendManyOptions {
  /** The number of the datagram to begin with; default 0. */
  from?: number;
  /**
   * Told of each datagram that cannot be sent (`EMSGSIZE`, `EINVAL`: nobody has port 0, …), with its number; the others go. Without it
   * the first such error is thrown.
   */
  onError?: (error: SystemError, n: number) => void;
}

abstract class OutboxOperation<T> extends LineOperation<T> {
  protected override get isWorthTrying(): boolean {
    return true;
  }

  override attempt(progress: Progress): T | typeof PENDING {
    try {
      return this.call(progress);
    } catch (error) {
      if (!isShortage(error)) throw error;
      this.line.runShort();
      return PENDING;
    }
  }

  override refused(): void {
    // It has gone: there is nothing to keep.
  }

  /** The call itself. */
  protected abstract call(progress: Progress): T | typeof PENDING;
}

/** One datagram. */
export class Send extends OutboxOperation<number> {
  private readonly data: Data;
  private readonly to: SocketAddress | undefined;

  constructor(line: Line, data: Data, to: SocketAddress | undefined) {
    super(line);
    this.data = data;
    this.to = to;
  }

  override describe(): string {
    return `room for a datagram on ${this.line.socket}`;
  }

  protected override call(): number | typeof PENDING {
    const { socket } = this.line;
    const sent = this.to === undefined ? socket.send(this.data) : socket.sendTo(this.data, this.to);
    if (sent === undefined) return PENDING;
    this.line.moved(sent, true);
    return sent;
  }
}

/** A batch of datagrams. */
export class SendMany extends OutboxOperation<number> {
  private readonly batch: DatagramBatch;
  private readonly options: SendManyOptions;

  constructor(line: Line, batch: DatagramBatch, options: SendManyOptions) {
    super(line);
    this.batch = batch;
    this.options = options;
  }

  override describe(): string {
    return `room for ${this.batch.count} datagrams on ${this.line.socket}`;
  }

  protected override begin(): Progress {
    const { from = 0 } = this.options;
    return { at: from, done: 0 };
  }

  protected override call(progress: Progress): number | typeof PENDING {
    const { batch } = this;
    do {
      batch.sent = progress.at;
      const count = this.next(progress);
      if (count === undefined) return PENDING;
      progress.at += count;
      progress.done += count;
    } while (progress.at < batch.count);
    batch.sent = progress.at;
    this.line.moved(batch.bytes, true);
    return progress.done;
  }

  private next(progress: Progress): number | undefined {
    const { onError } = this.options;
    try {
      return sendmmsg(this.line.socket, this.batch, progress.at);
    } catch (error) {
      if (onError === undefined || (error as Error).name !== 'SystemError' || isShortage(error)) throw error;
      onError(error as SystemError, progress.at);
      progress.at++;
      return 0;
    }
  }
}

/** A datagram with something beside its bytes. */
export class SendMessage extends OutboxOperation<number> {
  private readonly data: Data;
  private readonly options: SendMessageOptions;

  constructor(line: Line, data: Data, options: SendMessageOptions) {
    super(line);
    this.data = data;
    this.options = options;
  }

  override describe(): string {
    return `room for a message on ${this.line.socket}`;
  }

  protected override call(): number | typeof PENDING {
    const sent = sendmsg(this.line.socket, [this.data], this.options);
    if (sent === undefined) return PENDING;
    this.line.moved(sent, true);
    return sent;
  }
}
