/**
 * The typed face of the addon: the calls of the operating system, 1:1, non-blocking, with nothing in between. With this module
 * alone the textbook's `select` loop can be written.
 *
 * @module os
 */

export { type AddressLike, DEFAULT_HOST, type InternetAddress, SocketAddress, type UnixAddress } from './address.ts';
export {
  BACKEND_NAMES,
  BACKEND_ROW,
  type Backend,
  type BackendName,
  type BackendRegistration,
  NOT_ARMED,
} from './backend.ts';
export { type BatchOptions, DatagramBatch, recvmmsg, sendmmsg } from './batch.ts';
export { constants } from './constants.ts';
export { type AdoptOptions, type Data, Descriptor, toBytes, type Watcher } from './descriptor.ts';
export { Epoll, type EpollEvent } from './epoll.ts';
export { ClosedError, errnoName, SystemError, type SystemErrorDetails, wouldBlock } from './errors.ts';
export { EventFd, type OpenMode, open, pipe, TimerFd } from './files.ts';
export { writev } from './gather.ts';
export { type KEvent, Kqueue } from './kqueue.ts';
export {
  type Credentials,
  Message,
  peerCredentials,
  type ReceiveMessageOptions,
  recvmsg,
  type SendMessageOptions,
  sendmsg,
} from './message.ts';
export { currentSys, enterSys, nodeLoop, realSys } from './native.ts';
export { type PollEvent, poll } from './poll.ts';
export { checkTimeout, filenoOf, type HasFd, type HasFileno, type Pollable } from './readiness.ts';
export { type LookupOptions, NameLookup } from './resolve.ts';
export { select } from './select.ts';
export { type Datagram, DEFAULT_BACKLOG, type ListenerOptions, Socket, type SocketOptions } from './socket.ts';
export {
  ADDRESS_SLOT_SIZE,
  CONTROL_HEADER,
  type Constants,
  type DecodedAddress,
  EPOLL_ROW,
  KEVENT_ROW,
  LOOKUP_HEADER,
  MESSAGE_ROW,
  MOST_DESCRIPTORS,
  MOST_MESSAGES,
  type NodeLoop,
  POLL_ROW,
  RECV_ROW,
  SELECT_ROW,
  SEND_ROW,
  type Sys,
} from './sys.ts';
