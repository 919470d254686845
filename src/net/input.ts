/**
 * What has been received and not read yet; how the stream ended; and why.
 *
 * Mostly it is empty: bytes come in, and the reader takes them at once, from where they were received. Only what is left then is
 * copied into storage of its own, which goes away with its last byte: an idle connection has none. Storage is never written
 * over and never moved in place, so that a view of it stays right even if others read on.
 *
 * Data comes first, then the error, once (rule 37).
 */

import { Buffer } from '../platform/node.ts';
import { lend, lentView } from './borrowed.ts';
import type { Receiver } from './transport.ts';

const NOTHING: Buffer = Buffer.from('') as Buffer;
const SMALLEST_STORAGE = 512;

/** What {@link Input.mark} remembers. */
export interface InputMark {
  readonly bytes: Buffer;
  readonly start: number;
  readonly stop: number;
}

/** Bytes that wait to be read. */
export class Input implements Receiver {
  /** How many bytes have ever come. */
  received = 0;
  /** The first error of the connection; `null` before that. It stays. */
  declare failure: unknown;
  /** @internal Whether something has been delivered since a reader looked. */
  delivered = false;
  /** @internal Whether the last delivery filled its buffer. */
  filled = false;
  private bytes: Buffer = NOTHING;
  private start = 0;
  private stop = 0;
  /** Whether the bytes are in memory that others will write over. */
  private borrowed = false;
  private over = false;
  declare private untold: boolean;

  static {
    // Written only where there was one.
    Object.assign(Input.prototype, { failure: null, untold: false });
  }

  /** How many bytes wait. */
  get length(): number {
    return this.stop - this.start;
  }

  /** Whether nothing more will come: the end, or an error. */
  get ended(): boolean {
    return this.over;
  }

  /** Whether the end, or the error, has been reached by a reader: nothing is left to be told. */
  get isOver(): boolean {
    return this.over && this.start === this.stop && !this.untold;
  }

  deliver(bytes: Buffer, offset: number, count: number, filled: boolean): void {
    this.received += count;
    this.delivered = true;
    this.filled = filled;
    if (this.start === this.stop) {
      lend(bytes);
      this.bytes = bytes;
      this.start = offset;
      this.stop = offset + count;
      this.borrowed = true;
    } else {
      this.reserve(count);
      this.bytes.set(bytes.subarray(offset, offset + count), this.stop);
      this.stop += count;
    }
  }

  end(): void {
    this.over = true;
    this.delivered = true;
    this.filled = false;
  }

  fail(error: unknown): void {
    this.end();
    this.note(error);
  }

  /** Keeps an error of the connection, found by a write, for the reader: after the data, in place of the end. */
  note(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.untold = true;
  }

  /** What a reader does that finds too little, where nothing more will come: the error, once, or the end. */
  finish(): void {
    if (!this.untold) return;
    this.untold = false;
    throw this.failure;
  }

  keep(): void {
    if (!this.borrowed) return;
    const { length } = this;
    if (length === 0) this.clear();
    else this.move(length);
  }

  /** Makes room for so many more bytes in storage of its own: which that is, and from where on it is free. */
  reserve(count: number): { readonly bytes: Buffer; readonly at: number } {
    const { length } = this;
    if (this.borrowed || this.bytes.length - this.stop < count) {
      // Doubling, so that what comes byte by byte is copied a few times, and not each time.
      this.move(Math.max(length + count, this.borrowed ? 0 : 2 * length));
    }
    return { bytes: this.bytes, at: this.stop };
  }

  /** So many bytes have come into the room that was made. */
  extend(count: number): void {
    this.stop += count;
  }

  /** The place of a byte, counted from the first that waits; -1 if it is not there. */
  indexOf(byte: number, from: number): number {
    const at = this.bytes.indexOf(byte, this.start + from);
    return at < 0 || at >= this.stop ? -1 : at - this.start;
  }

  /** The byte at this place. */
  at(index: number): number {
    return this.bytes[this.start + index] as number;
  }

  /** The text of the first bytes, as UTF-8. */
  text(length: number): string {
    return this.bytes.toString('utf8', this.start, this.start + length);
  }

  /** A copy of the first bytes, which stay. */
  copy(length: number): Buffer {
    const { bytes, start } = this;
    const copy = Buffer.allocUnsafe(length) as Buffer;
    copy.set(this.borrowed ? lentView(bytes, start, length) : bytes.subarray(start, start + length));
    return copy;
  }

  /** Copies the first bytes into a buffer and takes them. */
  takeInto(target: Uint8Array, offset: number, length: number): void {
    target.set(this.bytes.subarray(this.start, this.start + length), offset);
    this.skip(length);
  }

  /** The first bytes, which are the caller's. */
  take(length: number): Buffer {
    // What fills most of its storage is handed over with it.
    if (!this.borrowed && length === this.length && 2 * length >= this.bytes.length) return this.view(length);
    const taken = this.copy(length);
    this.skip(length);
    return taken;
  }

  /** The first bytes where they are: until the next trap. */
  view(length: number): Buffer {
    const { bytes, start, borrowed } = this;
    this.skip(length);
    if (borrowed) return lentView(bytes, start, length);
    return bytes.subarray(start, start + length);
  }

  /** Passes over the first bytes. */
  skip(length: number): void {
    this.start += length;
    if (this.start === this.stop) this.clear();
  }

  /** Where it stands, for {@link Input.rewind}. */
  mark(): InputMark {
    this.keep();
    return { bytes: this.bytes, start: this.start, stop: this.stop };
  }

  /** Puts back what was taken since: it turned out that nobody wanted it. */
  rewind(mark: InputMark): void {
    this.bytes = mark.bytes;
    this.start = mark.start;
    this.stop = mark.stop;
    this.borrowed = false;
  }

  /** An error that nobody heard after all is told to the next. */
  retell(error: unknown): void {
    if (error === this.failure) this.untold = true;
  }

  /** Forgets everything: the stream was closed. */
  discard(): void {
    this.clear();
    this.over = true;
    if (this.untold) this.untold = false;
  }

  private clear(): void {
    this.bytes = NOTHING;
    this.start = this.stop = 0;
    this.borrowed = false;
  }

  private move(capacity: number): void {
    const { length } = this;
    const storage = Buffer.allocUnsafeSlow(Math.max(capacity, SMALLEST_STORAGE)) as Buffer;
    storage.set(this.bytes.subarray(this.start, this.stop));
    this.bytes = storage;
    this.start = 0;
    this.stop = length;
    this.borrowed = false;
  }
}
