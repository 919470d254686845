/**
 * Multicast groups: the same four options, which IPv4 and IPv6 spell differently. A table says how; the structures that the options
 * take are packed here.
 */

import { type Socket, SocketAddress, type Sys } from '../os/index.ts';

type OptionName = readonly [level: string, name: string];

/** How a family calls its options. */
interface Spelling {
  readonly unicastTtl: OptionName;
  readonly ttl: OptionName;
  readonly loopback: OptionName;
  readonly interface: OptionName;
  readonly join: OptionName;
  readonly leave: OptionName;
}

const SPELLING: Readonly<Record<'IPv4' | 'IPv6', Spelling>> = {
  IPv4: {
    unicastTtl: ['IPPROTO_IP', 'IP_TTL'],
    ttl: ['IPPROTO_IP', 'IP_MULTICAST_TTL'],
    loopback: ['IPPROTO_IP', 'IP_MULTICAST_LOOP'],
    interface: ['IPPROTO_IP', 'IP_MULTICAST_IF'],
    join: ['IPPROTO_IP', 'IP_ADD_MEMBERSHIP'],
    leave: ['IPPROTO_IP', 'IP_DROP_MEMBERSHIP'],
  },
  IPv6: {
    unicastTtl: ['IPPROTO_IPV6', 'IPV6_UNICAST_HOPS'],
    ttl: ['IPPROTO_IPV6', 'IPV6_MULTICAST_HOPS'],
    loopback: ['IPPROTO_IPV6', 'IPV6_MULTICAST_LOOP'],
    interface: ['IPPROTO_IPV6', 'IPV6_MULTICAST_IF'],
    join: ['IPPROTO_IPV6', 'IPV6_JOIN_GROUP'],
    leave: ['IPPROTO_IPV6', 'IPV6_LEAVE_GROUP'],
  },
};
/** Where the address stands in a sockaddr_in and a sockaddr_in6, and how long it is. */
const PLACE = { IPv4: [4, 4], IPv6: [8, 16] } as const;
/** Any. */
const NO_ADDRESS = new Uint8Array(4);
/** An IPv6 address that may have a scope, to find an interface's index by its name. */
const LINK_LOCAL = 'fe80::1';

/** The names of a family's options. */
export function multicastOf(family: 'IPv4' | 'IPv6'): Spelling {
  return SPELLING[family];
}

/** IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP. */
export function joinGroup(socket: Socket, family: 'IPv4' | 'IPv6', group: string, which?: string | number): void {
  socket.setOption(...SPELLING[family].join, membership(socket.sys, family, group, which));
}

/** IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP. */
export function dropMembership(socket: Socket, family: 'IPv4' | 'IPv6', group: string, which?: string | number): void {
  socket.setOption(...SPELLING[family].leave, membership(socket.sys, family, group, which));
}

/** IP_MULTICAST_IF, IPV6_MULTICAST_IF. */
export function setMulticastInterface(socket: Socket, family: 'IPv4' | 'IPv6', which: string | number): void {
  const { address, index } = interfaceOf(socket.sys, family, which);
  const value = family === 'IPv6' ? int(index) : joined(NO_ADDRESS, address, int(index));
  socket.setOption(...SPELLING[family].interface, value);
}

/** struct ip_mreqn, struct ipv6_mreq. */
function membership(sys: Sys, family: 'IPv4' | 'IPv6', group: string, which?: string | number): Uint8Array {
  if (typeof group !== 'string') throw new TypeError(`a group is an address like '239.255.1.1', not ${String(group)}`);
  const bytes = addressBytes(sys, family, group);
  // What an address says of its interface counts where nothing else is said: `ff02::1%eth0`.
  const named = which === undefined ? (SocketAddress.from({ host: group }, sys).scopeid ?? 0) : which;
  const { address, index } = interfaceOf(sys, family, named);
  return family === 'IPv6' ? joined(bytes, int(index)) : joined(bytes, address, int(index));
}

/** An interface by what is known of it: an address of its own, or its index; 0 for the one that the system chooses. */
function interfaceOf(sys: Sys, family: string, which: string | number): { address: Uint8Array; index: number } {
  if (typeof which === 'number') {
    if (Number.isInteger(which) && which >= 0) return { address: NO_ADDRESS, index: which };
    throw new RangeError(`an interface's index is a whole number from 0 on, not ${which}`);
  }
  if (typeof which !== 'string' || which === '') {
    throw new TypeError(`an interface is given by its name, its index or its IPv4 address, not ${String(which)}`);
  }
  if (family === 'IPv4' && /^[\d.]+$/.test(which)) {
    return { address: addressBytes(sys, 'IPv4', which), index: 0 };
  }
  return { address: NO_ADDRESS, index: SocketAddress.from({ host: `${LINK_LOCAL}%${which}` }, sys).scopeid ?? 0 };
}

function addressBytes(sys: Sys, family: 'IPv4' | 'IPv6', host: string): Uint8Array {
  const address = SocketAddress.from({ host }, sys);
  if (address.family !== family)
    throw new TypeError(`'${host}' is no ${family} address, and the socket is of ${family}`);
  const [start, length] = PLACE[family];
  return address.bytes.subarray(start, start + length);
}

function int(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
