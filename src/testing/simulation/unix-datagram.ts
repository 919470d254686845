/** Unix datagram sockets: nothing gets lost, but a receiver that does not read makes its senders wait. See unix(7). */

import { familyOf, writeUnixName } from './address.ts';
import { Cargo } from './cargo.ts';
import { Numbers } from './constants.ts';
import { type Datagram, takeDatagram } from './datagram.ts';
import { Errno } from './errno.ts';
import type { OpenFile } from './file.ts';
import { NO_MORE, NO_RECEIVE, NO_SEND } from './socket.ts';
import { UnixSocket, writeSender } from './unix-socket.ts';

const { POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, AF_UNSPEC, MSG_OOB } = Numbers;
/** Datagrams that wait for one receiver (max_dgram_qlen). */
const MOST_WAITING = 10;
const RESERVE = 32;
/** What the kernel counts for a datagram besides its bytes. */
const OVERHEAD = 768;

/** A Unix datagram socket. */
export class UnixDatagram extends UnixSocket {
  readonly kind = 'Unix datagram socket';
  private readonly queue: Datagram<UnixDatagram>[] = [];
  private peer: UnixDatagram | null = null;
  /** What it has sent and nobody has read. */
  private unread = 0;
  private gone = false;

  /** Connects two fresh ones to each other. */
  static couple(one: UnixDatagram, other: UnixDatagram): void {
    one.peer = other;
    other.peer = one;
  }

  override readiness(): number {
    let flags = 0;
    if (this.queue.length > 0) flags |= POLLIN;
    if ((this.ended & NO_RECEIVE) !== 0) flags |= POLLIN | POLLRDHUP;
    if (this.ended === NO_MORE) flags |= POLLHUP;
    if (this.isWritableWith(this.unread) && !this.isFull(this.peer)) flags |= POLLOUT;
    return this.error === 0 ? flags : flags | POLLERR;
  }

  override available(): number {
    return this.queue[0]?.bytes.length ?? 0;
  }

  override connect(address: Uint8Array): number {
    if (familyOf(address) === AF_UNSPEC) {
      this.part();
      return 0;
    }
    const found = this.find(address);
    if (typeof found === 'number') return found;
    const other = found as UnixDatagram;
    if (!other.hears(this)) return -Errno.EPERM;
    if (this.peer !== null && this.peer !== other) this.part();
    this.peer = other;
    return 0;
  }

  override receive(into: Uint8Array, flags: number, slot: Uint8Array | null, taken?: OpenFile[]): number {
    if ((flags & MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    if (this.error !== 0) return this.takeError();
    const first = this.queue[0];
    if (first === undefined) return -Errno.EAGAIN;
    writeSender(slot, first.from.name);
    return takeDatagram(first, into, flags, slot, () => this.remove(first), taken);
  }

  override send(from: Uint8Array, flags: number, address: Uint8Array | null, files: readonly OpenFile[] = []): number {
    if ((flags & MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    const { sendBuffer } = this.options;
    if (from.length > sendBuffer - RESERVE) return -Errno.EMSGSIZE;
    if (this.error !== 0) return this.takeError();
    if ((this.ended & NO_SEND) !== 0) return -Errno.EPIPE;
    if (this.unread >= sendBuffer) return -Errno.EAGAIN;
    // Only now is looked for who it is for.
    const found = address === null ? (this.peer ?? -Errno.ENOTCONN) : this.find(address);
    if (typeof found === 'number') return found;
    const other = found as UnixDatagram;
    if (other.gone) {
      if (other === this.peer) this.part();
      return -Errno.ECONNREFUSED;
    }
    if (!other.hears(this)) return -Errno.EPERM;
    if ((other.ended & NO_RECEIVE) !== 0) return -Errno.EPIPE;
    if (this.isFull(other)) return -Errno.EAGAIN;
    other.queue.push({ bytes: from.slice(), from: this, cargo: new Cargo(files) });
    this.unread += from.length + OVERHEAD;
    return from.length;
  }

  override shutdown(how: number): number {
    this.ended |= how;
    return 0;
  }

  override peerName(slot: Uint8Array): number {
    if (this.peer === null) return -Errno.ENOTCONN;
    writeUnixName(slot, this.peer.name);
    return 0;
  }

  protected override closed(): void {
    this.gone = true;
    this.disclaim();
    this.forgetAll();
  }

  /** One that is connected hears its peer only. */
  private hears(sender: UnixDatagram): boolean {
    return this.peer === null || this.peer === sender;
  }

  /** Two that are connected to each other have no limit but the sender's buffer. */
  private isFull(other: UnixDatagram | null): boolean {
    return other !== null && other.peer !== this && other.queue.length > MOST_WAITING;
  }

  /** Leaves its peer, which had been connected to it too and hears so. */
  private part(): void {
    const { peer } = this;
    this.peer = null;
    this.forgetAll();
    if (peer?.peer === this && !peer.gone) peer.error = Errno.ECONNRESET;
  }

  private forgetAll(): void {
    for (const datagram of [...this.queue]) {
      this.remove(datagram);
      datagram.cargo?.drop();
    }
  }

  private remove(datagram: Datagram<UnixDatagram>): void {
    this.queue.splice(this.queue.indexOf(datagram), 1);
    datagram.from.unread -= datagram.bytes.length + OVERHEAD;
  }
}
