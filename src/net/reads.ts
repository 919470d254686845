/** The plain reads: whatever has come, as bytes of your own, as a view, or in a buffer of yours. */

import { PENDING } from '../kernel/index.ts';
import type { Input } from './input.ts';
import { ReadOperation } from './read-operation.ts';
import type { Reader } from './reader.ts';

/** Whatever has come, at most `max` bytes. */
export class Read extends ReadOperation<Buffer | null> {
  private readonly max: number;

  constructor(reader: Reader, max: number) {
    super(reader);
    this.max = max;
  }

  protected override take(input: Input): Buffer | null | typeof PENDING {
    const { length } = input;
    if (length > 0) return input.take(Math.min(length, this.max));
    return atEnd(input);
  }
}

/** Whatever has come, where it is. It has no arguments, so each stream makes one, once. */
export class ReadView extends ReadOperation<Buffer | null> {
  protected override take(input: Input): Buffer | null | typeof PENDING {
    const { length } = input;
    if (length > 0) return input.view(length);
    return atEnd(input);
  }
}

/** Into a buffer of the caller's; received there, if nothing waits already. */
export class ReadInto extends ReadOperation<number | null> {
  private readonly buffer: Uint8Array;
  private readonly offset: number;
  private readonly size: number;
  private count = 0;

  constructor(reader: Reader, buffer: Uint8Array, offset: number, size: number) {
    super(reader);
    this.buffer = buffer;
    this.offset = offset;
    this.size = size;
  }

  protected override take(input: Input): number | null | typeof PENDING {
    const { count } = this;
    if (count > 0) {
      this.count = 0;
      return count;
    }
    if (input.length > 0) {
      const length = Math.min(input.length, this.size);
      input.takeInto(this.buffer, this.offset, length);
      return length;
    }
    return atEnd(input);
  }

  protected override receive(inStep: boolean): boolean {
    // Where the bytes may turn out to be unwanted, they must not go where nobody would find them.
    if (!inStep) return super.receive(inStep);
    this.count = this.reader.receiveInto(this.buffer, this.offset, this.size);
    return this.count >= 0;
  }
}

/** What a read finds that finds no bytes: the end, an error, or that it has to wait. */
export function atEnd(input: Input): null | typeof PENDING {
  if (!input.ended) return PENDING;
  input.finish();
  return null;
}
