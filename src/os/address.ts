/**
 * Socket addresses. The kernel's bytes are kept as they came and decoded when somebody looks: a datagram server
 * that answers whoever asked never pays for text, and an address family that nobody here knows (CAN, netlink,
 * packet) passes through as bytes.
 */

import { SystemError } from './errors.ts';
import { currentSys } from './native.ts';
import { ADDRESS_SLOT_SIZE, type DecodedAddress, type Sys } from './sys.ts';

/** Host used where none is given: nothing listens to the outside unasked. */
export const DEFAULT_HOST = '127.0.0.1' as const;

const MAX_PORT = 65535;
/** The bytes of an address slot before the `sockaddr`. */
const SLOT_HEADER = 2;
/** The smallest `sockaddr` is its family alone. */
const FAMILY_SIZE = 2;

/** An internet address, as options: `host` and `address` are synonyms and numeric. */
export interface InternetAddress {
  /** Numeric IPv4 or IPv6 address, `%scope` allowed; 127.0.0.1 if absent. */
  host?: string | undefined;
  /** The same as `host`, by the name under which Node reports it. */
  address?: string | undefined;
  /** 0 to 65535; 0 lets the kernel choose. */
  port?: number | undefined;
  /** IPv6 scope (interface index). */
  scopeid?: number | undefined;
}

/** A Unix address, as options: a path, or on Linux an abstract name that starts with `\0`. */
export interface UnixAddress {
  path: string;
}

/** What every call that takes an address accepts. */
export type AddressLike = SocketAddress | InternetAddress | UnixAddress;

/**
 * An address in the kernel's layout with Node's fields on top: `family`, `address`, `port`, `scopeid`.
 *
 * Made by the calls that report one, by {@link SocketAddress.from}, or, for families of which only the bytes
 * are known, by {@link SocketAddress.raw}. One made by {@link SocketAddress.empty} may be passed to
 * `recvFromInto` again and again.
 */
export class SocketAddress {
  /** The address slot (see `sys.ts`): length, truncation mark, `sockaddr`. */
  readonly slot: Uint8Array;
  private readonly sys: Sys;

  private constructor(sys: Sys, slot: Uint8Array) {
    this.sys = sys;
    this.slot = slot;
  }

  /** An address to be filled in by `recvFromInto`. */
  static empty(sys: Sys = currentSys()): SocketAddress {
    return new SocketAddress(sys, new Uint8Array(ADDRESS_SLOT_SIZE));
  }

  /** @internal A copy of a slot that calls write to, as long as its address. */
  static compact(sys: Sys, slot: Uint8Array): SocketAddress {
    return new SocketAddress(sys, slot.slice(0, SLOT_HEADER + (slot[0] as number)));
  }

  /**
   * @internal The same as characters, a byte each: what is kept of every connection until somebody asks. A typed array of 18 bytes
   * takes 230 in the heap, and such a string 40.
   */
  static pack(slot: Buffer): string {
    return slot.toString('latin1', 0, SLOT_HEADER + (slot[0] as number));
  }

  /** @internal What {@link SocketAddress.pack} has packed. */
  static unpack(sys: Sys, packed: string): SocketAddress {
    return new SocketAddress(
      sys,
      Uint8Array.from({ length: packed.length }, (_, at) => packed.charCodeAt(at)),
    );
  }

  /** @internal Over a slot of somebody's: shows what it holds at each look. */
  static over(sys: Sys, slot: Uint8Array): SocketAddress {
    return new SocketAddress(sys, slot);
  }

  /**
   * Packs an address; `syscall` is what errors say that it was for. Throws `TypeError` (no numeric address: names are not resolved here), `RangeError` (port),
   * `SystemError` (a path that is too long: `ENAMETOOLONG`; a scope without an interface: `ENODEV`).
   */
  static from(like: AddressLike, sys: Sys = currentSys(), syscall: string = 'bind'): SocketAddress {
    if (like instanceof SocketAddress) return like;
    if (typeof like !== 'object' || like === null) {
      throw new TypeError(`an address is an object like { host, port } or { path }, not ${String(like)}`);
    }
    const address = SocketAddress.empty(sys);
    if ('path' in like && like.path !== undefined) {
      if (typeof like.path !== 'string') throw new TypeError('the path of a Unix address must be a string');
      const result = sys.packPath(address.slot, like.path);
      if (result < 0) throw new SystemError(sys, syscall, result, { path: like.path, hint: pathHint(like.path) });
      return address;
    }
    const { host, address: text = host ?? DEFAULT_HOST, port = 0, scopeid = 0 } = like as InternetAddress;
    if (typeof text !== 'string') throw new TypeError('host must be a string with a numeric address');
    if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
      const given = typeof port === 'string' ? `the text '${port}'` : String(port);
      throw new RangeError(`port must be an integer from 0 to ${MAX_PORT}, not ${given}`);
    }
    // The sum makes a -0 a 0.
    const result = sys.packAddress(address.slot, text, port + 0, scopeid);
    if (result === -(sys.constants.EINVAL as number)) {
      throw new TypeError(`'${text}' is not a numeric IPv4 or IPv6 address; names are not resolved at this level`);
    }
    if (result < 0) throw new SystemError(sys, 'if_nametoindex', result, { address: text, port });
    return address;
  }

  /** Any `sockaddr`, as bytes in the kernel's layout (2 to 128 bytes, the family first). */
  static raw(bytes: Uint8Array, sys: Sys = currentSys()): SocketAddress {
    const room = ADDRESS_SLOT_SIZE - SLOT_HEADER;
    if (bytes.length < FAMILY_SIZE || bytes.length > room) {
      throw new RangeError(`a sockaddr has ${FAMILY_SIZE} to ${room} bytes, not ${bytes.length}`);
    }
    const address = SocketAddress.empty(sys);
    address.slot[0] = bytes.length;
    address.slot.set(bytes, SLOT_HEADER);
    return address;
  }

  /** `'IPv4'`, `'IPv6'`, `'unix'`, or `'raw'` for every other family. */
  get family(): DecodedAddress['family'] {
    return this.decoded().family;
  }

  /** Numeric host; the path of a Unix address (`''` if unnamed); hexadecimal bytes of any other family. */
  get address(): string {
    return this.decoded().address;
  }

  /** The port, 0 where there is none. */
  get port(): number {
    return this.decoded().port;
  }

  /** The IPv6 scope, if there is one. */
  get scopeid(): number | undefined {
    return this.decoded().scopeid;
  }

  /** The `sockaddr` itself (a copy). */
  get bytes(): Uint8Array {
    return this.slot.slice(SLOT_HEADER, SLOT_HEADER + (this.slot[0] as number));
  }

  /** A copy that later receives do not overwrite. */
  clone(): SocketAddress {
    return new SocketAddress(this.sys, this.slot.slice());
  }

  /** The fields as a plain object. */
  toJSON(): DecodedAddress {
    return this.decoded();
  }

  /** `127.0.0.1:80`, `[::1]:80`, a path (`@name` if abstract), or hexadecimal bytes. */
  toString(): string {
    const { family, address, port } = this.decoded();
    if (family === 'IPv4') return `${address}:${port}`;
    if (family === 'IPv6') return `[${address}]:${port}`;
    if (family === 'unix') return address === '' ? '(unnamed)' : address.replace(/^\0/, '@');
    return address;
  }

  private decoded(): DecodedAddress {
    return this.sys.unpackAddress(this.slot);
  }
}

// So that `console.log(address)` shows the fields, not the bytes.
Object.defineProperty(SocketAddress.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: SocketAddress): DecodedAddress {
    return this.toJSON();
  },
});

function pathHint(path: string): string {
  if (path === '') return 'an empty path names no socket';
  if (path.indexOf('\0', 1) > 0 && !path.startsWith('\0')) return 'a path cannot hold a NUL character';
  return 'a Unix socket path holds about 100 bytes; use a shorter one, or a relative one';
}
