/**
 * The echo server, in its practical form: a program around the tasks of servers/echo.ts.
 *
 *   node --import tsx examples/echo-server.ts --port 15000
 *   nc -N 127.0.0.1 15000          (type lines; Ctrl-D ends)
 */

import { echoServer } from './servers/echo.ts';
import { openSocket } from './servers/open.ts';
import { say, schedulerFor, serve, settings } from './servers/program.ts';

const { host, ports, backend, sync, quiet } = settings('echo-server', { port: [15000] });
const scheduler = schedulerFor(backend);

const listeners = ports.port.map((port) => openSocket('TCP', port, host));
for (const listener of listeners) scheduler.spawn(echoServer(listener, quiet ? null : say), { name: 'echo server' });
await serve(scheduler, sync, ...listeners.map((listener) => `echo: serving TCP on ${listener.localAddress}`));
