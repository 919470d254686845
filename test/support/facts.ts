/**
 * What the kernel says, row by row: a situation, the flags that poll(2) reports of it, and what the next calls say. For every backend, over
 * the real kernel and over the simulated one, which has to say the same.
 */

import { type Descriptor, Socket, SystemError } from 'genloop/os';
import { ALARM, openBackend, Poller, Readiness, readinessNames } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { PATIENCE, Recorder, type Subject, untilReady } from './backends.ts';
import * as situations from './situations.ts';
import { Opened } from './situations.ts';
import { suite } from './suite.ts';
import { constant, inside } from './systems.ts';

const { IN, OUT, PRI, ERR, HUP, RDHUP } = Readiness;
const ALL = IN | OUT | PRI;

interface Fact {
  /** As a sentence's subject. */
  situation: string;
  /** Builds it; the descriptor to look at. */
  build(opened: Opened): Descriptor;
  /** What is asked for; everything if absent. */
  interest?: number;
  /** What poll(2) reports then. */
  flags: number;
  /** The next calls, each with what it gives: a number of bytes, or an error's code. */
  next?: readonly (readonly [name: string, call: (descriptor: Socket) => unknown, gives: unknown])[];
}

const recv = (socket: Socket): unknown => socket.recv(100)?.toString() ?? 'would block';
const read = (descriptor: Descriptor): unknown => descriptor.read(100)?.toString() ?? 'would block';
const send = (socket: Socket): unknown => socket.send('x');
const write = (descriptor: Descriptor): unknown => descriptor.write('x');

const FACTS: readonly Fact[] = [
  {
    situation: 'a fresh unconnected TCP socket',
    build: (opened) => opened.keep(Socket.tcp()),
    flags: OUT | HUP,
    next: [['recv', recv, 'ENOTCONN']],
  },
  {
    situation: 'a TCP connection with data',
    build(opened) {
      const { client, server } = situations.connection(opened);
      server.send('hello');
      untilReady(client, IN);
      return client;
    },
    flags: IN | OUT,
    next: [
      ['recv', recv, 'hello'],
      ['recv again', recv, 'would block'],
    ],
  },
  {
    situation: 'a TCP connection whose peer half-closed',
    build(opened) {
      const { client, server } = situations.connection(opened);
      server.shutdown('write');
      untilReady(client, RDHUP);
      return client;
    },
    flags: IN | OUT | RDHUP,
    next: [
      ['recv', recv, ''],
      ['send', send, 1],
    ],
  },
  {
    situation: 'a TCP connection that both ends finished',
    build: situations.finished,
    flags: IN | OUT | HUP | RDHUP,
    next: [
      ['recv', recv, ''],
      ['send', send, 'EPIPE'],
    ],
  },
  {
    situation: 'a TCP connection reset by its peer',
    build: (opened) => situations.reset(opened),
    flags: IN | OUT | ERR | HUP | RDHUP,
    next: [
      ['recv', recv, 'ECONNRESET'],
      ['recv again', recv, ''],
      ['send', send, 'EPIPE'],
    ],
  },
  {
    situation: 'a TCP connection reset while data is unread',
    build: (opened) => situations.reset(opened, 'last words'),
    flags: IN | OUT | ERR | HUP | RDHUP,
    next: [
      ['recv', recv, 'last words'],
      ['recv again', recv, 'ECONNRESET'],
      ['a third recv', recv, ''],
    ],
  },
  {
    situation: 'a TCP socket whose connection was refused, asked for writing',
    build: situations.refused,
    interest: OUT,
    flags: OUT | ERR | HUP,
    next: [
      ['SO_ERROR', (socket) => socket.error()?.code, 'ECONNREFUSED'],
      ['SO_ERROR again', (socket) => socket.error(), null],
    ],
  },
  {
    situation: 'the reading end of an empty pipe whose writer closed',
    build(opened) {
      const { reader, writer } = situations.pipeEnds(opened);
      writer.close();
      return reader;
    },
    flags: HUP,
    next: [['read', read, '']],
  },
  {
    situation: 'the writing end of a pipe with room whose reader closed',
    build(opened) {
      const { reader, writer } = situations.pipeEnds(opened);
      reader.close();
      return writer;
    },
    interest: OUT,
    flags: OUT | ERR,
    next: [['write', write, 'EPIPE']],
  },
  {
    situation: 'the writing end of a full pipe whose reader closed',
    build(opened) {
      const { reader, writer } = situations.pipeEnds(opened);
      situations.fill(writer);
      reader.close();
      return writer;
    },
    interest: OUT,
    flags: ERR,
    next: [['write', write, 'EPIPE']],
  },
  {
    situation: 'the writing end of a full pipe',
    build(opened) {
      const { writer } = situations.pipeEnds(opened);
      situations.fill(writer);
      return writer;
    },
    flags: 0,
    next: [['write', (descriptor) => descriptor.write('x') ?? 'would block', 'would block']],
  },
  {
    situation: 'a FIFO opened for reading that no writer has opened yet',
    build: (opened) => opened.keep(openFifo(opened)),
    flags: 0,
    next: [['read', read, '']],
  },
  {
    situation: 'a FIFO whose writer came and went',
    build: situations.leftFifo,
    flags: HUP,
    next: [['read', read, '']],
  },
  {
    situation: 'a Unix stream whose peer closed',
    build(opened) {
      const [one, other] = Socket.pair();
      opened.keep(one);
      other.close();
      return one;
    },
    flags: IN | OUT | HUP | RDHUP,
    next: [
      ['send', send, 'EPIPE'],
      ['recv', recv, ''],
    ],
  },
  {
    situation: 'a Unix stream asked for urgent data only, whose peer closed',
    build(opened) {
      const [one, other] = Socket.pair();
      opened.keep(one);
      other.close();
      return one;
    },
    interest: PRI,
    flags: HUP,
  },
  {
    situation: 'a TCP connection with an urgent byte',
    build: situations.urgent,
    interest: PRI,
    flags: PRI,
    next: [
      ['recv with MSG_OOB', (socket) => socket.recv(1, constant('MSG_OOB'))?.toString(), '!'],
      ['another recv with MSG_OOB', (socket) => socket.recv(1, constant('MSG_OOB')), 'EINVAL'],
    ],
  },
  {
    situation: 'a TCP connection whose urgent byte has been read',
    build(opened) {
      const client = situations.urgent(opened);
      client.recv(1, constant('MSG_OOB'));
      return client;
    },
    interest: PRI,
    flags: 0,
  },
  {
    situation: 'a connected UDP socket whose peer is not there, asked for reading',
    build: situations.unreachable,
    interest: IN,
    flags: ERR,
    next: [
      ['recv', recv, 'ECONNREFUSED'],
      ['recv again', recv, 'would block'],
    ],
  },
  {
    situation: 'a connected UDP socket whose peer is not there, asked for both',
    build: situations.unreachable,
    interest: IN | OUT,
    flags: OUT | ERR,
    next: [
      ['send', send, 'ECONNREFUSED'],
      ['send again', send, 1],
    ],
  },
  {
    situation: 'a UDP socket with an empty datagram',
    build(opened) {
      const receiver = opened.keep(Socket.udp({ port: 0 }));
      opened.keep(Socket.udp()).sendTo('', receiver.localAddress);
      untilReady(receiver, IN);
      return receiver;
    },
    flags: IN | OUT,
    next: [
      ['recv', recv, ''],
      ['recv again', recv, 'would block'],
    ],
  },
  {
    situation: 'a listener whose only client reset before it was accepted',
    build: situations.resetBeforeAccept,
    flags: IN,
    next: [
      [
        'accept, then recv and getpeername,',
        (listener) => {
          const socket = listener.accept() as Socket;
          try {
            return [socket.remoteAddress?.address, codeOf(() => recv(socket)), codeOf(() => socket.peerAddress)];
          } finally {
            socket.close();
          }
        },
        ['127.0.0.1', 'ECONNRESET', 'ENOTCONN'],
      ],
    ],
  },
  {
    situation: 'a listener that was shut down, asked for reading',
    build(opened) {
      return situations.listener(opened).shutdown();
    },
    interest: IN,
    flags: HUP,
    next: [['accept', (listener) => listener.accept(), 'EINVAL']],
  },
];

function openFifo(opened: Opened): Descriptor {
  return situations.openReader(situations.fifo(opened));
}

/** What select(2) of Linux makes of poll's flags, and kqueue (imitated) of them. */
const TELLS: Readonly<Record<string, (flags: number, interest: number, socket: boolean) => number>> = {
  epoll: (flags) => flags,
  poll: (flags) => flags,
  select: (flags, interest) =>
    (interest & IN && flags & (IN | HUP | ERR) ? IN : 0) |
    (interest & OUT && flags & (OUT | ERR) ? OUT : 0) |
    (interest & PRI && flags & PRI ? PRI : 0),
  kqueue(flags, interest, socket) {
    const ended = flags & (HUP | ERR);
    const failed = socket && flags & ERR ? ERR : 0;
    return (
      (interest & IN && flags & (IN | RDHUP | HUP | ERR) ? IN | (ended || flags & RDHUP ? RDHUP : 0) | failed : 0) |
      (interest & OUT && flags & (OUT | HUP | ERR) ? OUT | (ended ? HUP : 0) | failed : 0) |
      (interest & PRI && flags & (PRI | HUP | ERR) ? PRI | (ended ? RDHUP : 0) | failed : 0)
    );
  },
};

/** Adds and runs a suite that asks this backend about every situation. */
export function factsOf(subject: Subject): void {
  const test = suite(`what the kernel says, by ${subject.title}`);
  for (const fact of FACTS) {
    test(`${fact.situation}: ${readinessNames(fact.flags)}`, () => {
      // A simulated system may be made anew for each question.
      const asked = { ...subject };
      inside(asked.sys, () => check(asked, fact));
    });
  }
  test.run();
}

function check(subject: Subject, fact: Fact): void {
  const opened = new Opened();
  try {
    const descriptor = fact.build(opened);
    const { interest = ALL, flags } = fact;
    const tells = TELLS[subject.name] as (typeof TELLS)[string];
    const expected = tells(flags, interest, descriptor instanceof Socket);
    assert.is(
      readinessNames(askBackend(subject, descriptor, interest, expected)),
      readinessNames(expected),
      'the flags',
    );
    checkWaiters(subject, descriptor, interest, expected);
    for (const [name, call, gives] of fact.next ?? []) {
      assert.equal(
        codeOf(() => call(descriptor as Socket)),
        gives,
        `${name} gives`,
      );
    }
  } finally {
    opened.close();
  }
}

/** All flags that a fresh backend reports of the descriptor. */
function askBackend(subject: Subject, descriptor: Descriptor, interest: number, expected: number): number {
  const backend = openBackend(subject.sys, subject.name);
  try {
    const registration = { fd: descriptor.fd, generation: 1, interest, armed: -1 };
    assert.is(backend.change(registration), 0, 'the registration');
    assert.is(registration.armed, interest);
    const count = backend.wait(expected === 0 ? 0 : PATIENCE);
    let flags = 0;
    for (let at = 0; at < count * 3; at += 3) {
      assert.equal([...backend.rows.subarray(at, at + 2)], [descriptor.fd, 1]);
      flags |= backend.rows[at + 2] as number;
    }
    assert.is(backend.remove(registration), 0, 'the removal');
    assert.is(backend.wait(0), 0, 'what is removed is silent');
    return flags;
  } finally {
    backend.close();
  }
}

/** Whom those flags wake. */
function checkWaiters(subject: Subject, descriptor: Descriptor, interest: number, flags: number): void {
  using poller = new Poller(subject.sys, subject.name);
  const alarm = (flags & ALARM) !== 0;
  const directions = ([IN, OUT, PRI] as const).filter((direction) => (interest & direction) !== 0);
  const waiters = directions.map((direction) => {
    const waiter = new Recorder();
    poller.park(descriptor, direction, waiter);
    return { direction, waiter };
  });
  poller.wait(flags === 0 ? 0 : PATIENCE);
  for (const { direction, waiter } of waiters) {
    const wakes = alarm || (flags & (direction === IN ? IN | RDHUP : direction)) !== 0;
    assert.is(waiter.flags.length, wakes ? 1 : 0, `the waiter for ${readinessNames(direction)}`);
    assert.is(waiter.errors.length, 0);
  }
}

/** What the call gives, or the code of its error. */
function codeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
}
