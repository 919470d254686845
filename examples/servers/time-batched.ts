/**
 * The time server for many clients: one system call receives all requests that are there, and one more answers them all.
 *
 * Compare servers/time.ts, which makes two calls for each request. What is different:
 * - requests and senders lie in a batch, whose memory is used again and again;
 * - everybody gets the same text, so it is put there once, and once a second made anew;
 * - an answer that cannot be sent is told, and the others go.
 */

import { type Co, SystemError } from 'genloop';
import type { UdpSocket } from 'genloop/net';
import { DatagramBatch } from 'genloop/os';
import type { Log } from './echo.ts';
import { timeOfDay } from './time.ts';

/** What was asked does not matter, so what does not fit may be cut off; the answer has to. */
const SIZE = 128;
const CAPACITY = 64;

/** Answers for ever. Closes the socket when it is cancelled. */
export function* batchedTimeServer(bound: UdpSocket, log: Log): Co<void> {
  using socket = bound;
  const batch = new DatagramBatch({ capacity: CAPACITY, size: SIZE });
  const onError = ({ code }: SystemError, n: number): void => log?.(`no answer to ${batch.address(n)}: ${code}`);
  for (;;) {
    try {
      yield* socket.receiveMany(batch);
      batch.setDataOfAll(timeOfDay());
      yield* socket.sendMany(batch, { onError });
      if (log !== null) for (let n = 0; n < batch.count; n++) log(`${batch.address(n)} asked for the time`);
    } catch (error) {
      // An earlier answer found nobody, on systems that tell. No reason to stop serving.
      if (!(error instanceof SystemError)) throw error;
      log?.(`a datagram was lost: ${error.code}`);
    }
  }
}
