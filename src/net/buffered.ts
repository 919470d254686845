/**
 * Reads that want so much, or up to there. They wait until all of it is in the input, and take it at once: one that is cancelled has
 * taken nothing, and whatever has come is read by the next.
 *
 * A clean end before the first byte is `null`. An end in the middle is an `UnexpectedEndError`, which has what had come. A connection that
 * breaks throws its own error, and what had come is still there to be read. Too much is a `LimitError`, and takes nothing.
 */

import { PENDING } from '../kernel/index.ts';
import { Buffer } from '../platform/node.ts';
import { RECEIVE_SIZE } from './borrowed.ts';
import { LimitError, UnexpectedEndError } from './errors.ts';
import type { Input } from './input.ts';
import { ReadOperation } from './read-operation.ts';
import type { Reader } from './reader.ts';
import { atEnd } from './reads.ts';

const LF = 10;
const CR = 13;
/** What is received straight into the storage of its message, instead of being copied there. */
const LARGE = RECEIVE_SIZE / 4;

/** A read of something that is complete or not. */
abstract class Whole<T> extends ReadOperation<T | null> {
  /** What it is, for messages. */
  protected abstract readonly wanted: string;

  /** What to do with an input that has too little: wait for more, or say how it ended. */
  protected tooLittle(input: Input): null | typeof PENDING {
    if (!input.ended || input.length === 0) return atEnd(input);
    input.finish();
    throw new UnexpectedEndError(this.reader.title, this.wanted, input.take(input.length));
  }

  protected tooMuch(limit: number): LimitError {
    return new LimitError(this.reader.title, this.wanted, limit);
  }
}

/** So many bytes. */
export class ReadExactly extends Whole<Buffer> {
  private readonly size: number;

  constructor(reader: Reader, size: number) {
    super(reader);
    this.size = size;
  }

  protected override get wanted(): string {
    return `a read of ${this.size} bytes`;
  }

  override try(): Buffer | null | typeof PENDING {
    if (this.size > 0) return super.try();
    this.reader.admit();
    return Buffer.from('') as Buffer;
  }

  protected override take(input: Input): Buffer | null | typeof PENDING {
    return input.length >= this.size ? input.take(this.size) : this.tooLittle(input);
  }

  protected override receive(): boolean {
    const { reader, size } = this;
    // No more than that: then the storage is handed over as it is.
    const missing = size - reader.input.length;
    return size < LARGE ? reader.receive() : reader.receiveMore(missing, missing);
  }
}

/** The next bytes, which stay. */
export class Peek extends ReadOperation<Buffer | null> {
  private readonly size: number;

  constructor(reader: Reader, size: number) {
    super(reader);
    this.size = size;
  }

  protected override take(input: Input): Buffer | null | typeof PENDING {
    if (input.length >= this.size) return input.copy(this.size);
    return input.ended && input.length > 0 ? input.copy(input.length) : atEnd(input);
  }
}

/** Everything up to the end. */
export class ReadAll extends Whole<Buffer> {
  private readonly limit: number;

  constructor(reader: Reader, limit: number) {
    super(reader);
    this.limit = limit;
  }

  protected override get wanted(): string {
    return 'everything';
  }

  protected override take(input: Input): Buffer | typeof PENDING {
    if (input.length > this.limit) throw this.tooMuch(this.limit);
    if (!input.ended) return PENDING;
    input.finish();
    return input.take(input.length);
  }

  protected override receive(): boolean {
    const { length } = this.reader.input;
    return length < LARGE ? this.reader.receive() : this.reader.receiveMore(length, RECEIVE_SIZE);
  }
}

/** Up to a line's end, LF or CR LF. */
export class ReadLine extends Whole<string> {
  private readonly limit: number;
  private readonly unterminated: boolean;
  /** How far there is none. */
  private scanned = 0;

  constructor(reader: Reader, limit: number, unterminated: boolean) {
    super(reader);
    this.limit = limit;
    this.unterminated = unterminated;
  }

  protected override get wanted(): string {
    return 'a line';
  }

  protected override begin(): void {
    this.scanned = 0;
  }

  protected override take(input: Input): string | null | typeof PENDING {
    const at = input.indexOf(LF, this.scanned);
    const stop = at < 0 ? input.length : at;
    this.scanned = stop;
    const length = stop > 0 && input.at(stop - 1) === CR ? stop - 1 : stop;
    if (length > this.limit) throw this.tooMuch(this.limit);
    if (at < 0) {
      if (!(this.unterminated && input.ended && input.length > 0)) return this.tooLittle(input);
      input.finish();
      const text = input.text(stop);
      input.skip(stop);
      return text;
    }
    const text = input.text(length);
    input.skip(at + 1);
    return text;
  }
}

/** Up to a delimiter. */
export class ReadUntil extends Whole<Buffer> {
  private readonly delimiter: Uint8Array;
  private readonly limit: number;
  /** Where a delimiter may begin: before that there is none. */
  private scanned = 0;

  constructor(reader: Reader, delimiter: Uint8Array, limit: number) {
    super(reader);
    this.delimiter = delimiter;
    this.limit = limit;
  }

  protected override get wanted(): string {
    return `a read up to ${shown(this.delimiter)}`;
  }

  protected override begin(): void {
    this.scanned = 0;
  }

  protected override take(input: Input): Buffer | null | typeof PENDING {
    const { delimiter } = this;
    const at = find(input, delimiter, this.scanned);
    this.scanned = at < 0 ? Math.max(0, input.length - delimiter.length + 1) : at;
    if (this.scanned > this.limit) throw this.tooMuch(this.limit);
    if (at < 0) return this.tooLittle(input);
    const taken = input.take(at);
    input.skip(delimiter.length);
    return taken;
  }
}

/** Past a delimiter, however far that is. */
export class SkipUntil extends Whole<number> {
  private readonly delimiter: Uint8Array;
  private skipped = 0;

  constructor(reader: Reader, delimiter: Uint8Array) {
    super(reader);
    this.delimiter = delimiter;
  }

  protected override get wanted(): string {
    return `a search for ${shown(this.delimiter)}`;
  }

  protected override begin(): void {
    this.skipped = 0;
  }

  protected override take(input: Input): number | null | typeof PENDING {
    const { delimiter } = this;
    const at = find(input, delimiter, 0);
    if (at >= 0) {
      input.skip(at + delimiter.length);
      return this.skipped + at + delimiter.length;
    }
    if (input.ended && this.skipped > 0) {
      input.finish();
      throw new UnexpectedEndError(this.reader.title, this.wanted, input.take(input.length));
    }
    // A delimiter may have begun in the last bytes.
    const passed = Math.max(0, input.length - delimiter.length + 1);
    if (!input.ended && passed > 0) {
      input.skip(passed);
      this.skipped += passed;
    }
    return this.tooLittle(input);
  }
}

/** The bytes of a delimiter. Throws `TypeError`, `RangeError`. */
export function delimiterOf(delimiter: unknown): Uint8Array {
  const bytes = typeof delimiter === 'string' ? Buffer.from(delimiter) : delimiter;
  if (!(bytes instanceof Uint8Array)) throw new TypeError('a delimiter is a string or a Uint8Array');
  if (bytes.length === 0) throw new RangeError('a delimiter has at least one byte');
  return bytes;
}

/** The place of the delimiter, from this place on; -1 if it is not there. */
function find(input: Input, delimiter: Uint8Array, from: number): number {
  const first = delimiter[0] as number;
  const last = input.length - delimiter.length;
  for (let at = from; at <= last; at++) {
    at = input.indexOf(first, at);
    if (at < 0 || at > last) return -1;
    let same = 1;
    while (same < delimiter.length && input.at(at + same) === delimiter[same]) same++;
    if (same === delimiter.length) return at;
  }
  return -1;
}

function shown(delimiter: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(delimiter));
}
