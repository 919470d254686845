/**
 * The one seam for system calls.
 *
 * Every call that this library makes to the operating system goes through an object of this shape. The
 * addon is one implementation; a simulated system is another; tracing, failing the n-th call, recording and
 * replaying are wrappers around any of them. So nothing else in the library may import the addon, and a
 * wrapper needs to know only one convention:
 *
 * - A call returns a number: `>= 0` is the result, `< 0` is `-errno`. It throws only for arguments that no
 *   kernel should ever see (`TypeError`, `RangeError`); the message names the call and the argument.
 * - "Would block" is `-EAGAIN`, like any other error here. `EINTR` is retried inside, except in the waits and
 *   in `connect` (handed up) and in `close` (the descriptor is gone all the same; never retried).
 * - Bytes are passed as `Uint8Array` with an offset and a length, results in arrays that the caller made
 *   beforehand: a hot call allocates nothing.
 * - Whatever opens a descriptor opens it non-blocking and close-on-exec, and the thread (the Node
 *   environment) closes at its end the numbers that it opened and did not close or {@link Sys.disown}.
 *
 * An *address slot* is a `Uint8Array` of at least {@link ADDRESS_SLOT_SIZE} bytes: byte 0 is the length of the
 * `sockaddr` (0: none), byte 1 is 1 if the datagram that came with it was truncated, the `sockaddr` itself
 * starts at byte 2, in the kernel's own layout.
 *
 * Errors of getaddrinfo(3) are negative numbers as well: `-constants.EAI_NONAME`, …. Those constants are Node's numbers (3000 and
 * above), not the system's, which would be errnos too.
 */

import type { Backend, BackendName } from './backend.ts';

/** Bytes in an address slot: two of header, then a `sockaddr_storage`. */
export const ADDRESS_SLOT_SIZE: number = 130;

/** Int32 columns in a row of {@link Sys.recvEach}: fd, result. */
export const RECV_ROW: number = 2;

/** Int32 columns in a row of {@link Sys.sendEach}: fd, where in the buffer its bytes are, how many, result. */
export const SEND_ROW: number = 4;

/** Int32 columns in a row of {@link Sys.epollWait}: events, then the low and the high half of the datum. */
export const EPOLL_ROW: number = 3;

/** Int32 columns in a row of {@link Sys.poll}: the kernel's own `struct pollfd` (fd; then two shorts). */
export const POLL_ROW: number = 2;

/** Int32 columns in a row of {@link Sys.select}: fd, interest, result (1 read, 2 write, 4 exceptional). */
export const SELECT_ROW: number = 3;

/**
 * Int32 columns in a row of {@link Sys.kevent}: ident, filter, flags, fflags, data (low, high half), udata
 * (low, high half).
 */
export const KEVENT_ROW: number = 8;

/** Bytes before the first address in the answer that a {@link Sys.getaddrinfo} descriptor gives: an int, 0 or the negative error. */
export const LOOKUP_HEADER: number = 4;
/**
 * Int32 columns in a row of {@link Sys.recvmmsg} and {@link Sys.sendmmsg}: where in the buffer the datagram stands, how many
 * bytes there are for it, how many bytes it has.
 */
export const MESSAGE_ROW: number = 3;

/**
 * Int32 elements of control data before the descriptors: how many descriptors there are, 1 if descriptors got lost, 1 if there
 * are credentials, and the credentials: pid, uid, gid.
 */
export const CONTROL_HEADER: number = 6;

/** The most descriptors in a message. */
export const MOST_DESCRIPTORS: number = 253;

/** The most buffers or datagrams that go through one call; of more, the first ones do. */
export const MOST_MESSAGES: number = 256;

/** An address as Node shows it. `family` is `'IPv4'`, `'IPv6'`, `'unix'` or `'raw'`. */
export interface DecodedAddress {
  family: 'IPv4' | 'IPv6' | 'unix' | 'raw';
  /** Numeric host, or the path of a Unix socket (abstract names start with `\0`, an unnamed one is `''`), or hexadecimal bytes. */
  address: string;
  /** 0 for Unix sockets. */
  port: number;
  /** IPv6 only, and only if it is not 0. */
  scopeid?: number;
}

/** Numbers of this system's headers, by their C names; a name that this system lacks is absent. */
export type Constants = Readonly<Record<string, number>>;

/** Every system call that the library makes. See the head of this file for the conventions. */
export interface Sys {
  /** `'linux'`, `'darwin'`, `'freebsd'`, …: as `process.platform`; `'simulated'` is possible. */
  readonly platform: string;
  /** AF_INET, SOCK_STREAM, EPOLLIN, O_RDONLY, EVFILT_READ, TCP_NODELAY, FD_SETSIZE, …, and all errno names. */
  readonly constants: Constants;
  /** Why Node's loop cannot watch this system's numbers, if it cannot: they are not the process's own. Then `run()` refuses. */
  readonly unwatchable?: string | undefined;
  /** A ready-made readiness backend instead of the calls below; only simulated systems have it. */
  backend?(name: BackendName): Backend;

  /** Monotonic time in milliseconds, with fractions (CLOCK_MONOTONIC). */
  now(): number;

  // -- addresses: no system call, but the kernel's layout ---------------------------------------------------
  /** Packs a numeric IPv4 or IPv6 address (`%scope` by name or number is understood) into the slot. 0, or -EINVAL if the text is no address, -ENODEV if the scope's interface does not exist. */
  packAddress(slot: Uint8Array, host: string, port: number, scopeid: number): number;
  /** Packs a path (`\0…`: a Linux abstract name). 0, or -ENAMETOOLONG, or -EINVAL (empty, or a NUL inside a path). */
  packPath(slot: Uint8Array, path: string): number;
  /** Decodes the slot; an empty slot gives family `'raw'` with an empty address. */
  unpackAddress(slot: Uint8Array): DecodedAddress;

  /**
   * getaddrinfo(3) on a thread of its own, for stream sockets; `family` is AF_UNSPEC, AF_INET or AF_INET6. A new descriptor, from which
   * the answer is read as from a pipe: {@link LOOKUP_HEADER} bytes with 0 or the negative error, the addresses as slots cut to their length,
   * one after the other, then the end. Closing it is all that it takes to abandon the request.
   */
  getaddrinfo(host: string, family: number): number;

  // -- sockets ----------------------------------------------------------------------------------------------
  /** socket(2). */
  socket(family: number, type: number, protocol: number): number;
  /** socketpair(2): the two numbers into `pair`. */
  socketpair(family: number, type: number, protocol: number, pair: Int32Array): number;
  /** bind(2). */
  bind(fd: number, address: Uint8Array): number;
  /** listen(2). */
  listen(fd: number, backlog: number): number;
  /** accept4(2): the new descriptor; the peer's address into `slot`. */
  accept(fd: number, slot: Uint8Array): number;
  /** connect(2): 0, -EINPROGRESS, -EINTR (not retried), … */
  connect(fd: number, address: Uint8Array): number;
  /** recv(2): bytes received, 0 at the end of a stream. */
  recv(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number): number;
  /** recv(2) on each of the first `count` rows of {@link RECV_ROW}, at most `each` bytes (1 or more), one behind the other from the start of the buffer, which needs room for `count` times `each`. Every row gets its result, bytes or -errno. The bytes in all. */
  recvEach(rows: Int32Array, count: number, buffer: Uint8Array, each: number): number;
  /** send(2), always with MSG_NOSIGNAL: bytes sent. */
  send(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number): number;
  /** send(2), as `send` without flags, of each of the first `count` rows of {@link SEND_ROW}, in order. Every row gets its result, bytes or -errno. The bytes in all. Throws `RangeError`, before anything is sent, for a row that says more than the buffer has. */
  sendEach(rows: Int32Array, count: number, buffer: Uint8Array): number;
  /** recvmsg(2): bytes received; the sender's address, and whether the datagram was truncated, into `slot`. */
  recvfrom(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number, slot: Uint8Array): number;
  /** sendto(2), always with MSG_NOSIGNAL. */
  sendto(fd: number, buffer: Uint8Array, offset: number, length: number, flags: number, address: Uint8Array): number;
  /** writev(2), of any descriptor: the bytes of all buffers in order, from `offset` on; at most {@link MOST_MESSAGES} buffers at a time. Bytes written. */
  writev(fd: number, buffers: readonly Uint8Array[], offset: number): number;
  /** sendmsg(2), always with MSG_NOSIGNAL: as `writev`, with flags. `address` may be empty (no bytes, or no address in the slot): the peer. `control` may be empty, otherwise it is laid out as {@link CONTROL_HEADER} says. More than {@link MOST_MESSAGES} buffers: -EMSGSIZE. */
  sendmsg(
    fd: number,
    buffers: readonly Uint8Array[],
    offset: number,
    flags: number,
    address: Uint8Array,
    control: Int32Array,
  ): number;
  /** recvmsg(2): as `recvfrom`, and what came beside the bytes into `control`, unless that is empty. Its room bounds the descriptors; they come close-on-exec and non-blocking, and belong to the calling thread. If more came, or the system has cut them, all are closed and `control` says so. */
  recvmsg(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    flags: number,
    slot: Uint8Array,
    control: Int32Array,
  ): number;
  /** recvmmsg(2), or recvmsg(2) as often: the datagrams that are there, the i-th into the place of the i-th of the first `count` rows of {@link MESSAGE_ROW}, its length into the row, its sender into the i-th slot. How many; at most {@link MOST_MESSAGES}. */
  recvmmsg(fd: number, buffer: Uint8Array, rows: Int32Array, count: number, slots: Uint8Array, flags: number): number;
  /** sendmmsg(2), or sendmsg(2) as often, always with MSG_NOSIGNAL: `count` datagrams from row `from` on, each to the address in its slot, or to the peer if it holds none. How many went, at most {@link MOST_MESSAGES}; an error comes only if the first did not. */
  sendmmsg(
    fd: number,
    buffer: Uint8Array,
    rows: Int32Array,
    from: number,
    count: number,
    slots: Uint8Array,
    flags: number,
  ): number;
  /** shutdown(2): `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. */
  shutdown(fd: number, how: number): number;
  /** getsockname(2) into the slot. */
  getsockname(fd: number, slot: Uint8Array): number;
  /** getpeername(2) into the slot. */
  getpeername(fd: number, slot: Uint8Array): number;
  /** getsockopt(2): the bytes written to `value`. */
  getsockopt(fd: number, level: number, name: number, value: Uint8Array): number;
  /** setsockopt(2) with the bytes of `value`. */
  setsockopt(fd: number, level: number, name: number, value: Uint8Array): number;

  // -- descriptors of any kind ------------------------------------------------------------------------------
  /** open(2), with O_NONBLOCK, O_CLOEXEC and O_NOCTTY added. */
  open(path: string, flags: number, mode: number): number;
  /** read(2). */
  read(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  /** write(2). (A broken pipe is -EPIPE: Node ignores SIGPIPE.) */
  write(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  /** close(2), once. */
  close(fd: number): number;
  /** pipe2(2): reading end, writing end. */
  pipe(pair: Int32Array): number;
  /** fcntl(F_DUPFD_CLOEXEC). */
  dup(fd: number): number;
  /** fcntl(2) for commands with an integer argument: F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_GETPIPE_SZ, F_SETPIPE_SZ; any other is -EINVAL. */
  fcntl(fd: number, command: number, argument: number): number;
  /** fstat(2): the file's type and permission bits (`st_mode`). */
  fstat(fd: number): number;
  /** ioctl(2) with the address of the bytes; at least 1 byte, and as many as the request reads and writes: with the size that `request` encodes (_IOC_SIZE) the addon refuses a smaller array; requests that encode no size need at least 64 bytes. */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** eventfd(2); `flags` may hold EFD_SEMAPHORE. -ENOSYS where the system has none. */
  eventfd(initial: number, flags: number): number;
  /** timerfd_create(2) on CLOCK_MONOTONIC. -ENOSYS where the system has none. */
  timerfd(): number;
  /** timerfd_settime(2): one shot, at an absolute {@link Sys.now} time (rounded up); `Infinity` disarms. */
  timerfdSet(fd: number, deadline: number): number;
  /** The calling thread closes this number at its end (for one that came from elsewhere). 0. */
  own(fd: number): number;
  /** The calling thread does not close this number at its end (it was given away). 0. */
  disown(fd: number): number;

  // -- readiness: a timeout is in milliseconds with fractions, negative or Infinity: for ever ---------------------------
  /** epoll_create1(2). -ENOSYS where the system has none (so also the next two). */
  epollCreate(): number;
  /** epoll_ctl(2). The datum comes back in the rows of `epollWait`. */
  epollCtl(epfd: number, operation: number, fd: number, events: number, low: number, high: number): number;
  /** epoll_pwait2(2), rounded up to nanoseconds, or epoll_wait(2), rounded up to milliseconds. Rows of {@link EPOLL_ROW}; at most as many as fit. -EINTR is not retried. */
  epollWait(epfd: number, rows: Int32Array, timeout: number): number;
  /** poll(2) over the first `count` rows of {@link POLL_ROW}; ppoll(2) where it exists. How many rows have `revents`. -EINTR is not retried. */
  poll(rows: Int32Array, count: number, timeout: number): number;
  /** select(2) over the first `count` rows of {@link SELECT_ROW}: the result column is written in every row. How many rows have a result. A number of FD_SETSIZE or more is -EINVAL. -EINTR is not retried. */
  select(rows: Int32Array, count: number, timeout: number): number;
  /** kqueue(2), close-on-exec. -ENOSYS where the system has none (so also the next). */
  kqueue(): number;
  /** kevent(2): applies `changeCount` rows of `changes`, then waits, rows of {@link KEVENT_ROW} into `events`. -EINTR is not retried (the changes have been applied). */
  kevent(kq: number, changes: Int32Array, changeCount: number, events: Int32Array, timeout: number): number;

  // -- signals: the one thing that belongs to the whole process ------------------------------------------------
  /** Takes this signal into the signal pipe: the handler writes its number as one byte. The pipe's reading end, or -EBUSY if another thread holds the pipe. May be called for several signals. The pipe is not to be closed with `close`. SIGINT and SIGTERM are never lost: one that comes while the pipe has unread bytes, or is unread when the pipe closes, goes to the action of before. */
  signalOpen(signal: number): number;
  /** Puts back the action that the signal had before; with the last one the pipe is closed. 0, or -EINVAL if it was not taken. */
  signalClose(signal: number): number;
  /** Sends the process this signal (raise on the process: kill(getpid(), signal)). */
  raise(signal: number): number;
}

/**
 * Node's own event loop, as the addon shows it: what a guest needs. Apart from {@link Sys}, because a simulated
 * system has no Node around it.
 */
export interface NodeLoop {
  /** uv_backend_fd of the calling thread's loop, or -ENOSYS. It becomes readable when the thread has something to do: a message, a timer, `worker.terminate()`. */
  backendFd(): number;
  /** uv_poll for readability: `callback` is called on each round of the loop in which `fd` is readable. A handle `>= 1`, or -errno (-EEXIST: the loop already watches that number). The handle starts referenced. */
  watch(fd: number, callback: () => void): number;
  /** Ends the watch, before `fd` is closed. 0, or -EINVAL for an unknown handle. */
  unwatch(handle: number): number;
  /** Whether the watch keeps the process alive. 0, or -EINVAL. */
  setRef(handle: number, referenced: boolean): number;
}
