/**
 * TCP sockets as a program sees them. The states between an end that was sent and one that was acknowledged are left out: what a program
 * can tell apart is whether each side has ended its stream, and whether the connection was reset. See tcp(7), and `tcp_poll`,
 * `tcp_recvmsg` and `tcp_sendmsg` of Linux, whose order of checks is kept: it decides which error comes first.
 */

import { type Endpoint, writeEndpoint } from './address.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import { InternetSocket } from './internet-socket.ts';
import type { Network } from './network.ts';
import { NO_MORE, NO_RECEIVE, NO_SEND, type SocketFile } from './socket.ts';
import { type FlowReceiver, type FlowSender, TcpFlow } from './tcp-flow.ts';
import { connectTo, type Handshake } from './tcp-handshake.ts';
import { TcpInbox } from './tcp-inbox.ts';
import type { World } from './world.ts';

const { POLLIN, POLLOUT, POLLPRI, POLLERR, POLLHUP, POLLRDHUP, MSG_OOB, SOCK_STREAM, SOMAXCONN } = Numbers;

/** A TCP socket: fresh, listening, or an end of a connection. */
export class TcpSocket extends InternetSocket implements FlowSender, FlowReceiver {
  readonly kind = 'TCP socket';
  readonly protocol = 'tcp';
  private state: 'closed' | 'connecting' | 'listening' | 'open' = 'closed';
  /** What the socket layer above TCP knows of a `connect`: it is told of the end by the next one. */
  private link: 'unconnected' | 'connecting' | 'connected' | 'disconnecting' = 'unconnected';
  private handshake: Handshake | null = null;
  private backlog = 0;
  private readonly queue: TcpSocket[] = [];
  private readonly inbox = new TcpInbox();
  private peer: TcpSocket | null = null;
  private flow: TcpFlow | null = null;
  /** The peer has ended its stream: a read says 0, whatever else has happened. */
  private done = false;
  private finishSent = false;
  private finishWasTaken = false;
  /** No number stands for it any more, but what it has sent is still on its way. */
  private orphan = false;

  constructor(world: World, network: Network, family: number) {
    super(world, network, family, SOCK_STREAM);
  }

  override get isListening(): boolean {
    return this.state === 'listening';
  }

  get room(): number {
    // What is thrown away needs no room.
    if (this.state !== 'open' || this.orphan) return Number.POSITIVE_INFINITY;
    return this.options.receiveBuffer - this.inbox.size;
  }

  override readiness(): number {
    if (this.state === 'listening') return this.queue.length > 0 ? POLLIN : 0;
    let flags = 0;
    if (this.ended === NO_MORE || this.state === 'closed') flags |= POLLHUP;
    if ((this.ended & NO_RECEIVE) !== 0) flags |= POLLIN | POLLRDHUP;
    if (this.state !== 'connecting') {
      if (this.inbox.isReadable) flags |= POLLIN;
      if ((this.ended & NO_SEND) !== 0 || this.isWritable) flags |= POLLOUT;
      if (this.inbox.isUrgent) flags |= POLLPRI;
    }
    return this.error === 0 ? flags : flags | POLLERR;
  }

  override available(): number {
    if (this.state === 'listening') return -Errno.EINVAL;
    return this.inbox.available;
  }

  override listen(backlog: number): number {
    if (this.link !== 'unconnected' || this.state === 'connecting' || this.state === 'open') return -Errno.EINVAL;
    this.backlog = Math.min(backlog >>> 0, SOMAXCONN);
    if (this.state === 'listening') return 0;
    if (this.network.at('tcp', this.local).some((other) => other !== this && this.isRival(other))) {
      return -Errno.EADDRINUSE;
    }
    const result = this.bound ? 0 : this.take(this.local);
    if (result === 0) this.state = 'listening';
    return result;
  }

  override accept(slot: Uint8Array): SocketFile | number {
    if (this.state !== 'listening') return -Errno.EINVAL;
    const child = this.queue.shift();
    if (child === undefined) return -Errno.EAGAIN;
    writeEndpoint(slot, this.family, child.remote as Endpoint);
    return child;
  }

  override connect(address: Uint8Array): number {
    const endpoint = this.endpointIn(address);
    if (typeof endpoint === 'number') return endpoint;
    if (this.link === 'connected' || this.state === 'listening') return -Errno.EISCONN;
    if (this.link === 'disconnecting') return -Errno.EINVAL;
    if (this.link === 'connecting') return this.goOnConnecting();
    const to = this.network.destination(endpoint);
    const result = this.prepareFor(to);
    if (result < 0) return result;
    this.local = { host: this.sourceTowards(to.host), port: this.local.port };
    this.remote = to;
    this.ended = 0;
    this.done = false;
    this.link = 'connecting';
    this.state = 'connecting';
    this.handshake = connectTo(this.world, this.network, this, to);
    return -Errno.EINPROGRESS;
  }

  override receive(into: Uint8Array, flags: number, slot: Uint8Array | null): number {
    if (slot !== null) slot.fill(0, 0, 2);
    if (this.state === 'listening') return -Errno.ENOTCONN;
    if ((flags & MSG_OOB) !== 0) {
      if (this.inbox.isUrgent && this.state === 'closed' && !this.done) return -Errno.ENOTCONN;
      return this.inbox.readUrgent(into, flags);
    }
    const count = this.inbox.read(into, flags, (length) => this.world.dice.readable(length));
    if (count > 0) {
      // There is room again for what waits at the door.
      this.peer?.flow?.handOver();
      return count;
    }
    if (into.length === 0 && this.inbox.isReadable) return 0;
    if (this.done) return 0;
    if (this.error !== 0) return this.takeError();
    if ((this.ended & NO_RECEIVE) !== 0) return 0;
    return this.state === 'closed' ? -Errno.ENOTCONN : -Errno.EAGAIN;
  }

  override send(from: Uint8Array, flags: number): number {
    if (this.state === 'connecting') return this.takeError() || -Errno.EAGAIN;
    if (this.state !== 'open' || this.error !== 0 || (this.ended & NO_SEND) !== 0) {
      return this.takeError() || -Errno.EPIPE;
    }
    if (from.length === 0) return 0;
    const flow = this.flow as TcpFlow;
    const room = this.options.sendBuffer - flow.queued;
    if (room <= 0) return -Errno.EAGAIN;
    const length = this.world.dice.writable(Math.min(from.length, room));
    flow.data(from.slice(0, length), (flags & MSG_OOB) !== 0 && length === from.length);
    return length;
  }

  override shutdown(how: number): number {
    if (this.state === 'listening') {
      if ((how & NO_RECEIVE) !== 0) this.stopListening();
      return 0;
    }
    if (this.state === 'connecting') {
      this.error = Errno.ECONNRESET;
      this.endHandshake();
      return 0;
    }
    this.ended |= how;
    // Of a connect that has failed nobody will be told any more.
    if (this.link === 'connecting') this.link = this.state === 'open' ? 'connected' : 'disconnecting';
    if (this.state === 'closed') return -Errno.ENOTCONN;
    if ((how & NO_SEND) !== 0) this.finish();
    return 0;
  }

  override peerName(slot: Uint8Array): number {
    return this.state === 'open' ? super.peerName(slot) : -Errno.ENOTCONN;
  }

  /** @internal The handshake: another end has been found. Nothing of ours arrives there before the time `after`. */
  established(peer: TcpSocket, after: number): void {
    const route = { from: this.local.host, to: (this.remote as Endpoint).host };
    this.handshake = null;
    this.peer = peer;
    this.state = 'open';
    this.flow = new TcpFlow(this.world, route, { sender: this, receiver: peer }, after);
  }

  /** @internal The handshake has failed. */
  refused(errno: number): void {
    this.handshake = null;
    this.broken(errno);
  }

  /** @internal A connection for a listener: the other end of it, or `null` if there is no room. */
  newcomer(local: Endpoint, remote: Endpoint): TcpSocket | null {
    if (this.queue.length > this.backlog) return null;
    const child = new TcpSocket(this.world, this.network, this.family);
    child.options.inherit(this.options);
    child.local = local;
    child.remote = remote;
    child.bound = true;
    child.link = 'connected';
    return child;
  }

  /** @internal Puts an established connection among those to be accepted; if nobody listens any more, it is reset. */
  offer(child: TcpSocket): void {
    if (this.state === 'listening') this.queue.push(child);
    else child.abort();
  }

  dataArrived(bytes: Uint8Array, urgent: boolean): void {
    if (this.state !== 'open') {
      this.answerWithReset();
      return;
    }
    if (this.finishSent && (this.ended & NO_RECEIVE) !== 0) {
      if (urgent) this.inbox.announce(bytes.at(-1) as number);
      // Nobody will ever read it, and nobody can say so but by a reset, which both ends get. Ours first: it drops what is
      // on its way, and the other's would be among that.
      this.resetArrived();
      this.answerWithReset();
      return;
    }
    this.inbox.push(bytes, urgent);
  }

  finishArrived(): void {
    if (this.state !== 'open') return;
    this.done = true;
    this.ended |= NO_RECEIVE;
    this.settle();
  }

  finishTaken(): void {
    this.finishWasTaken = true;
    if (this.state === 'open') this.settle();
  }

  resetArrived(): void {
    if (this.state !== 'open') return;
    this.broken(this.done && !this.finishSent ? Errno.EPIPE : Errno.ECONNRESET);
  }

  timedOut(): void {
    if (this.state === 'open') this.broken(Errno.ETIMEDOUT);
  }

  protected override closed(): void {
    this.orphan = true;
    this.leave();
    this.handshake?.abandon();
    if (this.state === 'listening') this.stopListening();
    else if (this.state === 'open') {
      if (this.inbox.size > 0 || this.options.resetsOnClose) this.abort();
      else {
        this.ended = NO_MORE;
        this.finish();
      }
    } else this.state = 'closed';
  }

  private get isWritable(): boolean {
    const queued = this.flow?.queued ?? 0;
    return this.options.sendBuffer - queued >= queued >> 1;
  }

  private isRival(other: InternetSocket): boolean {
    const { SO_REUSEPORT } = Numbers;
    return other.isListening && !(this.options.has(SO_REUSEPORT) && other.options.has(SO_REUSEPORT));
  }

  /** A second `connect`, which is told what became of the first. */
  private goOnConnecting(): number {
    if (this.state === 'connecting') return -Errno.EALREADY;
    if (this.state === 'open') {
      this.link = 'connected';
      return 0;
    }
    this.link = 'unconnected';
    this.ended = 0;
    this.done = false;
    return this.takeError() || -Errno.ECONNABORTED;
  }

  private finish(): void {
    if (this.finishSent) return;
    this.finishSent = true;
    this.flow?.finish();
  }

  /** Both streams have ended: there is no connection any more. */
  private settle(): void {
    if (!this.done || !this.finishWasTaken) return;
    this.state = 'closed';
    this.ended = NO_MORE;
  }

  /** Ends the connection at once, and tells the peer. */
  private abort(): void {
    this.state = 'closed';
    this.ended = NO_MORE;
    this.inbox.clear();
    this.flow?.reset();
  }

  private answerWithReset(): void {
    if (this.flow === null) return;
    this.flow.drop();
    this.flow.reset();
  }

  private broken(errno: number): void {
    this.flow?.drop();
    this.error = errno;
    this.state = 'closed';
    this.ended = NO_MORE;
  }

  private endHandshake(): void {
    this.handshake?.abandon();
    this.handshake = null;
    this.state = 'closed';
    this.link = 'unconnected';
    this.ended = 0;
  }

  private stopListening(): void {
    this.state = 'closed';
    this.ended = 0;
    for (const child of this.queue.splice(0)) child.abort();
  }
}
