/** UDP sockets: datagrams that arrive whole, in any order, or not at all. See udp(7). */

import { type Endpoint, familyOf, writeEndpoint } from './address.ts';
import { Numbers } from './constants.ts';
import { type Datagram, takeDatagram } from './datagram.ts';
import { Errno } from './errno.ts';
import { InternetSocket } from './internet-socket.ts';
import type { Network } from './network.ts';
import { NO_MORE, NO_RECEIVE, NO_SEND } from './socket.ts';
import type { World } from './world.ts';

const { POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, AF_UNSPEC, MSG_OOB, SOCK_DGRAM } = Numbers;
/** 65,535 bytes less the two headers. */
const LONGEST = 65_507;
/** What the kernel counts for a datagram besides its bytes. */
const OVERHEAD = 768;

/** A UDP socket. */
export class UdpSocket extends InternetSocket {
  readonly kind = 'UDP socket';
  readonly protocol = 'udp';
  private readonly queue: Datagram<Endpoint>[] = [];
  private used = 0;

  constructor(world: World, network: Network, family: number) {
    super(world, network, family, SOCK_DGRAM);
  }

  override readiness(): number {
    let flags = POLLOUT;
    if (this.queue.length > 0) flags |= POLLIN;
    if ((this.ended & NO_RECEIVE) !== 0) flags |= POLLIN | POLLRDHUP;
    if (this.ended === NO_MORE) flags |= POLLHUP;
    return this.error === 0 ? flags : flags | POLLERR;
  }

  override available(): number {
    return this.queue[0]?.bytes.length ?? 0;
  }

  override connect(address: Uint8Array): number {
    if (familyOf(address) === AF_UNSPEC) {
      this.remote = null;
      return 0;
    }
    const endpoint = this.endpointIn(address);
    if (typeof endpoint === 'number') return endpoint;
    const to = this.network.destination(endpoint);
    const result = this.prepareFor(to);
    if (result < 0) return result;
    this.local = { host: this.sourceTowards(to.host), port: this.local.port };
    this.remote = to;
    return 0;
  }

  override receive(into: Uint8Array, flags: number, slot: Uint8Array | null): number {
    if (this.error !== 0) return this.takeError();
    const first = this.queue[0];
    if (first === undefined) return -Errno.EAGAIN;
    if (slot !== null) writeEndpoint(slot, this.family, first.from);
    return takeDatagram(first, into, flags, slot, () => {
      this.queue.shift();
      this.used -= first.bytes.length + OVERHEAD;
    });
  }

  override send(from: Uint8Array, flags: number, address: Uint8Array | null): number {
    if (from.length > LONGEST) return -Errno.EMSGSIZE;
    if ((flags & MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    const endpoint = address === null ? this.remote : this.endpointIn(address);
    if (endpoint === null) return -Errno.EDESTADDRREQ;
    if (typeof endpoint === 'number') return endpoint;
    if (endpoint.port === 0) return -Errno.EINVAL;
    const to = this.network.destination(endpoint);
    const result = this.prepareFor(to);
    if (result < 0) return result;
    if (this.error !== 0) return this.takeError();
    if ((this.ended & NO_SEND) !== 0) return -Errno.EPIPE;
    const source = { host: this.sourceTowards(to.host), port: this.local.port };
    const bytes = from.slice();
    const arrive = (): void => this.reach(source, to, bytes);
    this.world.carry({ from: source.host, to: to.host, arrive, lost: () => {} });
    return from.length;
  }

  override shutdown(how: number): number {
    this.ended |= how;
    return this.remote === null ? -Errno.ENOTCONN : 0;
  }

  protected override closed(): void {
    this.leave();
  }

  private reach(source: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    const receiver = this.receiverOf(source, to);
    if (receiver !== undefined) receiver.enqueue({ bytes, from: source });
    else {
      const arrive = (): void => this.unreachable(to);
      this.world.carry({ from: to.host, to: source.host, arrive, lost: () => {} });
    }
  }

  /** The socket that is connected to the source comes first, then one of this very address. */
  private receiverOf(source: Endpoint, to: Endpoint): UdpSocket | undefined {
    const score = ({ remote, local }: InternetSocket): number =>
      (remote === null ? 0 : 2) + (local.host === to.host ? 1 : 0);
    return (this.network.at('udp', to) as UdpSocket[])
      .filter(({ remote }) => remote === null || isSame(remote, source))
      .sort((one, other) => score(other) - score(one))[0];
  }

  private enqueue(datagram: Datagram<Endpoint>): void {
    if (this.used >= this.options.receiveBuffer) return;
    this.queue.push(datagram);
    this.used += datagram.bytes.length + OVERHEAD;
  }

  /** Nobody was there. Only a connected socket is told. */
  private unreachable(to: Endpoint): void {
    if (this.remote !== null && isSame(this.remote, to)) this.error = Errno.ECONNREFUSED;
  }
}

function isSame(one: Endpoint, other: Endpoint): boolean {
  return one.host === other.host && one.port === other.port;
}
