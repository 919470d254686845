/**
 * Socket addresses in the layout of Linux: packed into a slot and out of it, in the text form that the C library gives them. By hand,
 * since there may be no addon to ask, and no Node either.
 */

import type { DecodedAddress } from '../../os/index.ts';
import { Numbers } from './constants.ts';
import { Errno } from './errno.ts';
import { formatIPv6, parseIPv4, parseIPv6 } from './internet.ts';

const { AF_UNIX, AF_INET, AF_INET6 } = Numbers;
/** The bytes of a slot before the `sockaddr`. */
const HEADER = 2;
const FAMILY_SIZE = 2;
const IPV4_SIZE = 16;
const IPV6_SIZE = 28;
const IPV6_HOST = 8;
const IPV6_SCOPE = 24;
/** Bytes of `sun_path`. */
const PATH_ROOM = 108;
/** The one interface there is. */
const LOOPBACK = { name: 'lo', index: 1 } as const;

/** Where an internet socket stands or wants to go. An IPv4 address in an IPv6 socket is kept as IPv4. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a slot says, for the sockets: an endpoint, the name of a Unix socket (`''`: none), or neither. */
export type SocketName = Endpoint | string | undefined;

/** Packs an internet address. 0, `-EINVAL` for what is none, `-ENODEV` for an interface that there is not. */
export function packInternet(slot: Uint8Array, host: string, port: number, scopeid: number): number {
  const v4 = parseIPv4(host);
  if (v4 !== null) {
    writeHead(slot, IPV4_SIZE, AF_INET, port);
    slot.set(v4, HEADER + 4);
    return 0;
  }
  const [digits = '', scope] = splitOnce(host, '%');
  const v6 = parseIPv6(digits);
  if (v6 === null) return -Errno.EINVAL;
  const index = scope === undefined ? scopeid : scopeIndex(scope);
  if (index < 0) return index;
  writeHead(slot, IPV6_SIZE, AF_INET6, port);
  slot.set(v6, HEADER + IPV6_HOST);
  view(slot).setUint32(HEADER + IPV6_SCOPE, index, true);
  return 0;
}

/** Packs a path or an abstract name. 0, `-EINVAL` or `-ENAMETOOLONG`. */
export function packUnix(slot: Uint8Array, path: string): number {
  if (path === '') return -Errno.EINVAL;
  const abstract = path.startsWith('\0');
  if (!abstract && path.includes('\0')) return -Errno.EINVAL;
  const bytes = new TextEncoder().encode(path);
  const length = bytes.length + (abstract ? 0 : 1);
  if (length > PATH_ROOM) return -Errno.ENAMETOOLONG;
  slot.fill(0);
  slot[0] = FAMILY_SIZE + length;
  slot[HEADER] = AF_UNIX;
  slot.set(bytes, HEADER + FAMILY_SIZE);
  return 0;
}

/** As Node shows it. */
export function decode(slot: Uint8Array): DecodedAddress {
  const bytes = slot.subarray(HEADER, HEADER + (slot[0] as number));
  const family = familyOf(slot);
  if (family === AF_INET && bytes.length >= IPV4_SIZE) {
    return { family: 'IPv4', address: bytes.subarray(4, 8).join('.'), port: portOf(bytes) };
  }
  if (family === AF_INET6 && bytes.length >= IPV6_SIZE) {
    const scopeid = view(bytes).getUint32(IPV6_SCOPE, true);
    const address = formatIPv6(bytes.subarray(IPV6_HOST, IPV6_HOST + 16));
    return { family: 'IPv6', address, port: portOf(bytes), ...(scopeid === 0 ? {} : { scopeid }) };
  }
  if (family === AF_UNIX) return { family: 'unix', address: pathOf(bytes), port: 0 };
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  return { family: 'raw', address: digits.join(''), port: 0 };
}

/** The family of the address in a slot; -1 for an empty slot. */
export function familyOf(slot: Uint8Array): number {
  return (slot[0] as number) < FAMILY_SIZE ? -1 : view(slot).getUint16(HEADER, true);
}

/** What the sockets make of a slot. */
export function nameIn(slot: Uint8Array): SocketName {
  const { family, address, port } = decode(slot);
  if (family === 'unix') return address;
  if (family === 'IPv4') return { host: address, port };
  if (family === 'IPv6') return { host: address.replace(/^::ffff:(?=\d+\.)/, ''), port };
  return undefined;
}

/** Writes an endpoint as a socket of this family shows it. */
export function writeEndpoint(slot: Uint8Array, family: number, { host, port }: Endpoint): void {
  const isV4 = !host.includes(':');
  const text = family === AF_INET6 && isV4 ? (host === '0.0.0.0' ? '::' : `::ffff:${host}`) : host;
  packInternet(slot, text, port, 0);
  slot[1] = 0;
}

/** Writes the name of a Unix socket, or that it has none. */
export function writeUnixName(slot: Uint8Array, name: string): void {
  if (name !== '') packUnix(slot, name);
  else {
    slot[0] = FAMILY_SIZE;
    view(slot).setUint16(HEADER, AF_UNIX, true);
  }
  slot[1] = 0;
}

function writeHead(slot: Uint8Array, length: number, family: number, port: number): void {
  slot.fill(0, 0, HEADER + length);
  slot[0] = length;
  view(slot).setUint16(HEADER, family, true);
  view(slot).setUint16(HEADER + FAMILY_SIZE, port);
}

function portOf(bytes: Uint8Array): number {
  return view(bytes).getUint16(FAMILY_SIZE);
}

function pathOf(bytes: Uint8Array): string {
  const name = bytes.subarray(FAMILY_SIZE);
  if (name[0] === 0) return new TextDecoder().decode(name);
  const end = name.indexOf(0);
  return new TextDecoder().decode(end < 0 ? name : name.subarray(0, end));
}

function scopeIndex(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) <= 0xffff_ffff ? Number(text) : -Errno.EINVAL;
  if (text === '' || text.includes('\0')) return -Errno.EINVAL;
  return text === LOOPBACK.name ? LOOPBACK.index : -Errno.ENODEV;
}

function splitOnce(text: string, by: string): [string, string?] {
  const place = text.indexOf(by);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
