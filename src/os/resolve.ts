/**
 * Looking up a name, raw: a descriptor that becomes readable once there is an answer. The question is asked on a thread of the addon's,
 * as getaddrinfo(3) blocks, and takes what it likes: half a minute, if a name server is dead.
 *
 * There is nothing to be cancelled: who closes the descriptor has lost interest, and the answer goes nowhere.
 */

import { SocketAddress } from './address.ts';
import { Descriptor } from './descriptor.ts';
import { SystemError } from './errors.ts';
import { currentSys } from './native.ts';
import { ADDRESS_SLOT_SIZE, LOOKUP_HEADER, type Sys } from './sys.ts';

/** Names longer than this do not exist (RFC 1035), and some resolvers do not say so. */
const LONGEST_NAME = 255;
const SLOT_HEADER = 2;

/** Options of {@link NameLookup.start}. */
export interface LookupOptions {
  /** Addresses of one family only. Default: of both. */
  family?: 'IPv4' | 'IPv6';
}

/**
 * A name that is being looked up: readable once {@link NameLookup.answer} has something to say. Close it, answered or not.
 *
 * @example
 * using lookup = NameLookup.start('localhost');
 * poll([[lookup, constants.POLLIN]]);
 * const addresses = lookup.answer(); // undefined: not yet
 */
export class NameLookup extends Descriptor {
  /** The name that was asked for. */
  readonly hostname: string;
  /** What has come so far. */
  private bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  private constructor(sys: Sys, fd: number, hostname: string) {
    super(sys, fd);
    this.hostname = hostname;
  }

  /**
   * Asks. Throws `TypeError` for what is no name or family, `SystemError` `ENAMETOOLONG` (more than 255 bytes), `EMFILE`, `EAGAIN`
   * (no thread can be had). getaddrinfo(3).
   */
  static start(hostname: string, options: LookupOptions = {}): NameLookup {
    const sys = currentSys();
    const family = familyOf(sys, options.family);
    checkName(sys, hostname);
    const fd = sys.getaddrinfo(hostname, family);
    if (fd < 0) throw new SystemError(sys, 'getaddrinfo', fd, { hostname });
    return new NameLookup(sys, fd, hostname);
  }

  /**
   * The addresses, with port 0, in the order of the resolver (the one to try first comes first); `undefined` if there is no answer yet.
   * Once: afterwards there is nothing left to read. Throws `SystemError` with `hostname`: `ENOTFOUND` (there is no such name, or it
   * has no address of that family), `EAI_AGAIN` (no name server has answered; later one may), `EAI_FAIL`, and others of getaddrinfo(3).
   */
  answer(): SocketAddress[] | undefined {
    for (;;) {
      const part = this.read();
      if (part === undefined) return undefined;
      if (part.length === 0) return this.decoded();
      const all = new Uint8Array(this.bytes.length + part.length);
      all.set(this.bytes);
      all.set(part, this.bytes.length);
      this.bytes = all;
    }
  }

  private decoded(): SocketAddress[] {
    const { sys, hostname, bytes } = this;
    // A thread that ended without a word: it cannot, but a wrapped or simulated system might make it look so.
    const status =
      bytes.length < LOOKUP_HEADER
        ? -(sys.constants.EAI_FAIL as number)
        : new DataView(bytes.buffer).getInt32(0, LITTLE_ENDIAN);
    if (status < 0) throw new SystemError(sys, 'getaddrinfo', status, { hostname });
    const addresses: SocketAddress[] = [];
    for (let at = LOOKUP_HEADER; at < bytes.length; ) {
      const end = at + SLOT_HEADER + (bytes[at] as number);
      const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
      slot.set(bytes.subarray(at, end));
      addresses.push(SocketAddress.compact(sys, slot));
      at = end;
    }
    return addresses;
  }
}

/** The status is an int of this machine. */
const LITTLE_ENDIAN: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function familyOf(sys: Sys, family: LookupOptions['family']): number {
  const names = { IPv4: 'AF_INET', IPv6: 'AF_INET6' };
  const name = family === undefined ? 'AF_UNSPEC' : names[family];
  if (name === undefined) throw new TypeError(`family must be 'IPv4' or 'IPv6', not '${String(family)}'`);
  return sys.constants[name] as number;
}

/** @internal Throws for what no resolver should be asked. */
export function checkName(sys: Sys, hostname: string): void {
  if (typeof hostname !== 'string') throw new TypeError(`a host is a string, not ${String(hostname)}`);
  if (hostname === '') throw new TypeError("the host is empty; '127.0.0.1' and '::1' are this machine");
  if (hostname.includes('\0')) throw new TypeError('a host cannot hold a NUL character');
  if (new TextEncoder().encode(hostname).length <= LONGEST_NAME) return;
  const hint = `a name has at most ${LONGEST_NAME} bytes`;
  throw new SystemError(sys, 'getaddrinfo', -(sys.constants.ENAMETOOLONG as number), {
    hostname: `${hostname.slice(0, SHOWN)}…`,
    hint,
  });
}

/** How much of a name that is too long an error shows. */
const SHOWN = 32;
