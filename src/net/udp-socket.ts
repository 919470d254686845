/** UDP: datagrams between addresses, of which any may get lost, come twice, or late. See udp(7). */

import { type AddressLike, DEFAULT_HOST, Socket, SocketAddress } from '../os/index.ts';
import { DatagramSocket } from './datagram-socket.ts';
import { dropMembership, joinGroup, multicastOf, setMulticastInterface } from './multicast.ts';
import { checkOptions } from './options.ts';

/** How {@link UdpSocket.open} opens. */
export interface UdpOptions {
  /** Numeric address to receive on; default, if a port is given: 127.0.0.1 (`::1` for IPv6). `0.0.0.0` and `::` are any address of this machine. */
  host?: string;
  /** Port; 0 lets the system choose. */
  port?: number;
  /** Default: that of `host`, otherwise `'IPv4'`. */
  family?: 'IPv4' | 'IPv6';
  /** Whether several sockets may be bound there, as receivers of a multicast group are (SO_REUSEADDR). Default: false. */
  reuseAddress?: boolean;
  /** Whether several sockets may be bound there and share what comes (SO_REUSEPORT). Default: false. */
  reusePort?: boolean;
  /** Whether an IPv6 socket leaves IPv4 alone; default: the system's. */
  ipv6Only?: boolean;
}

/** A UDP socket. */
export class UdpSocket extends DatagramSocket {
  /** The family of its addresses. */
  readonly family: 'IPv4' | 'IPv6';
  private local: SocketAddress | undefined;

  /** Takes possession of a UDP socket. */
  constructor(socket: Socket, family: 'IPv4' | 'IPv6' = 'IPv4') {
    super(socket);
    this.family = family;
  }

  /**
   * A socket that receives at an address, if a host or a port is given. Without either its first datagram gives it an address that fits,
   * and any port. Throws `SystemError` (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`), and then nothing is left open. bind(2).
   *
   * @example
   * using socket = UdpSocket.open({ port: 15000 });
   */
  static open(options: UdpOptions = {}): UdpSocket {
    checkOptions('UdpSocket.open', '{ host, port }', options);
    const { host, port, reuseAddress = false, reusePort = false, ipv6Only } = options;
    return opened(familyOf(options), ({ socket, family }) => {
      if (reuseAddress) socket.setOption('SOL_SOCKET', 'SO_REUSEADDR', true);
      if (reusePort) socket.setOption('SOL_SOCKET', 'SO_REUSEPORT', true);
      if (ipv6Only !== undefined) socket.setOption('IPPROTO_IPV6', 'IPV6_V6ONLY', ipv6Only);
      if (host === undefined && port === undefined) return;
      socket.bind({ host: host ?? (family === 'IPv6' ? '::1' : DEFAULT_HOST), port });
    });
  }

  /** A socket that is connected to a peer. As {@link UdpSocket.open} and then {@link UdpSocket.connect}. */
  static connect(peer: AddressLike): UdpSocket {
    const address = SocketAddress.from(peer);
    return opened(address.family === 'IPv6' ? 'IPv6' : 'IPv4', (udp) => udp.connect(address));
  }

  /**
   * Chooses a peer: from now on datagrams come from it alone, go to it without an address, and that nobody is there is told
   * (`ECONNREFUSED`). Nothing is sent, so this never waits. Another peer may be chosen later. connect(2).
   */
  connect(peer: AddressLike): void {
    this.local = undefined;
    this.socket.connect(peer);
  }

  /** Gives the peer up: datagrams come from everybody again. With it goes, on Linux, a port that the system has chosen: a later send gets another. */
  disconnect(): void {
    this.local = undefined;
    const { sys } = this.socket;
    // AF_UNSPEC is 0 everywhere. The BSDs do it and call it an error.
    const nobody = SocketAddress.raw(new Uint8Array(16), sys);
    const result = sys.connect(this.socket.fileno(), nobody.slot);
    const { EAFNOSUPPORT, EADDRNOTAVAIL } = sys.constants;
    if (result < 0 && result !== -(EAFNOSUPPORT as number) && result !== -(EADDRNOTAVAIL as number)) {
      this.socket.connect(nobody);
    }
  }

  /** Our address. Asked once: a port that was given stays. Throws `ClosedError` once closed. getsockname(2). */
  override get localAddress(): SocketAddress {
    this.socket.fileno();
    if (this.local === undefined) {
      const address = this.socket.localAddress;
      if (address.port === 0) return address;
      this.local = address;
    }
    return this.local;
  }

  /** Whether datagrams may go to broadcast addresses. Default: false, and then sending to one is `EACCES`. SO_BROADCAST. */
  get broadcast(): boolean {
    return this.socket.getOption('SOL_SOCKET', 'SO_BROADCAST') !== 0;
  }

  set broadcast(value: boolean) {
    this.socket.setOption('SOL_SOCKET', 'SO_BROADCAST', value);
  }

  /** How many routers a datagram may pass. IP_TTL, IPV6_UNICAST_HOPS. */
  get ttl(): number {
    return this.socket.getOption(...multicastOf(this.family).unicastTtl);
  }

  set ttl(hops: number) {
    this.socket.setOption(...multicastOf(this.family).unicastTtl, hops);
  }

  /** How many routers a datagram to a group may pass; the system's default is 1: it stays in the network. */
  get multicastTtl(): number {
    return this.socket.getOption(...multicastOf(this.family).ttl);
  }

  set multicastTtl(hops: number) {
    this.socket.setOption(...multicastOf(this.family).ttl, hops);
  }

  /** Whether datagrams to a group also come to its members on this machine; the system's default is true. */
  get multicastLoopback(): boolean {
    return this.socket.getOption(...multicastOf(this.family).loopback) !== 0;
  }

  set multicastLoopback(value: boolean) {
    this.socket.setOption(...multicastOf(this.family).loopback, value);
  }

  /**
   * Over which interface datagrams to a group leave: its name (`'eth0'`), its index, or, for IPv4, one of its addresses. Throws `SystemError` `ENODEV` for a
   * name that no interface has.
   */
  setMulticastInterface(which: string | number): void {
    setMulticastInterface(this.socket, this.family, which);
  }

  /**
   * Joins a multicast group, on an interface (as {@link UdpSocket.setMulticastInterface} takes it) or on the one that the system chooses. What is sent to
   * the group then comes, if the socket is bound to its port and to the group's address or to any. Throws `SystemError` (`EADDRINUSE`: it
   * is a member already; `ENODEV`; `EINVAL`: no multicast address).
   */
  joinGroup(group: string, which?: string | number): void {
    joinGroup(this.socket, this.family, group, which);
  }

  /** Leaves a group, as it was joined. Throws `SystemError` `EADDRNOTAVAIL` if it is no member. Closing leaves all. */
  leaveGroup(group: string, which?: string | number): void {
    dropMembership(this.socket, this.family, group, which);
  }
}

function familyOf({ host, family = host?.includes(':') ? 'IPv6' : 'IPv4' }: UdpOptions): 'IPv4' | 'IPv6' {
  if (family === 'IPv4' || family === 'IPv6') return family;
  throw new TypeError(`family must be 'IPv4' or 'IPv6', not '${String(family)}'`);
}

function opened(family: 'IPv4' | 'IPv6', prepare: (socket: UdpSocket) => void): UdpSocket {
  const udp = new UdpSocket(Socket.open(family === 'IPv6' ? 'AF_INET6' : 'AF_INET', 'SOCK_DGRAM'), family);
  try {
    prepare(udp);
    return udp;
  } catch (error) {
    udp.close();
    throw error;
  }
}
