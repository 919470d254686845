/**
 * A listening socket whose connections are streams: what TCP and Unix listeners have in common.
 *
 * Closing a listener has the kernel reset whoever has connected and was not accepted yet. So a server that stops first shuts the
 * door, in the way in which its kind of socket can, then takes in who stands in the hall, and only then closes.
 */

import type { Op } from '../kernel/index.ts';
import { printAs } from '../kernel/printing.ts';
import type { Socket, SocketAddress } from '../os/index.ts';
import { Accept, type Accepted, Arrivals } from './accept.ts';

/** Accepts connections. Made by `listen`; closed by `close()` or `using`. */
export abstract class Listener<S extends Accepted> implements Disposable {
  /** The listening socket, for options and for calls of your own. */
  readonly socket: Socket;
  /** Where it listens: the port that the kernel has chosen, if 0 was asked for. Also once it is closed. */
  readonly address: SocketAddress;
  /** @internal Its connections, and who waits for them. */
  readonly arrivals: Arrivals<S>;
  /** Made at the first need, and yielded by all. */
  private accepting: Accept<S> | null = null;

  /** @internal Takes possession of a socket that listens. */
  constructor(socket: Socket, make: (socket: Socket) => S) {
    this.socket = socket;
    this.address = socket.localAddress;
    this.arrivals = new Arrivals(socket, () => String(this), make);
  }

  /** Whether it has been closed. */
  get closed(): boolean {
    return this.socket.closed;
  }

  /**
   * Waits for the next connection. Several tasks may wait, and are served in the order in which they came; one that is
   * cancelled, or takes something else in a `select`, takes no connection with it. Connections that are gone before they could
   * be accepted are skipped. Rules 4, 31.
   *
   * Throws `ClosedError` once the listener is closed, also while it waits; `SystemError`: `EMFILE`, `ENFILE`, `ENOBUFS`
   * or `ENOMEM` if there is nothing left to accept with (the connection still waits; `serve` pauses and goes on).
   * Throws `BusyError` if tasks of another scheduler wait.
   */
  accept(): Op<S> {
    this.accepting ??= new Accept(this.arrivals);
    return this.accepting;
  }

  /**
   * Stops listening: whoever waits gets a `ClosedError`, and whoever has connected and was not accepted is turned away. What
   * was accepted goes on. Closing again does nothing.
   */
  close(): void {
    if (this.closed) return;
    this.leave();
    this.arrivals.close();
  }

  /** Closes it: what `using` does at the end of a block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `TcpListener 127.0.0.1:15000`. */
  toString(): string {
    return `${this.constructor.name} ${this.address}`;
  }

  /**
   * @internal Lets nobody in any more, and keeps those who are in. Whether that is certain: where it is not, others may
   * come until the close.
   */
  abstract shut(): boolean;

  /** @internal The socket is about to be closed: what else it has taken is given back. */
  protected leave(): void {}
}

printAs(Listener, String);
