/**
 * The echo server with streams and `serve`. Compare servers/echo.ts, which does by hand what is done here by the library: one
 * task for each connection, closed on every path; what goes wrong with one client is no other's affair; accepting pauses when there are no
 * descriptors left; Ctrl-C finishes what is under way, for two seconds at most.
 *
 *   node --import tsx examples/serve-echo.ts --port 15000
 *   nc -N 127.0.0.1 15000          (type lines; Ctrl-D ends)
 */

import { type Co, SystemError } from 'genloop';
import { idle, serve, TcpListener, type TcpStream } from 'genloop/net';
import { leave } from './servers/open.ts';
import { serve as run, say, schedulerFor, settings } from './servers/program.ts';

const { host, ports, backend, sync, quiet } = settings('serve-echo', { port: [15000] });
const log = quiet ? () => {} : say;

function* echo(client: TcpStream): Co<void> {
  const name = String(client.remoteAddress);
  log(`${name} connected`);
  // Between two messages nothing is under way: there a server that stops may cut the wait.
  for (let data = yield* idle(client.readView()); data !== null; data = yield* idle(client.readView())) {
    yield* client.write(data);
  }
  log(`${name} ended`);
}

/** What went wrong with one client. A reset is its own affair, anything else may be a bug of ours. */
function failed(error: unknown, client: TcpStream): void {
  if (error instanceof SystemError) log(`${client.remoteAddress} failed: ${error.code}`);
  else console.error(error);
}

function open(port: number): TcpListener {
  try {
    return TcpListener.open({ host, port });
  } catch (error) {
    return leave((error as Error).message);
  }
}

const scheduler = schedulerFor(backend);
const listeners = ports.port.map(open);
const onPause = (error: Error): void => console.error(`accepting pauses: ${error.message}`);
scheduler.spawn(serve(listeners, echo, { grace: 2000, onError: failed, onPause }));
await run(scheduler, sync, ...listeners.map(({ address }) => `echo: serving TCP on ${address}`));
