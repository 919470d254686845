/** Socket options: those that change something here are honoured, common others are kept, all the rest is refused as unknown. */

import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import type { Buffers } from './world.ts';

const { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP } = Numbers;
const INT_SIZE = 4;
const LINGER_SIZE = 8;
/** The kernel doubles what is asked for, and keeps it between these. */
const LEAST_SEND = 4608;
const LEAST_RECEIVE = 2304;
const MOST_BUFFER = 425_984;

type Key = `${number}:${number}`;

function key(level: number, name: number): Key {
  return `${level}:${name}`;
}

/** Options that every socket has, with their first value. `null`: that of the system. */
const COMMON: readonly (readonly [Key, number])[] = [
  [key(SOL_SOCKET, Numbers.SO_REUSEADDR), 0],
  [key(SOL_SOCKET, Numbers.SO_REUSEPORT), 0],
  [key(SOL_SOCKET, Numbers.SO_KEEPALIVE), 0],
  [key(SOL_SOCKET, Numbers.SO_BROADCAST), 0],
];
const INTERNET: readonly (readonly [Key, number])[] = [
  [key(IPPROTO_IP, Numbers.IP_TOS), 0],
  [key(IPPROTO_IP, Numbers.IP_TTL), 64],
];
const V6_ONLY: readonly [Key, number] = [key(IPPROTO_IPV6, Numbers.IPV6_V6ONLY), 0];
const TCP: readonly (readonly [Key, number])[] = [
  [key(IPPROTO_TCP, Numbers.TCP_NODELAY), 0],
  [key(IPPROTO_TCP, Numbers.TCP_CORK), 0],
  [key(IPPROTO_TCP, Numbers.TCP_QUICKACK), 1],
  [key(IPPROTO_TCP, Numbers.TCP_KEEPIDLE), 7200],
  [key(IPPROTO_TCP, Numbers.TCP_KEEPINTVL), 75],
  [key(IPPROTO_TCP, Numbers.TCP_KEEPCNT), 9],
  [key(IPPROTO_TCP, Numbers.TCP_USER_TIMEOUT), 0],
];
/** What a fresh socket has, by its kind: shared by all that have changed nothing. */
const FIRST: Record<
  'unix' | 'ipv4Stream' | 'ipv4Datagram' | 'ipv6Stream' | 'ipv6Datagram',
  ReadonlyMap<Key, number>
> = {
  unix: new Map(COMMON),
  ipv4Stream: new Map([...COMMON, ...INTERNET, ...TCP]),
  ipv4Datagram: new Map([...COMMON, ...INTERNET]),
  ipv6Stream: new Map([...COMMON, ...INTERNET, ...TCP, V6_ONLY]),
  ipv6Datagram: new Map([...COMMON, ...INTERNET, V6_ONLY]),
};
const UNIX_LEVELS: readonly number[] = [SOL_SOCKET];
const INTERNET_LEVELS: readonly number[] = [SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP];
const FLAGS: ReadonlySet<Key> = new Set([
  ...COMMON.map(([each]) => each),
  key(IPPROTO_TCP, Numbers.TCP_NODELAY),
  key(IPPROTO_TCP, Numbers.TCP_CORK),
  key(IPPROTO_IPV6, Numbers.IPV6_V6ONLY),
]);

/** The options of one socket. */
export class SocketOptionValues {
  private readonly first: ReadonlyMap<Key, number>;
  /** What was set since; most sockets set nothing. */
  private changed: Map<Key, number> | null = null;
  private readonly levels: readonly number[];
  private lingers = false;
  private lingerSeconds = 0;
  /** SO_SNDBUF. */
  sendBuffer: number;
  /** SO_RCVBUF. */
  receiveBuffer: number;

  /** Of a socket of this family and type. */
  constructor(family: number, type: number, buffers: Buffers) {
    this.first = firstOf(family, type);
    this.levels = family === Numbers.AF_UNIX ? UNIX_LEVELS : INTERNET_LEVELS;
    this.sendBuffer = buffers.send;
    this.receiveBuffer = buffers.receive;
  }

  /** Whether a close resets the connection: SO_LINGER with no time. */
  get resetsOnClose(): boolean {
    return this.lingers && this.lingerSeconds === 0;
  }

  /** Whether an option of SOL_SOCKET (or of this level) is on. */
  has(name: number, level: number = SOL_SOCKET): boolean {
    // All that are asked for here are off at first.
    return this.changed !== null && (this.valueOf(key(level, name)) ?? 0) !== 0;
  }

  /** What an accepted connection has of its listener. */
  inherit(from: SocketOptionValues): void {
    this.changed = from.changed === null ? null : new Map(from.changed);
    this.lingers = from.lingers;
    this.lingerSeconds = from.lingerSeconds;
    this.sendBuffer = from.sendBuffer;
    this.receiveBuffer = from.receiveBuffer;
  }

  /** getsockopt(2) for what is an option and no state: the bytes written, or `-errno`. */
  get(level: number, name: number, value: Uint8Array): number {
    if (level === SOL_SOCKET && name === Numbers.SO_LINGER) {
      return writeInts(value, [this.lingers ? 1 : 0, this.lingerSeconds]);
    }
    const found = this.numberOf(level, name);
    return found === undefined ? -this.unknown(level) : writeInts(value, [found]);
  }

  /** setsockopt(2): 0 or `-errno`. */
  set(level: number, name: number, value: Uint8Array): number {
    if (value.length < INT_SIZE) return -Errno.EINVAL;
    const [first, second] = [intAt(value, 0), value.length >= LINGER_SIZE ? intAt(value, 1) : 0];
    if (level === SOL_SOCKET && name === Numbers.SO_LINGER) {
      if (value.length < LINGER_SIZE) return -Errno.EINVAL;
      this.lingers = first !== 0;
      if (this.lingers) this.lingerSeconds = second;
      return 0;
    }
    if (level === SOL_SOCKET && name === Numbers.SO_SNDBUF) {
      this.sendBuffer = buffer(first, LEAST_SEND);
      return 0;
    }
    if (level === SOL_SOCKET && name === Numbers.SO_RCVBUF) {
      this.receiveBuffer = buffer(first, LEAST_RECEIVE);
      return 0;
    }
    const each = key(level, name);
    if (!this.first.has(each)) return -this.unknown(level);
    this.changed ??= new Map();
    this.changed.set(each, FLAGS.has(each) ? (first === 0 ? 0 : 1) : first);
    return 0;
  }

  /** A level that the socket does not have is one thing, an option that the level lacks another. */
  private unknown(level: number): number {
    return this.levels.includes(level) ? Errno.ENOPROTOOPT : Errno.EOPNOTSUPP;
  }

  private numberOf(level: number, name: number): number | undefined {
    if (level === SOL_SOCKET && name === Numbers.SO_SNDBUF) return this.sendBuffer;
    if (level === SOL_SOCKET && name === Numbers.SO_RCVBUF) return this.receiveBuffer;
    return this.valueOf(key(level, name));
  }

  private valueOf(each: Key): number | undefined {
    return this.changed?.get(each) ?? this.first.get(each);
  }
}

function firstOf(family: number, type: number): ReadonlyMap<Key, number> {
  if (family === Numbers.AF_UNIX) return FIRST.unix;
  const isStream = type === Numbers.SOCK_STREAM;
  if (family === Numbers.AF_INET6) return isStream ? FIRST.ipv6Stream : FIRST.ipv6Datagram;
  return isStream ? FIRST.ipv4Stream : FIRST.ipv4Datagram;
}

/** Writes C ints, as many bytes of them as there is room for. How many. */
export function writeInts(value: Uint8Array, ints: readonly number[]): number {
  const bytes = new Uint8Array(Int32Array.from(ints).buffer).subarray(0, value.length);
  value.set(bytes);
  return bytes.length;
}

function intAt(value: Uint8Array, index: number): number {
  return new DataView(value.buffer, value.byteOffset, value.byteLength).getInt32(index * INT_SIZE, true);
}

function buffer(asked: number, least: number): number {
  return Math.min(Math.max(least, asked * 2), MOST_BUFFER);
}
