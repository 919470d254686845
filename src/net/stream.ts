/**
 * The base of all streams: bytes in order, both ways, over any {@link Transport}.
 *
 * One task reads and one writes at a time; the two do not know of each other (rule 31). Deadlines are those of the scopes around:
 * `failAfter(1000, stream.readLine())`. A read that is cancelled has taken nothing; what has come stays to be read.
 */

import type { Op } from '../kernel/index.ts';
import { Buffer } from '../platform/node.ts';
import { delimiterOf, Peek, ReadAll, ReadExactly, ReadLine, ReadUntil, SkipUntil } from './buffered.ts';
import { Output } from './output.ts';
import { joined, pieces } from './parts.ts';
import { Reader } from './reader.ts';
import { Read, ReadInto, ReadView } from './reads.ts';
import type { Transport } from './transport.ts';
import { Write } from './write.ts';
import { GatheredWrite } from './writev.ts';

/** The longest line, and the longest piece up to a delimiter, unless said otherwise. */
const PIECE_LIMIT = 65_536;
/** The most that is read to the end, unless said otherwise. */
const ALL_LIMIT = 16_777_216;

/** Options of reads that do not know beforehand how much will come. */
export interface LimitOptions {
  /** How many bytes there may be, delimiters not counted; more is a `LimitError`. Default: 65,536; for `readAll` 16 MiB. */
  limit?: number;
}

/** Options of {@link Stream.readLine}. */
export interface LineOptions extends LimitOptions {
  /** Whether a last line counts that the stream ends without its end. Default: false, it is an `UnexpectedEndError`. */
  unterminated?: boolean;
}

/** A stream of bytes, both ways. Closed by `close()` or `using`. */
export class Stream implements Disposable {
  /** What carries its bytes, for transports that wrap others. The stream closes it. */
  readonly transport: Transport;
  private readonly readingSide: Reader;
  private readonly writingSide: Output;
  private reading: Read | null = null;
  private viewing: ReadView | null = null;
  private lining: ReadLine | null = null;

  /** Takes possession of the transport. */
  constructor(transport: Transport) {
    this.transport = transport;
    this.readingSide = new Reader(transport);
    this.writingSide = new Output(transport, this.readingSide.input);
    transport.deliverTo?.(this.readingSide.input);
  }

  /**
   * Whatever has come, at least one byte and at most `max`, waiting for it if there is nothing yet. The bytes are yours. `null` at the
   * end of the stream. Throws `SystemError` (`ECONNRESET`, once, after all data), `BusyError`, `ClosedError`.
   */
  read(max: number = Number.POSITIVE_INFINITY): Op<Buffer | null> {
    if (max === Number.POSITIVE_INFINITY) {
      this.reading ??= new Read(this.readingSide, max);
      return this.reading;
    }
    checkSize('max', max);
    return new Read(this.readingSide, max);
  }

  /**
   * Whatever has come, without a copy: a view that holds until the next trap of this task (its next `yield`); copy what you need longer. Otherwise as
   * {@link Stream.read}, and the fastest way to read. A write of such a view, by this task, is right.
   */
  readView(): Op<Buffer | null> {
    this.viewing ??= new ReadView(this.readingSide);
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
    return new ReadInto(this.readingSide, buffer, offset, length);
  }

  /**
   * Exactly so many bytes, which are yours. `null` if the stream has ended before the first; in the middle `UnexpectedEndError`, with what
   * had come as `partial`. Otherwise as {@link Stream.read}. If it is cancelled, what has come stays to be read.
   */
  readExactly(size: number): Op<Buffer | null> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`size must be a whole number of bytes from 0 on, not ${String(size)}`);
    }
    return new ReadExactly(this.readingSide, size);
  }

  /**
   * The next line, without its end (LF or CR LF), as UTF-8 text. `null` at the end of the stream; in the middle of a line
   * `UnexpectedEndError`. A line longer than the limit is a `LimitError`: it is still there, to be read with a larger limit, or passed over with
   * `skipUntil('\n')`. Otherwise as {@link Stream.read}.
   */
  readLine(options?: LineOptions): Op<string | null> {
    if (options === undefined) {
      this.lining ??= new ReadLine(this.readingSide, PIECE_LIMIT, false);
      return this.lining;
    }
    const { limit = PIECE_LIMIT, unterminated = false } = options;
    checkSize('limit', limit);
    return new ReadLine(this.readingSide, limit, unterminated);
  }

  /**
   * Operations, each for the next line, as {@link Stream.readLine}; there are no more after the one that gave `null`.
   *
   * @example
   * for (const next of stream.lines()) {
   *   const line = yield* next;
   *   if (line !== null) console.log(line);
   * }
   */
  *lines(options: LineOptions = {}): Generator<Op<string | null>, void, unknown> {
    const { limit = PIECE_LIMIT, unterminated = false } = options;
    checkSize('limit', limit);
    while (!this.readingSide.input.isOver) yield new ReadLine(this.readingSide, limit, unterminated);
  }

  /**
   * What comes before the delimiter, which is taken too and not part of it. `null` at the end of the stream; in the middle
   * `UnexpectedEndError`. Too much of it is a `LimitError`, as with {@link Stream.readLine}. Otherwise as {@link Stream.read}.
   */
  readUntil(delimiter: Uint8Array | string, options: LimitOptions = {}): Op<Buffer | null> {
    const { limit = PIECE_LIMIT } = options;
    checkSize('limit', limit);
    return new ReadUntil(this.readingSide, delimiterOf(delimiter), limit);
  }

  /**
   * Passes over everything up to the delimiter, and over that: how many bytes, however many; none of them is kept. `null` at the end of the stream, `UnexpectedEndError`
   * after some bytes. If it is cancelled, what it has passed over is gone.
   */
  skipUntil(delimiter: Uint8Array | string): Op<number | null> {
    return new SkipUntil(this.readingSide, delimiterOf(delimiter));
  }

  /**
   * Everything up to the end of the stream; empty if that has come already. More than the limit is a `LimitError`, and takes nothing. Otherwise
   * as {@link Stream.read}.
   */
  readAll(options: LimitOptions = {}): Op<Buffer> {
    const { limit = ALL_LIMIT } = options;
    checkSize('limit', limit);
    return new ReadAll(this.readingSide, limit) as Op<Buffer | null> as Op<Buffer>;
  }

  /** The next `size` bytes, a copy: they are still to be read. Fewer if the stream ends before, `null` if it has ended. Otherwise as {@link Stream.read}. */
  peek(size: number): Op<Buffer | null> {
    checkSize('size', size, Number.MAX_SAFE_INTEGER);
    return new Peek(this.readingSide, size);
  }

  /**
   * Writes all of it (text as UTF-8), and completes when the system has taken the last byte. Throws `SystemError` (`EPIPE`, `ECONNRESET`), `BusyError`,
   * `ClosedError`, `EndedError`; each with `bytesWritten`, if a part had gone. So has the cancel of a write; if a part had gone, the
   * stream takes no more writes (`PartialWriteError`). Do not change the bytes before it completes.
   */
  write(data: Uint8Array | string): Op<void> {
    return new Write(this.writingSide, bytesOf(data));
  }

  /**
   * Writes all parts, one after the other, as one write: {@link Stream.write} of all of them together, and no part stands for
   * itself. Large parts (from 512 bytes on) are not copied: the system gathers them where they are. Small ones are, when this is called.
   */
  writev(parts: readonly (Uint8Array | string)[]): Op<void> {
    if (!Array.isArray(parts))
      throw new TypeError('writev takes an array of strings and Uint8Arrays; write() takes one');
    const all = parts.map(bytesOf);
    const few = this.transport.sendParts === undefined ? [joined(all)] : pieces(all);
    return few.length === 1
      ? new Write(this.writingSide, few[0] as Uint8Array)
      : new GatheredWrite(this.writingSide, few);
  }

  /** Ends the direction of writing: the other side reads the end, and can still be heard. Again does nothing. */
  end(): void {
    this.writingSide.end();
  }

  /** How many bytes have come. */
  get bytesRead(): number {
    return this.readingSide.input.received;
  }

  /** How many bytes have gone to the system. */
  get bytesWritten(): number {
    return this.writingSide.sent;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.readingSide.closed;
  }

  /** The first error of the connection, `null` if there was none; it stays, also after it was thrown. Rule 37. */
  get failure(): unknown {
    return this.readingSide.input.failure;
  }

  /** @internal Refuses what a write is refused for: other calls send there, too. */
  refuseSecondWriter(): void {
    this.writingSide.admit(null);
  }

  /** @internal Refuses what a read is refused for, and takes what has been received already, for other calls that receive there. */
  takeReceived(most: number): Buffer | null {
    this.readingSide.admit();
    const { input } = this.readingSide;
    return input.length === 0 ? null : input.take(Math.min(most, input.length));
  }

  /** @internal What came and went by other calls counts, too. */
  countOthers(read: number, written: number): void {
    this.readingSide.input.received += read;
    this.writingSide.sent += written;
  }

  /** Closes it: who waits, and who uses it afterwards, gets a `ClosedError`. Bytes that wait to be read are dropped. Again does nothing. */
  close(): void {
    if (this.closed) return;
    this.readingSide.close();
    this.writingSide.close();
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

function checkSize(what: string, size: number, most: number = Number.POSITIVE_INFINITY): void {
  if ((size === Number.POSITIVE_INFINITY || (Number.isInteger(size) && size > 0)) && size <= most) return;
  throw new RangeError(`${what} must be a whole number of bytes from 1 on, not ${String(size)}`);
}
