/** A connection of Unix sockets as a stream. */

import type { Socket } from '../os/index.ts';
import { type BufferOptions, SocketStream, setBuffers } from './socket-stream.ts';

/** A connection over a Unix socket, or one of a pair. Made by `listen`, `serve` and `connect`, or from a connected socket. Its addresses are unnamed (`''`) for most clients. */
export class UnixStream extends SocketStream {
  /** Takes possession of a connected socket. */
  constructor(socket: Socket, options: BufferOptions = {}) {
    super(socket, 'UnixStream');
    setBuffers(socket, options);
  }
}
