/** Errnos by name, and which of them the manuals tell to expect of each call. */

import { errnoName, type Sys } from '../../os/index.ts';
import type { AnyCallName } from './calls.ts';

/** An errno, by its name (`'EMFILE'`) or its number (either sign). */
export type Errno = string | number;

/** Names that share a number with a better known one. */
const ALIASES: readonly string[] = ['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP'];

/** The number (positive) of an errno on this system. Throws `RangeError`, with all names, for what is none. */
export function errnoOf(sys: Sys, errno: Errno): number {
  if (typeof errno === 'number' && Number.isInteger(errno) && errno !== 0) return Math.abs(errno);
  if (typeof errno === 'string' && isErrno(sys, errno)) return sys.constants[errno] as number;
  const names = Object.keys(sys.constants).filter((name) => isErrno(sys, name));
  const known = names.length > 0 ? `; ${sys.platform} knows ${names.sort().join(', ')}` : '';
  throw new RangeError(`an errno is a name like 'EMFILE' or an integer other than 0, not ${show(errno)}${known}`);
}

/** Whether a constant of this system is an errno. */
export function isErrno(sys: Sys, name: string): boolean {
  // Not every E… is: EPOLLIN, and ECHO of terminals.
  if (!Object.hasOwn(sys.constants, name) || !/^E(AI_)?[A-Z0-9]+$/.test(name)) return false;
  return ALIASES.includes(name) || errnoName(sys, sys.constants[name] as number) === name;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

const NO_DESCRIPTOR = ['EMFILE', 'ENFILE', 'ENOMEM'];
const NO_MEMORY = ['ENOBUFS', 'ENOMEM'];
const NO_PEER = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT'];
const NO_NETWORK = ['ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH'];

/**
 * What may go wrong at each call though the program is right: what the manual pages of Linux and the BSDs name, without
 * what only wrong arguments cause (EBADF, EFAULT, EINVAL, ENOTSOCK, …). A call that is not here does not fail so.
 */
export const PLAUSIBLE_ERRNOS: Readonly<Partial<Record<AnyCallName, readonly string[]>>> = {
  getaddrinfo: [...NO_DESCRIPTOR, 'EAGAIN', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_MEMORY', 'EAI_NONAME'],
  socket: [...NO_DESCRIPTOR, 'ENOBUFS', 'EAFNOSUPPORT', 'EACCES'],
  socketpair: NO_DESCRIPTOR,
  bind: ['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES'],
  listen: ['EADDRINUSE'],
  accept: ['EAGAIN', 'ECONNABORTED', 'EPROTO', 'EPERM', ...NO_DESCRIPTOR, 'ENOBUFS', ...NO_NETWORK],
  connect: ['EINPROGRESS', 'EINTR', 'ECONNREFUSED', 'ETIMEDOUT', 'EADDRNOTAVAIL', 'EACCES', ...NO_NETWORK],
  recv: ['EAGAIN', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'ENOMEM'],
  recvEach: ['ENOMEM'],
  send: ['EAGAIN', ...NO_PEER, ...NO_MEMORY, ...NO_NETWORK],
  sendEach: ['EAGAIN', ...NO_PEER, ...NO_MEMORY, ...NO_NETWORK],
  recvfrom: ['EAGAIN', 'ECONNREFUSED', 'ENOMEM', ...NO_NETWORK],
  sendto: ['EAGAIN', 'ECONNREFUSED', 'EPERM', 'EMSGSIZE', ...NO_MEMORY, ...NO_NETWORK],
  writev: ['EAGAIN', 'EIO', 'ENOSPC', 'EPIPE'],
  sendmsg: ['EAGAIN', 'ECONNREFUSED', 'EMSGSIZE', 'ETOOMANYREFS', ...NO_PEER, ...NO_MEMORY],
  recvmsg: ['EAGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ENOMEM'],
  recvmmsg: ['EAGAIN', 'ECONNREFUSED', 'ENOMEM', ...NO_NETWORK],
  sendmmsg: ['EAGAIN', 'ECONNREFUSED', 'EPERM', 'EMSGSIZE', ...NO_MEMORY, ...NO_NETWORK],
  shutdown: ['ENOTCONN', 'ECONNRESET'],
  getsockname: ['ENOBUFS'],
  getpeername: ['ENOTCONN', 'ENOBUFS'],
  getsockopt: NO_MEMORY,
  setsockopt: [...NO_MEMORY, 'ENOPROTOOPT'],
  open: [...NO_DESCRIPTOR, 'EACCES', 'ENOENT', 'ENXIO', 'EBUSY'],
  read: ['EAGAIN', 'EIO'],
  write: ['EAGAIN', 'EIO', 'ENOSPC', 'EPIPE'],
  close: ['EINTR', 'EIO'],
  pipe: NO_DESCRIPTOR,
  dup: ['EMFILE'],
  fcntl: ['EPERM'],
  fstat: ['ENOMEM'],
  ioctl: ['EIO', 'ENOTTY'],
  eventfd: NO_DESCRIPTOR,
  timerfd: NO_DESCRIPTOR,
  epollCreate: NO_DESCRIPTOR,
  epollCtl: ['ENOMEM', 'ENOSPC'],
  epollWait: ['EINTR'],
  // ENOMEM too, says the manual; but a scheduler that cannot wait ends its run at once (`InternalError`), whatever the program.
  poll: ['EINTR'],
  select: ['EINTR'],
  kqueue: NO_DESCRIPTOR,
  kevent: ['EINTR'],
  signalOpen: ['EBUSY', ...NO_DESCRIPTOR],
  raise: ['EPERM'],
  'backend.change': ['ENOMEM', 'ENOSPC'],
  'backend.wait': ['EINTR'],
};
