/** Who is where: the ports of the simulated hosts, and the names of Unix sockets. */

import type { Endpoint } from './address.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import type { InternetSocket } from './internet-socket.ts';
import type { SocketFile } from './socket.ts';

const FIRST_PORT = 32_768;
const LAST_PORT = 60_999;
const ANY_V4 = '0.0.0.0';
const ANY_V6 = '::';

/** The two protocols have ports of their own. */
export type Protocol = 'tcp' | 'udp';

/** The addresses of the simulated network. */
export class Network {
  private readonly hosts: ReadonlySet<string>;
  private readonly ports: Record<Protocol, Map<number, Set<InternetSocket>>> = { tcp: new Map(), udp: new Map() };
  private lastPort: Record<Protocol, number> = { tcp: LAST_PORT, udp: LAST_PORT };
  private readonly names = new Map<string, SocketFile | null>();
  private unnamed = 0;

  /** A network with these hosts besides the loopback. */
  constructor(hosts: Iterable<string>) {
    this.hosts = new Set(hosts);
  }

  /** Whether the address can be reached; all that can be are also ours. */
  isReachable(host: string): boolean {
    return host === '::1' || host.startsWith('127.') || this.hosts.has(host);
  }

  /** Where a packet to this address really goes: the unspecified address is this host. */
  destination({ host, port }: Endpoint): Endpoint {
    if (host === ANY_V4) return { host: '127.0.0.1', port };
    return host === ANY_V6 ? { host: '::1', port } : { host, port };
  }

  /** The address that a socket without one of its own has in the eyes of this peer. */
  sourceTowards(host: string): string {
    return host.startsWith('127.') ? '127.0.0.1' : host;
  }

  /** Gives a socket a place: its port (a free one for 0), or `-errno`. */
  reserve(socket: InternetSocket, { host, port }: Endpoint): number {
    if (host !== ANY_V4 && host !== ANY_V6 && !this.isReachable(host)) return -Errno.EADDRNOTAVAIL;
    const chosen = port === 0 ? this.freePort(socket.protocol) : port;
    if (chosen < 0) return chosen;
    const owners = this.ports[socket.protocol].get(chosen) ?? new Set();
    for (const other of owners) if (conflict(socket, host, other)) return -Errno.EADDRINUSE;
    owners.add(socket);
    this.ports[socket.protocol].set(chosen, owners);
    return chosen;
  }

  /** Takes the place back. */
  release(socket: InternetSocket): void {
    const owners = this.ports[socket.protocol].get(socket.local.port);
    owners?.delete(socket);
    if (owners?.size === 0) this.ports[socket.protocol].delete(socket.local.port);
  }

  /** All sockets of a protocol that a packet to this place may be for. */
  at(protocol: Protocol, { host, port }: Endpoint): InternetSocket[] {
    const owners = this.ports[protocol].get(port);
    return owners === undefined ? [] : [...owners].filter((socket) => covers(socket, socket.local.host, host));
  }

  /** Gives a Unix socket this name: 0 or `-EADDRINUSE`. */
  claim(name: string, socket: SocketFile): number {
    if (this.names.get(name)) return -Errno.EADDRINUSE;
    this.names.set(name, socket);
    return 0;
  }

  /** An abstract name that nobody has. */
  claimAny(socket: SocketFile): string {
    for (;;) {
      const name = `\0${(this.unnamed++).toString(16).padStart(5, '0')}`;
      if (this.claim(name, socket) === 0) return name;
    }
  }

  /** Takes a name back. A path stays as what a real one is then: a file that nobody listens at. */
  disclaim(name: string): void {
    if (name.startsWith('\0')) this.names.delete(name);
    else this.names.set(name, null);
  }

  /** Who has this name, or the errno that says that nobody has. */
  named(name: string): SocketFile | number {
    const found = this.names.get(name);
    if (found) return found;
    return found === null || name.startsWith('\0') ? -Errno.ECONNREFUSED : -Errno.ENOENT;
  }

  private freePort(protocol: Protocol): number {
    for (let tried = FIRST_PORT; tried <= LAST_PORT; tried++) {
      const last = this.lastPort[protocol];
      this.lastPort[protocol] = last === LAST_PORT ? FIRST_PORT : last + 1;
      if (!this.ports[protocol].has(this.lastPort[protocol])) return this.lastPort[protocol];
    }
    return -Errno.EADDRINUSE;
  }
}

/** Whether a socket that stands at `local` gets what is sent to `host`. */
function covers(socket: InternetSocket, local: string, host: string): boolean {
  if (local === host) return true;
  const isV6 = host.includes(':');
  if (local === ANY_V4) return !isV6;
  return local === ANY_V6 && (isV6 || !socket.options.has(Numbers.IPV6_V6ONLY, Numbers.IPPROTO_IPV6));
}

function conflict(socket: InternetSocket, host: string, other: InternetSocket): boolean {
  if (!covers(socket, host, other.local.host) && !covers(other, other.local.host, host)) return false;
  const both = (option: number): boolean => socket.options.has(option) && other.options.has(option);
  if (both(Numbers.SO_REUSEPORT)) return false;
  return !both(Numbers.SO_REUSEADDR) || other.isListening;
}
