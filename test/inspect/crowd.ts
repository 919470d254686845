/**
 * Clients that stay: opens connections to an echo server, sends a line on each, and says when all have been answered.
 * Then, asked for so many milliseconds, some of them go on asking. Started by the tests, and by whoever wants to see a
 * full table:
 *
 *   GENLOOP_PS=1 node --import tsx examples/echo-server.ts --port 15000 --quiet &
 *   node --import tsx test/inspect/crowd.ts 15000 1000 & sleep 3; kill -USR2 %1
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const [port, clients, ms = '0'] = process.argv.slice(2);
const sockets: Socket[] = [];

for (let n = 0; n < Number(clients); n++) {
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(`client ${n}\n`);
  await once(socket, 'data');
}
console.log('all answered');

const end = performance.now() + Number(ms);
for (let n = 0; performance.now() < end; n = (n + 1) % sockets.length) {
  const socket = sockets[n] as Socket;
  socket.write(`again ${n}\n`);
  await once(socket, 'data');
}
if (Number(ms) > 0) {
  console.log('has asked enough');
  for (const socket of sockets) socket.destroy();
} else {
  // Until whoever started it ends it.
  setInterval(() => {}, 60_000);
}
