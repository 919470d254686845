/**
 * The load of the recorded echo server, a process of its own: `node load-client.ts PORT CLIENTS MESSAGES`. Each client sends its
 * messages one after the other, of sizes from a byte to more than a kernel's buffer takes at once, and checks what comes back.
 */

import { once } from 'node:events';
import { connect } from 'node:net';

const [port, clients, messages] = process.argv.slice(2).map(Number) as [number, number, number];
const LONG = 300_000;
/** One of so many messages is long. */
const RARE = 397;

async function client(number: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let heard = 0;
  let expected = 0;
  let wake = (): void => {};
  socket.on('data', (bytes) => {
    heard += bytes.length;
    wake();
  });
  await once(socket, 'connect');
  for (let message = 0; message < messages; message++) {
    const size = (message + number) % RARE === 0 ? LONG : 1 + ((message * 31 + number) % 300);
    socket.write(Buffer.alloc(size, number));
    expected += size;
    while (heard < expected) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  socket.end();
  await once(socket, 'close');
  if (heard !== expected) throw new Error(`client ${number} heard ${heard} bytes, and not ${expected}`);
}

await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
