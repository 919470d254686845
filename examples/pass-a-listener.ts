/**
 * Handing a listener to another process: the parent listens, serves one client, sends its listener to a child through a Unix socket, and
 * ends its own part; the child goes on accepting. No client is refused meanwhile: it is the same listener, with the same queue. So a
 * server is replaced by its next version without closing its port.
 *
 *   node --import tsx examples/pass-a-listener.ts
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Co, ReadWait, run, until, WriteWait } from 'genloop';
import { receiveMessage, sendMessage } from 'genloop/net';
import { Socket } from 'genloop/os';

/** The child finds its end of the Unix socket here. */
const PARENT = 3;

function* serveOne(listener: Socket, name: string): Co<void> {
  for (;;) {
    yield new ReadWait(listener);
    using client = listener.accept();
    if (client === undefined) continue;
    client.send(`served by the ${name}\n`);
    return;
  }
}

function* ask(port: number): Co<void> {
  using socket = Socket.tcp();
  if (socket.connect({ port }) === undefined) yield new WriteWait(socket);
  yield new ReadWait(socket);
  process.stdout.write(String(socket.recv()));
}

function* child(): Co<void> {
  using parent = Socket.adopt(PARENT);
  using message = yield* receiveMessage(parent, { descriptors: 1 });
  const received = message.take();
  if (received === undefined) throw new Error('the parent has sent no listener');
  using listener = Socket.adopt(received.detach());
  yield* sendMessage(parent, 'ready');
  yield* serveOne(listener, 'child');
}

function* parent(): Co<void> {
  const [near, far] = Socket.pair();
  const next = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'child'], {
    stdio: ['ignore', 'inherit', 'inherit', far.fd],
  });
  far.close();
  const exited = once(next, 'exit');
  const listener = Socket.listener();
  const { port } = listener.localAddress;

  const first = Socket.tcp();
  first.connect({ port });
  yield* serveOne(listener, 'parent');
  yield new ReadWait(first);
  process.stdout.write(String(first.recv()));
  first.close();

  yield* sendMessage(near, 'take over', { descriptors: [listener] });
  listener.close(); // ours; the child has its own
  yield* receiveMessage(near);
  yield* ask(port);
  near.close();
  yield* until(exited);
}

await run(process.argv[2] === 'child' ? child : parent);
