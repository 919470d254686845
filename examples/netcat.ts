/**
 * A netcat: copies between the terminal (or whatever standard input and output are) and a connection.
 *
 *   node --import tsx examples/netcat.ts 127.0.0.1 15000
 *   node --import tsx examples/netcat.ts -l 15000
 *   node --import tsx examples/netcat.ts /run/some.socket
 *
 * The end of the input ends our half of the connection; the program ends when the other side has ended its own. A terminal is a descriptor
 * like any other here: the same stream, the same `read`.
 */

import { type Co, group, run, wasInterrupted } from 'genloop';
import { connect, FdStream, listen, type Stream } from 'genloop/net';
import { leave } from './servers/open.ts';

const [first = '', second = ''] = process.argv.slice(2);
const usage = 'usage: netcat HOST PORT | netcat -l PORT | netcat PATH';
if (!first.includes('/') && !/^\d+$/.test(second)) leave(usage, 2);

function* opened(): Co<Stream> {
  if (first.includes('/')) return yield* connect({ path: first });
  if (first !== '-l') return yield* connect({ host: first, port: Number(second) });
  using listener = yield* listen({ port: Number(second) });
  // Not on standard output, which belongs to whoever connects.
  console.error(`listening on ${listener.address}`);
  return yield* listener.accept();
}

function* copy(from: Stream, to: Stream): Co<void> {
  for (let data = yield* from.readView(); data !== null; data = yield* from.readView()) yield* to.write(data);
}

/** Our half: the input, and then its end. */
function* send(terminal: Stream, connection: Stream): Co<void> {
  yield* copy(terminal, connection);
  connection.end();
}

function* netcat(): Co<void> {
  using connection = yield* opened();
  using terminal = new FdStream({ reader: 0, writer: 1 });
  yield* group(function* (g): Co<void> {
    // A daemon: when the other side has ended, nobody waits for the user to type something.
    g.spawn(send(terminal, connection), { name: 'send', daemon: true });
    yield* copy(connection, terminal);
  });
}

try {
  await run(netcat);
} catch (error) {
  if (!wasInterrupted(error)) leave((error as Error).message);
}
