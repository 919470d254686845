/**
 * Event-driven I/O with objects: the textbook's `IOHandler` and `EventDispatcher`, over `select`.
 *
 * Each handler keeps the state of one descriptor, says whether it wants to read or write, and is called when it can. The
 * dispatcher knows nothing of what they do, so echo (TCP) and time (UDP) run in one loop. The price: what belongs together
 * ("receive, send it back, receive") is spread over methods, and what happens in between is kept in fields. Tasks: 05.
 *
 *   node --import tsx examples/04-event-dispatcher.ts [port]
 *   nc -N 127.0.0.1 15000
 *   echo | nc -u -w1 127.0.0.1 15000
 */

import { type Socket, type SocketAddress, SystemError, select } from 'genloop/os';
import { openSocket } from './servers/open.ts';

/** One descriptor: what it is interested in, and what to do when that has come. */
abstract class IOHandler {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Makes a handler something that `select` takes: it returns the handlers themselves. */
  fileno(): number {
    return this.socket.fileno();
  }

  abstract readable(): boolean;
  abstract handleRead(): void;

  writable(): boolean {
    return false;
  }

  handleWrite(): void {}
}

class EventDispatcher {
  readonly handlers = new Set<IOHandler>();

  run(): void {
    while (this.handlers.size > 0) {
      const handlers = [...this.handlers];
      const readers = handlers.filter((handler) => handler.readable());
      const writers = handlers.filter((handler) => handler.writable());
      const [canRead, canWrite] = select(readers, writers, []);
      for (const handler of canRead) this.call(handler, () => handler.handleRead());
      for (const handler of canWrite) this.call(handler, () => handler.handleWrite());
    }
  }

  /** A failed system call ends its handler, and nobody else. */
  private call(handler: IOHandler, callback: () => void): void {
    try {
      if (this.handlers.has(handler)) callback();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.end(handler);
    }
  }

  end(handler: IOHandler): void {
    this.handlers.delete(handler);
    handler.socket.close();
  }
}

class TimeServer extends IOHandler {
  private asker: SocketAddress | undefined;

  override readable = (): boolean => this.asker === undefined;
  override writable = (): boolean => this.asker !== undefined;

  override handleRead(): void {
    this.asker = this.socket.recvFrom(8192)?.address;
  }

  override handleWrite(): void {
    if (this.asker !== undefined) this.socket.sendTo(`${new Date()}\n`, this.asker);
    this.asker = undefined;
  }
}

class EchoListener extends IOHandler {
  override readable = (): boolean => true;

  override handleRead(): void {
    const client = this.socket.accept();
    if (client !== undefined) dispatcher.handlers.add(new EchoClient(client));
  }
}

class EchoClient extends IOHandler {
  private rest: Uint8Array = new Uint8Array();

  override readable = (): boolean => this.rest.length === 0;
  override writable = (): boolean => this.rest.length > 0;

  override handleRead(): void {
    const data = this.socket.recv(8192);
    if (data?.length === 0) dispatcher.end(this);
    else if (data !== undefined) this.rest = data;
  }

  override handleWrite(): void {
    this.rest = this.rest.subarray(this.socket.send(this.rest) ?? 0);
  }
}

const dispatcher = new EventDispatcher();
const tcp = openSocket('TCP', Number(process.argv[2] ?? 15000));
const udp = openSocket('UDP', tcp.localAddress.port);
dispatcher.handlers.add(new EchoListener(tcp)).add(new TimeServer(udp));
console.log(`echo (TCP) and time (UDP) on ${tcp.localAddress}; Ctrl-C ends`);
dispatcher.run();
