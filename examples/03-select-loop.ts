/**
 * I/O multiplexing by hand: an echo server as one loop around `select`, with nothing but `genloop/os`.
 *
 * `select` takes the descriptors that one would like to read or write, sleeps, and returns those where a call would not
 * block. Each call here is one system call (`strace` shows them in this order), non-blocking: `undefined` means "would block".
 *
 * What the loop needs to know of each client stands in a table: what is still to be sent. With more than an echo to do, that
 * table becomes the hard part. 04 sorts it into objects; 05 and all that follow let a task keep it in its variables.
 *
 *   node --import tsx examples/03-select-loop.ts [port]
 *   nc -N 127.0.0.1 15000          (type lines; Ctrl-D ends)
 */

import { type Socket, SystemError, select } from 'genloop/os';
import { openSocket } from './servers/open.ts';

const listener = openSocket('TCP', Number(process.argv[2] ?? 15000));
console.log(`echo by select on ${listener.localAddress}; Ctrl-C ends`);

/** Each client, and what came from it and has not been sent back yet. */
const clients = new Map<Socket, Buffer>();

for (;;) {
  // Somebody to whom we still owe bytes is not read from: so a client that only sends cannot fill our memory.
  const readers = [...clients.keys()].filter((client) => clients.get(client)?.length === 0);
  const writers = [...clients.keys()].filter((client) => clients.get(client)?.length !== 0);
  const [readable, writable] = select([listener, ...readers], writers, []);

  for (const socket of readable) {
    if (socket === listener) accept();
    else guarded(socket, receive);
  }
  for (const client of writable) guarded(client, send);
}

function accept(): void {
  const client = listener.accept();
  if (client === undefined) return; // it went away again before we looked
  console.log(`${client.remoteAddress} connected`);
  clients.set(client, Buffer.alloc(0));
}

function receive(client: Socket): void {
  const data = client.recv(8192);
  if (data === undefined) return; // readiness is a hint
  if (data.length === 0) end(client, 'ended');
  else clients.set(client, data);
}

function send(client: Socket): void {
  const rest = clients.get(client) as Buffer;
  const sent = client.send(rest) ?? 0; // perhaps not all of it: the kernel takes what fits
  clients.set(client, rest.subarray(sent));
}

/** One client's broken connection is no reason to stop serving the others. */
function guarded(client: Socket, action: (client: Socket) => void): void {
  try {
    action(client);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    end(client, error.code);
  }
}

function end(client: Socket, why: string): void {
  console.log(`${client.remoteAddress} ${why}`);
  clients.delete(client);
  client.close();
}
