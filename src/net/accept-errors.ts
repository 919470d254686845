/**
 * What an accept that failed is about: the one connection that it has thrown away, this process (or system) that has
 * nothing left to accept with, or the listener itself. accept(2) lists them; a server that takes one for another either
 * ends because of a client that hung up, or spins.
 */

import { SystemError } from '../os/index.ts';

/**
 * The kernel reports these of a connection that is gone: aborted, refused by a firewall (EPERM), or with a network error
 * that was already pending on it. The next may be fine.
 */
const TRANSIENT: ReadonlySet<string> = new Set([
  ...['ECONNABORTED', 'ECONNRESET', 'ECONNREFUSED', 'EPERM', 'EPROTO', 'ENOPROTOOPT', 'EOPNOTSUPP', 'ETIMEDOUT'],
  ...['ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENONET', 'ESOCKTNOSUPPORT', 'EPROTONOSUPPORT'],
]);

/** There is no descriptor or no memory left. The connection still waits in the kernel. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOSR']);

/** @internal Whether only that one connection is lost. */
export function isTransient(error: unknown): error is SystemError {
  return error instanceof SystemError && TRANSIENT.has(error.code);
}

/** @internal Whether accepting can go on once something has been freed. */
export function isExhausted(error: unknown): error is SystemError {
  return error instanceof SystemError && EXHAUSTED.has(error.code);
}
