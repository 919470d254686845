/** Which sockets there are: socket(2) and socketpair(2). */

import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import type { Network } from './network.ts';
import type { SocketFile } from './socket.ts';
import { TcpSocket } from './tcp.ts';
import { UdpSocket } from './udp.ts';
import { UnixDatagram } from './unix-datagram.ts';
import { UnixStream } from './unix-stream.ts';
import type { World } from './world.ts';

const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, IPPROTO_TCP, IPPROTO_UDP } = Numbers;

/** What kind of socket is asked for. */
export interface SocketKind {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
}

/** A fresh socket, or `-errno` for a kind that there is not. */
export function createSocket(world: World, network: Network, kind: SocketKind): SocketFile | number {
  const { family, protocol } = kind;
  const type = kind.type & ~(Numbers.SOCK_NONBLOCK | Numbers.SOCK_CLOEXEC);
  if (family === AF_UNIX) {
    if (protocol !== 0 && protocol !== AF_UNIX) return -Errno.EPROTONOSUPPORT;
    if (type === SOCK_STREAM || type === SOCK_SEQPACKET) return new UnixStream(world, network, type);
    return type === SOCK_DGRAM ? new UnixDatagram(world, network, type) : -Errno.ESOCKTNOSUPPORT;
  }
  if (family !== AF_INET && family !== AF_INET6) return -Errno.EAFNOSUPPORT;
  if (type !== SOCK_STREAM && type !== SOCK_DGRAM) return -Errno.ESOCKTNOSUPPORT;
  const expected = type === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (protocol !== 0 && protocol !== expected) return -Errno.EPROTONOSUPPORT;
  return type === SOCK_STREAM ? new TcpSocket(world, network, family) : new UdpSocket(world, network, family);
}

/** Two sockets that are connected to each other, or `-errno`. */
export function createPair(world: World, network: Network, kind: SocketKind): [SocketFile, SocketFile] | number {
  const one = createSocket(world, network, kind);
  if (typeof one === 'number') return one;
  const other = createSocket(world, network, kind) as SocketFile;
  if (one instanceof UnixStream && other instanceof UnixStream) UnixStream.couple(one, other);
  else if (one instanceof UnixDatagram && other instanceof UnixDatagram) UnixDatagram.couple(one, other);
  else return -Errno.EOPNOTSUPP;
  return [one, other];
}
