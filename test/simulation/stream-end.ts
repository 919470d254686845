/**
 * One end of a connection whose two ends are streams of `genloop/net`, and the books of what went through it: what the system has taken of
 * whom, and what tasks have got of it. A byte has one place in these books, so one that is lost, doubled or out of order is seen where it
 * is missing, and what is not read by a program is read when that has ended.
 */

import type { SocketStream } from 'genloop/net';
import { type Descriptor, type Sys, wouldBlock } from 'genloop/os';
import type { Writing } from './transfers.ts';
import type { Witness } from './witness.ts';

const FIRST_CAPACITY = 1024;
/** The ends of each system, by their numbers. */
const endsOf = new WeakMap<Sys, Map<number, StreamEnd>>();

/**
 * The ends of a system, whose books are told from then on what it is asked to send and has taken. It is asked there, and not where the
 * library tells what has gone: that is to be checked.
 */
function listenTo(sys: Sys): Map<number, StreamEnd> {
  const known = endsOf.get(sys);
  if (known !== undefined) return known;
  const ends = new Map<number, StreamEnd>();
  endsOf.set(sys, ends);
  const { send } = sys;
  sys.send = (...given) => {
    const [fd, bytes, offset] = given;
    const result = send.apply(sys, given);
    const end = ends.get(fd);
    // The number may have another owner by now.
    if (end !== undefined && end.fd === fd) end.asked(bytes.subarray(offset, offset + Math.max(0, result)), result);
    return result;
  };
  return ends;
}

/** A stream of the program. */
export class StreamEnd {
  readonly stream: SocketStream;
  /** What is checked is told to it. */
  readonly witness: Witness;
  /** How many bytes tasks have got here. */
  taken = 0;
  /** Whether nothing more can be sent here: it was ended, or closed. */
  ended = false;
  /** Whether a call on its socket has failed: then bytes may have gone with the connection. */
  hurt = false;
  /** Whether a reader was told of the end. */
  over = false;
  /** Whether a write was cut off in its middle. */
  cut = false;
  /** How often a reader was told of the error of the connection. */
  failures = 0;
  /** How often the system was asked to send here. */
  tries = 0;
  /** The write that is being admitted: one that was left goes before it. */
  next: Writing | null = null;
  private other: StreamEnd | null = null;
  private log: Buffer = Buffer.alloc(FIRST_CAPACITY);
  private logged = 0;
  private readonly name: string;

  constructor(stream: SocketStream, name: string, witness: Witness) {
    this.stream = stream;
    this.name = name;
    this.witness = witness;
    const { transport } = stream;
    const { receive } = transport;
    listenTo(stream.socket.sys).set(this.fd, this);
    transport.receive = (...given) => this.guarded(() => receive.apply(transport, given));
  }

  /** Connects two. */
  static pair(one: StreamEnd, other: StreamEnd): void {
    one.other = other;
    other.other = one;
  }

  /** The other end. */
  get peer(): StreamEnd {
    return this.other as StreamEnd;
  }

  get descriptor(): Descriptor {
    return this.stream.socket;
  }

  get fd(): number {
    return this.stream.socket.fd;
  }

  /** How many bytes the system has taken here. */
  get sent(): number {
    return this.logged;
  }

  /** What the system has taken here. */
  sentBetween(start: number, stop: number): Buffer {
    return this.log.subarray(start, stop);
  }

  /** What would have to be read here next. */
  get unread(): Buffer {
    return this.peer.sentBetween(this.taken, this.peer.sent);
  }

  /** What a task has read. */
  read(bytes: Uint8Array, what: string): void {
    if (this.over && bytes.length > 0)
      this.witness.violate('the end is the end', `${what} got ${bytes.length} bytes after the end`);
    this.compare(bytes, what);
    this.taken += bytes.length;
  }

  /** What a task has read, or seen. */
  compare(bytes: Uint8Array, what: string): void {
    const { unread } = this;
    if (unread.subarray(0, bytes.length).equals(bytes)) return;
    const before = this.peer.sentBetween(0, this.taken);
    const doubled = before.subarray(-bytes.length).equals(bytes);
    const more = bytes.length > unread.length ? `, and only ${unread.length} were under way` : '';
    const what2 = doubled ? 'the bytes of the read before, again' : 'bytes that do not follow what was read before';
    this.witness.violate('bytes once, in order', `${what} got ${what2} (${bytes.length} of them${more})`);
  }

  /** A reader was told that there is nothing more. */
  readEnd(what: string): void {
    const { peer, witness, hurt } = this;
    this.over = true;
    if (hurt) return;
    const missing = peer.sent - this.taken;
    if (!peer.ended) witness.violate('the end is the end', `${what} was told of an end, and there is none`);
    if (missing > 0)
      witness.violate('bytes once, in order', `${what} was told of the end, and ${missing} bytes are missing`);
  }

  close(): void {
    this.ended = true;
    this.stream.close();
  }

  toString(): string {
    return this.name;
  }

  /** The system was asked to send here: what it has taken, and what it said. */
  asked(taken: Uint8Array, result: number): void {
    this.tries++;
    if (result < 0 && !wouldBlock(this.stream.socket.sys, result)) this.hurt = true;
    this.note(taken);
  }

  private guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      this.hurt = true;
      throw error;
    }
  }

  private note(bytes: Uint8Array): void {
    const stop = this.logged + bytes.length;
    if (stop > this.log.length) this.log = Buffer.concat([this.log], Math.max(stop, 2 * this.log.length));
    this.log.set(bytes, this.logged);
    this.logged = stop;
  }
}
