/** A transport that does what a test tells it, and counts how often it is asked. */

import { Op, PENDING, WaitQueue, type Waker } from 'genloop/kernel';
import type { Receiver, Transport } from 'genloop/net';

/** What a call of `receive` finds: bytes, nothing yet, the end, or an error. */
export type Found = string | Uint8Array | 'NOTHING' | 'END' | Error;

/** Something is there, or a test says so. */
class Ready extends Op<void> {
  private readonly queue: WaitQueue;
  private readonly holds: () => boolean;

  constructor(queue: WaitQueue, holds: () => boolean) {
    super();
    this.queue = queue;
    this.holds = holds;
  }

  override try(): undefined | typeof PENDING {
    return this.holds() ? undefined : PENDING;
  }

  override park(waker: Waker<void>): void {
    this.queue.add(waker);
  }

  override abort(waker: Waker<void>): boolean {
    return this.queue.remove(waker);
  }

  override describe(): string {
    return 'what a test says';
  }
}

/** Nothing is there until a test says so. */
export class Scripted implements Transport {
  /** What comes, a call each. */
  readonly incoming: Found[] = [];
  /** What has gone. */
  readonly outgoing: number[] = [];
  /** How many bytes each send takes; when there is none, it would block. `Infinity` once: all. */
  readonly room: (number | Error)[] = [];
  receives = 0;
  sends = 0;
  ended = 0;
  closed = 0;
  receiver: Receiver | null = null;
  private readonly reading = new WaitQueue('a test that lets it be readable');
  private readonly writing = new WaitQueue('a test that lets it be writable');

  receive(bytes: Uint8Array, offset: number, length: number): number | undefined {
    this.receives++;
    const found = this.incoming.shift() ?? 'NOTHING';
    if (found instanceof Error) throw found;
    if (found === 'NOTHING') return undefined;
    if (found === 'END') return 0;
    const data = typeof found === 'string' ? new TextEncoder().encode(found) : found;
    const count = Math.min(length, data.length);
    bytes.set(data.subarray(0, count), offset);
    if (count < data.length) this.incoming.unshift(data.subarray(count));
    return count;
  }

  send(bytes: Uint8Array, offset: number, length: number): number | undefined {
    this.sends++;
    const room = this.room.shift() ?? 0;
    if (room instanceof Error) throw room;
    if (room === 0) return undefined;
    const count = Math.min(room, length);
    for (const byte of bytes.subarray(offset, offset + count)) this.outgoing.push(byte);
    return count;
  }

  readable(): Op<unknown> {
    return new Ready(this.reading, () => this.incoming.length > 0);
  }

  writable(): Op<unknown> {
    return new Ready(this.writing, () => this.room.length > 0);
  }

  deliverTo(receiver: Receiver): void {
    this.receiver = receiver;
  }

  endWriting(): void {
    this.ended++;
  }

  close(): void {
    this.closed++;
  }

  describe(): string {
    return 'a stream of a test';
  }

  /** Something has come: who waits to read is told. */
  come(...found: Found[]): void {
    this.incoming.push(...found);
    this.reading.wakeAll();
  }

  /** There is room: who waits to write is told. */
  allow(...room: (number | Error)[]): void {
    this.room.push(...room);
    this.writing.wakeAll();
  }

  /** How many wait to read, and to write. */
  get waiting(): [number, number] {
    return [this.reading.size, this.writing.size];
  }

  /** What has gone, as text. */
  get text(): string {
    return String(Buffer.from(this.outgoing));
  }
}

/** The same, and it gathers parts. */
export class Gathering extends Scripted {
  /** Of each call that gathers: how many parts it was given, and how many bytes of them had gone before. */
  readonly gathered: [parts: number, offset: number][] = [];

  sendParts(parts: readonly Uint8Array[], offset: number): number | undefined {
    this.gathered.push([parts.length, offset]);
    if (parts.some(({ length }) => length === 0)) throw new Error('a part is empty');
    if (offset < 0 || offset >= lengthOf(parts)) throw new Error('nothing is left to send');
    return this.send(Buffer.concat(parts), offset, lengthOf(parts) - offset);
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
