/** Clients of the examples' servers that look at every errno themselves, and what reports of failed calls are told by. */

import { type Co, group, moveOnAfter, ReadWait, Socket, WriteWait } from 'genloop';
import type { SocketAddress } from 'genloop/os';
import type { FailureRun } from 'genloop/testing';
import { timeServer } from '../../examples/servers/time.ts';

/** In virtual milliseconds: longer than any answer takes. */
const PATIENCE = 1000;

/** Connects, says it all, half-closes, and reads to the end. */
export function* echoClient(port: number, message: string): Co<string> {
  using socket = Socket.tcp();
  if (socket.connect({ port }) === undefined) {
    yield new WriteWait(socket);
    const error = socket.error();
    if (error !== null) throw error;
  }
  for (let sent = 0; sent < message.length; ) {
    const count = socket.send(message.slice(sent));
    if (count === undefined) yield new WriteWait(socket);
    else sent += count;
  }
  socket.shutdown('write');
  let heard = '';
  for (;;) {
    yield new ReadWait(socket);
    const bytes = socket.recv();
    if (bytes?.length === 0) return heard;
    heard += bytes ?? '';
  }
}

/** Asks until it is answered: datagrams do get lost. */
function* timeClient(server: SocketAddress, attempts: number): Co<string> {
  using socket = Socket.udp({ port: 0 });
  for (let attempt = 0; attempt < attempts; attempt++) {
    socket.sendTo('?', server);
    const answered = yield* moveOnAfter(PATIENCE, new ReadWait(socket), null);
    const answer = answered === null ? undefined : socket.recvFrom();
    if (answer !== undefined) return String(answer.data);
  }
  return 'no answer';
}

/** The time server of the examples, and what its clients hear. */
export function* times(clients: number, attempts: number): Co<string[]> {
  using bound = Socket.udp({ port: 0 });
  const server = bound.localAddress;
  return yield* group(function* (g) {
    g.spawn(timeServer(bound, null), { daemon: true });
    const tasks = Array.from({ length: clients }, () => g.spawn(timeClient(server, attempts)));
    const heard: string[] = [];
    for (const task of tasks) heard.push(yield* task.join());
    return heard;
  });
}

/** Runs without what the servers print about their distress. */
export function silently<T>(body: () => T): T {
  const { error } = console;
  console.error = () => {};
  try {
    return body();
  } finally {
    console.error = error;
  }
}

/** What a failed assertion about a run says. */
export function title({ call, nth, errno, outcome, error }: FailureRun): string {
  return `${errno} at ${call} ${nth}: ${outcome} ${error ?? ''}`;
}
