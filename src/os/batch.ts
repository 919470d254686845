/**
 * Many datagrams in one system call. What a call of its own costs each datagram is about as much as the rest that a server
 * does for it; a batch shares that cost. Its memory is set up once and used again and again: receiving allocates nothing.
 */

import { SocketAddress } from './address.ts';
import { type Data, toBytes } from './descriptor.ts';
import { SystemError, wouldBlock } from './errors.ts';
import { currentSys } from './native.ts';
import type { Datagram, Socket } from './socket.ts';
import { ADDRESS_SLOT_SIZE, MESSAGE_ROW, MOST_MESSAGES, type Sys } from './sys.ts';

/** Enough for what travels in one packet of an Ethernet. */
const DEFAULT_SIZE = 2048;
const DEFAULT_CAPACITY = 64;
/** The columns of a row. */
const OFFSET = 0;
const LENGTH = 2;
/** In a slot: how long the address is, and whether the datagram was cut. */
const TRUNCATED = 1;

/** How large a {@link DatagramBatch} is. */
export interface BatchOptions {
  /** How many datagrams it holds, from 1 to 256; default 64. */
  capacity?: number;
  /** The most bytes of each; what is longer is cut. Default 2048. */
  size?: number;
  /** The system whose addresses it holds. */
  sys?: Sys;
}

/**
 * Room for datagrams, each with its bytes and its address: filled by {@link recvmmsg} or by hand, sent by {@link sendmmsg}. What was
 * received can be answered in place: the addresses stay, the bytes are changed. The views that it gives show its own memory: they
 * are good until it is filled again.
 *
 * @example
 * const batch = new DatagramBatch();
 * const count = recvmmsg(socket, batch);        // the datagrams that are there, in one call
 * for (let n = 0; n < batch.count; n++) batch.setData(n, answer);
 * sendmmsg(socket, batch);                      // to those who asked
 */
export class DatagramBatch {
  /** How many datagrams it has room for. */
  readonly capacity: number;
  /** The most bytes of each. */
  readonly size: number;
  /** How many datagrams it holds. Set by receiving, and by {@link DatagramBatch.add}. */
  count = 0;
  /** How far `sendMany` has come with it: the number of the datagram that is next, or that failed. */
  sent = 0;
  /** @internal What the calls are given. */
  readonly buffer: Uint8Array;
  /** @internal */
  readonly rows: Int32Array;
  /** @internal */
  readonly slots: Uint8Array;
  private readonly sys: Sys;
  private readonly addresses: (SocketAddress | undefined)[] = [];

  /** Throws `RangeError` for a capacity or a size that is none. */
  constructor(options: BatchOptions = {}) {
    const { capacity = DEFAULT_CAPACITY, size = DEFAULT_SIZE, sys = currentSys() } = options;
    checkInteger('capacity', capacity, MOST_MESSAGES);
    checkInteger('size', size, 65_535);
    this.capacity = capacity;
    this.size = size;
    this.sys = sys;
    // The last part is for what all datagrams share: see setDataOfAll.
    this.buffer = new Uint8Array((capacity + 1) * size);
    this.slots = new Uint8Array(capacity * ADDRESS_SLOT_SIZE);
    this.rows = new Int32Array(capacity * MESSAGE_ROW);
    this.reset();
  }

  /** The bytes of the n-th datagram, borrowed. Throws `RangeError` if there is none. */
  data(n: number): Uint8Array {
    const row = this.rowOf(n);
    const offset = this.rows[row + OFFSET] as number;
    return this.buffer.subarray(offset, offset + this.length(n));
  }

  /** How many bytes of the n-th datagram are here. */
  length(n: number): number {
    return this.rows[this.rowOf(n) + LENGTH] as number;
  }

  /** Whether the n-th datagram was longer than {@link DatagramBatch.size}; the rest of it is lost. */
  truncated(n: number): boolean {
    this.rowOf(n);
    return this.slots[n * ADDRESS_SLOT_SIZE + TRUNCATED] === 1;
  }

  /** Who sent the n-th datagram, or whom it is for; borrowed (`clone()` keeps it). Decoded when somebody looks. */
  address(n: number): SocketAddress {
    this.rowOf(n);
    let address = this.addresses[n];
    if (address === undefined) {
      const at = n * ADDRESS_SLOT_SIZE;
      address = SocketAddress.over(this.sys, this.slots.subarray(at, at + ADDRESS_SLOT_SIZE));
      this.addresses[n] = address;
    }
    return address;
  }

  /** Changes the bytes of the n-th datagram, for sending it (back). Throws `RangeError` for more than {@link DatagramBatch.size}. */
  setData(n: number, data: Data): void {
    const row = this.rowOf(n);
    const bytes = toBytes(data);
    this.checkFits(bytes);
    const offset = n * this.size;
    this.buffer.set(bytes, offset);
    this.rows[row + OFFSET] = offset;
    this.rows[row + LENGTH] = bytes.length;
  }

  /** Gives all datagrams the same bytes, which are copied once: one answer for everybody. */
  setDataOfAll(data: Data): void {
    const bytes = toBytes(data);
    this.checkFits(bytes);
    const offset = this.capacity * this.size;
    this.buffer.set(bytes, offset);
    for (let row = 0, end = this.count * MESSAGE_ROW; row < end; row += MESSAGE_ROW) {
      this.rows[row + OFFSET] = offset;
      this.rows[row + LENGTH] = bytes.length;
    }
  }

  /**
   * Adds a datagram to be sent, to this address or, on a connected socket, to the peer. Its place; throws `RangeError` if the batch is
   * full or the data too long.
   */
  add(data: Data, address?: SocketAddress): number {
    const n = this.count;
    if (n === this.capacity) throw new RangeError(`this batch is full: it has room for ${n} datagrams`);
    this.count++;
    try {
      this.setData(n, data);
    } catch (error) {
      this.count--;
      throw error;
    }
    const slot = n * ADDRESS_SLOT_SIZE;
    if (address === undefined) this.slots[slot] = 0;
    else this.slots.set(address.slot, slot);
    this.slots[slot + TRUNCATED] = 0;
    return n;
  }

  /** @internal Adds what was received elsewhere, cut to what fits. */
  put({ data, address, truncated }: Datagram): void {
    const part = data.subarray(0, this.size);
    const n = this.add(part, address);
    this.slots[n * ADDRESS_SLOT_SIZE + TRUNCATED] = truncated || part.length < data.length ? 1 : 0;
  }

  /** How many bytes all datagrams have. */
  get bytes(): number {
    let sum = 0;
    for (let n = 0; n < this.count; n++) sum += this.rows[n * MESSAGE_ROW + LENGTH] as number;
    return sum;
  }

  /** Forgets all datagrams. */
  clear(): void {
    this.count = 0;
    this.reset();
  }

  /** @internal Every datagram gets its own part of the buffer again. */
  reset(): void {
    const { rows, size } = this;
    for (let row = 0, offset = 0; row < rows.length; row += MESSAGE_ROW, offset += size) {
      rows[row + OFFSET] = offset;
      rows[row + 1] = size;
    }
  }

  private rowOf(n: number): number {
    if (n >= 0 && n < this.count && Number.isInteger(n)) return n * MESSAGE_ROW;
    throw new RangeError(`this batch holds ${this.count} datagrams, counted from 0; there is no ${String(n)}`);
  }

  private checkFits(bytes: Uint8Array): void {
    if (bytes.length <= this.size) return;
    throw new RangeError(`${bytes.length} bytes do not fit into a batch whose datagrams have ${this.size} at most`);
  }
}

/**
 * Receives the datagrams that are there, as many as the batch has room for, with one call. How many: they are in the batch
 * then, instead of what it held. `undefined` if that would block. Throws `SystemError`. recvmmsg(2); where the system has none, as
 * many calls of recvmsg(2).
 */
export function recvmmsg(socket: Socket, batch: DatagramBatch, flags: number = 0): number | undefined {
  const { sys } = socket;
  const { buffer, rows, capacity, slots } = batch;
  const fd = socket.fileno();
  batch.reset();
  batch.count = 0;
  const result = sys.recvmmsg(fd, buffer, rows, capacity, slots, flags);
  if (result >= 0) {
    batch.count = result;
    return result;
  }
  if (wouldBlock(sys, result)) return undefined;
  throw new SystemError(sys, 'recvmmsg', result, { fd });
}

/**
 * Sends the batch's datagrams from the n-th on, with one call. How many went: if not all did, the next one failed or has to wait, and
 * a call that begins with it says which; `undefined` if the first of them would block. Throws `SystemError` if the first failed
 * (`EMSGSIZE`, `ECONNREFUSED`, …): go on with the one after it. sendmmsg(2); where the system has none, as many calls of sendmsg(2).
 */
export function sendmmsg(
  socket: Socket,
  batch: DatagramBatch,
  from: number = 0,
  flags: number = 0,
): number | undefined {
  const { sys } = socket;
  const { buffer, rows, count, slots } = batch;
  const fd = socket.fileno();
  if (!Number.isInteger(from) || from < 0 || from > count) {
    throw new RangeError(`this batch holds ${count} datagrams; sending cannot begin with number ${String(from)}`);
  }
  if (from === count) return 0;
  const result = sys.sendmmsg(fd, buffer, rows, from, count - from, slots, flags);
  if (result >= 0) return result;
  if (wouldBlock(sys, result)) return undefined;
  throw new SystemError(sys, 'sendmmsg', result, { fd });
}

function checkInteger(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new RangeError(`the ${name} of a batch is an integer from 1 to ${most}, not ${String(value)}`);
}
