/**
 * What `npm start` runs: the echo server and three time servers, four tasks (and one for each client) in one scheduler, in one thread.
 *
 *   npm start
 */

import type { Socket } from 'genloop';
import { echoServer } from './servers/echo.ts';
import { openSocket } from './servers/open.ts';
import { say, schedulerFor, serve, settings } from './servers/program.ts';
import { timeServer } from './servers/time.ts';

const program = settings('npm start --', { 'echo-port': [15000], 'time-port': [15000, 16000, 17000] });
const { host, ports, backend, sync } = program;
const log = program.quiet ? null : say;
const scheduler = schedulerFor(backend);

const listeners = ports['echo-port'].map((port) => openSocket('TCP', port, host));
const sockets = ports['time-port'].map((port) => openSocket('UDP', port, host));
for (const listener of listeners) scheduler.spawn(echoServer(listener, log), { name: 'echo server' });
for (const socket of sockets) scheduler.spawn(timeServer(socket, log), { name: 'time server' });

const here = (server: Socket): string => `${server.localAddress.address} ${server.localAddress.port}`;
const commands: [command: string, effect: string][] = [
  ...listeners.map((listener): [string, string] => [
    `nc -N ${here(listener)}`,
    'type lines, they come back; Ctrl-D ends',
  ]),
  ...sockets.map((socket): [string, string] => [`echo | nc -u -w1 ${here(socket)}`, 'the time']),
];
const width = Math.max(...commands.map(([command]) => command.length));

await serve(
  scheduler,
  sync,
  ...listeners.map((listener) => `echo: serving TCP on ${listener.localAddress}`),
  ...sockets.map((socket) => `time: serving UDP on ${socket.localAddress}`),
  `
one thread, ${scheduler.size} tasks, readiness by ${scheduler.backendName}. Try it from another terminal:

${commands.map(([command, effect]) => `  ${command.padEnd(width)}   # ${effect}`).join('\n')}

Ctrl-C ends.
`,
);
