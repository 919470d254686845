/** Clients made of the calls of `genloop/os` alone, for tests of listeners and servers; and what such tests wait for. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Co, Task } from 'genloop';
import { UnixListener, UnixStream } from 'genloop/net';
import { Socket, type SocketAddress } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { untilReady } from '../support/backends.ts';
import type { Opened } from '../support/situations.ts';

/** A client that has connected, and may not have been accepted. */
export function connectedTo(opened: Opened, address: SocketAddress): Socket {
  const unix = address.family === 'unix';
  const client = opened.keep(unix ? Socket.unix() : Socket.tcp({ family: address.family as 'IPv4' }));
  client.connect(unix ? { path: address.address } : address);
  untilReady(client, Readiness.OUT);
  return client;
}

let names = 0;

/**
 * A listener on a Unix socket. What is sent over one has come when the call returns, while TCP may leave it to a thread of the kernel: for tests
 * in virtual time, which passes as soon as nobody has anything to do.
 */
export function unixListener(opened: Opened): UnixListener {
  const name = `genloop-test-${process.pid}-${++names}`;
  const path = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), name);
  return opened.keep(UnixListener.open({ path }));
}

/** A client of a listener or a server, as a stream. */
export function unixClient(opened: Opened, { address }: { address: SocketAddress }): UnixStream {
  return opened.keep(new UnixStream(connectedTo(opened, address)));
}

/** Waits, without any time, until each of these tasks waits for something or has ended. */
export function* untilWaiting(...tasks: Task<unknown>[]): Co<void> {
  while (tasks.some(({ status }) => status === 'ready')) yield;
}

/** Waits, without any time, until this holds; other tasks run meanwhile. */
export function* until(holds: () => boolean): Co<void> {
  while (!holds()) yield;
}

/** All that comes until the end of the stream, which must come. `null` if it ends with a reset. */
export function everythingFrom(client: Socket): string | null {
  let text = '';
  for (;;) {
    untilReady(client, Readiness.IN);
    try {
      const data = client.recv();
      if (data === undefined) continue;
      if (data.length === 0) return text;
      text += data;
    } catch {
      return null;
    }
  }
}
