/**
 * A port forwarder: whoever connects here is connected to there, and each direction ends when its sender ends it.
 *
 *   node --import tsx examples/port-forwarder.ts 15000 example.org:80
 *   printf 'HEAD / HTTP/1.0\r\nHost: example.org\r\n\r\n' | nc -N 127.0.0.1 15000
 *
 * A connection is two tasks that copy. A write waits until it is taken, so a slow reader slows down its own sender and
 * needs no memory of ours. If one direction breaks, the other is cancelled, and both streams are closed.
 */

import { all, type Co, failAfter, run, wasInterrupted } from 'genloop';
import { connect, listen, type Stream, serve, type TcpStream } from 'genloop/net';
import { leave } from './servers/open.ts';

/** How long there may not answer, in milliseconds. */
const PATIENCE = 10_000;

const [port = '', target = ''] = process.argv.slice(2);
const [, host = '', targetPort = ''] = /^(.+):(\d+)$/.exec(target) ?? [];
if (!/^\d+$/.test(port) || host === '') leave('usage: port-forwarder PORT HOST:PORT; port 0 lets the system choose', 2);

/** One direction. Its end is passed on: the other direction may still have something to say. */
function* copy(from: Stream, to: Stream): Co<void> {
  for (let data = yield* from.readView(); data !== null; data = yield* from.readView()) yield* to.write(data);
  to.end();
}

function* forward(client: TcpStream): Co<void> {
  using there = yield* failAfter(PATIENCE, connect({ host, port: Number(targetPort) }));
  yield* all([copy(client, there), copy(there, client)]);
}

function failed(error: unknown, client: TcpStream): void {
  console.error(`${client.remoteAddress}: ${(error as Error).message}`);
}

function* main(): Co<void> {
  const listener = yield* listen({ port: Number(port) });
  console.log(`${listener.address} is ${target}`);
  yield* serve(listener, forward, { grace: 1000, onError: failed });
}

try {
  await run(main);
} catch (error) {
  if (!wasInterrupted(error)) leave((error as Error).message);
}
