/**
 * The echo server as the textbook writes it, in functions: one task accepts, one task for each client echoes.
 *
 * Every call has its wait before it, as in the textbook. Two things the textbook leaves out and every server needs:
 * - `send` takes what fits, so the rest has to wait again;
 * - a client that resets its connection makes `recv` or `send` throw. With `onError: 'isolate'` that ends this one task and is
 *   reported; the default is that the first failure ends the run, which is right for tasks that need each other.
 *
 *   node --import tsx examples/09-echo-server.ts [port]
 *   nc -N 127.0.0.1 15000          (type lines, from several terminals at once)
 */

import { type Co, ReadWait, Scheduler, type Socket, WriteWait } from 'genloop';
import { openSocket } from './servers/open.ts';

const scheduler = new Scheduler({ onError: 'isolate' });

function* echoServer(port: number): Co<void> {
  using listener = openSocket('TCP', port); // Socket.listener({ port }), or a sentence if that fails
  console.log(`echo on ${listener.localAddress}; Ctrl-C ends`);
  for (;;) {
    yield new ReadWait(listener); // readable means: somebody wants to connect
    const client = listener.accept();
    if (client === undefined) continue;
    console.log(`${client.remoteAddress} connected`);
    scheduler.spawn(echo(client), { name: `client ${client.remoteAddress}` });
  }
}

function* echo(socket: Socket): Co<void> {
  using client = socket; // closed on every path: at the end, on an error, on a cancel
  for (;;) {
    yield new ReadWait(client);
    const data = client.recv(8192);
    if (data === undefined) continue;
    if (data.length === 0) break; // the client has nothing more to say
    for (let sent = 0; sent < data.length; ) {
      yield new WriteWait(client);
      sent += client.send(data, sent) ?? 0;
    }
  }
  console.log(`${client.remoteAddress} ended`);
}

scheduler.spawn(echoServer(Number(process.argv[2] ?? 15000)), { name: 'echo server' });
await scheduler.run();
