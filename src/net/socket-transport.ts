/** Bytes over a connected stream socket. */

import type { Op } from '../kernel/index.ts';
import type { Socket, SystemError } from '../os/index.ts';
import { ReadWait, WriteWait } from '../scheduler/index.ts';
import type { Transport } from './transport.ts';

/** The transport of TCP and Unix streams. */
export class SocketTransport implements Transport {
  readonly socket: Socket;
  private readonly kind: string;

  /** Takes possession of the socket. */
  constructor(socket: Socket, kind: string) {
    this.socket = socket;
    this.kind = kind;
  }

  receive(bytes: Uint8Array, offset: number, length: number): number | undefined {
    return this.socket.recvInto(bytes, offset, length);
  }

  send(bytes: Uint8Array, offset: number, length: number): number | undefined {
    return this.socket.send(bytes, offset, length);
  }

  readable(): Op<unknown> {
    return new ReadWait(this.socket);
  }

  writable(): Op<unknown> {
    return new WriteWait(this.socket);
  }

  endWriting(): void {
    try {
      this.socket.shutdown('write');
    } catch (error) {
      // The connection has ended by itself: what was asked for is so.
      if ((error as SystemError).code !== 'ENOTCONN') throw error;
    }
  }

  close(): void {
    this.socket.close();
  }

  describe(): string {
    const { socket, kind } = this;
    if (socket.closed) return `closed ${kind}`;
    // Where it is known anyway: nobody pays a system call for a name.
    const peer = socket.remoteAddress === undefined ? '' : String(socket.remoteAddress);
    return peer === '' ? `${kind} ${socket.fd}` : `${kind} ${socket.fd} (${peer})`;
  }
}
