/**
 * The time server in its practical form: the task. Whoever sends a datagram gets the time as text.
 *
 * The textbook's server (08-time-server.ts) waits before every call. This one teaches what changes in practice:
 * - after one wait, everything that has arrived is answered;
 * - sender and datagram go into memory that is used again and again;
 * - the text is made once a second, as it does not change more often;
 * - a datagram that cannot be answered is dropped: that is what UDP means.
 *
 * For many clients at once there is servers/time-batched.ts.
 */

import { type Co, ReadWait, type Socket, SocketAddress, SystemError } from 'genloop';
import type { Log } from './echo.ts';

/** What was asked does not matter, so what does not fit may be cut off. */
const REQUEST_SIZE = 512;
/** Answers before other tasks get their turn. */
const BATCH = 64;
const SECOND = 1000;

let second = 0;
let text = new Uint8Array();

/** The time, as text that is made once a second. */
export function timeOfDay(): Uint8Array {
  const now = Date.now();
  if (now - second >= SECOND || now < second) {
    second = now - (now % SECOND);
    text = Buffer.from(`${new Date(second).toString()}\n`);
  }
  return text;
}

/** Answers for ever. Closes the socket when it is cancelled. */
export function* timeServer(bound: Socket, log: Log): Co<void> {
  using socket = bound;
  const request = new Uint8Array(REQUEST_SIZE);
  const sender = SocketAddress.empty();
  for (;;) {
    yield new ReadWait(socket);
    for (let answers = 0; answers < BATCH; answers++) {
      try {
        if (socket.recvFromInto(request, sender) === undefined) break;
        socket.sendTo(timeOfDay(), sender);
        log?.(`${sender} asked for the time`);
      } catch (error) {
        // ECONNREFUSED and its like: an earlier answer found nobody. No reason to stop serving.
        if (!(error instanceof SystemError)) throw error;
        log?.(`a datagram was lost: ${error.code}`);
      }
    }
  }
}
