/**
 * What travels beside the bytes of a Unix socket: open descriptors, and who the sender is. See unix(7), cmsg(3).
 *
 * A descriptor that arrives is a new number for the sender's open file, and somebody has to own it: here the message does, until
 * it is taken out. What could not be received whole is closed before anybody sees it.
 */

import { Buffer } from '../platform/node.ts';
import { type AddressLike, SocketAddress } from './address.ts';
import { type Data, Descriptor } from './descriptor.ts';
import { SystemError, wouldBlock } from './errors.ts';
import { gathered } from './gather.ts';
import { filenoOf, type Pollable } from './readiness.ts';
import type { Socket } from './socket.ts';
import { ADDRESS_SLOT_SIZE, CONTROL_HEADER, MOST_DESCRIPTORS, type Sys } from './sys.ts';

/** The columns of control data. */
const COUNT = 0;
const LOST = 1;
const HAS_CREDENTIALS = 2;
const PID = 3;
const UID = 4;
const GID = 5;
/** @internal The most bytes of a message, if nothing is said. */
export const DEFAULT_SIZE: number = 65_536;
/** SO_PEERCRED gives three C ints. */
const CREDENTIALS_SIZE = 12;
const NO_CONTROL = new Int32Array(0);
const NO_ADDRESS = new Uint8Array(0);
/** Used by every call of the thread; nothing of it is handed out. */
const SENDER = new Uint8Array(ADDRESS_SLOT_SIZE);
const CONTROL = new Int32Array(CONTROL_HEADER + MOST_DESCRIPTORS);
let scratch: Uint8Array | undefined;

/** A process, and on whose behalf it runs. */
export interface Credentials {
  /** Process id. */
  readonly pid: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
}

/** How {@link sendmsg} sends. */
export interface SendMessageOptions {
  /** Where to, on a socket that is not connected. */
  to?: AddressLike;
  /** Open descriptors to go with the bytes, at most 253. The receiver gets numbers of its own for them; these stay yours. */
  descriptors?: readonly Pollable[];
  /** Who the sender says to be: nobody but root may lie. Linux only. (A receiver with SO_PASSCRED is told in any case.) */
  credentials?: Credentials;
  /** MSG_ flags. */
  flags?: number;
}

/** How {@link recvmsg} receives. */
export interface ReceiveMessageOptions {
  /** The most bytes; default 65536. */
  size?: number;
  /** The most descriptors, from 0 to 253; default 0. If more come, all are closed, and the message says so. */
  descriptors?: number;
  /** MSG_ flags. */
  flags?: number;
}

/** A message that was received. `using message = …` closes those of its descriptors that nobody has taken. */
export class Message implements Disposable {
  /** The bytes; yours. */
  readonly data: Buffer;
  /** The sender; of an unconnected one without a name, an empty address. */
  readonly address: SocketAddress;
  /** The datagram was longer than the room for it, and the rest is lost. */
  readonly truncated: boolean;
  /** Descriptors were sent that are lost: there were more than had room, or this process can open no more. */
  readonly descriptorsLost: boolean;
  /** Who sent it, where the socket was told to ask (`SO_PASSCRED`). */
  readonly credentials: Credentials | undefined;
  /** The descriptors that came with it. Close them, or let `using message` do it, or take them with {@link Message.take}. */
  readonly descriptors: Descriptor[];

  /** @internal Made by {@link recvmsg}, and by `bare`. */
  constructor(sys: Sys, data: Buffer, slot: Uint8Array, control: Int32Array) {
    this.data = data;
    this.address = SocketAddress.compact(sys, slot);
    this.truncated = slot[1] === 1;
    this.descriptorsLost = control[LOST] === 1;
    this.credentials = control[HAS_CREDENTIALS] === 1 ? credentialsIn(control) : undefined;
    const numbers = control.subarray(CONTROL_HEADER, CONTROL_HEADER + (control[COUNT] as number));
    this.descriptors = Array.from(numbers, (fd) => new Descriptor(sys, fd));
  }

  /** @internal Bytes that came with nothing beside them, from whom the slot says: without one, from nobody with a name. */
  static bare(sys: Sys, data: Buffer, slot: Uint8Array = new Uint8Array(ADDRESS_SLOT_SIZE)): Message {
    return new Message(sys, data, slot, new Int32Array(CONTROL_HEADER));
  }

  /** Takes the first descriptor out of the message; it is yours then. `undefined` if there is none (any more). */
  take(): Descriptor | undefined {
    return this.descriptors.shift();
  }

  /** Closes the descriptors that are in the message still: what `using` does at the end of a block. */
  [Symbol.dispose](): void {
    for (const descriptor of this.descriptors.splice(0)) descriptor.close();
  }
}

/**
 * Sends bytes, and descriptors beside them. The bytes sent, `undefined` if that would block. On a stream at least one byte must go
 * with the descriptors, and they go with the first part of the bytes. Throws `SystemError` (`EBADF`: one of the descriptors is closed;
 * `ETOOMANYREFS`: too many are on their way; `EMSGSIZE`), `ClosedError`. sendmsg(2).
 *
 * @example
 * sendmsg(socket, ['here it is'], { descriptors: [listener] });
 */
export function sendmsg(
  socket: Socket,
  buffers: readonly Data[],
  options: SendMessageOptions = {},
): number | undefined {
  const { sys } = socket;
  const { to, flags = 0 } = options;
  const address = to === undefined ? NO_ADDRESS : SocketAddress.from(to, sys).slot;
  const fd = socket.fileno();
  const result = sys.sendmsg(fd, gathered(buffers), 0, flags, address, controlOf(options));
  if (result >= 0) return result;
  if (wouldBlock(sys, result)) return undefined;
  throw new SystemError(sys, 'sendmsg', result, { fd });
}

/**
 * Receives bytes and what came beside them; `undefined` if that would block. At the end of a stream the data is empty, as for an
 * empty datagram. The descriptors are close-on-exec and non-blocking (which their sender sees: it is the same open file). Throws
 * `SystemError`, `RangeError` for a size or a number of descriptors that is none. recvmsg(2).
 *
 * @example
 * using message = recvmsg(socket, { descriptors: 1 });
 * const listener = message?.take();
 */
export function recvmsg(socket: Socket, options: ReceiveMessageOptions = {}): Message | undefined {
  const { size = DEFAULT_SIZE, descriptors = 0, flags = 0 } = options;
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`size must be a positive integer, not ${String(size)}`);
  if (!Number.isInteger(descriptors) || descriptors < 0 || descriptors > MOST_DESCRIPTORS) {
    throw new RangeError(
      `descriptors, the most that may come, is from 0 to ${MOST_DESCRIPTORS}, not ${String(descriptors)}`,
    );
  }
  const { sys } = socket;
  const fd = socket.fileno();
  scratch ??= new Uint8Array(DEFAULT_SIZE);
  const buffer = size <= DEFAULT_SIZE ? scratch : new Uint8Array(size);
  const control = CONTROL.subarray(0, CONTROL_HEADER + descriptors);
  const result = sys.recvmsg(fd, buffer, 0, size, flags, SENDER, control);
  if (result >= 0) return new Message(sys, Buffer.from(buffer.subarray(0, Math.min(result, size))), SENDER, control);
  if (wouldBlock(sys, result)) return undefined;
  throw new SystemError(sys, 'recvmsg', result, { fd });
}

/** Who is at the other end of a connected Unix socket, as of its connect or listen. Linux only. SO_PEERCRED. */
export function peerCredentials(socket: Socket): Credentials {
  const bytes = socket.getOptionBytes('SOL_SOCKET', 'SO_PEERCRED', CREDENTIALS_SIZE);
  const [pid, uid, gid] = new Int32Array(bytes.slice().buffer) as unknown as [number, number, number];
  return { pid, uid: uid >>> 0, gid: gid >>> 0 };
}

function credentialsIn(control: Int32Array): Credentials {
  const [pid, uid, gid] = [control[PID], control[UID], control[GID]] as [number, number, number];
  return { pid, uid: uid >>> 0, gid: gid >>> 0 };
}

function controlOf({ descriptors = [], credentials }: SendMessageOptions): Int32Array {
  if (descriptors.length === 0 && credentials === undefined) return NO_CONTROL;
  if (descriptors.length > MOST_DESCRIPTORS) {
    throw new RangeError(`a message carries at most ${MOST_DESCRIPTORS} descriptors, not ${descriptors.length}`);
  }
  const { pid, uid, gid } = credentials ?? { pid: 0, uid: 0, gid: 0 };
  const header = [descriptors.length, 0, credentials === undefined ? 0 : 1, pid, uid, gid];
  return Int32Array.from([...header, ...descriptors.map(filenoOf)]);
}
