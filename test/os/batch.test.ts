/** Many datagrams in one call: what a batch holds, what comes of it in part, and that it is the same on both systems. */

import { DatagramBatch, realSys, recvmmsg, Socket, SocketAddress, sendmmsg } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { untilReady } from '../support/backends.ts';
import { holding, type Opened, thrown, unreachable } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';
import { onBoth, said } from '../testing/simulation/both.ts';

const test = suite('batches of datagrams');
const { IN } = Readiness;

function udp(opened: Opened): Socket {
  return opened.keep(Socket.udp({ port: 0 }));
}

function texts(batch: DatagramBatch): string[] {
  return Array.from({ length: batch.count }, (_, n) => Buffer.from(batch.data(n)).toString());
}

/** One datagram, as it lies in a batch. */
interface Heard {
  readonly text: string;
  readonly length: number;
  readonly truncated: boolean;
  readonly sender: string;
}

function contents(batch: DatagramBatch): Heard[] {
  return Array.from({ length: batch.count }, (_, n) => ({
    text: Buffer.from(batch.data(n)).toString(),
    length: batch.length(n),
    truncated: batch.truncated(n),
    sender: batch.address(n).toString(),
  }));
}

/** So many datagrams, by as many calls as the kernel's loopback takes to deliver them. */
function heard(socket: Socket, batch: DatagramBatch, count: number): Heard[] {
  const all: Heard[] = [];
  while (all.length < count) {
    untilReady(socket, IN);
    if (recvmmsg(socket, batch) !== undefined) all.push(...contents(batch));
  }
  return all;
}

onBoth(
  test,
  'datagrams come with their senders, and whether they were cut',
  (opened) => {
    const [server, one, other] = [udp(opened), udp(opened), udp(opened)];
    const batch = new DatagramBatch({ capacity: 8, size: 4 });
    const before = recvmmsg(server, batch);
    for (const words of ['one', '', 'too long']) one.sendTo(words, server.localAddress);
    other.sendTo('two', server.localAddress);
    const all = heard(server, batch, 4);
    const [mine, yours] = [one.localAddress.toString(), other.localAddress.toString()];
    return {
      before,
      mine: all.filter(({ sender }) => sender === mine).map(({ text, length, truncated }) => [text, length, truncated]),
      yours: all.filter(({ sender }) => sender === yours).map(({ text }) => text),
      after: recvmmsg(server, batch),
      left: batch.count,
    };
  },
  {
    before: undefined,
    mine: [
      ['one', 3, false],
      ['', 0, false],
      ['too ', 4, true],
    ],
    yours: ['two'],
    after: undefined,
    left: 0,
  },
);

onBoth(
  test,
  'all that are there come with one call, and a full batch leaves the others for the next',
  (opened) => {
    // Between Unix sockets there is no network: what was sent is there.
    const [server, client] = Socket.pair('SOCK_DGRAM').map((socket) => opened.keep(socket)) as [Socket, Socket];
    const send = (): void => {
      for (const words of ['a', 'b', 'c']) client.send(words);
    };
    const batch = new DatagramBatch({ capacity: 2 });
    const large = new DatagramBatch({ capacity: 256 });
    send();
    const small = [recvmmsg(server, batch), texts(batch), recvmmsg(server, batch), texts(batch)];
    send();
    return [small, recvmmsg(server, large), texts(large)];
  },
  [[2, ['a', 'b'], 1, ['c']], 3, ['a', 'b', 'c']],
);

onBoth(
  test,
  'what was received is answered in place, all alike or each for itself, and goes to whoever asked',
  (opened) => {
    const [server, one, other] = [udp(opened), udp(opened), udp(opened)];
    const batch = new DatagramBatch({ capacity: 4, size: 16 });
    const serve = (answer: () => void): unknown[] => {
      one.sendTo('1', server.localAddress);
      other.sendTo('2', server.localAddress);
      for (let answered = 0; answered < 2; ) {
        untilReady(server, IN);
        if (recvmmsg(server, batch) === undefined) continue;
        answer();
        answered += sendmmsg(server, batch) as number;
      }
      return [one, other].map((client) => {
        untilReady(client, IN);
        return client.recv()?.toString();
      });
    };
    const alike = serve(() => batch.setDataOfAll('the same'));
    const each = serve(() => {
      for (let n = 0; n < batch.count; n++) batch.setData(n, `to ${Buffer.from(batch.data(n))}`);
    });
    // An echo: nothing is touched.
    return [alike, each, serve(() => {})];
  },
  [
    ['the same', 'the same'],
    ['to 1', 'to 2'],
    ['1', '2'],
  ],
);

onBoth(
  test,
  'a connected socket sends a batch to its peer',
  (opened) => {
    const [server, client] = [udp(opened), udp(opened)];
    client.connect(server.localAddress);
    const batch = new DatagramBatch({ size: 16 });
    batch.add('one');
    batch.add(Buffer.from('two'));
    const sent = sendmmsg(client, batch);
    const received = heard(server, batch, 2).map(({ text }) => text);
    batch.clear();
    return [sent, received, batch.count];
  },
  [2, ['one', 'two'], 0],
);

onBoth(
  test,
  'a datagram that cannot go ends its call: what went before it counts, and a call that begins with it says why',
  (opened) => {
    const [server, client] = [udp(opened), udp(opened)];
    const batch = new DatagramBatch({ capacity: 4, size: 16 });
    const to = server.localAddress;
    batch.add('first', to);
    batch.add('to nowhere', SocketAddress.from({ path: '/no such socket' }));
    batch.add('last', to);
    return [
      sendmmsg(client, batch),
      said(() => sendmmsg(client, batch, 1)) !== undefined,
      sendmmsg(client, batch, 2),
      sendmmsg(client, batch, 3),
    ];
  },
  [1, true, 1, 0],
);

onBoth(
  test,
  'a batch over a Unix datagram socket tells the names of its senders',
  (opened) => {
    const names = ['receiver', 'sender'].map((name) => `\0genloop-batch-${process.pid}-${name}`);
    const [receiver, sender] = names.map((path) => opened.keep(Socket.unix({ type: 'datagram', path }))) as [
      Socket,
      Socket,
    ];
    const nameless = opened.keep(Socket.unix({ type: 'datagram' }));
    sender.sendTo('named', { path: names[0] as string });
    nameless.sendTo('nameless', { path: names[0] as string });
    const batch = new DatagramBatch();
    const count = recvmmsg(receiver, batch);
    return [count, texts(batch), batch.address(0).address === names[1], batch.address(1).bytes.length];
  },
  [2, ['named', 'nameless'], true, 0],
);

test(
  'rule 37: a refusal that an earlier datagram met is thrown once, and the batch goes on',
  holding((opened) => {
    const socket = unreachable(opened);
    const batch = new DatagramBatch();
    const error = thrown(() => recvmmsg(socket, batch));
    assert.equal([error.code, error.syscall, error.fd, batch.count], ['ECONNREFUSED', 'recvmmsg', socket.fd, 0]);
    assert.is(recvmmsg(socket, batch), undefined);
  }),
);

test(
  'the views show the memory of the batch, and an address stays when it is cloned',
  holding((opened) => {
    const [server, one, other] = [udp(opened), udp(opened), udp(opened)];
    const batch = new DatagramBatch({ capacity: 1 });
    one.sendTo('one', server.localAddress);
    untilReady(server, IN);
    recvmmsg(server, batch);
    const [borrowed, kept] = [batch.address(0), batch.address(0).clone()];
    const bytes = batch.data(0);
    other.sendTo('two', server.localAddress);
    untilReady(server, IN);
    recvmmsg(server, batch);
    assert.is(Buffer.from(bytes).toString(), 'two');
    assert.is(borrowed.port, other.localAddress.port);
    assert.is(kept.port, one.localAddress.port);
    assert.is(batch.address(0), borrowed, 'made once');
  }),
);

test(
  'with MSG_TRUNC the length is what is here, and not what was sent: an echo sends no neighbour’s bytes',
  holding((opened) => {
    const [server, client] = Socket.pair('SOCK_DGRAM').map((socket) => opened.keep(socket)) as [Socket, Socket];
    const batch = new DatagramBatch({ capacity: 2, size: 4 });
    client.send('longer');
    client.send('next');
    recvmmsg(server, batch, server.sys.constants.MSG_TRUNC);
    assert.equal(texts(batch), ['long', 'next']);
    assert.equal([batch.truncated(0), batch.truncated(1)], [true, false]);
  }),
);

test('a full queue is undefined, what the kernel refuses is an error with the call in it', () => {
  const { EAGAIN, ENOBUFS } = realSys().constants as { EAGAIN: number; ENOBUFS: number };
  let answer = -EAGAIN;
  const sys = overriding(realSys(), { sendmmsg: () => answer, recvmmsg: () => answer });
  inside(sys, () => {
    using socket = Socket.udp({ port: 0 });
    const batch = new DatagramBatch();
    batch.add('x', socket.localAddress);
    assert.is(sendmmsg(socket, batch), undefined);
    answer = -ENOBUFS;
    const failures = [thrown(() => sendmmsg(socket, batch)), thrown(() => recvmmsg(socket, batch))];
    assert.equal(
      failures.map(({ code, syscall }) => [code, syscall]),
      [
        ['ENOBUFS', 'sendmmsg'],
        ['ENOBUFS', 'recvmmsg'],
      ],
    );
  });
});

test('what is no capacity, size, place or part of a batch is refused', () => {
  const sys = new SimulatedSystem();
  for (const capacity of [0, 257, 1.5, Number.NaN, '3' as unknown as number]) {
    assert.throws(() => new DatagramBatch({ capacity, sys }), /the capacity of a batch is an integer from 1 to 256/);
  }
  for (const size of [0, 65_536]) assert.throws(() => new DatagramBatch({ size, sys }), /the size of a batch/);
  const batch = new DatagramBatch({ capacity: 1, size: 4, sys });
  assert.throws(() => batch.data(0), /holds 0 datagrams, counted from 0; there is no 0/);
  assert.throws(() => batch.add('longer'), /6 bytes do not fit into a batch whose datagrams have 4 at most/);
  assert.is(batch.count, 0);
  assert.is(batch.add('fits'), 0);
  assert.throws(() => batch.add('more'), /this batch is full: it has room for 1 datagrams/);
  for (const n of [-1, 1, 0.5, Number.NaN]) {
    assert.throws(() => batch.data(n), RangeError);
    assert.throws(() => batch.address(n), RangeError);
    assert.throws(() => batch.truncated(n), RangeError);
    assert.throws(() => batch.setData(n, ''), RangeError);
  }
  assert.throws(() => batch.setDataOfAll('longer'), RangeError);
  inside(sys, () => {
    using socket = Socket.udp({ port: 0 });
    for (const from of [-1, 2, 0.5]) assert.throws(() => sendmmsg(socket, batch, from), /cannot begin with number/);
  });
});

test.run();
