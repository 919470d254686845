/**
 * Every call of the seam, as data: what each argument is, and which arrays the call writes. The wrappers of this folder
 * know the calls from here alone, so a new one is a line of this table; the compiler asks for that line, and for one
 * that fits the call's own arguments.
 */

import {
  type Backend,
  EPOLL_ROW,
  KEVENT_ROW,
  MESSAGE_ROW,
  RECV_ROW,
  SELECT_ROW,
  SEND_ROW,
  type Sys,
} from '../../os/index.ts';

/** The calls of a system, by their names in `Sys`. */
export type CallName = Exclude<keyof Sys, 'platform' | 'constants' | 'unwatchable' | 'backend'>;

/** The calls of a readiness backend that a simulated system brings itself. */
export type BackendCallName = `backend.${Extract<keyof Backend, 'change' | 'remove' | 'wait' | 'alarm' | 'close'>}`;

/** Any call that goes through the seam. */
export type AnyCallName = CallName | BackendCallName;

/** A number. `names` begins the names of the constants that it may be, one of them or, as `bits`, several. */
interface NumberArgument {
  readonly is: 'number';
  readonly names?: readonly string[];
  readonly bits?: true;
}

/** A number with a meaning of its own. A datum comes back from a wait; the call need not know its value. */
interface SpecialArgument {
  readonly is: 'descriptor' | 'offset' | 'length' | 'count' | 'time' | 'datum';
}

interface TextArgument {
  readonly is: 'text';
}

/**
 * Bytes, and whether the call reads or writes them, or both. With `part`, an offset and a length follow; otherwise the
 * call reads the whole array, and writes as much of it as it returns (or all, if it does both).
 */
interface BytesArgument {
  readonly is: 'bytes';
  readonly way: 'in' | 'out' | 'both';
  readonly part?: true;
}

/** Several buffers, whose bytes the call reads in order; an offset into all of them follows. */
interface BuffersArgument {
  readonly is: 'buffers';
}

/** What goes through one call for many: of a buffer the parts that its rows name, of slots one for each. */
export interface BatchArgument {
  readonly is: 'datagrams' | 'slots';
  readonly way: 'in' | 'out';
  /** How wide the rows are, and in which columns they say where a part begins and how long it is. */
  readonly width: number;
  readonly offset: number;
  readonly length: number;
  /** The places of the rows, of the first row's number (-1: 0), and of how many there are; a call that writes gives its result. */
  readonly rows: number;
  readonly from: number;
  readonly count: number;
}

/** What travels beside the bytes: see `CONTROL_HEADER`. A call that writes it opens the descriptors in it. */
interface ControlArgument {
  readonly is: 'control';
  readonly way: 'in' | 'out';
}

/** An address slot. */
interface AddressArgument {
  readonly is: 'address';
  readonly way: 'in' | 'out';
}

/** Two descriptors that the call opens. */
interface PairArgument {
  readonly is: 'pair';
}

/** Rows of integers of so many bits. */
export interface RowsArgument {
  readonly is: 'rows';
  readonly bits: 16 | 32;
  /** Integers in a row; the call reads the first `asked` of them and writes the others. */
  readonly columns: number;
  readonly asked: number;
  /** The place among the arguments of how many rows there are; -1: as many as the call returns. */
  readonly count: number;
  /** The place of the first row's number; -1: it is 0. */
  readonly from: number;
  /** The column with a datum; -1 for none. */
  readonly datum: number;
}

/** What an argument is. */
export type Argument =
  | NumberArgument
  | SpecialArgument
  | TextArgument
  | BytesArgument
  | BuffersArgument
  | BatchArgument
  | ControlArgument
  | AddressArgument
  | PairArgument
  | RowsArgument;

type ArgumentFor<A> = A extends Int32Array
  ? RowsArgument | PairArgument | ControlArgument
  : A extends Uint8Array
    ? BytesArgument | AddressArgument | BatchArgument
    : A extends readonly Uint8Array[]
      ? BuffersArgument
      : A extends string
        ? TextArgument
        : NumberArgument | SpecialArgument;

/** What a call is: its arguments, and what its result means. */
export interface Call {
  readonly args: readonly Argument[];
  /** A new descriptor, another number `>= 0` or `-errno`, a time, or an address. */
  readonly result: 'descriptor' | 'number' | 'time' | 'address';
  /** What errors and manuals call it, where `Sys` has another name for it. */
  readonly syscall?: string;
  /** It asks the system for nothing: the same arguments always have the same answer. */
  readonly pure?: true;
}

type CallFor<F> = F extends (...args: infer Args) => infer Result
  ? Call & {
      readonly args: { readonly [Place in keyof Args]: ArgumentFor<Args[Place]> };
      readonly result: Result extends number ? 'descriptor' | 'number' | 'time' : 'address';
    }
  : never;

const fd = { is: 'descriptor' } as const;
const number = { is: 'number' } as const;
const offset = { is: 'offset' } as const;
const length = { is: 'length' } as const;
const count = { is: 'count' } as const;
const time = { is: 'time' } as const;
const datum = { is: 'datum' } as const;
const text = { is: 'text' } as const;
const pair = { is: 'pair' } as const;
const bytesIn = { is: 'bytes', way: 'in' } as const;
const bytesOut = { is: 'bytes', way: 'out' } as const;
const bytesBoth = { is: 'bytes', way: 'both' } as const;
const partIn = { is: 'bytes', way: 'in', part: true } as const;
const partOut = { is: 'bytes', way: 'out', part: true } as const;
const addressIn = { is: 'address', way: 'in' } as const;
const addressOut = { is: 'address', way: 'out' } as const;
const one = (...names: string[]) => ({ is: 'number', names }) as const;
const bits = (...names: string[]) => ({ is: 'number', names, bits: true }) as const;
const rows = { is: 'rows', bits: 32, asked: 0, count: -1, from: -1, datum: -1 } as const;
const buffers = { is: 'buffers' } as const;
const controlIn = { is: 'control', way: 'in' } as const;
const controlOut = { is: 'control', way: 'out' } as const;
const message = { width: MESSAGE_ROW, offset: 0, length: 2 } as const;
const received = { ...message, way: 'out', rows: 2, from: -1, count: 3 } as const;
const sent = { ...message, way: 'in', rows: 2, from: 3, count: 4 } as const;
const sentEach = { way: 'in', width: SEND_ROW, offset: 1, length: 2, rows: 0, from: -1, count: 1 } as const;

const epollRows = { ...rows, columns: EPOLL_ROW, datum: 2 } as const;
const pollRows = { ...rows, bits: 16, columns: 4, asked: 3, count: 1 } as const;
const recvRows = { ...rows, columns: RECV_ROW, asked: 1, count: 1 } as const;
const sendRows = { ...rows, columns: SEND_ROW, asked: 3, count: 1 } as const;
const selectRows = { ...rows, columns: SELECT_ROW, asked: 2, count: 1 } as const;
const changeRows = { ...rows, columns: KEVENT_ROW, asked: KEVENT_ROW, count: 2, datum: 6 } as const;
const receivedRows = { ...rows, columns: MESSAGE_ROW, asked: 2, count: 3 } as const;
const sentRows = { ...rows, columns: MESSAGE_ROW, asked: MESSAGE_ROW, count: 4, from: 3 } as const;
const eventRows = { ...rows, columns: KEVENT_ROW, datum: 6 } as const;

const family = one('AF_');
const type = bits('SOCK_');
const level = one('SOL_', 'IPPROTO_');
const messageFlags = bits('MSG_');
const signal = one('SIG');

/** All calls, in the order of `Sys`. */
export const CALLS: { readonly [Name in CallName]: CallFor<Sys[Name]> } = {
  now: { args: [], result: 'time' },
  packAddress: { args: [addressOut, text, number, number], result: 'number', syscall: 'if_nametoindex', pure: true },
  packPath: { args: [addressOut, text], result: 'number', syscall: 'bind', pure: true },
  unpackAddress: { args: [addressIn], result: 'address', pure: true },
  getaddrinfo: { args: [text, family], result: 'descriptor' },
  socket: { args: [family, type, number], result: 'descriptor' },
  socketpair: { args: [family, type, number, pair], result: 'number' },
  bind: { args: [fd, addressIn], result: 'number' },
  listen: { args: [fd, number], result: 'number' },
  accept: { args: [fd, addressOut], result: 'descriptor' },
  connect: { args: [fd, addressIn], result: 'number' },
  recv: { args: [fd, partOut, offset, length, messageFlags], result: 'number' },
  recvEach: { args: [recvRows, count, bytesOut, length], result: 'number', syscall: 'recv' },
  send: { args: [fd, partIn, offset, length, messageFlags], result: 'number' },
  sendEach: { args: [sendRows, count, { is: 'datagrams', ...sentEach }], result: 'number', syscall: 'send' },
  recvfrom: { args: [fd, partOut, offset, length, messageFlags, addressOut], result: 'number' },
  sendto: { args: [fd, partIn, offset, length, messageFlags, addressIn], result: 'number' },
  writev: { args: [fd, buffers, offset], result: 'number' },
  sendmsg: { args: [fd, buffers, offset, messageFlags, addressIn, controlIn], result: 'number' },
  recvmsg: { args: [fd, partOut, offset, length, messageFlags, addressOut, controlOut], result: 'number' },
  recvmmsg: {
    args: [fd, { is: 'datagrams', ...received }, receivedRows, count, { is: 'slots', ...received }, messageFlags],
    result: 'number',
  },
  sendmmsg: {
    args: [fd, { is: 'datagrams', ...sent }, sentRows, number, count, { is: 'slots', ...sent }, messageFlags],
    result: 'number',
  },
  shutdown: { args: [fd, one('SHUT_')], result: 'number' },
  getsockname: { args: [fd, addressOut], result: 'number' },
  getpeername: { args: [fd, addressOut], result: 'number' },
  getsockopt: { args: [fd, level, number, bytesOut], result: 'number' },
  setsockopt: { args: [fd, level, number, bytesIn], result: 'number' },
  open: { args: [text, bits('O_'), number], result: 'descriptor' },
  read: { args: [fd, partOut, offset, length], result: 'number' },
  write: { args: [fd, partIn, offset, length], result: 'number' },
  close: { args: [fd], result: 'number' },
  pipe: { args: [pair], result: 'number' },
  dup: { args: [fd], result: 'descriptor' },
  fcntl: { args: [fd, one('F_'), number], result: 'number' },
  fstat: { args: [fd], result: 'number' },
  ioctl: { args: [fd, number, bytesBoth], result: 'number' },
  eventfd: { args: [number, bits('EFD_')], result: 'descriptor' },
  timerfd: { args: [], result: 'descriptor', syscall: 'timerfd_create' },
  timerfdSet: { args: [fd, time], result: 'number', syscall: 'timerfd_settime' },
  own: { args: [fd], result: 'number' },
  disown: { args: [fd], result: 'number' },
  epollCreate: { args: [], result: 'descriptor', syscall: 'epoll_create1' },
  epollCtl: {
    args: [fd, one('EPOLL_CTL_'), fd, bits('EPOLL'), number, datum],
    result: 'number',
    syscall: 'epoll_ctl',
  },
  epollWait: { args: [fd, epollRows, time], result: 'number', syscall: 'epoll_wait' },
  poll: { args: [pollRows, count, time], result: 'number' },
  select: { args: [selectRows, count, time], result: 'number' },
  kqueue: { args: [], result: 'descriptor' },
  kevent: { args: [fd, changeRows, count, eventRows, time], result: 'number' },
  signalOpen: { args: [signal], result: 'number', syscall: 'pipe' },
  signalClose: { args: [signal], result: 'number' },
  raise: { args: [signal], result: 'number' },
};

const registration = [fd, datum, number, number] as const;

/**
 * The calls of a backend, as if they were calls of the system: a registration is its number, generation, interest, and
 * what is armed. The rows of a wait are the backend's own, and no argument.
 */
export const BACKEND_CALLS: { readonly [Name in BackendCallName]: Call } = {
  'backend.change': { args: registration, result: 'number' },
  'backend.remove': { args: registration, result: 'number' },
  'backend.wait': { args: [time], result: 'number' },
  'backend.alarm': { args: [time], result: 'number' },
  'backend.close': { args: [], result: 'number' },
};

/** The calls of `Sys`. */
export const CALL_NAMES: readonly CallName[] = Object.keys(CALLS) as CallName[];

/** The waits for readiness, each with the place of its timeout among the arguments. */
export const TIMEOUTS: Readonly<Partial<Record<AnyCallName, number>>> = {
  epollWait: 2,
  poll: 2,
  select: 2,
  kevent: 4,
  'backend.wait': 0,
};

/** What a call is. */
export function callOf(name: AnyCallName): Call {
  return name in CALLS ? CALLS[name as CallName] : BACKEND_CALLS[name as BackendCallName];
}
