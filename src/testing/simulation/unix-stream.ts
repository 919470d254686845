/** Unix sockets with connections: streams, and sequences of packets, which differ in what a read gives. See unix(7). */

import { writeUnixName } from './address.ts';
import { ByteQueue } from './bytes.ts';
import { Cargo, CargoMarks } from './cargo.ts';
import { Numbers } from './constants.ts';
import { type Datagram, takeDatagram } from './datagram.ts';
import { Errno } from './errno.ts';
import type { OpenFile } from './file.ts';
import type { Network } from './network.ts';
import { NO_MORE, NO_RECEIVE, NO_SEND, type SocketFile } from './socket.ts';
import { UnixSocket, writeSender } from './unix-socket.ts';
import type { World } from './world.ts';

const { POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, SOCK_SEQPACKET, SOMAXCONN, MSG_OOB, MSG_PEEK } = Numbers;
/** What the kernel keeps back of a buffer when it looks whether a packet fits. */
const PACKET_RESERVE = 32;

/** A Unix stream socket, or one of packets. */
export class UnixStream extends UnixSocket {
  readonly kind: string;
  private state: 'closed' | 'listening' | 'open' = 'closed';
  private backlog = 0;
  private readonly queue: UnixStream[] = [];
  private readonly bytes = new ByteQueue();
  private readonly marks = new CargoMarks();
  private readonly packets: Datagram<null>[] = [];
  private unread = 0;
  private peer: UnixStream | null = null;
  private gone = false;

  constructor(world: World, network: Network, type: number) {
    super(world, network, type);
    this.kind = this.hasPackets ? 'Unix socket of packets' : 'Unix stream socket';
  }

  /** Connects two fresh ones to each other. */
  static couple(one: UnixStream, other: UnixStream): void {
    one.peer = other;
    other.peer = one;
    one.state = 'open';
    other.state = 'open';
  }

  override get isListening(): boolean {
    return this.state === 'listening';
  }

  override readiness(): number {
    let flags = 0;
    if (this.ended === NO_MORE || this.state === 'closed') flags |= POLLHUP;
    if ((this.ended & NO_RECEIVE) !== 0) flags |= POLLIN | POLLRDHUP;
    if (this.hasUnread || this.queue.length > 0) flags |= POLLIN;
    if (this.state !== 'listening' && this.isWritableWith(this.peer?.unread ?? 0)) flags |= POLLOUT;
    return this.error === 0 ? flags : flags | POLLERR;
  }

  override available(): number {
    if (this.state === 'listening') return -Errno.EINVAL;
    return this.unread;
  }

  override listen(backlog: number): number {
    if (this.name === '' || this.state === 'open') return -Errno.EINVAL;
    this.backlog = Math.min(backlog >>> 0, SOMAXCONN);
    this.state = 'listening';
    return 0;
  }

  override accept(slot: Uint8Array): SocketFile | number {
    if (this.state !== 'listening') return -Errno.EINVAL;
    const next = this.queue.shift();
    if (next === undefined) return -Errno.EAGAIN;
    writeUnixName(slot, next.peer?.name ?? '');
    return next;
  }

  override connect(address: Uint8Array): number {
    const found = this.find(address);
    if (typeof found === 'number') return found;
    const listener = found as UnixStream;
    if (listener.state !== 'listening' || (listener.ended & NO_RECEIVE) !== 0) return -Errno.ECONNREFUSED;
    if (this.state !== 'closed') return -(this.state === 'open' ? Errno.EISCONN : Errno.EINVAL);
    if (listener.queue.length > listener.backlog) return -Errno.EAGAIN;
    const other = new UnixStream(this.world, this.network, this.type);
    // It has its listener's name, and does not hold it.
    other.name = listener.name;
    UnixStream.couple(this, other);
    listener.queue.push(other);
    return 0;
  }

  override receive(into: Uint8Array, flags: number, slot: Uint8Array | null, taken?: OpenFile[]): number {
    if (this.state !== 'open') return -(this.hasPackets ? Errno.ENOTCONN : Errno.EINVAL);
    if ((flags & MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    if (this.hasPackets) return this.receivePacket(into, flags, slot, taken);
    if (this.unread === 0) {
      if (this.error !== 0) return this.takeError();
      return (this.ended & NO_RECEIVE) !== 0 ? 0 : -Errno.EAGAIN;
    }
    writeSender(slot, this.peer?.name ?? '');
    const length = this.marks.limit(this.world.dice.readable(Math.min(into.length, this.unread)));
    this.bytes.peek(into.subarray(0, length));
    this.marks.take(length, (flags & MSG_PEEK) !== 0, taken);
    if ((flags & MSG_PEEK) !== 0) return length;
    this.bytes.skip(length);
    this.unread -= length;
    return length;
  }

  override send(from: Uint8Array, flags: number, address: Uint8Array | null, files: readonly OpenFile[] = []): number {
    if (this.hasPackets && this.error !== 0) return this.takeError();
    if (address !== null) return -(this.state === 'open' ? Errno.EISCONN : Errno.EOPNOTSUPP);
    const { peer } = this;
    if (peer === null) return -Errno.ENOTCONN;
    if ((flags & MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    const { sendBuffer } = this.options;
    if (this.hasPackets && from.length > sendBuffer - PACKET_RESERVE) return -Errno.EMSGSIZE;
    if ((this.ended & NO_SEND) !== 0 || peer.gone || (peer.ended & NO_RECEIVE) !== 0) return -Errno.EPIPE;
    if (this.hasPackets) {
      if (peer.unread >= sendBuffer) return -Errno.EAGAIN;
      peer.packets.push({ bytes: from.slice(), from: null, cargo: new Cargo(files) });
      peer.unread += from.length;
      return from.length;
    }
    if (from.length === 0) return 0;
    const room = sendBuffer - peer.unread;
    if (room <= 0) return -Errno.EAGAIN;
    const length = this.world.dice.writable(Math.min(from.length, room));
    peer.bytes.push(from.slice(0, length));
    peer.marks.push(length, files);
    peer.unread += length;
    return length;
  }

  override shutdown(how: number): number {
    this.ended |= how;
    const { peer } = this;
    if (peer === null) return 0;
    if ((how & NO_RECEIVE) !== 0) peer.ended |= NO_SEND;
    if ((how & NO_SEND) !== 0) peer.ended |= NO_RECEIVE;
    return 0;
  }

  override peerName(slot: Uint8Array): number {
    if (this.peer === null) return -Errno.ENOTCONN;
    writeUnixName(slot, this.peer.name);
    return 0;
  }

  protected override closed(): void {
    // One that was accepted has only its listener's name.
    if (this.network.named(this.name, this.type) === this) this.disclaim();
    // The kernel overlooks one empty packet, if it is the first: to it that is what is left of an urgent byte.
    const overlooked = this.packets[0]?.bytes.length === 0 ? 1 : 0;
    this.depart(this.unread > 0 || this.packets.length > overlooked);
    for (const waiting of this.queue.splice(0)) waiting.depart(true);
  }

  private get hasPackets(): boolean {
    return this.type === SOCK_SEQPACKET;
  }

  private get hasUnread(): boolean {
    return this.unread > 0 || this.packets.length > 0;
  }

  /** Goes. The peer hears it as a reset if it had said something that was not heard. */
  private depart(unheard: boolean): void {
    this.gone = true;
    // What nobody will read is no burden to its sender any more.
    this.bytes.clear();
    this.marks.drop();
    for (const { cargo } of this.packets.splice(0)) cargo?.drop();
    this.unread = 0;
    if (this.peer === null) return;
    this.peer.ended = NO_MORE;
    if (unheard) this.peer.error = Errno.ECONNRESET;
  }

  private receivePacket(into: Uint8Array, flags: number, slot: Uint8Array | null, taken?: OpenFile[]): number {
    if (this.error !== 0) return this.takeError();
    const first = this.packets[0];
    if (first === undefined) return (this.ended & NO_RECEIVE) !== 0 ? 0 : -Errno.EAGAIN;
    writeSender(slot, this.peer?.name ?? '');
    const remove = (): void => {
      this.packets.shift();
      this.unread -= first.bytes.length;
    };
    return takeDatagram(first, into, flags, slot, remove, taken);
  }
}
