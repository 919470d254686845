/**
 * Open descriptors, and who sends them, beside the bytes of a Unix socket: how one process hands a listener or a connection to another.
 * A datagram socket has these as methods, where they stand in line with its other calls; this is for streams. They and the reads and writes
 * of a stream do not get into each other's way: bytes keep their order, and a message never stands in the middle of a write.
 *
 * On a stream the descriptors stand at their place among the bytes, and who reads over that place by other means loses them: the two sides agree
 * on where they come.
 */

import { type Co, type Op, routine } from '../kernel/index.ts';
import {
  type Data,
  Message,
  MOST_DESCRIPTORS,
  type ReceiveMessageOptions,
  recvmsg,
  type SendMessageOptions,
  Socket,
  sendmsg,
  toBytes,
} from '../os/index.ts';
import { DEFAULT_SIZE } from '../os/message.ts';
import { ReadWait, WriteWait } from '../scheduler/index.ts';
import { Stream } from './stream.ts';

/** A connected Unix socket, or what has one as its `socket`: a `UnixStream`. */
export type HasSocket = Socket | { readonly socket: Socket };

/**
 * Sends bytes through a connected Unix socket, and open descriptors with them: they arrive with the first of the bytes. Sends all of it;
 * how many bytes that were. The descriptors stay yours: close them when you need them no longer, the receiver has his own. Throws `SystemError`
 * (`EPIPE`, `EBADF`, `ETOOMANYREFS`: too many are on their way), `BusyError` if another task writes, `ClosedError`, and `RangeError` for
 * descriptors without a byte on a stream, which would send nothing.
 *
 * @example
 * yield* sendMessage(stream, 'a listener\n', { descriptors: [listener] });
 */
export const sendMessage: (target: HasSocket, data: Data, options?: SendMessageOptions) => Op<number> = routine(
  function* sendMessage(target: HasSocket, data: Data, options: SendMessageOptions = {}): Co<number> {
    const socket = socketOf(target);
    const bytes = toBytes(data);
    if (bytes.length === 0 && (options.descriptors?.length ?? 0) > 0 && isStream(socket)) {
      throw new RangeError('on a stream descriptors travel with bytes: send at least one byte with them');
    }
    const stream = target instanceof Stream ? target : null;
    let rest = options;
    for (let at = 0; ; ) {
      // Each time anew: meanwhile another task may have begun to write.
      stream?.refuseSecondWriter();
      const sent = sendmsg(socket, [bytes.subarray(at)], rest);
      if (sent === undefined) {
        yield* new WriteWait(socket);
        continue;
      }
      at += sent;
      stream?.countOthers(0, sent);
      if (at >= bytes.length) return at;
      if (stream !== null) {
        // From here on it is a write: nobody else's may come in between.
        yield* stream.write(bytes.subarray(at));
        return bytes.length;
      }
      // They have gone with the first part.
      rest = { flags: options.flags ?? 0 };
    }
  },
);

/**
 * Receives bytes from a connected Unix socket with the descriptors that came with them, at most as many as `descriptors` says, and waits until there
 * are some. What a read of the stream has received and not given away comes first, alone: descriptors that were among that are lost. Empty
 * data is the end of the stream. The message owns its descriptors: `using message = …`, or take them. Throws `SystemError`, `BusyError`
 * if another task reads, `ClosedError`, `RangeError`.
 *
 * @example
 * using message = yield* receiveMessage(stream, { descriptors: 1 });
 * const listener = Socket.adopt(message.take().detach());
 */
export const receiveMessage: (target: HasSocket, options?: ReceiveMessageOptions) => Op<Message> = routine(
  function* receiveMessage(target: HasSocket, options: ReceiveMessageOptions = {}): Co<Message> {
    checkReceiveOptions(options);
    const socket = socketOf(target);
    const stream = target instanceof Stream ? target : null;
    for (;;) {
      const received = stream?.takeReceived(options.size ?? DEFAULT_SIZE) ?? null;
      if (received !== null) return Message.bare(socket.sys, received);
      yield* new ReadWait(socket);
      const message = recvmsg(socket, options);
      if (message === undefined) continue;
      stream?.countOthers(message.data.length, 0);
      return message;
    }
  },
);

/** @internal Throws `RangeError` for a size or a number of descriptors that is none, before anybody waits. */
export function checkReceiveOptions({ size = 1, descriptors = 0 }: ReceiveMessageOptions): void {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`size must be a positive integer, not ${String(size)}`);
  if (Number.isInteger(descriptors) && descriptors >= 0 && descriptors <= MOST_DESCRIPTORS) return;
  throw new RangeError(
    `descriptors, the most that may come, is from 0 to ${MOST_DESCRIPTORS}, not ${String(descriptors)}`,
  );
}

function socketOf(target: HasSocket): Socket {
  const socket = target instanceof Socket ? target : target?.socket;
  if (socket instanceof Socket) return socket;
  throw new TypeError(`a Unix socket is needed, or what has one as its socket, not ${String(target)}`);
}

function isStream(socket: Socket): boolean {
  return socket.getOption('SOL_SOCKET', 'SO_TYPE') === (socket.sys.constants.SOCK_STREAM as number);
}
