/** What streams over sockets share: the socket and its two addresses. */

import type { Socket, SocketAddress } from '../os/index.ts';
import { SocketTransport } from './socket-transport.ts';
import { Stream } from './stream.ts';

/** How much the kernel keeps for a socket, in bytes. It may keep more (Linux twice as much), or less (`net.core.wmem_max`). */
export interface BufferOptions {
  /** Bytes that were written and not taken by the other side yet (SO_SNDBUF). Default: the system's own choice, which grows as needed. */
  sendBuffer?: number;
  /** Bytes that have come and were not read yet (SO_RCVBUF). Default: the system's own choice, which grows as needed. */
  receiveBuffer?: number;
}

/** A stream over a connected socket. */
export class SocketStream extends Stream {
  // Written into a stream by whoever asks: of most streams nobody does, and a server has many.
  declare private local: SocketAddress | null;
  declare private remote: SocketAddress | null;

  static {
    Object.assign(SocketStream.prototype, { local: null, remote: null });
  }

  /** Takes possession of a connected socket. */
  constructor(socket: Socket, kind: string) {
    super(new SocketTransport(socket, kind));
  }

  /** The socket, for its options and other calls. The stream closes it. */
  get socket(): Socket {
    return (this.transport as SocketTransport).socket;
  }

  /** Our address. Once asked for, it is known also after the close; otherwise `ClosedError` then. */
  get localAddress(): SocketAddress {
    this.local ??= this.socket.localAddress;
    return this.local;
  }

  /** The peer's address. Once known, as always where the connection was accepted, it stays; otherwise `ClosedError` after the close, and `SystemError` `ENOTCONN` after a reset. */
  get remoteAddress(): SocketAddress {
    this.remote ??= this.socket.remoteAddress ?? this.socket.peerAddress;
    return this.remote;
  }
}

/** Sets options that a socket has by these names. What is `undefined` stays as it is. */
export function setBuffers(socket: Socket, { sendBuffer, receiveBuffer }: BufferOptions): void {
  if (sendBuffer !== undefined) socket.setOption('SOL_SOCKET', 'SO_SNDBUF', checkBytes('sendBuffer', sendBuffer));
  if (receiveBuffer !== undefined) {
    socket.setOption('SOL_SOCKET', 'SO_RCVBUF', checkBytes('receiveBuffer', receiveBuffer));
  }
}

function checkBytes(what: string, bytes: number): number {
  if (Number.isInteger(bytes) && bytes > 0) return bytes;
  throw new RangeError(`${what} must be a whole number of bytes from 1 on, not ${String(bytes)}`);
}
