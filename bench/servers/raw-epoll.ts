/**
 * An echo server over `genloop/os` alone: epoll and sockets, a table of clients, no tasks. Measured beside the
 * others, it shows what the scheduler adds to the system calls.
 */

import { writeSync } from 'node:fs';
import { constants, Epoll, Socket } from 'genloop/os';

interface Client {
  socket: Socket;
  /** What a send would not take. */
  unsent: Buffer | undefined;
}

const { EPOLLIN, EPOLLOUT } = constants as { EPOLLIN: number; EPOLLOUT: number };
const epoll = Epoll.create();
const clients: (Client | undefined)[] = [];
const buffer = Buffer.allocUnsafe(65536);
const listener = Socket.listener({ port: 0 });
epoll.add(listener, EPOLLIN);
writeSync(1, `listening 127.0.0.1:${listener.localAddress.port}\n`);

for (;;) {
  for (const { data } of epoll.wait()) {
    const client = clients[data];
    if (client === undefined) accept();
    else if (client.unsent !== undefined) writable(client, client.unsent);
    else readable(client);
  }
}

function accept(): void {
  for (let socket = listener.accept(); socket !== undefined; socket = listener.accept()) {
    socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', true);
    clients[socket.fd] = { socket, unsent: undefined };
    epoll.add(socket, EPOLLIN);
  }
}

function readable(client: Client): void {
  const { socket } = client;
  try {
    const count = socket.recvInto(buffer);
    if (count === undefined) return;
    if (count === 0) {
      end(client);
      return;
    }
    const sent = socket.send(buffer, 0, count) ?? 0;
    if (sent === count) return;
    client.unsent = Buffer.from(buffer.subarray(sent, count));
    epoll.modify(socket, EPOLLOUT);
  } catch {
    end(client); // reset by the peer
  }
}

function writable(client: Client, unsent: Buffer): void {
  try {
    const rest = unsent.subarray(client.socket.send(unsent) ?? 0);
    client.unsent = rest.length > 0 ? rest : undefined;
    if (rest.length === 0) epoll.modify(client.socket, EPOLLIN);
  } catch {
    end(client);
  }
}

function end({ socket }: Client): void {
  clients[socket.fd] = undefined;
  socket.close();
}
