/** What TCP and UDP sockets have in common: a place among the ports, and a peer. */

import { type Endpoint, familyOf, nameIn, writeEndpoint } from './address.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import type { Network, Protocol } from './network.ts';
import { SocketFile } from './socket.ts';
import type { World } from './world.ts';

const { AF_INET, AF_INET6 } = Numbers;

/** An IPv4 or IPv6 socket. */
export abstract class InternetSocket extends SocketFile {
  abstract readonly protocol: Protocol;
  readonly network: Network;
  local: Endpoint;
  remote: Endpoint | null = null;
  /** Whether it holds its port in the network's book; an accepted connection shares that of its listener. */
  private registered = false;
  /** Whether a port was asked for, or has been given. */
  protected bound = false;

  constructor(world: World, network: Network, family: number, type: number) {
    super(world, family, type);
    this.network = network;
    this.local = { host: family === AF_INET6 ? '::' : '0.0.0.0', port: 0 };
  }

  override bind(address: Uint8Array): number {
    const endpoint = this.endpointIn(address);
    if (typeof endpoint === 'number') return endpoint;
    if (this.bound) return -Errno.EINVAL;
    return this.take(endpoint);
  }

  override localName(slot: Uint8Array): number {
    writeEndpoint(slot, this.family, this.local);
    return 0;
  }

  override peerName(slot: Uint8Array): number {
    if (this.remote === null) return -Errno.ENOTCONN;
    writeEndpoint(slot, this.family, this.remote);
    return 0;
  }

  /** The endpoint in a slot, or the errno of one that a socket of this family cannot take. */
  protected endpointIn(address: Uint8Array): Endpoint | number {
    const family = familyOf(address);
    if (family !== this.family) {
      const isShort = this.family === AF_INET6 && family === AF_INET;
      return -(isShort ? Errno.EINVAL : Errno.EAFNOSUPPORT);
    }
    const name = nameIn(address);
    return typeof name === 'object' ? name : -Errno.EINVAL;
  }

  /** Takes a place: 0 or `-errno`. */
  protected take(endpoint: Endpoint): number {
    const port = this.network.reserve(this, endpoint);
    if (port < 0) return port;
    this.local = { host: endpoint.host, port };
    this.bound = true;
    this.registered = true;
    return 0;
  }

  /** Where packets to this peer come from. Takes a free port first, if it has none: 0 or `-errno`. */
  protected prepareFor({ host }: Endpoint): number {
    if (!this.network.isReachable(host)) return -Errno.ENETUNREACH;
    return this.bound ? 0 : this.take(this.local);
  }

  /** This socket's address in the eyes of a peer. */
  protected sourceTowards(host: string): string {
    const { host: own } = this.local;
    return own === '0.0.0.0' || own === '::' ? this.network.sourceTowards(host) : own;
  }

  /** Gives the port back. */
  protected leave(): void {
    if (this.registered) this.network.release(this);
    this.registered = false;
  }
}
