/**
 * Proxied requests over sockets: the program of `kernel-request.ts`, but its backends are a C++ echo server on the other core. Sixteen
 * clients' requests are under way at the same time; each has a deadline and a group, and asks three backends over connections of its
 * own. Prints nanoseconds of CPU time per request, system calls included.
 *
 *   kernel-proxy PORT blocking|attached
 */

import { type Co, failAfter, type Group, group, type Op, ReadWait, Scheduler, WriteWait } from 'genloop';
import { Socket } from 'genloop/os';
import { Batches } from './batches.ts';
import { print } from './kernel-kit.ts';

const TIMEOUT_MS = 30_000;
const CLIENTS = 16;
const MESSAGE_BYTES = 64;

const port = Number(process.argv[2]);

/** One connection to a backend. */
class Wire {
  private readonly socket: Socket;
  private readonly readable: ReadWait;
  private readonly message = new Uint8Array(MESSAGE_BYTES);
  private readonly reply = new Uint8Array(MESSAGE_BYTES);

  constructor(socket: Socket, question: number) {
    this.socket = socket;
    this.readable = new ReadWait(socket);
    this.message[0] = question;
  }

  *ask(): Co<number> {
    // It takes 64 bytes: the last ones have been answered.
    this.socket.send(this.message);
    let received = 0;
    while (received < MESSAGE_BYTES) {
      yield* this.readable;
      const count = this.socket.recvInto(this.reply, received);
      if (count === 0) throw new Error('the backend closed its connection');
      received += count ?? 0;
    }
    return this.reply[0] as number;
  }
}

function* connected(question: number): Co<Wire> {
  const socket = Socket.tcp();
  socket.connect({ port });
  yield* new WriteWait(socket);
  socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', true);
  return new Wire(socket, question);
}

class Client {
  private readonly wires: readonly Wire[];

  constructor(wires: readonly Wire[]) {
    this.wires = wires;
  }

  request(): Op<number> {
    return failAfter(TIMEOUT_MS, () => group((g) => this.fetchAll(g)));
  }

  private *fetchAll(g: Group): Co<number> {
    const [first, second, third] = this.wires as readonly [Wire, Wire, Wire];
    const a = g.spawn(first.ask());
    const b = g.spawn(second.ask());
    const c = g.spawn(third.ask());
    return (yield* a.join()) + (yield* b.join()) + (yield* c.join());
  }
}

function* client(measures: boolean): Co<void> {
  const wires: Wire[] = [];
  for (const question of [1, 2, 3]) wires.push((yield connected(question)) as Wire);
  const own = new Client(wires);
  if ((yield* own.request()) !== 6) throw new Error('an answer is wrong');
  while (!measures) yield* own.request();
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* own.request();
  }
  // Everybody takes turns: while this one made a request, each of the others did.
  print(batches.median() / CLIENTS);
}

const scheduler = new Scheduler({ backend: 'epoll' });
for (let i = 0; i < CLIENTS; i++) scheduler.spawn(client(i === 0));
if (process.argv[3] === 'blocking') scheduler.runSync();
else await scheduler.run();
