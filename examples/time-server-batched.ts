/**
 * The time server in batches, for many clients at once: a program around the task of servers/time-batched.ts, one task for each port.
 *
 *   node --import tsx examples/time-server-batched.ts --port 15000
 *   echo | nc -u -w1 127.0.0.1 15000
 */

import { UdpSocket } from 'genloop/net';
import { openSocket } from './servers/open.ts';
import { say, schedulerFor, serve, settings } from './servers/program.ts';
import { batchedTimeServer } from './servers/time-batched.ts';

const { host, ports, backend, sync, quiet } = settings('time-server-batched', { port: [15000] });
const scheduler = schedulerFor(backend);

const sockets = ports.port.map((port) => new UdpSocket(openSocket('UDP', port, host)));
for (const socket of sockets) scheduler.spawn(batchedTimeServer(socket, quiet ? null : say), { name: 'time server' });
await serve(scheduler, sync, ...sockets.map((socket) => `time: serving UDP on ${socket.localAddress}`));
