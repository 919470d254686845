/** What a program finds when it begins: queues, events, and pairs of descriptors that are connected to each other. */

import { WaitQueue } from 'genloop/kernel';
import { TcpStream, UnixStream } from 'genloop/net';
import { type BackendName, type Descriptor, pipe, Socket, SystemError } from 'genloop/os';
import { BusyError } from 'genloop/poller';
import type { SimulatedSystem } from 'genloop/testing';
import { contentAt } from './content.ts';
import { readinessOf } from './inside.ts';
import { ItemQueue } from './operations.ts';
import type { Purpose } from './park.ts';
import { type PairKind, type Program, QUEUES } from './program.ts';
import { StreamEnd } from './stream-end.ts';
import { isBusy, leftAt } from './watch-transfer.ts';
import type { Witness } from './witness.ts';

const IN = 0x001;
const OUT = 0x004;
const ERR = 0x008;
const HUP = 0x010;
const RDHUP = 0x2000;
const READABLE = IN | RDHUP | ERR | HUP;
const WRITABLE = OUT | ERR | HUP;
/** F_SETPIPE_SZ, and a size that is soon full. */
const SET_PIPE_SIZE = 1031;
const PIPE_SIZE = 4096;
/** What one read takes. */
const READ_SIZE = 8192;
const BYTES = 256;
const MOST_SENT = 70_000;
/** Of virtual time, until a connection stands: three packets, each of which may take its time. */
const MOST_PATIENCE_MS = 20;

/** Bytes that count, so that a reader sees whether one is missing. */
const COUNTING = Uint8Array.from({ length: BYTES + MOST_SENT }, (_, index) => index);
const buffer = new Uint8Array(READ_SIZE);

/** An event: all who wait for it, in line. */
export class Event {
  readonly waiters = new WaitQueue<undefined>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return this.name;
  }
}

/** One end of a connection. */
interface End {
  descriptor: Descriptor;
  readonly kind: PairKind;
  /** What reads and writes here, if it is one of `genloop/net`. */
  readonly stream: StreamEnd | undefined;
  /** How many bytes went out here, and how many came in. */
  sent: number;
  received: number;
  /** Datagrams that were sent from here and have not come, by what identifies them. */
  readonly flying: number[];
}

/**
 * Whether a descriptor is ready for whom. select(2) tells a writer of errors, and not of a hang-up: that matters to nobody but a program that
 * waits until it can write into the reading end of a pipe.
 */
export function readyTest(
  system: SimulatedSystem,
  backend: BackendName,
): (end: Descriptor, purpose: Purpose) => boolean {
  const writable = backend === 'select' ? WRITABLE & ~HUP : WRITABLE;
  return (end, { kind }) => (readinessOf(system, end.fd) & (kind === 'read' ? READABLE : writable)) !== 0;
}

/** The queues, the events and the ends of one run. */
export class Stage {
  readonly queues: ItemQueue[];
  readonly events: Event[];
  private readonly system: SimulatedSystem;
  private readonly witness: Witness;
  private readonly kinds: readonly PairKind[];
  private readonly ends: (End | undefined)[] = [];
  /** Numbers that keep a file alive whose own number is gone. */
  private readonly ghosts: number[] = [];
  /** Where the next bytes for a stream are taken from. */
  private place = 0;

  /** To be made inside of the system: it opens what the program begins with. */
  constructor(program: Program, system: SimulatedSystem, witness: Witness) {
    this.system = system;
    this.witness = witness;
    this.kinds = program.pairs;
    this.queues = Array.from({ length: QUEUES }, (_, index) => new ItemQueue(`queue ${index}`));
    this.events = Array.from({ length: QUEUES }, (_, index) => new Event(`event ${index}`));
    for (const queue of this.queues) witness.ledger.queue(queue);
    for (const pair of program.pairs.keys()) this.open(pair);
  }

  /** The descriptor of an end; `undefined` if the program has none of this number. */
  descriptor(end: number): Descriptor | undefined {
    return this.ends[end]?.descriptor;
  }

  /** The stream of an end; `undefined` if there is none. */
  stream(end: number): StreamEnd | undefined {
    return this.ends[end]?.stream;
  }

  /** The streams there are. */
  get streams(): StreamEnd[] {
    return this.ends.flatMap((end) => (end?.stream === undefined ? [] : [end.stream]));
  }

  /** So many bytes that nobody has sent there yet. */
  content(count: number): Uint8Array {
    this.place += count;
    return contentAt(this.place - count, count);
  }

  /** Opens a pair, instead of what had its place before. */
  open(pair: number): void {
    const kind = this.kinds[pair];
    if (kind === undefined) return;
    this.close(2 * pair);
    this.close(2 * pair + 1);
    quietly(() => {
      const descriptors = this.connected(kind);
      const streams = this.streamsOver(kind, descriptors, pair);
      descriptors.forEach((descriptor, side) => {
        const stream = streams[side];
        this.ends[2 * pair + side] = { descriptor, kind, stream, sent: 0, received: 0, flying: [] };
      });
    });
  }

  close(end: number): void {
    const found = this.ends[end];
    if (found?.stream === undefined) found?.descriptor.close();
    else {
      found.stream.close();
      this.isNoneLeft(found.stream);
    }
  }

  /** Sends so many bytes, as far as they fit. */
  send(at: number, count: number): void {
    const end = this.ends[at];
    if (end === undefined || end.descriptor.closed) return;
    if (end.stream !== undefined) {
      this.sendBeside(end.stream, count);
      return;
    }
    const start = end.sent % BYTES;
    const bytes = COUNTING.subarray(start, start + count);
    const { descriptor } = end;
    quietly(() => {
      const taken = (descriptor instanceof Socket ? descriptor.send(bytes) : descriptor.write(bytes)) ?? 0;
      if (end.kind === 'udp' && taken > 0) end.flying.push(markOf(start, taken));
      end.sent += taken;
    });
  }

  /** Reads once. */
  receive(at: number): void {
    const end = this.ends[at];
    if (end === undefined || end.stream !== undefined || end.descriptor.closed) return;
    const count = quietly(() => end.descriptor.readInto(buffer)) ?? 0;
    if (count === 0) return;
    if (end.kind === 'udp') {
      this.received(at, count);
      return;
    }
    const wrong = buffer[0] !== end.received % BYTES || buffer[count - 1] !== (end.received + count - 1) % BYTES;
    if (wrong) this.witness.violate('no value lost', `end ${at} read bytes that do not follow what it has read before`);
    end.received += count;
  }

  shutdown(at: number): void {
    const end = this.ends[at];
    if (end?.stream !== undefined) {
      this.endWriting(end.stream);
      return;
    }
    const descriptor = end?.descriptor;
    if (descriptor instanceof Socket && !descriptor.closed) quietly(() => descriptor.shutdown('write'));
  }

  /** Closes a number behind the library's back, while the file lives on under another: a ghost, which goes on being reported. */
  ghost(at: number): void {
    const end = this.ends[at];
    if (end === undefined || end.stream !== undefined || end.descriptor.closed) return;
    this.send(at ^ 1, 1);
    const fd = end.descriptor.fileno();
    const copy = this.system.dup(fd);
    if (copy < 0) return;
    this.ghosts.push(copy);
    this.system.close(fd);
    end.descriptor.detach();
  }

  /** Closes whatever is open. */
  clear(): void {
    for (const at of this.ends.keys()) this.close(at);
    for (const fd of this.ghosts) this.system.close(fd);
  }

  /** A datagram may be lost, and may be overtaken; it comes as it was sent, and once. */
  private received(at: number, count: number): void {
    const flying = this.ends[at ^ 1]?.flying ?? [];
    const place = flying.indexOf(markOf(buffer[0] as number, count));
    if (place >= 0) flying.splice(place, 1);
    else this.witness.violate('one taker', `end ${at} got a datagram of ${count} bytes that nobody sent, or twice`);
  }

  /** Sends through a stream's socket, at once or not at all, unless a write is under way. */
  private sendBeside(end: StreamEnd, count: number): void {
    if (end.ended || isBusy(this.witness, end, true)) return;
    quietly(() => end.stream.transport.send(this.content(count), 0, count));
  }

  private endWriting(end: StreamEnd): void {
    if (end.stream.closed) return;
    try {
      end.stream.end();
      end.ended = true;
    } catch (error) {
      // One that was left has been tried by now, and may be over.
      if (!(error instanceof BusyError && isBusy(this.witness, end, true))) throw error;
      return;
    } finally {
      this.isNoneLeft(end);
    }
    if (isBusy(this.witness, end, true)) {
      this.witness.violate('one reader, one writer', `${end} was ended while a task writes to it`);
    }
  }

  /** What was left to be sent with others comes before whatever else is done. */
  private isNoneLeft(end: StreamEnd): void {
    const left = leftAt(this.witness, end);
    if (left !== undefined) this.witness.violate('bytes once, in order', `${left} comes after the end, or the close`);
  }

  private streamsOver(kind: PairKind, descriptors: readonly Descriptor[], pair: number): StreamEnd[] {
    if (kind !== 'unixStream' && kind !== 'tcpStream') return [];
    const ends = descriptors.map((socket, side) => {
      const stream = kind === 'unixStream' ? new UnixStream(socket as Socket) : new TcpStream(socket as Socket, null);
      return new StreamEnd(stream, `stream ${2 * pair + side}`, this.witness);
    });
    StreamEnd.pair(ends[0] as StreamEnd, ends[1] as StreamEnd);
    return ends;
  }

  private connected(kind: PairKind): [Descriptor, Descriptor] {
    if (kind === 'socket' || kind === 'unixStream') return Socket.pair();
    if (kind === 'pipe') return this.pipe();
    return kind === 'udp' ? this.correspondence() : this.connection();
  }

  private connection(): [Socket, Socket] {
    using listener = Socket.listener();
    const near = Socket.tcp();
    near.connect({ port: listener.localAddress.port });
    for (let passed = 0; passed < MOST_PATIENCE_MS; passed++) {
      const far = listener.accept();
      if (far !== undefined) return [near, far];
      this.system.advance(1);
    }
    throw new Error('the connection does not come about');
  }

  private correspondence(): [Descriptor, Descriptor] {
    const near = Socket.udp({ port: 0 });
    const far = Socket.udp({ port: 0 });
    near.connect({ port: far.localAddress.port });
    far.connect({ port: near.localAddress.port });
    return [near, far];
  }

  private pipe(): [Descriptor, Descriptor] {
    const { reader, writer } = pipe();
    this.system.fcntl(writer.fileno(), SET_PIPE_SIZE, PIPE_SIZE);
    return [reader, writer];
  }
}

/** What tells one datagram from others: its first byte, which counts, and its length. */
function markOf(first: number, length: number): number {
  return length * BYTES + first;
}

/** What a call gives; `undefined` if it fails, as programs let calls fail. */
function quietly<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}
