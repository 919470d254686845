/**
 * Runs a program of `programs.ts` on a system, and writes down all that it could tell the system by: what each operation returned, and after
 * each of them the readiness of every descriptor and how many bytes it has.
 */

import {
  type BackendName,
  type Descriptor,
  Epoll,
  pipe,
  Socket,
  type SocketAddress,
  type Sys,
  SystemError,
  sendmsg,
  writev,
} from 'genloop/os';
import { type Direction, Poller, Readiness, readinessNames } from 'genloop/poller';
import { Recorder } from '../../support/backends.ts';
import { resetOnClose } from '../../support/situations.ts';
import { constant, inside } from '../../support/systems.ts';
import type { Operation, Slot } from './programs.ts';

const { IN, OUT, PRI, RDHUP } = Readiness;
const DIRECTIONS: readonly Direction[] = [IN, OUT, PRI];
const LARGE_BLOCK = new Uint8Array(60_000).fill(255);
const MOST_EVENTS = 64;
/** A number of bytes from here on is "many": how many exactly fit into a socket is not compared. */
const MANY = 100_000;
/** What ioctl wants for a request that does not say how much it touches. */
const UNSIZED_REQUEST = 64;

/** What a run said: one line each. */
export type Transcript = string[];

/**
 * Runs a program. `await line(text)`-like: each observation is made by `observe`, which may ask again until the system has settled.
 */
export function execute(
  program: readonly Operation[],
  { sys, backend }: { sys: Sys; backend: BackendName },
  settled: (look: () => string, line: number) => string,
): Transcript {
  return inside(sys, () => {
    const machine = new Machine(sys, backend);
    try {
      const lines: Transcript = [];
      for (const operation of program) {
        lines.push(machine.perform(operation));
        const line = lines.length;
        lines.push(settled(() => machine.look(), line));
      }
      return lines;
    } finally {
      machine.close();
    }
  });
}

let names = 0;

class Machine {
  private readonly sys: Sys;
  private readonly backend: BackendName;
  private readonly poller: Poller;
  private readonly epoll: Epoll;
  private readonly slots = new Map<Slot, Descriptor>();
  private readonly addresses = new Map<Slot, SocketAddress>();
  private added = 0;

  constructor(sys: Sys, backend: BackendName) {
    this.sys = sys;
    this.backend = backend;
    this.poller = new Poller(sys, backend);
    this.epoll = Epoll.create();
  }

  close(): void {
    for (const descriptor of this.slots.values()) descriptor.close();
    this.poller.close();
    this.epoll.close();
  }

  /** Does it, and tells what came of it. */
  perform(operation: Operation): string {
    return `${operation.do}: ${outcome(() => this.apply(operation))}`;
  }

  /** What is true of every descriptor. */
  look(): string {
    const parts = [...this.slots].map(
      ([slot, descriptor]) => `${slot}=${this.flagsOf(descriptor)},${this.bytesIn(descriptor)}`,
    );
    return parts.join(' ');
  }

  private flagsOf(descriptor: Descriptor): string {
    const { sys } = this;
    const { fd } = descriptor;
    if (this.backend === 'select') {
      const rows = Int32Array.of(fd, 7, 0);
      sys.select(rows, 1, 0);
      return `${rows[2]}`;
    }
    const rows = new Int32Array(2);
    const shorts = new Int16Array(rows.buffer);
    rows[0] = fd;
    shorts[2] = IN | OUT | PRI | RDHUP;
    sys.poll(rows, 1, 0);
    return readinessNames((shorts[3] as number) & 0xffff);
  }

  private bytesIn(descriptor: Descriptor): string {
    const answer = new Uint8Array(UNSIZED_REQUEST);
    const result = this.sys.ioctl(descriptor.fd, constant('FIONREAD'), answer);
    return result < 0 ? `${result}` : amount(new Int32Array(answer.buffer)[0] as number);
  }

  private apply(operation: Operation): unknown {
    switch (operation.do) {
      case 'pair':
        return this.pair(operation.kind, operation.into);
      case 'fresh':
        return this.fresh(operation.kind, operation.into);
      case 'refused':
        return this.refused(operation.into);
      case 'epoll wait':
        return this.epollWait(MOST_EVENTS);
      case 'epoll rotate':
        return this.rotate();
      case 'connect':
        return this.connect(operation.to, operation.into);
      default: {
        const descriptor = this.slots.get(operation.on);
        return descriptor === undefined ? 'nothing there' : this.applyTo(descriptor, operation);
      }
    }
  }

  private applyTo(descriptor: Descriptor, operation: Extract<Operation, { on: Slot }>): unknown {
    const socket = descriptor as Socket;
    switch (operation.do) {
      case 'accept': {
        const accepted = descriptor instanceof Socket ? descriptor.accept() : undefined;
        if (accepted !== undefined) this.slots.set(operation.into, accepted);
        return accepted === undefined ? 'none' : 'one';
      }
      case 'dup':
        this.slots.set(operation.into, duplicate(descriptor));
        return 'done';
      case 'send':
        return isGathered(operation)
          ? sendmsg(socket, inParts(operation))
          : socket.send(new Uint8Array(operation.bytes).fill(operation.fill));
      case 'write':
        return isGathered(operation)
          ? writev(descriptor, inParts(operation))
          : descriptor.write(new Uint8Array(operation.bytes).fill(operation.fill));
      case 'recv':
        return summary(socket.recv(operation.bytes));
      case 'read':
        return summary(descriptor.read(operation.bytes));
      case 'peek':
        return summary(socket.recv(operation.bytes, constant('MSG_PEEK')));
      case 'send urgent':
        return socket.send('ab!', 0, 3, constant('MSG_OOB'));
      case 'recv urgent':
        return summary(socket.recv(1, constant('MSG_OOB')));
      case 'shutdown':
        return socket.shutdown(operation.how) && 'done';
      case 'error':
        return socket.error()?.code;
      case 'reset on close':
        return resetOnClose(socket) && 'done';
      case 'peer':
        return socket.peerAddress.family;
      case 'connect again':
        return this.connectAgain(operation.on, socket);
      case 'close':
        this.slots.delete(operation.on);
        return descriptor.close();
      case 'close behind':
        return this.closeBehind(operation.on, descriptor);
      case 'fill and drain':
        return this.fillAndDrain(descriptor, this.slots.get(operation.peer));
      case 'wait':
        return this.wait(descriptor, operation.directions);
      case 'epoll add':
        return this.epoll.add(descriptor, operation.events, ++this.added);
      case 'epoll modify':
        return this.epoll.modify(descriptor, operation.events, ++this.added);
      case 'epoll remove':
        return this.epoll.remove(descriptor);
    }
  }

  private pair(kind: Extract<Operation, { do: 'pair' }>['kind'], [one, other]: readonly [Slot, Slot]): string {
    const [first, second] = this.connected(kind);
    this.slots.set(one, first);
    this.slots.set(other, second);
    return 'done';
  }

  private connected(kind: Extract<Operation, { do: 'pair' }>['kind']): [Descriptor, Descriptor] {
    if (kind === 'pipe') {
      const { reader, writer } = pipe();
      return [reader, writer];
    }
    if (kind === 'udp') {
      const [one, other] = [Socket.udp({ port: 0 }), Socket.udp({ port: 0 })];
      one.connect(other.localAddress);
      other.connect(one.localAddress);
      return [one, other];
    }
    if (kind !== 'tcp') {
      const types = { unix: 'SOCK_STREAM', seqpacket: 'SOCK_SEQPACKET', datagram: 'SOCK_DGRAM' };
      return Socket.pair(types[kind]);
    }
    using listener = Socket.listener();
    const client = prompt(Socket.tcp());
    client.connect(listener.localAddress);
    const server = busily(() => listener.accept());
    return [client, prompt(server)];
  }

  private fresh(kind: Extract<Operation, { do: 'fresh' }>['kind'], into: Slot): string {
    const socket = this.opened(kind);
    this.slots.set(into, socket);
    if (kind === 'listener' || kind === 'unix-listener') this.addresses.set(into, socket.localAddress);
    return 'done';
  }

  private opened(kind: Extract<Operation, { do: 'fresh' }>['kind']): Socket {
    if (kind === 'tcp') return prompt(Socket.tcp());
    if (kind === 'udp') return Socket.udp();
    if (kind === 'unix') return Socket.unix();
    return kind === 'listener'
      ? prompt(Socket.listener())
      : Socket.listener({ path: `\0genloop-${process.pid}-${names++}` });
  }

  /** To a port that somebody holds and nobody listens at: no other process gets it in between. */
  private refused(into: Slot): unknown {
    using holder = Socket.tcp({ port: 0 });
    const socket = Socket.tcp();
    this.slots.set(into, socket);
    const result = socket.connect(holder.localAddress);
    // The answer must be there before the port is free.
    busily(() => (this.flagsOf(socket) === this.waitingFlags ? undefined : true));
    return result;
  }

  /** What is true of a socket that connects. */
  private get waitingFlags(): string {
    return this.backend === 'select' ? '0' : readinessNames(0);
  }

  private connect(to: Slot, into: Slot): unknown {
    const address = this.addresses.get(to);
    if (address === undefined) return 'nowhere to connect to';
    const socket = address.family === 'unix' ? Socket.unix() : prompt(Socket.tcp());
    this.slots.set(into, socket);
    this.addresses.set(into, address);
    return socket.connect(address);
  }

  private connectAgain(slot: Slot, socket: Socket): unknown {
    const address = this.addresses.get(slot);
    return address === undefined ? 'nowhere to connect to' : socket.connect(address);
  }

  /** As foreign code would: neither the descriptor nor the poller are told. */
  private closeBehind(slot: Slot, descriptor: Descriptor): unknown {
    this.slots.delete(slot);
    const result = this.sys.close(descriptor.fd);
    descriptor.detach();
    return result;
  }

  private fillAndDrain(descriptor: Descriptor, peer: Descriptor | undefined): unknown {
    const filled = outcome(() => {
      let sum = 0;
      for (;;) {
        const count = descriptor.write(LARGE_BLOCK);
        if (count === undefined) return descriptor instanceof Socket ? amount(sum) : sum;
        sum += count;
      }
    });
    const full = `${this.flagsOf(descriptor)} ${peer === undefined ? '' : this.flagsOf(peer)}`;
    const drained = outcome(() => {
      let sum = 0;
      for (;;) {
        const part = peer?.read();
        if (part === undefined || part.length === 0)
          return `${amount(sum)} then ${part === undefined ? 'nothing' : 'the end'}`;
        sum += part.length;
      }
    });
    return `${filled}, ${full}, ${drained}`;
  }

  /** Which waiters of the poller are woken by what is the case now. */
  private wait(descriptor: Descriptor, directions: number): string {
    const waiters = DIRECTIONS.filter((direction) => (directions & direction) !== 0).map((direction) => {
      const waiter = new Recorder();
      return { direction, waiter, registration: this.poller.park(descriptor, direction, waiter) };
    });
    this.poller.wait(0);
    return waiters
      .map(({ direction, waiter, registration }) => {
        this.poller.unpark(registration, direction, waiter);
        return `${readinessNames(direction)}: ${waiter.flags.map(readinessNames)}`;
      })
      .join('; ');
  }

  private epollWait(most: number): string {
    return report(this.epoll.wait(0, most));
  }

  /** As many waits for one event as there are events: each has its turn. */
  private rotate(): string {
    const all = this.epoll.wait(0, MOST_EVENTS);
    // What fires once has fired.
    const again = this.epoll.wait(0, MOST_EVENTS).length;
    return `${report(all)} | ${report(Array.from({ length: again }, () => this.epoll.wait(0, 1)).flat())}`;
  }
}

function report(events: readonly { events: number; data: number }[]): string {
  const rows = events.map(({ events: flags, data }) => ({ data, text: `${data}:${readinessNames(flags)}` }));
  return rows
    .sort((one, other) => one.data - other.data)
    .map(({ text }) => text)
    .join(' ');
}

/** Small segments wait for nothing (Nagle's algorithm would make them wait for a delayed acknowledgement, for 40 ms). */
function prompt(socket: Socket): Socket {
  return socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', true);
}

function duplicate(descriptor: Descriptor): Descriptor {
  const copy = descriptor.dup();
  return descriptor instanceof Socket ? new Socket(copy.sys, copy.detach()) : copy;
}

function summary(data: Buffer | undefined): string {
  if (data === undefined) return 'would block';
  return `${data.length} bytes ${[...new Set(data)].join()}`;
}

function amount(bytes: number): string {
  return bytes >= MANY ? 'many' : `${bytes}`;
}

/** What a call gives, in words. */
function outcome(call: () => unknown): string {
  try {
    return String(call());
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    if (error instanceof TypeError && /is not a function/.test(error.message)) return 'no such call';
    throw error;
  }
}

/** Asks until there is an answer. */
function busily<T>(ask: () => T | undefined): T {
  const end = performance.now() + 10_000;
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error('the kernel did not answer');
  }
}

/** Every third is gathered from parts. */
function isGathered({ fill }: { readonly fill: number }): boolean {
  return fill % 3 === 0;
}

/** The bytes of a `send` or a `write` in three parts, of which the second is empty. */
function inParts({ bytes, fill }: { readonly bytes: number; readonly fill: number }): Uint8Array[] {
  const whole = new Uint8Array(bytes).fill(fill);
  const half = bytes >> 1;
  return [whole.subarray(0, half), whole.subarray(half, half), whole.subarray(half)];
}
