/**
 * The echo server as the textbook writes it: ReadWait before every read, WriteWait before every write. Measured
 * beside `examples/echo-server.ts`, it shows what asking first costs.
 */

import { writeSync } from 'node:fs';
import { type Co, ReadWait, Scheduler, WriteWait } from 'genloop';
import { Socket } from 'genloop/os';

const scheduler = new Scheduler({ backend: 'epoll' });
const buffer = Buffer.allocUnsafe(65536);

function* server(): Co<void> {
  const listener = Socket.listener({ port: 0 });
  writeSync(1, `listening 127.0.0.1:${listener.localAddress.port}\n`);
  for (;;) {
    yield new ReadWait(listener);
    const client = listener.accept();
    if (client === undefined) continue;
    client.setOption('IPPROTO_TCP', 'TCP_NODELAY', true);
    scheduler.spawn(echo(client));
  }
}

function* echo(client: Socket): Co<void> {
  try {
    for (;;) {
      yield new ReadWait(client);
      const count = client.recvInto(buffer);
      if (count === undefined) continue;
      if (count === 0) return;
      // One buffer serves all: between receiving and sending others run, so the bytes need a place of their own.
      const bytes = Buffer.from(buffer.subarray(0, count));
      for (let sent = 0; sent < count; ) {
        yield new WriteWait(client);
        sent += client.send(bytes, sent) ?? 0;
      }
    }
  } finally {
    client.close();
  }
}

scheduler.spawn(server());
scheduler.runSync();
