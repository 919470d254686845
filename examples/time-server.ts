/**
 * The time server, in its practical form: a program around the task of servers/time.ts, one task for each port.
 *
 *   node --import tsx examples/time-server.ts --port 15000 --port 16000 --port 17000
 *   echo | nc -u -w1 127.0.0.1 15000
 */

import { openSocket } from './servers/open.ts';
import { say, schedulerFor, serve, settings } from './servers/program.ts';
import { timeServer } from './servers/time.ts';

const { host, ports, backend, sync, quiet } = settings('time-server', { port: [15000, 16000, 17000] });
const scheduler = schedulerFor(backend);

const sockets = ports.port.map((port) => openSocket('UDP', port, host));
for (const socket of sockets) scheduler.spawn(timeServer(socket, quiet ? null : say), { name: 'time server' });
await serve(scheduler, sync, ...sockets.map((socket) => `time: serving UDP on ${socket.localAddress}`));
