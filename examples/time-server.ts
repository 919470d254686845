/**
 * The time server, in its practical form: whoever sends a datagram gets the time as text.
 *
 * The textbook's server (08-time-server.ts) waits before every call. This one teaches what changes in practice:
 * - after one wait, everything that has arrived is answered;
 * - sender and datagram go into memory that is used again and again;
 * - the text is made once a second, as it does not change more often;
 * - a datagram that cannot be answered is dropped: that is what UDP means.
 *
 *   node --import tsx examples/time-server.ts --port 15000 --port 16000 --port 17000
 *   echo | nc -u -w1 127.0.0.1 15000
 */

import { type Co, ReadWait, Scheduler, type Socket, SocketAddress } from 'genloop';
import { listenOrExplain, log, options, runServer } from './support.ts';

const { host, ports, backend, sync, quiet } = options('time-server', [15000, 16000, 17000]);

/** What was asked does not matter, so what does not fit may be cut off. */
const REQUEST_SIZE = 512;
/** Answers before other tasks get their turn. */
const BATCH = 64;
const SECOND = 1000;

let second = 0;
let text = new Uint8Array();

/** The time, as text that is made once a second. */
function timeOfDay(): Uint8Array {
  const now = Date.now();
  if (now - second >= SECOND || now < second) {
    second = now - (now % SECOND);
    text = Buffer.from(`${new Date(second).toString()}\n`);
  }
  return text;
}

function* timeServer(socket: Socket): Co<void> {
  using _socket = socket;
  const request = new Uint8Array(REQUEST_SIZE);
  const sender = SocketAddress.empty();
  for (;;) {
    yield new ReadWait(socket);
    for (let answers = 0; answers < BATCH; answers++) {
      try {
        if (socket.recvFromInto(request, sender) === undefined) break;
        socket.sendTo(timeOfDay(), sender);
        if (!quiet) log(quiet, `${sender} asked for the time`);
      } catch (error) {
        // ECONNREFUSED and its like: an earlier answer found nobody. No reason to stop serving.
        const { code, syscall } = error as { code?: string; syscall?: string };
        if (syscall === undefined) throw error;
        log(quiet, `a datagram was lost: ${code}`);
      }
    }
  }
}

const scheduler = new Scheduler(backend === undefined ? {} : { backend });
for (const port of ports) {
  const socket = listenOrExplain('udp', host, port);
  scheduler.spawn(timeServer(socket), { name: 'time' });
  console.log(`time: serving UDP on ${socket.localAddress}`);
}
await runServer(scheduler, sync);
