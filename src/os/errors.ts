/**
 * Errors of the operating system in the shape that Node gives its own, so that code which looks at `code`,
 * `errno` and `syscall` works with ours unchanged; and the one error that the system cannot report: use of a
 * descriptor that we closed (its number may be another's by now, so asking the kernel would be wrong).
 */

import type { Sys } from './sys.ts';

/** What the kernel means, for the errors that a network or device program meets. */
const MEANING: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EAI_ADDRFAMILY: 'the name has no address of this family',
  EAI_AGAIN: 'no name server has answered; it may later',
  EAI_FAIL: 'the name server cannot answer',
  EAI_FAMILY: 'address family not supported',
  EAI_MEMORY: 'not enough memory to look up a name',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available',
  EAFNOSUPPORT: 'address family not supported',
  EAGAIN: 'resource temporarily unavailable',
  EBADF: 'bad file descriptor',
  EBUSY: 'resource busy or locked',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EDESTADDRREQ: 'destination address required',
  EEXIST: 'already exists',
  EHOSTUNREACH: 'no route to host',
  EINTR: 'interrupted system call',
  EINVAL: 'invalid argument',
  EIO: 'i/o error',
  EISCONN: 'socket is already connected',
  ELOOP: 'too many levels (of symbolic links, or of pollers in pollers)',
  EMFILE: 'too many open files in this process',
  EMSGSIZE: 'message too long',
  ENAMETOOLONG: 'name too long',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network is unreachable',
  ENFILE: 'too many open files in the system',
  ENOBUFS: 'no buffer space available',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
  ENOMEM: 'not enough memory',
  ENOPROTOOPT: 'protocol option not available',
  ENOSPC: 'no space left (of a device, or of the epoll watches per user)',
  ENOSYS: 'this system has no such call',
  ENOTCONN: 'socket is not connected',
  ENOTFOUND: 'there is no such name, or it has no address',
  ENOTSOCK: 'not a socket',
  ENOTSUP: 'operation not supported',
  ENXIO: 'no such device or address',
  EOPNOTSUPP: 'operation not supported on socket',
  EPERM: 'operation not permitted',
  EPIPE: 'broken pipe',
  EPROTO: 'protocol error',
  EPROTONOSUPPORT: 'protocol not supported',
  EPROTOTYPE: 'wrong protocol type for this socket',
  ETIMEDOUT: 'connection timed out',
};

/** Errno names that share a number with a better known one; never chosen as the `code`. */
const ALIASES: ReadonlySet<string> = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP']);

/** What Node calls an error of getaddrinfo, where it has a name of its own for it. */
const NODE_CODES: Readonly<Record<string, string>> = { EAI_NODATA: 'ENOTFOUND', EAI_NONAME: 'ENOTFOUND' };

/** EPOLLIN, and ECHO, ECHOE, … of termios also start with an E. */
const NO_ERRNO = /^(EPOLL|ECHO|EXT)/;

const names = new WeakMap<object, Map<number, string>>();

/** The name of an errno on this system: `errnoName(sys, -11)` is `'EAGAIN'` on Linux. The sign does not matter. */
export function errnoName(sys: Sys, errno: number): string {
  let table = names.get(sys.constants);
  if (table === undefined) {
    table = new Map();
    for (const [name, value] of Object.entries(sys.constants)) {
      if (/^E(AI_)?[A-Z0-9]+$/.test(name) && !NO_ERRNO.test(name) && !ALIASES.has(name)) {
        table.set(value, name);
      }
    }
    names.set(sys.constants, table);
  }
  return table.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`;
}

/** What a system call was about, for the message and the fields of a {@link SystemError}. */
export interface SystemErrorDetails {
  fd?: number | undefined;
  address?: string | undefined;
  port?: number | undefined;
  path?: string | undefined;
  /** The name that was looked up. */
  hostname?: string | undefined;
  /** A sentence added to the message: what to do. */
  hint?: string | undefined;
  cause?: unknown;
}

/**
 * A system call that failed. Same fields as Node's own: `code` (`'ECONNREFUSED'`), `errno` (negative),
 * `syscall`, and where they apply `fd`, `address`, `port`, `path`, `hostname`.
 */
export class SystemError extends Error {
  override readonly name = 'SystemError' as const;
  /** The errno's name: `'ECONNRESET'`. */
  readonly code: string;
  /** The errno, negative as in Node. */
  readonly errno: number;
  /** The call: `'recv'`. */
  readonly syscall: string;
  declare readonly fd?: number;
  declare readonly address?: string;
  declare readonly port?: number;
  declare readonly path?: string;
  declare readonly hostname?: string;

  constructor(sys: Sys, syscall: string, errno: number, details: SystemErrorDetails = {}) {
    const name = errnoName(sys, errno);
    const code = NODE_CODES[name] ?? name;
    const meaning = MEANING[code];
    const { fd, address, port, path, hostname, hint, cause } = details;
    let message = `${syscall} ${code}`;
    if (meaning !== undefined) message += `: ${meaning}`;
    if (address !== undefined) message += ` ${address.includes(':') ? `[${address}]` : address}:${port ?? 0}`;
    if (path !== undefined) message += ` '${path.replace(/^\0/, '@')}'`;
    if (hostname !== undefined) message += ` '${hostname}'`;
    if (hint !== undefined) message += ` (${hint})`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = -Math.abs(errno);
    this.syscall = syscall;
    if (fd !== undefined) this.fd = fd;
    if (address !== undefined) this.address = address;
    if (port !== undefined) this.port = port;
    if (path !== undefined) this.path = path;
    if (hostname !== undefined) this.hostname = hostname;
  }
}

/** Use of a descriptor after its close, or a wait that its close ended. `code` is `'ERR_GENLOOP_CLOSED'`. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError' as const;
  readonly code = 'ERR_GENLOOP_CLOSED' as const;

  constructor(message: string) {
    super(message);
  }
}

/**
 * Whether `result` says "would block". Everything else below zero is a failure.
 */
export function wouldBlock(sys: Sys, result: number): boolean {
  return result === -(sys.constants.EAGAIN as number) || result === -(sys.constants.EWOULDBLOCK as number);
}
