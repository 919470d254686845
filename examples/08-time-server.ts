/**
 * The time server on three ports, as the textbook writes it: one task for each, in one thread.
 *
 * Compare 05: the same task, and a scheduler that is somebody else's work. How it looks in practice, where one wait serves many
 * datagrams and nothing waits before it has to, is in servers/time.ts.
 *
 *   node --import tsx examples/08-time-server.ts [port...]
 *   echo | nc -u -w1 127.0.0.1 15000
 */

import { type Co, ReadWait, Scheduler, WriteWait } from 'genloop';
import { openSocket } from './servers/open.ts';

function* timeServer(port: number): Co<void> {
  using socket = openSocket('UDP', port); // Socket.udp({ port }), or a sentence if that fails
  console.log(`time on ${socket.localAddress}`);
  for (;;) {
    yield new ReadWait(socket); // the task sleeps; the loop goes on
    const request = socket.recvFrom(8192); // a raw, non-blocking call
    if (request === undefined) continue; // readiness is a hint: it can be spurious
    yield new WriteWait(socket);
    socket.sendTo(`${new Date()}\n`, request.address);
    console.log(`answered ${request.address}`);
  }
}

const ports = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [15000, 16000, 17000];
const scheduler = new Scheduler();
for (const port of ports) scheduler.spawn(timeServer(port));
await scheduler.run(); // or scheduler.runSync(): owns the thread, as the textbook's loop does
