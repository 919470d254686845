/** What a TCP socket has received: the stream, and at most one urgent byte, which stands in it but is read beside it. */

import { ByteQueue } from './bytes.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';

const { MSG_PEEK, MSG_TRUNC } = Numbers;

interface Urgent {
  /** How many bytes of the stream come before it. */
  place: number;
  readonly byte: number;
  /** Whether it has been read. */
  taken: boolean;
}

/** Received bytes. */
export class TcpInbox {
  private readonly stream = new ByteQueue();
  private urgent: Urgent | null = null;

  /** The bytes that take room. */
  get size(): number {
    return this.stream.length;
  }

  /** Whether a read would give something. An urgent byte at the front does not count: it will be left out. */
  get isReadable(): boolean {
    return this.stream.length > (this.urgent?.place === 0 ? 1 : 0);
  }

  /** Whether an urgent byte can be read. */
  get isUrgent(): boolean {
    return this.urgent !== null && !this.urgent.taken;
  }

  /** What FIONREAD says: the bytes up to the urgent one. */
  get available(): number {
    return this.urgent === null ? this.stream.length : this.urgent.place;
  }

  push(bytes: Uint8Array, urgent: boolean): void {
    this.stream.push(bytes);
    if (!urgent) return;
    // One that was overtaken at the front is lost; anywhere else it becomes a byte like others.
    if (this.urgent?.place === 0) this.stream.skip(1);
    this.urgent = { place: this.stream.length - 1, byte: bytes.at(-1) as number, taken: false };
  }

  /** An urgent byte has come with a segment that is refused: it can be read all the same. */
  announce(byte: number): void {
    this.urgent = { place: this.stream.length, byte, taken: false };
  }

  /** Reads from the stream, up to the urgent byte; `limit` makes a read shorter. 0: there is nothing. */
  read(into: Uint8Array, flags: number, limit: (length: number) => number): number {
    if (this.urgent?.place === 0 && this.stream.length > 0) {
      this.stream.skip(1);
      this.urgent = null;
    }
    const available = this.urgent?.place ?? this.stream.length;
    const length = limit(Math.min(into.length, available));
    if ((flags & MSG_TRUNC) === 0) this.stream.peek(into.subarray(0, length));
    if ((flags & MSG_PEEK) !== 0) return length;
    this.stream.skip(length);
    if (this.urgent !== null) this.urgent.place -= length;
    return length;
  }

  /** Reads the urgent byte: 1, 0 where there is no room for it, or `-EINVAL`. */
  readUrgent(into: Uint8Array, flags: number): number {
    if (this.urgent === null || this.urgent.taken) return -Errno.EINVAL;
    if ((flags & MSG_PEEK) === 0) this.urgent.taken = true;
    into[0] = this.urgent.byte;
    return Math.min(1, into.length);
  }

  clear(): void {
    this.stream.clear();
    this.urgent = null;
  }
}
