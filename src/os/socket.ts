/**
 * The socket calls, one method each, as Python's `socket` module shows them: non-blocking, no buffering, no
 * waiting. `undefined` means "would block". Readiness is a hint, so every call that was announced ready
 * may still say `undefined`: wait again.
 */

import { Buffer } from '../platform/node.ts';
import { type AddressLike, SocketAddress } from './address.ts';
import { type AdoptOptions, adopted, constantOf, type Data, Descriptor, toBytes } from './descriptor.ts';
import { SystemError, type SystemErrorDetails } from './errors.ts';
import { currentSys } from './native.ts';
import { ADDRESS_SLOT_SIZE, type Sys } from './sys.ts';

/** Pending connections that a listener asks the kernel to keep; the kernel cuts it to its own limit (somaxconn). */
export const DEFAULT_BACKLOG = 4096 as const;
/** What getsockopt returns for almost every option is one C int. */
const INT_SIZE = 4;
/** Room for the largest option value that {@link Socket.getOptionBytes} is likely to meet. */
const OPTION_SIZE = 256;
/** Where the calls write a peer's address; what is handed out is a copy that is only as long as it has to be. */
const SENDER = new Uint8Array(ADDRESS_SLOT_SIZE);
/** The same memory, as it is packed. (A slice of a `Buffer` would be no copy.) */
const PEER = Buffer.from(SENDER.buffer, 0, ADDRESS_SLOT_SIZE) as Buffer;

/** How {@link Socket.tcp} and {@link Socket.udp} open: with an address the socket is bound to it at once. */
export interface SocketOptions {
  /** Numeric address to bind to. Default, if a port is given: 127.0.0.1. */
  host?: string;
  /** Port to bind to; 0 lets the kernel choose. */
  port?: number;
  /** Address family. Default: that of `host`, otherwise `'IPv4'`. */
  family?: 'IPv4' | 'IPv6';
}

/** How {@link Socket.listener} opens: an internet address, or the path of a Unix socket. */
export interface ListenerOptions extends SocketOptions {
  path?: string;
  /** Pending connections to keep; default 4096. */
  backlog?: number;
}

/** What {@link Socket.recvFrom} returns. */
export interface Datagram {
  /** The bytes; yours. */
  data: Buffer;
  /** The sender. */
  address: SocketAddress;
  /** The datagram was longer than the buffer, and the rest of it is lost. */
  truncated: boolean;
}

/** A socket of any family and type. */
export class Socket extends Descriptor {
  /** Packed until somebody asks. */
  private peer: SocketAddress | string | undefined;

  /** @internal Use the static functions. */
  constructor(sys: Sys, fd: number, peer?: string) {
    super(sys, fd);
    this.peer = peer;
  }

  /** On a socket that `accept` returned: the peer's address. It stays, also after the close. */
  get remoteAddress(): SocketAddress | undefined {
    if (typeof this.peer === 'string') this.peer = SocketAddress.unpack(this.sys, this.peer);
    return this.peer;
  }

  /**
   * A TCP socket. With `port` or `host` it is bound there, with SO_REUSEADDR (so that a restarted listener need not
   * wait for old connections to fade). socket(2), bind(2).
   */
  static tcp(options: SocketOptions = {}): Socket {
    return internet('SOCK_STREAM', options, true);
  }

  /** A UDP socket. With `port` or `host` it is bound there. socket(2), bind(2). */
  static udp(options: SocketOptions = {}): Socket {
    return internet('SOCK_DGRAM', options, false);
  }

  /** A Unix socket; `type` defaults to a stream. With `path` it is bound there. socket(2), bind(2). */
  static unix(options: { path?: string; type?: 'stream' | 'datagram' | 'seqpacket' } = {}): Socket {
    const types = { stream: 'SOCK_STREAM', datagram: 'SOCK_DGRAM', seqpacket: 'SOCK_SEQPACKET' };
    const type = types[options.type ?? 'stream'];
    if (type === undefined) throw new TypeError(`type must be ${Object.keys(types).join(', ')}`);
    const { path } = options;
    return prepared(Socket.open('AF_UNIX', type), (socket) => {
      if (path !== undefined) socket.bind({ path });
    });
  }

  /** A bound, listening stream socket in one step: TCP, or Unix if `path` is given. socket(2), bind(2), listen(2). */
  static listener(options: ListenerOptions = {}): Socket {
    const { path, backlog, host, port = 0, family } = options;
    const address: SocketOptions = { port };
    if (host !== undefined) address.host = host;
    if (family !== undefined) address.family = family;
    const socket = path === undefined ? Socket.tcp(address) : Socket.unix({ path });
    return prepared(socket, () => socket.listen(backlog));
  }

  /** Any socket, by number or C name: `Socket.open('AF_CAN', 'SOCK_RAW', 'CAN_RAW')`. socket(2). */
  static open(family: number | string, type: number | string, protocol: number | string = 0): Socket {
    const sys = currentSys();
    const numbers = [family, type, protocol].map((name) => constantOf(sys, name)) as [number, number, number];
    const fd = sys.socket(...numbers);
    if (fd < 0) throw new SystemError(sys, 'socket', fd);
    return new Socket(sys, fd);
  }

  /** Two connected Unix sockets. socketpair(2). */
  static pair(type: number | string = 'SOCK_STREAM'): [Socket, Socket] {
    const sys = currentSys();
    const pair = new Int32Array(2);
    const result = sys.socketpair(constantOf(sys, 'AF_UNIX'), constantOf(sys, type), 0, pair);
    if (result < 0) throw new SystemError(sys, 'socketpair', result);
    return [new Socket(sys, pair[0] as number), new Socket(sys, pair[1] as number)];
  }

  /** Takes possession of an open socket's number. As {@link Descriptor.adopt}. */
  static override adopt(fd: number, options: AdoptOptions = {}): Socket {
    return new Socket(...adopted(fd, options));
  }

  /** Gives the socket a local address. Throws `SystemError` `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, … bind(2). */
  bind(like: AddressLike): this {
    const address = SocketAddress.from(like, this.sys);
    this.checkedAt('bind', this.sys.bind(this.fileno(), address.slot), address);
    return this;
  }

  /** Makes the socket accept connections. listen(2). */
  listen(backlog: number = DEFAULT_BACKLOG): this {
    this.checked('listen', this.sys.listen(this.fileno(), backlog));
    return this;
  }

  /**
   * The next connection, with its peer as `remoteAddress`; `undefined` if there is none. Throws `SystemError`:
   * `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM` mean that the connection still waits; `ECONNABORTED`, `EPROTO` and the
   * network's errors concern that one connection, go on with the next. accept4(2).
   */
  accept(): Socket | undefined {
    const { sys } = this;
    const fd = sys.accept(this.fileno(), SENDER);
    return fd >= 0 ? new Socket(sys, fd, SocketAddress.pack(PEER)) : this.blocked('accept', fd);
  }

  /**
   * Starts to connect. `true`: connected; `undefined`: wait until the socket is writable, then ask `error()`. An
   * interrupted connect goes on by itself and is never repeated. Throws `SystemError` if it failed at once (a
   * Unix listener whose queue is full: `EAGAIN`). connect(2).
   */
  connect(like: AddressLike): true | undefined {
    const address = SocketAddress.from(like, this.sys, 'connect');
    const result = this.sys.connect(this.fileno(), address.slot);
    const { EINPROGRESS, EINTR, EALREADY } = this.sys.constants as Record<string, number>;
    if (result === -(EINPROGRESS as number) || result === -(EINTR as number) || result === -(EALREADY as number)) {
      return undefined;
    }
    this.checkedAt('connect', result, address);
    return true;
  }

  /** The pending error, which this call takes away: read it once. `null` if there is none. SO_ERROR. */
  error(syscall: string = 'connect'): SystemError | null {
    const errno = this.getOption('SOL_SOCKET', 'SO_ERROR');
    return errno === 0 ? null : new SystemError(this.sys, syscall, -errno, { fd: this.fd });
  }

  /**
   * Receives at most `size` bytes: a `Buffer` of your own, empty at the end of a stream (and for an empty datagram),
   * `undefined` if that would block. recv(2).
   */
  recv(size: number = 65536, flags: number = 0): Buffer | undefined {
    return this.received(size, (buffer, length) => this.sys.recv(this.fileno(), buffer, 0, length, flags), 'recv');
  }

  /** Receives into your buffer: the bytes received, 0 at the end of a stream, `undefined` if that would block. recv(2). */
  recvInto(
    buffer: Uint8Array,
    offset: number = 0,
    length: number = buffer.length - offset,
    flags: number = 0,
  ): number | undefined {
    const result = this.sys.recv(this.fileno(), buffer, offset, length, flags);
    return result >= 0 ? result : this.blocked('recv', result);
  }

  /**
   * Sends what fits: the bytes sent, possibly fewer than given; `undefined` if that would block. No signal on a
   * broken connection, but `SystemError` `EPIPE` or `ECONNRESET`. send(2).
   */
  send(data: Data, offset: number = 0, length?: number, flags: number = 0): number | undefined {
    const bytes = toBytes(data);
    const result = this.sys.send(this.fileno(), bytes, offset, length ?? bytes.length - offset, flags);
    return result >= 0 ? result : this.blocked('send', result);
  }

  /** Receives a datagram of at most `size` bytes and its sender; `undefined` if that would block. recvmsg(2). */
  recvFrom(size: number = 65536, flags: number = 0): Datagram | undefined {
    const { sys } = this;
    const call = (buffer: Uint8Array, length: number) => sys.recvfrom(this.fileno(), buffer, 0, length, flags, SENDER);
    const data = this.received(size, call, 'recvfrom');
    if (data === undefined) return undefined;
    return { data, address: SocketAddress.compact(sys, SENDER), truncated: SENDER[1] === 1 };
  }

  /**
   * Receives a datagram into your buffer and its sender into your address (see {@link SocketAddress.empty}): the bytes
   * received, `undefined` if that would block. Nothing is allocated. recvmsg(2).
   */
  recvFromInto(buffer: Uint8Array, sender: SocketAddress, flags: number = 0): number | undefined {
    const result = this.sys.recvfrom(this.fileno(), buffer, 0, buffer.length, flags, sender.slot);
    return result >= 0 ? result : this.blocked('recvfrom', result);
  }

  /** Sends one datagram: its length, or `undefined` if that would block. `SystemError` `EMSGSIZE`: too long. sendto(2). */
  sendTo(data: Data, like: AddressLike, flags: number = 0): number | undefined {
    const address = SocketAddress.from(like, this.sys);
    const bytes = toBytes(data);
    const result = this.sys.sendto(this.fileno(), bytes, 0, bytes.length, flags, address.slot);
    return result >= 0 ? result : this.blocked('sendto', result, whereabouts(address));
  }

  /** Ends one or both directions: the peer sees the end of the stream. shutdown(2). */
  shutdown(how: 'read' | 'write' | 'both' = 'both'): this {
    const names = { read: 'SHUT_RD', write: 'SHUT_WR', both: 'SHUT_RDWR' };
    const name = names[how];
    if (name === undefined) throw new TypeError(`how must be 'read', 'write' or 'both', not '${String(how)}'`);
    this.checked('shutdown', this.sys.shutdown(this.fileno(), constantOf(this.sys, name)));
    return this;
  }

  /** The local address. getsockname(2). */
  get localAddress(): SocketAddress {
    const address = SocketAddress.empty(this.sys);
    this.checked('getsockname', this.sys.getsockname(this.fileno(), address.slot));
    return address;
  }

  /** The peer's address. Throws `SystemError` `ENOTCONN` once the peer has reset. getpeername(2). */
  get peerAddress(): SocketAddress {
    const address = SocketAddress.empty(this.sys);
    this.checked('getpeername', this.sys.getpeername(this.fileno(), address.slot));
    return address;
  }

  /** An option whose value is a C int, by number or C name: `getOption('SOL_SOCKET', 'SO_RCVBUF')`. getsockopt(2). */
  getOption(level: number | string, name: number | string): number {
    const bytes = this.getOptionBytes(level, name, INT_SIZE);
    // Some options (IP_MULTICAST_LOOP on the BSDs) are one byte.
    return bytes.length < INT_SIZE ? (bytes[0] ?? 0) : (new Int32Array(bytes.buffer, 0, 1)[0] as number);
  }

  /** An option's bytes. getsockopt(2). */
  getOptionBytes(level: number | string, name: number | string, size: number = OPTION_SIZE): Uint8Array {
    const value = new Uint8Array(size);
    const { sys } = this;
    const length = sys.getsockopt(this.fileno(), constantOf(sys, level), constantOf(sys, name), value);
    return value.subarray(0, this.checked('getsockopt', length));
  }

  /**
   * Sets an option, by number or C name: `setOption('IPPROTO_TCP', 'TCP_NODELAY', true)`. Numbers and booleans are
   * passed as a C int, anything else as its bytes. Throws `RangeError` for a number that is no 32-bit integer. setsockopt(2).
   */
  setOption(level: number | string, name: number | string, value: number | boolean | Uint8Array): this {
    const bytes = value instanceof Uint8Array ? value : intBytes(value);
    const { sys } = this;
    const result = sys.setsockopt(this.fileno(), constantOf(sys, level), constantOf(sys, name), bytes);
    this.checked('setsockopt', result);
    return this;
  }

  private checkedAt(syscall: string, result: number, address: SocketAddress): void {
    if (result < 0) this.failed(syscall, result, whereabouts(address));
  }
}

function intBytes(value: number | boolean): Uint8Array {
  const number = typeof value === 'boolean' ? Number(value) : value;
  // Written so that whatever is no number fails: |0 would throw for a BigInt.
  if (typeof number === 'number' && ((number | 0) === number || number >>> 0 === number)) {
    return new Uint8Array(Int32Array.of(number).buffer);
  }
  throw new RangeError(`an option is a 32-bit integer, a boolean or bytes, not ${String(value)}`);
}

function whereabouts(address: SocketAddress): SystemErrorDetails {
  if (address.family === 'unix') return { path: address.address };
  return { address: address.address, port: address.port };
}

function internet(type: string, options: SocketOptions, reuse: boolean): Socket {
  const { host, port, family = host?.includes(':') ? 'IPv6' : 'IPv4' } = options;
  const families = { IPv4: 'AF_INET', IPv6: 'AF_INET6' };
  if (families[family] === undefined) throw new TypeError(`family must be 'IPv4' or 'IPv6', not '${String(family)}'`);
  return prepared(Socket.open(families[family], type), (socket) => {
    if (host === undefined && port === undefined) return;
    if (reuse) socket.setOption('SOL_SOCKET', 'SO_REUSEADDR', true);
    socket.bind({ host: host ?? (family === 'IPv6' ? '::1' : undefined), port });
  });
}

/** A socket on which the next steps succeeded; one on which they did not is closed. */
function prepared(socket: Socket, steps: (socket: Socket) => void): Socket {
  try {
    steps(socket);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
