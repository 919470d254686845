/** Bytes over a connected stream socket. */

import type { Op } from '../kernel/index.ts';
import { type Socket, SystemError, wouldBlock } from '../os/index.ts';
import { Buffer } from '../platform/node.ts';
import { RECEPTION_BYTES, type Receiver as Reception, type Sender, type Transmission } from '../poller/index.ts';
import { ReadWait, ReceiveWait, WriteWait } from '../scheduler/index.ts';
import type { Receiver, Transport } from './transport.ts';

/** Beside the bytes of a message: nothing, and no address but the peer's. */
const NO_ADDRESS = new Uint8Array(0);
const NO_CONTROL = new Int32Array(0);

/** The poller's bytes, and the same as a `Buffer`: a thread has one scheduler mostly, and so one. */
let slab: Uint8Array | null = null;
let buffer: Buffer = Buffer.allocUnsafe(0) as Buffer;

function bufferOf(bytes: Uint8Array): Buffer {
  if (bytes !== slab) {
    slab = bytes;
    buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) as Buffer;
  }
  return buffer;
}

/** The transport of TCP and Unix streams. It also hands on to its stream what the poller has received for the parked reader. */
export class SocketTransport implements Transport, Reception {
  readonly socket: Socket;
  /** @internal While much comes at once, the stream does better with a large buffer of its own. */
  plain = false;
  private readonly kind: string;
  private receiver: Receiver | null = null;

  /** Takes possession of the socket. */
  constructor(socket: Socket, kind: string) {
    this.socket = socket;
    this.kind = kind;
  }

  receive(bytes: Uint8Array, offset: number, length: number): number | undefined {
    const count = this.socket.recvInto(bytes, offset, length);
    if (count !== undefined) this.plain = count >= RECEPTION_BYTES;
    return count;
  }

  send(bytes: Uint8Array, offset: number, length: number): number | undefined {
    return this.socket.send(bytes, offset, length);
  }

  leave(bytes: Uint8Array, sender: Sender, transmission: Transmission): void {
    transmission.add(this.socket, bytes, sender);
  }

  /** By sendmsg(2) and not by writev(2), which cannot be told to raise no SIGPIPE. */
  sendParts(parts: readonly Uint8Array[], offset: number): number | undefined {
    const { sys } = this.socket;
    const fd = this.socket.fileno();
    const result = sys.sendmsg(fd, parts, offset, 0, NO_ADDRESS, NO_CONTROL);
    if (result >= 0) return result;
    if (wouldBlock(sys, result)) return undefined;
    throw new SystemError(sys, 'sendmsg', result, { fd });
  }

  readable(): Op<unknown> {
    const { receiver, socket } = this;
    return receiver === null ? new ReadWait(socket) : new ReceiveWait(socket, this);
  }

  deliverTo(receiver: Receiver): void {
    this.receiver = receiver;
  }

  /** @internal The poller has received. */
  received(bytes: Uint8Array, offset: number, result: number): void {
    const receiver = this.receiver as Receiver;
    if (result > 0) {
      this.plain = result === RECEPTION_BYTES;
      receiver.deliver(bufferOf(bytes), offset, result, this.plain);
    } else if (result === 0) receiver.end();
    else receiver.fail(new SystemError(this.socket.sys, 'recv', result, { fd: this.socket.fd }));
  }

  /** @internal The poller is about to write over what it has delivered. */
  settle(): void {
    this.receiver?.keep();
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
    const { remoteAddress } = socket;
    // That of most Unix clients is unnamed.
    const isNamed = remoteAddress !== undefined && remoteAddress.address !== '';
    return isNamed ? `${kind} ${socket.fd} (${remoteAddress})` : `${kind} ${socket.fd}`;
  }
}
