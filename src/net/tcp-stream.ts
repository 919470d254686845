/** A TCP connection as a stream. */

import type { Socket, SocketAddress } from '../os/index.ts';
import { SocketTransport } from './socket-transport.ts';
import { Stream } from './stream.ts';

/** How a {@link TcpStream} is set up. */
export interface TcpStreamOptions {
  /** Whether small writes go at once instead of waiting for others to join them (TCP_NODELAY). Default: true. */
  noDelay?: boolean;
}

/** A TCP connection. Made by `listen`, `serve` and `connect`, or from a connected socket. */
export class TcpStream extends Stream {
  /** The socket, for its options and other calls. The stream closes it. */
  readonly socket: Socket;

  /** Takes possession of a connected socket. Throws `SystemError` if it is none of TCP. */
  constructor(socket: Socket, options: TcpStreamOptions = {}) {
    super(new SocketTransport(socket, 'TcpStream'));
    this.socket = socket;
    if (options.noDelay !== false) socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', true);
  }

  /** Our address. Throws `ClosedError` once closed. */
  get localAddress(): SocketAddress {
    return this.socket.localAddress;
  }

  /** The peer's address. */
  get remoteAddress(): SocketAddress {
    return this.socket.remoteAddress ?? this.socket.peerAddress;
  }
}
