/** TCP and UDP clients by Node's own modules, for what needs no foreign ones. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A TCP connection, read by what has come so far. */
export class Client implements AsyncDisposable {
  received = '';
  readonly socket: Socket;
  /** Its close, whether or not that is a reset. (`once` would throw the reset.) */
  private readonly closed: Promise<void>;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.received += text;
    });
    // A reset shows as the close that follows.
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** Waits until this has come, and forgets what has. Fails if the connection ends before. */
  async gets(text: string): Promise<void> {
    await this.heard(() => this.received.includes(text));
    this.received = '';
  }

  /** Waits until what has come matches, and keeps it. Fails if the connection ends before. */
  async until(pattern: RegExp): Promise<void> {
    await this.heard(() => pattern.test(this.received));
  }

  private async heard(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.socket.closed) throw new Error(`the connection ended with ${JSON.stringify(this.received)}`);
      // The one that loses the race must not go on listening.
      const race = new AbortController();
      const { signal } = race;
      // A reset is an error first: then the close follows, and the loop sees it.
      await Promise.race([once(this.socket, 'data', { signal }), this.closed]).catch(() => this.closed);
      race.abort();
    }
  }

  /** Half-closes, and waits for the end of the other half: all that has come. */
  async finish(): Promise<string> {
    this.socket.end();
    await this.closed;
    return this.received;
  }

  /** Ends with a reset (RST) instead of a goodbye (FIN). */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    await closed;
  }
}

/** Sends a datagram; the answer. */
export async function ask(port: number): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.send('?', port, '127.0.0.1');
    const [message] = (await once(socket, 'message')) as [Buffer];
    return String(message);
  } finally {
    await new Promise<void>((resolve) => socket.close(resolve));
  }
}
