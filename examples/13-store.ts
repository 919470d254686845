/**
 * A store of values, in the manner of memcached: what streams are for. A request is a line, and a value is so many bytes after it:
 *
 *   SET name 5\r\n     hello        ->  OK
 *   GET name\r\n                    ->  5\r\nhello
 *
 * Nothing here knows in what pieces the bytes come. A client that says nothing for a while, or whose line has no end, is sent away;
 * the others do not notice.
 *
 *   node --import tsx examples/13-store.ts [port]
 *   nc -C 127.0.0.1 15000
 */

import { type Co, failAfter, group, ReadWait, run, type Socket, TimeoutError, wasInterrupted } from 'genloop';
import { LimitError, type Stream, TcpStream } from 'genloop/net';
import { openSocket } from './servers/open.ts';

const PATIENCE_MS = 60_000;
const LONGEST_LINE = 100;
const LARGEST_VALUE = 1_048_576;

const values = new Map<string, Buffer>();

function* answer(client: Stream, request: string): Co<void> {
  const [verb, name = '', size = ''] = request.split(' ');
  if (verb === 'SET' && /^\d+$/.test(size) && Number(size) <= LARGEST_VALUE) {
    const value = yield* client.readExactly(Number(size));
    if (value === null) return;
    values.set(name, value);
    yield* client.write('OK\r\n');
  } else if (verb === 'GET') {
    const value = values.get(name);
    if (value === undefined) yield* client.write('NOT FOUND\r\n');
    else yield* client.writev([`${value.length}\r\n`, value]);
  } else {
    yield* client.write('SET name size, or GET name\r\n');
  }
}

function* talk(socket: Socket): Co<void> {
  using client = new TcpStream(socket);
  try {
    for (;;) {
      // The time is for the line alone: a value may take as long as it likes.
      const request = yield* failAfter(PATIENCE_MS, client.readLine({ limit: LONGEST_LINE }));
      if (request === null) return;
      yield* answer(client, request);
    }
  } catch (error) {
    if (error instanceof LimitError) yield* client.write('that line is too long\r\n');
    else if (error instanceof TimeoutError) yield* client.write('good night\r\n');
    else throw error;
  }
}

const port = Number(process.argv[2] ?? 15000);

try {
  await run(function* () {
    using listener = openSocket('TCP', port);
    console.log(`store on ${listener.localAddress}; Ctrl-C ends`);
    yield* group(
      function* (clients) {
        for (;;) {
          yield new ReadWait(listener);
          const socket = listener.accept();
          if (socket !== undefined) clients.spawn(talk(socket), { name: `client ${socket.remoteAddress}` });
        }
      },
      { onError: 'isolate' },
    );
  });
} catch (error) {
  if (!wasInterrupted(error)) throw error;
}
