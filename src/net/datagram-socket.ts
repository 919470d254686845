/**
 * What UDP and Unix datagram sockets have in common: datagrams come and go whole, each on its own. So several tasks may receive from
 * one socket, and several may send; each datagram goes to who has waited longest (rule 31).
 */

import type { Op } from '../kernel/index.ts';
import {
  type AddressLike,
  type Data,
  type Datagram,
  type DatagramBatch,
  type Socket,
  SocketAddress,
  toBytes,
} from '../os/index.ts';
import { Readiness } from '../poller/index.ts';
import { Line } from './line.ts';
import { Inbox, Receive, ReceiveInto, ReceiveMany } from './receiving.ts';
import { Send, SendMany, type SendManyOptions } from './sending.ts';

/** The longest datagram there is: 16 bits say how long. */
const LONGEST = 65_535;

/** A socket of datagrams. Closed by `close()` or `using`. */
export abstract class DatagramSocket implements Disposable {
  /** The socket, for its options and other calls. It is closed with this. */
  readonly socket: Socket;
  /** @internal */
  protected readonly inbox: Inbox;
  /** @internal */
  protected readonly outbox: Line;
  private readonly name: string;

  /** @internal Takes possession of the socket. */
  constructor(socket: Socket) {
    this.socket = socket;
    this.inbox = new Inbox(new Line(socket, Readiness.IN));
    this.outbox = new Line(socket, Readiness.OUT);
    this.name = this.constructor.name;
  }

  /**
   * The next datagram: its bytes, which are yours, its sender, and whether it was longer than `size` bytes (then the rest is lost; the
   * default, 65,535, is enough for every datagram of UDP, while one between Unix sockets may be longer). An
   * empty one is a datagram like any other. Those who wait are served in their order. Throws `SystemError` (on a connected
   * socket `ECONNREFUSED`, once: nobody was there for an earlier datagram), `ClosedError`.
   */
  receive(size: number = LONGEST): Op<Datagram> {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`size must be a whole number of bytes from 1 on, not ${String(size)}`);
    }
    return new Receive(this.inbox, size);
  }

  /**
   * The next datagram into your buffer: how many bytes it has there. Nothing is allocated. Its sender goes into `sender` (see
   * `SocketAddress.empty`), or is {@link DatagramSocket.sender} until the next one comes; {@link DatagramSocket.truncated} says whether it
   * was longer. The buffer is written to as soon as the datagram comes. Otherwise as {@link DatagramSocket.receive}.
   */
  receiveInto(buffer: Uint8Array, sender: SocketAddress = this.inbox.sender): Op<number> {
    if (!(buffer instanceof Uint8Array)) throw new TypeError('receiveInto takes a Uint8Array to receive into');
    return new ReceiveInto(this.inbox, buffer, sender);
  }

  /**
   * All datagrams that are there, as many as the batch has room for, with one system call: how many. It waits for the first one only. The
   * batch holds them then, instead of what it held. Otherwise as {@link DatagramSocket.receive}.
   *
   * @example
   * const batch = new DatagramBatch();
   * for (;;) {
   *   yield* socket.receiveMany(batch);
   *   batch.setDataOfAll('the same for everybody');
   *   yield* socket.sendMany(batch);
   * }
   */
  receiveMany(batch: DatagramBatch): Op<number> {
    return new ReceiveMany(this.inbox, batch);
  }

  /**
   * Sends one datagram, text as UTF-8: to `to`, or to the peer of a connected socket. How many bytes it has. Waits while the system takes no
   * more; do not change the bytes meanwhile. That it was sent does not mean that it arrives. Throws `SystemError` (`EMSGSIZE`: too
   * long; `ECONNREFUSED`, once: nobody was there for an earlier one, and this one was not sent; `EDESTADDRREQ`, `ENOTCONN`: no address and no
   * peer), `ClosedError`, and what `SocketAddress.from` throws.
   */
  send(data: Data, to?: AddressLike): Op<number> {
    const address = to === undefined ? undefined : SocketAddress.from(to, this.socket.sys);
    return new Send(this.outbox, toBytes(data), address);
  }

  /**
   * Sends the datagrams of a batch, with as few system calls as it takes: how many went. Waits while the system takes no more. The first that cannot be
   * sent throws `SystemError`, and `batch.sent` is its number then; or it is told to `onError`, and the others go. If it is cancelled,
   * `batch.sent` have gone.
   */
  sendMany(batch: DatagramBatch, options: SendManyOptions = {}): Op<number> {
    const { from = 0 } = options;
    if (!Number.isInteger(from) || from < 0) throw new RangeError(`from is a number from 0 on, not ${String(from)}`);
    return new SendMany(this.outbox, batch, options);
  }

  /** Who sent what the last {@link DatagramSocket.receiveInto} gave, where it was given no address to fill; the next one overwrites it. */
  get sender(): SocketAddress {
    return this.inbox.sender;
  }

  /** Whether the datagram of the last {@link DatagramSocket.receiveInto} was longer than the buffer. */
  get truncated(): boolean {
    return this.inbox.truncated;
  }

  /** Our address. Throws `ClosedError` once closed. getsockname(2). */
  get localAddress(): SocketAddress {
    return this.socket.localAddress;
  }

  /** The peer of a connected socket. Throws `SystemError` `ENOTCONN` if there is none. getpeername(2). */
  get remoteAddress(): SocketAddress {
    return this.socket.peerAddress;
  }

  /**
   * Bytes that may wait to be received; what comes then is lost (UDP) or makes its senders wait (Unix). Linux counts its own
   * bookkeeping, and doubles what is set. SO_RCVBUF.
   */
  get receiveBufferSize(): number {
    return this.socket.getOption('SOL_SOCKET', 'SO_RCVBUF');
  }

  set receiveBufferSize(bytes: number) {
    this.socket.setOption('SOL_SOCKET', 'SO_RCVBUF', bytes);
  }

  /** Bytes that may wait to be sent. As {@link DatagramSocket.receiveBufferSize}. SO_SNDBUF. */
  get sendBufferSize(): number {
    return this.socket.getOption('SOL_SOCKET', 'SO_SNDBUF');
  }

  set sendBufferSize(bytes: number) {
    this.socket.setOption('SOL_SOCKET', 'SO_SNDBUF', bytes);
  }

  /** The number of the socket, for whoever waits for it by other means. Throws `ClosedError` once closed. */
  fileno(): number {
    return this.socket.fileno();
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.socket.closed;
  }

  /** Closes it: who waits, and who uses it afterwards, gets a `ClosedError`. Again does nothing. */
  close(): void {
    this.socket.close();
    this.inbox.line.closed();
    this.outbox.closed();
    this.inbox.close();
  }

  /** {@link DatagramSocket.close}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What messages call it: `UdpSocket 7`. */
  toString(): string {
    return this.socket.closed ? `closed ${this.name}` : `${this.name} ${this.socket.fd}`;
  }
}
