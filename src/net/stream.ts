/**
 * The base of all streams: bytes in order, both ways, over any {@link Transport}.
 *
 * One task reads and one writes at a time; the two do not know of each other (rule 31). Deadlines are those of the scopes around:
 * `failAfter(1000, stream.readLine())`. A read that is cancelled has taken nothing; what has come stays to be read.
 */

import type { Op } from '../kernel/index.ts';
import { Buffer } from '../platform/node.ts';
import { Output, Write } from './output.ts';
import { Reader } from './reader.ts';
import { Read, ReadInto, ReadView } from './reads.ts';
import type { Transport } from './transport.ts';

/** A stream of bytes, both ways. Closed by `close()` or `using`. */
export class Stream implements Disposable {
  /** @internal */
  protected readonly transport: Transport;
  private readonly reader: Reader;
  private readonly output: Output;
  private viewing: ReadView | null = null;

  /** Takes possession of the transport. */
  constructor(transport: Transport) {
    this.transport = transport;
    const title = () => transport.describe();
    this.reader = new Reader(transport, title);
    this.output = new Output(transport, this.reader.input, title);
    transport.deliverTo?.(this.reader.input);
  }

  /**
   * Whatever has come, at least one byte and at most `max`, waiting for it if there is nothing yet. The bytes are yours. `null` at the
   * end of the stream. Throws `SystemError` (`ECONNRESET`, once, after all data), `BusyError`, `ClosedError`.
   */
  read(max: number = Number.POSITIVE_INFINITY): Op<Buffer | null> {
    checkSize('max', max);
    return new Read(this.reader, max);
  }

  /**
   * Whatever has come, without a copy: a view that holds until the next trap of this task (its next `yield`); copy what you need longer. Otherwise as
   * {@link Stream.read}, and the fastest way to read. A write of such a view, by this task, is right.
   */
  readView(): Op<Buffer | null> {
    this.viewing ??= new ReadView(this.reader);
    return this.viewing;
  }

  /**
   * Whatever has come, into your buffer: how many bytes, at least 1 and at most `length`; `null` at the end of the stream. Otherwise as {@link Stream.read}.
   * The buffer is written to when the task goes on, not before.
   */
  readInto(buffer: Uint8Array, offset: number = 0, length: number = buffer.length - offset): Op<number | null> {
    if (!(buffer instanceof Uint8Array)) throw new TypeError('readInto takes a Uint8Array to read into');
    if (!Number.isInteger(offset) || offset < 0 || offset > buffer.length) {
      throw new RangeError(`offset must be a place in the buffer of ${buffer.length} bytes, not ${String(offset)}`);
    }
    checkSize('length', length);
    if (offset + length > buffer.length) {
      throw new RangeError(`${length} bytes from ${offset} on do not fit into a buffer of ${buffer.length} bytes`);
    }
    return new ReadInto(this.reader, buffer, offset, length);
  }

  /**
   * Writes all of it (text as UTF-8), and completes when the system has taken the last byte. Throws `SystemError` (`EPIPE`, `ECONNRESET`), `BusyError`,
   * `ClosedError`, `EndedError`; each with `bytesWritten`, if a part had gone. So has the cancel of a write; if a part had gone, the
   * stream takes no more writes (`PartialWriteError`). Do not change the bytes before it completes.
   */
  write(data: Uint8Array | string): Op<void> {
    return new Write(this.output, bytesOf(data));
  }

  /** Writes all parts, one after the other, as one write. */
  writev(parts: readonly (Uint8Array | string)[]): Op<void> {
    return new Write(this.output, Buffer.concat(parts.map(bytesOf)));
  }

  /** Ends the direction of writing: the other side reads the end, and can still be heard. Again does nothing. */
  end(): void {
    this.output.end();
  }

  /** How many bytes have come. */
  get bytesRead(): number {
    return this.reader.input.received;
  }

  /** How many bytes have gone to the system. */
  get bytesWritten(): number {
    return this.output.sent;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.reader.closed;
  }

  /** The first error of the connection, `null` if there was none; it stays, also after it was thrown. Rule 37. */
  get failure(): unknown {
    return this.reader.input.failure;
  }

  /** Closes it: who waits, and who uses it afterwards, gets a `ClosedError`. Bytes that wait to be read are dropped. Again does nothing. */
  close(): void {
    if (this.closed) return;
    this.reader.close();
    this.output.close();
    this.transport.close();
  }

  /** {@link Stream.close}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What messages call it. */
  toString(): string {
    return this.transport.describe();
  }
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(`data must be a string or a Uint8Array, not ${data === null ? 'null' : typeof data}`);
}

function checkSize(what: string, size: number): void {
  if (size === Number.POSITIVE_INFINITY || (Number.isInteger(size) && size > 0)) return;
  throw new RangeError(`${what} must be a whole number of bytes from 1 on, not ${String(size)}`);
}
