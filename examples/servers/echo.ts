/**
 * The echo server in its practical form: the tasks.
 *
 * The textbook's server (09-echo-server.ts) waits before every call. This one teaches what changes in practice:
 * - one buffer for all clients: between `recvInto` and `send` nobody else runs, so nothing needs to be allocated;
 * - send first: a socket is nearly always writable, so `WriteWait` only where a send would block;
 * - one `ReadWait` per client: an operation is a description, and may be yielded as often as one likes;
 * - one client's failure (a reset, a broken pipe) ends that client and nobody else;
 * - accepting pauses when there are no descriptors left, and goes on by itself.
 */

import { type Co, currentScheduler, ReadWait, type Socket, SystemError, sleep, WriteWait } from 'genloop';

/** Gets a line for each event worth one; `null` for silence. */
export type Log = ((line: string) => void) | null;

/** Most of what a kernel hands out at once. */
const BUFFER_SIZE = 65536;
/** How long to leave the kernel's queue alone when there are no descriptors (or no memory) left, in milliseconds. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 1000;
const EXHAUSTED: readonly string[] = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'];
/** What `accept` reports of the one connection that it has just thrown away: the next may be fine. */
const TRANSIENT: readonly string[] = [
  ...['ECONNABORTED', 'ECONNRESET', 'EPERM', 'EPROTO', 'ENOPROTOOPT', 'EOPNOTSUPP', 'ETIMEDOUT'],
  ...['ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENONET'],
];
/** Clients accepted before other tasks get their turn. */
const BATCH = 64;

const buffer = new Uint8Array(BUFFER_SIZE);

function* sendAll(client: Socket, bytes: Uint8Array): Co<void> {
  // The shared buffer is somebody else's as soon as we wait: keep the rest.
  let rest = bytes.slice();
  while (rest.length > 0) {
    yield new WriteWait(client);
    rest = rest.subarray(client.send(rest) ?? 0);
  }
}

/** Sends back what one client sends, until it ends. Closes the socket on every path. */
export function* echo(client: Socket, log: Log): Co<void> {
  const name = log && String(client.remoteAddress);
  log?.(`${name} connected`);
  let end = 'ended';
  try {
    const readable = new ReadWait(client);
    for (;;) {
      yield readable;
      const received = client.recvInto(buffer);
      if (received === undefined) continue;
      if (received === 0) break;
      const sent = client.send(buffer, 0, received) ?? 0;
      if (sent < received) yield* sendAll(client, buffer.subarray(sent, received));
    }
  } catch (error) {
    end = 'was cut off';
    // Anything but a failed call is no doing of this client: a cancel, or a bug.
    if (!(error instanceof SystemError)) throw error;
    end = `failed: ${error.code}`;
  } finally {
    client.close();
    log?.(`${name} ${end}`);
  }
}

/** Accepts clients, and spawns an `echo` task for each, until the listener itself fails. Closes it on every path. */
export function* echoServer(socket: Socket, log: Log): Co<void> {
  using listener = socket;
  let pause = SHORTEST_PAUSE;
  for (;;) {
    yield new ReadWait(listener);
    try {
      for (let accepted = 0; accepted < BATCH; accepted++) {
        const client = listener.accept();
        if (client === undefined) break;
        currentScheduler().spawn(echo(client, log), { name: 'echo' });
        pause = SHORTEST_PAUSE;
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (TRANSIENT.includes(error.code)) continue;
      // Anything else is the listener's own: it was shut down, or is none. Trying again would fail for ever.
      if (!EXHAUSTED.includes(error.code)) throw error;
      if (pause === SHORTEST_PAUSE) console.error(`accepting pauses: ${error.message}`);
      yield sleep(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
}
