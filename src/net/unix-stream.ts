/** A connection of Unix sockets as a stream. */

import type { Socket, SocketAddress } from '../os/index.ts';
import { SocketTransport } from './socket-transport.ts';
import { Stream } from './stream.ts';

/** A connection over a Unix socket. Made by `listen`, `serve` and `connect`, or from a connected socket. */
export class UnixStream extends Stream {
  /** The socket, for its options and other calls. The stream closes it. */
  readonly socket: Socket;

  /** Takes possession of a connected socket. */
  constructor(socket: Socket) {
    super(new SocketTransport(socket, 'UnixStream'));
    this.socket = socket;
  }

  /** Our address; unnamed (`''`) for most clients. Throws `ClosedError` once closed. */
  get localAddress(): SocketAddress {
    return this.socket.localAddress;
  }

  /** The peer's address; unnamed (`''`) for most clients. */
  get remoteAddress(): SocketAddress {
    return this.socket.remoteAddress ?? this.socket.peerAddress;
  }
}
