/**
 * The echo server, in its practical form.
 *
 * The textbook's server (09-echo-server.ts) waits before every call. This one teaches what changes in practice:
 * - one buffer for all clients: between `recvInto` and `send` nobody else runs, so nothing needs to be allocated;
 * - send first: a socket is nearly always writable, so `WriteWait` only where a send would block;
 * - one client's failure (a reset, a broken pipe) ends that client and nobody else;
 * - accepting pauses when there are no descriptors left, and goes on by itself.
 *
 *   node --import tsx examples/echo-server.ts --port 15000
 *   nc 127.0.0.1 15000
 */

import { type Co, ReadWait, Scheduler, type Socket, sleep, WriteWait } from 'genloop';
import { listenOrExplain, log, options, runServer } from './support.ts';

const { host, ports, backend, sync, quiet } = options('echo-server', [15000]);

/** Most of what a kernel hands out at once. */
const BUFFER_SIZE = 65536;
/** How long to leave the kernel's queue alone when there are no descriptors (or no memory) left, in milliseconds. */
const PAUSE = 100;
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

const buffer = new Uint8Array(BUFFER_SIZE);

function* sendAll(client: Socket, bytes: Uint8Array): Co<void> {
  // The shared buffer is somebody else's as soon as we wait: keep the rest.
  let rest = bytes.slice();
  while (rest.length > 0) {
    yield new WriteWait(client);
    rest = rest.subarray(client.send(rest) ?? 0);
  }
}

function* echo(client: Socket): Co<void> {
  const name = quiet ? '' : String(client.remoteAddress);
  log(quiet, `${name} connected`);
  let why = 'closed';
  try {
    for (;;) {
      yield new ReadWait(client);
      const received = client.recvInto(buffer);
      if (received === undefined) continue;
      if (received === 0) break;
      const sent = client.send(buffer, 0, received) ?? 0;
      if (sent < received) yield* sendAll(client, buffer.subarray(sent, received));
    }
  } catch (error) {
    const { code } = error as { code?: string };
    // A cancel, or a bug: not this client's doing.
    if (code === undefined || code === 'ABORT_ERR') throw error;
    why = code;
  } finally {
    client.close();
    log(quiet, `${name} ${why}`);
  }
}

function* server(listener: Socket): Co<void> {
  using _listener = listener;
  for (;;) {
    yield new ReadWait(listener);
    try {
      for (let client = listener.accept(); client !== undefined; client = listener.accept()) {
        scheduler.spawn(echo(client), { name: 'echo' });
      }
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === undefined || code === 'ABORT_ERR') throw error;
      // Anything else was that one connection's fault (ECONNABORTED and its like): the next one may be fine.
      if (EXHAUSTED.has(code)) {
        console.error(`accepting pauses: ${message}`);
        yield sleep(PAUSE);
      }
    }
  }
}

const scheduler = new Scheduler(backend === undefined ? {} : { backend });
for (const port of ports) {
  const listener = listenOrExplain('tcp', host, port);
  scheduler.spawn(server(listener), { name: 'server' });
  console.log(`echo: serving TCP on ${listener.localAddress}`);
}
await runServer(scheduler, sync);
