/**
 * Two streams that are connected to each other in memory: for tests of whatever reads and writes streams. No descriptor, no
 * system, any scheduler. They are ordinary streams over a transport of their own, with little room and, if wanted, in
 * pieces whose sizes a seed decides: what a program that expects whole messages does wrong on a bad day, it does wrong here at once.
 */

import { Op, PENDING, WaitQueue, type Waker } from '../../kernel/index.ts';
import { joined, lengthOf } from '../../net/parts.ts';
import { Stream } from '../../net/stream.ts';
import type { Transport } from '../../net/transport.ts';
import { SystemError } from '../../os/errors.ts';
import type { Sys } from '../../os/index.ts';
import { seededRandom } from '../../scheduler/random.ts';
import { CONSTANTS } from '../simulation/constants.ts';
import { Errno } from '../simulation/errno.ts';

/** Room for bytes on their way, as a pipe of Linux has it. */
const DEFAULT_CAPACITY = 65_536;

/** How {@link memoryPair} is set up. */
export interface MemoryPairOptions {
  /** How many bytes may be on their way in each direction; a write waits where there is no room. Default: 65,536. */
  capacity?: number;
  /** How many bytes go or come at once at most. Default: as many as there are, or fit. */
  chunk?: number;
  /** Draws from this seed how many bytes go or come at once, from 1 to `chunk`. Default: always as many as possible. */
  seed?: number;
}

/** One end of a {@link memoryPair}. */
export class MemoryStream extends Stream {
  private readonly memory: MemoryTransport;

  /** @internal */
  constructor(transport: MemoryTransport) {
    super(transport);
    this.memory = transport;
  }

  /** Breaks the connection, as a crash of this side would: the other reads what had come, then `ECONNRESET`. This side is closed. */
  reset(): void {
    this.memory.reset();
    this.close();
  }
}

/**
 * Two streams that are connected to each other: what one writes, the other reads. Throws `RangeError` for a capacity, chunk or seed that is none.
 *
 * @example
 * const [client, server] = memoryPair({ capacity: 16, chunk: 5, seed: 1 });
 * yield* group(function* (tasks) {
 *   tasks.spawn(handle(server));
 *   yield* client.write('HELO there\r\n');
 *   console.log(yield* client.readLine());
 * });
 */
export function memoryPair(options: MemoryPairOptions = {}): [MemoryStream, MemoryStream] {
  const { capacity = DEFAULT_CAPACITY, chunk = Number.POSITIVE_INFINITY, seed } = options;
  checkCount('capacity', capacity);
  if (chunk !== Number.POSITIVE_INFINITY) checkCount('chunk', chunk);
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0)) {
    throw new RangeError(`seed must be a whole number from 0 on, not ${String(seed)}`);
  }
  const random = seed === undefined ? null : seededRandom(seed);
  const piece = (most: number): number => {
    const bound = Math.min(most, chunk);
    return random === null ? bound : 1 + Math.floor(random() * bound);
  };
  const there = new Channel(capacity, piece);
  const back = new Channel(capacity, piece);
  return [new MemoryStream(new MemoryTransport(back, there, 1)), new MemoryStream(new MemoryTransport(there, back, 2))];
}

function checkCount(what: string, count: number): void {
  if (Number.isSafeInteger(count) && count > 0) return;
  throw new RangeError(`${what} must be a whole number of bytes from 1 on, not ${String(count)}`);
}

/** Waits until something is so. */
class Until extends Op<void> {
  private readonly queue = new WaitQueue();
  private readonly holds: () => boolean;
  private readonly what: string;

  constructor(what: string, holds: () => boolean) {
    super();
    this.what = what;
    this.holds = holds;
  }

  /** It may be so now. */
  changed(): void {
    if (this.holds()) this.queue.wakeAll();
  }

  override try(): undefined | typeof PENDING {
    return this.holds() ? undefined : PENDING;
  }

  override park(waker: Waker<void>): void {
    this.queue.add(waker);
  }

  override abort(waker: Waker<void>): boolean {
    this.queue.remove(waker);
    return true;
  }

  override describe(): string {
    return this.what;
  }
}

/** One direction: a ring of bytes. */
class Channel {
  /** No more will be written. */
  ended = false;
  /** Nobody reads any more. */
  left = false;
  /** It broke: told once to the reader. */
  broken = false;
  readonly readable: Until;
  readonly writable: Until;
  private readonly bytes: Uint8Array;
  private readonly piece: (most: number) => number;
  private start = 0;
  private length = 0;

  constructor(capacity: number, piece: (most: number) => number) {
    this.bytes = new Uint8Array(capacity);
    this.piece = piece;
    this.readable = new Until('bytes in memory', () => this.length > 0 || this.ended || this.broken);
    this.writable = new Until('room in memory', () => this.length < this.bytes.length || this.left || this.broken);
  }

  /** The other side does something that a waiting task wants to know. */
  changed(): void {
    this.readable.changed();
    this.writable.changed();
  }

  take(target: Uint8Array, offset: number, most: number): number | undefined {
    const { bytes, start } = this;
    if (this.length === 0) {
      if (this.broken) {
        this.broken = false;
        this.ended = true;
        throw systemError('recv', Errno.ECONNRESET);
      }
      return this.ended ? 0 : undefined;
    }
    const count = this.piece(Math.min(this.length, most));
    const first = Math.min(count, bytes.length - start);
    target.set(bytes.subarray(start, start + first), offset);
    target.set(bytes.subarray(0, count - first), offset + first);
    this.start = (start + count) % bytes.length;
    this.length -= count;
    this.writable.changed();
    return count;
  }

  put(source: Uint8Array, offset: number, most: number): number | undefined {
    return this.add(most, (count) => source.subarray(offset, offset + count));
  }

  putParts(parts: readonly Uint8Array[], offset: number): number | undefined {
    return this.add(lengthOf(parts) - offset, (count) => joined(parts, offset, count));
  }

  private add(most: number, first: (count: number) => Uint8Array): number | undefined {
    const { bytes } = this;
    if (this.left || this.broken) throw systemError('send', Errno.EPIPE);
    const room = bytes.length - this.length;
    if (room === 0) return undefined;
    const count = this.piece(Math.min(room, most));
    const source = first(count);
    const at = (this.start + this.length) % bytes.length;
    const upToEnd = bytes.length - at;
    bytes.set(source.subarray(0, upToEnd), at);
    bytes.set(source.subarray(upToEnd), 0);
    this.length += count;
    this.readable.changed();
    return count;
  }
}

class MemoryTransport implements Transport {
  private readonly incoming: Channel;
  private readonly outgoing: Channel;
  private readonly end: number;

  constructor(incoming: Channel, outgoing: Channel, end: number) {
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.end = end;
  }

  receive(bytes: Uint8Array, offset: number, length: number): number | undefined {
    return this.incoming.take(bytes, offset, length);
  }

  send(bytes: Uint8Array, offset: number, length: number): number | undefined {
    return this.outgoing.put(bytes, offset, length);
  }

  sendParts(parts: readonly Uint8Array[], offset: number): number | undefined {
    return this.outgoing.putParts(parts, offset);
  }

  readable(): Op<unknown> {
    return this.incoming.readable;
  }

  writable(): Op<unknown> {
    return this.outgoing.writable;
  }

  endWriting(): void {
    this.outgoing.ended = true;
    this.outgoing.changed();
  }

  reset(): void {
    this.outgoing.broken = true;
    this.outgoing.changed();
  }

  close(): void {
    this.endWriting();
    this.incoming.left = true;
    this.incoming.changed();
  }

  describe(): string {
    return `MemoryStream ${this.end}`;
  }
}

/** As a system would report it: there is none here, but its numbers are known. */
function systemError(syscall: string, errno: number): SystemError {
  return new SystemError({ constants: CONSTANTS } as unknown as Sys, syscall, -errno);
}
