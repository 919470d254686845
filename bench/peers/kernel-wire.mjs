/** Connections to an echo server over `node:net`, for the peers of bench/programs/kernel-proxy.ts: all of them use the same. */

import { once } from 'node:events';
import net from 'node:net';

const MESSAGE_BYTES = 64;
/** How many clients have requests under way at the same time. */
export const CLIENTS = 16;

class Wire {
  constructor(socket, question) {
    this.socket = socket;
    this.message = new Uint8Array(MESSAGE_BYTES);
    this.message[0] = question;
    this.received = 0;
    this.answer = 0;
    this.reply = undefined;
    socket.on('data', (chunk) => {
      if (this.received === 0) this.answer = chunk[0];
      this.received += chunk.length;
      if (this.received < MESSAGE_BYTES) return;
      this.received = 0;
      this.reply(this.answer);
    });
  }

  ask(reply) {
    this.reply = reply;
    this.socket.write(this.message);
  }
}

async function connected(port, question) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return new Wire(socket, question);
}

/** Three connections for each client. */
export async function wires(port) {
  const clients = [];
  for (let i = 0; i < CLIENTS; i++) {
    clients.push([await connected(port, 1), await connected(port, 2), await connected(port, 3)]);
  }
  return clients;
}
