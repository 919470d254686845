/** The situations of a descriptor of which the kernel has something to tell, built with the calls of `genloop/os` alone. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { currentSys, type Descriptor, open, pipe, Socket, type SystemError } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import { untilReady } from './backends.ts';
import { constant } from './systems.ts';

const { IN, OUT, ERR, HUP, RDHUP } = Readiness;
/** A simulated system has no folders. */
const SIMULATED_FIFO = '/fifo';

/** Remembers what a situation opened. */
export class Opened {
  private readonly things: { close(): void }[] = [];

  keep<T extends { close(): void }>(thing: T): T {
    this.things.push(thing);
    return thing;
  }

  /** Calls this at the end. */
  later(close: () => void): void {
    this.things.push({ close });
  }

  close(): void {
    for (const thing of this.things.reverse()) thing.close();
  }
}

/** A test with things that are closed at its end. */
export function holding(body: (opened: Opened) => void): () => void {
  return () => {
    const opened = new Opened();
    try {
      body(opened);
    } finally {
      opened.close();
    }
  };
}

/** What a call throws; fails if it does not. */
export function thrown(call: () => unknown): SystemError {
  try {
    call();
  } catch (error) {
    return error as SystemError;
  }
  throw new Error('it did not throw');
}

/** The code of what a call throws; `undefined` if it throws nothing. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as SystemError).code;
  }
}

/** Two Unix sockets, connected to each other. */
export function pairOf(opened: Opened): [Socket, Socket] {
  const [one, other] = Socket.pair();
  return [opened.keep(one), opened.keep(other)];
}

/** `on: 1, after: 0 s`: closing the socket then resets the connection. */
export function resetOnClose(socket: Socket): Socket {
  return socket.setOption('SOL_SOCKET', 'SO_LINGER', new Uint8Array(Int32Array.of(1, 0).buffer));
}

/** A TCP listener on a free port. */
export function listener(opened: Opened): Socket {
  return opened.keep(Socket.listener());
}

/** Both ends of a TCP connection. */
export function connection(opened: Opened): { client: Socket; server: Socket } {
  const waiting = listener(opened);
  const client = opened.keep(Socket.tcp());
  client.connect(waiting.localAddress);
  untilReady(waiting, IN);
  const server = opened.keep(waiting.accept() as Socket);
  untilReady(client, OUT);
  return { client, server };
}

/** A connection whose peer has reset it. */
export function reset(opened: Opened, unread = ''): Socket {
  const { client, server } = connection(opened);
  if (unread !== '') {
    server.send(unread);
    untilReady(client, IN);
  }
  resetOnClose(server).close();
  untilReady(client, ERR | HUP);
  return client;
}

/** A TCP socket whose connection was refused. */
export function refused(opened: Opened): Socket {
  const nobody = Socket.tcp({ port: 0 });
  const address = nobody.localAddress;
  nobody.close();
  const socket = opened.keep(Socket.tcp());
  socket.connect(address);
  untilReady(socket, HUP);
  return socket;
}

/** A connected UDP socket that has learned that nobody is there. */
export function unreachable(opened: Opened): Socket {
  const nobody = Socket.udp({ port: 0 });
  const address = nobody.localAddress;
  nobody.close();
  const socket = opened.keep(Socket.udp());
  socket.connect(address);
  socket.send('anybody?');
  untilReady(socket, ERR);
  return socket;
}

/** Writes until nothing more fits. */
export function fill(writer: Descriptor): void {
  const block = new Uint8Array(65536);
  while (writer.write(block) !== undefined);
  // What is left of a pipe's last page.
  while (writer.write(block.subarray(0, 1)) !== undefined);
}

/** Both ends of a pipe. */
export function pipeEnds(opened: Opened): { reader: Descriptor; writer: Descriptor } {
  const { reader, writer } = pipe();
  opened.keep(reader);
  opened.keep(writer);
  return { reader, writer };
}

/** A FIFO's path; it goes at the end. */
export function fifo(opened: Opened): string {
  const sys = currentSys();
  if (sys instanceof SimulatedSystem) {
    sys.mkfifo(SIMULATED_FIFO);
    return SIMULATED_FIFO;
  }
  const folder = mkdtempSync(join(tmpdir(), 'genloop-fifo-'));
  opened.later(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'fifo');
  const { status } = spawnSync('mkfifo', [path]);
  if (status !== 0) throw new Error('mkfifo failed');
  return path;
}

/** A FIFO opened for reading, which does not wait for a writer. */
export function openReader(path: string): Descriptor {
  return open(path);
}

/** A FIFO opened for reading whose writer came and went. */
export function leftFifo(opened: Opened): Descriptor {
  const path = fifo(opened);
  const reader = opened.keep(open(path));
  open(path, 'w').close();
  return reader;
}

/** A listener with a connection that its client has reset. */
export function resetBeforeAccept(opened: Opened): Socket {
  const waiting = listener(opened);
  const client = Socket.tcp();
  client.connect(waiting.localAddress);
  untilReady(client, OUT);
  untilReady(waiting, IN);
  resetOnClose(client).close();
  return waiting;
}

/** A connection with an urgent byte to be read. */
export function urgent(opened: Opened): Socket {
  const { client, server } = connection(opened);
  server.send('!', 0, 1, constant('MSG_OOB'));
  untilReady(client, Readiness.PRI);
  return client;
}

/** Both directions of a connection ended. */
export function finished(opened: Opened): Socket {
  const { client, server } = connection(opened);
  server.shutdown('write');
  untilReady(client, RDHUP);
  client.shutdown('write');
  untilReady(client, HUP);
  return client;
}
