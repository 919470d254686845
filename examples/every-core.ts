/**
 * One server on all cores: as many processes of this very program as there are, each with a listener of its own on the same port, over which the
 * kernel spreads the connections (SO_REUSEPORT).
 *
 *   node --import tsx examples/every-core.ts 15000 4
 *   for n in 1 2 3 4 5 6; do echo hello | nc -N 127.0.0.1 15000; done
 *
 * The parent serves nobody. It holds the port, starts the children, starts another in place of one that has died, and ends them when it
 * ends: by SIGTERM, which lets each finish what is under way. Should the parent die without that (SIGKILL), the children notice by their
 * standard input, a pipe of which it held the other end.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { all, type Co, cleanup, group, once, ReadWait, run, Socket, sleep, wasInterrupted } from 'genloop';
import { idle, listen, type Server, serve, type TcpStream } from 'genloop/net';
import { Descriptor } from 'genloop/os';
import { leave } from './servers/open.ts';
import { say } from './servers/program.ts';

/** How long a child may take to finish what is under way, in milliseconds, and how long its parent waits for that. */
const GRACE = 2000;
const PATIENCE = 5000;
/** One that dies at once is not started again at once. */
const PAUSE = 1000;

const [first = '15000', second = String(availableParallelism())] = process.argv.slice(2);
if (first !== 'worker' && !(/^\d+$/.test(first) && /^[1-9]\d*$/.test(second))) {
  leave('usage: every-core [PORT [PROCESSES]]; port 0 lets the system choose', 2);
}

function* echo(client: TcpStream): Co<void> {
  yield* client.write(`process ${process.pid} greets you\n`);
  for (let data = yield* idle(client.readView()); data !== null; data = yield* idle(client.readView())) {
    yield* client.write(data);
  }
}

/** Ends with the parent: nobody ever writes to this pipe, so what it has to tell is its end. */
function* whileParentLives(server: Server<TcpStream>): Co<void> {
  yield new ReadWait(Descriptor.adopt(0));
  server.stop({ grace: GRACE });
}

/** A child. */
function* worker(port: number): Co<void> {
  yield* group(function* (g): Co<void> {
    const listener = yield* listen({ port, reusePort: true });
    // A client that resets is no news here.
    const server = yield* g.start(serve(listener, echo, { grace: GRACE, onError: () => {} }));
    g.spawn(whileParentLives(server), { daemon: true });
    say(`process ${process.pid} serves TCP on ${server.address}`);
  });
}

/** Keeps one child alive. */
function* supervised(port: number): Co<void> {
  for (;;) {
    const program = [...process.execArgv, process.argv[1] as string, 'worker', String(port)];
    const child = spawn(process.execPath, program, { stdio: ['pipe', 'inherit', 'inherit'] });
    const started = performance.now();
    try {
      const [code, signal] = yield* once(child, 'exit');
      say(`process ${child.pid} has ended (${signal ?? code}); another takes its place`);
    } finally {
      yield* ended(child);
    }
    if (performance.now() - started < PAUSE) yield* sleep(PAUSE);
  }
}

/** Ends a child, in one way or the other. */
function* ended(child: ChildProcess): Co<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  try {
    yield* cleanup(PATIENCE, once(child, 'exit'));
  } finally {
    child.kill('SIGKILL');
  }
}

/** The parent. */
function* parent(port: number, processes: number): Co<void> {
  // Bound and not listening: nobody can connect to it, and the port stays ours, also if it was chosen by the kernel.
  using place = Socket.tcp();
  place.setOption('SOL_SOCKET', 'SO_REUSEPORT', true).bind({ port });
  const { port: shared } = place.localAddress;
  say(`echo: ${processes} processes on port ${shared}`);
  yield* all(Array.from({ length: processes }, () => supervised(shared)));
}

try {
  await run(first === 'worker' ? worker(Number(second)) : parent(Number(first), Number(second)));
} catch (error) {
  // Ctrl-C, or the parent's SIGTERM.
  if (!wasInterrupted(error)) throw error;
  process.exitCode = 0;
}
