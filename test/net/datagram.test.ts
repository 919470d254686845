/** Datagram sockets under the drives: who gets which datagram, what becomes of waits, and what the kernel says against it. */

import { networkInterfaces } from 'node:os';
import { type Co, group, Op, PENDING, pass, ReadWait, select, sleep, type Waker } from 'genloop';
import { type DatagramSocket, UdpSocket, UnixDatagram } from 'genloop/net';
import { ClosedError, DatagramBatch, NOT_ARMED, pipe, Socket, SocketAddress, type Sys, SystemError } from 'genloop/os';
import { BusyError, Registration } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { eachSetup, once, SETUPS } from '../support/drives.ts';
import { Scheduler } from '../support/seeded.ts';
import { inOrder } from '../support/seeds.ts';
import { notRun, suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('datagram sockets');
const over = eachSetup(test);

/** For what no drive and no backend can change. */
function alone(name: string, body: (setup: (typeof SETUPS)[number]) => Promise<void>): void {
  const setup = SETUPS[0] as (typeof SETUPS)[number];
  test(`${name} (${setup.title})`, () => body(setup));
}

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

/** An address at which nobody is. */
function nobody(): SocketAddress {
  using socket = UdpSocket.open({ port: 0 });
  return socket.localAddress;
}

/** Runs a task to the end of its scheduler. */
async function running(setup: (typeof SETUPS)[number], main: () => Co<void>): Promise<void> {
  const scheduler = setup.make();
  const task = scheduler.spawn(main());
  await setup.run(scheduler);
  assert.is(task.status, 'done');
}

/** What an operation throws. */
function* thrownBy(operation: Op<unknown>): Co<SystemError> {
  try {
    yield* operation;
  } catch (error) {
    return error as SystemError;
  }
  throw new Error('it did not throw');
}

/** Lets all others run until they wait. */
function* settled(): Co<void> {
  for (let n = 0; n < 8; n++) yield* pass();
}

over('a datagram comes whole, with its sender, and the bytes are the receiver’s own', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ port: 0 });
    using client = UdpSocket.open({ host: '127.0.0.1' });
    assert.is(yield* client.send('grüße', server.localAddress), 7);
    const first = yield* server.receive();
    assert.equal(
      [first.data.toString(), first.address.toString(), first.truncated],
      ['grüße', client.localAddress.toString(), false],
    );
    yield* client.send(Uint8Array.of(1, 2), server.localAddress);
    const second = yield* server.receive();
    assert.equal([[...second.data], first.data.toString()], [[1, 2], 'grüße']);
    // And back, to the address as it came.
    yield* server.send('answer', first.address);
    assert.is((yield* client.receive()).data.toString(), 'answer');
  });
});

alone('an empty datagram is one like any other, and one that is too long for its room says so', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ port: 0 });
    using client = UdpSocket.connect(server.localAddress);
    for (const words of ['', 'a long one', 'short']) yield* client.send(words);
    const heard = [];
    for (const size of [10, 4, 10]) {
      const { data, truncated } = yield* server.receive(size);
      heard.push([data.toString(), truncated]);
    }
    assert.equal(heard, [
      ['', false],
      ['a lo', true],
      ['short', false],
    ]);
  });
});

alone('receiveInto fills a buffer, and the address that it is given', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ port: 0 });
    using client = UdpSocket.connect(server.localAddress);
    const buffer = new Uint8Array(4);
    const sender = SocketAddress.empty();
    yield* client.send('abcdef');
    assert.is(yield* server.receiveInto(buffer), 4);
    assert.equal([Buffer.from(buffer).toString(), server.truncated], ['abcd', true]);
    assert.is(server.sender.port, client.localAddress.port);
    yield* client.send('x');
    assert.is(yield* server.receiveInto(buffer, sender), 1);
    assert.equal([Buffer.from(buffer).toString(), server.truncated], ['xbcd', false]);
    assert.is(sender.toString(), client.localAddress.toString());
    yield* client.send('');
    assert.is(yield* server.receiveInto(buffer), 0);
  });
});

over('a batch takes what is there, and its answers go to those who asked', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ port: 0 });
    const clients = Array.from({ length: 5 }, () => UdpSocket.connect(server.localAddress));
    const batch = new DatagramBatch({ capacity: 3 });
    yield* group(function* (g): Co<void> {
      g.spawn(
        (function* (): Co<void> {
          for (;;) {
            const count = yield* server.receiveMany(batch);
            for (let n = 0; n < count; n++) batch.setData(n, `${Buffer.from(batch.data(n))}!`);
            assert.is(yield* server.sendMany(batch), count);
            assert.is(batch.sent, count);
          }
        })(),
        { daemon: true },
      );
      for (const [n, client] of clients.entries()) yield* client.send(`${n}`);
      for (const [n, client] of clients.entries()) {
        assert.is((yield* client.receive()).data.toString(), `${n}!`);
        client.close();
      }
    });
  });
});

over(
  'rule 31: those who wait for a datagram are served in their order, also after one of them has gone',
  async (setup) => {
    inOrder();
    await running(setup, function* (): Co<void> {
      using server = UdpSocket.open({ port: 0 });
      using client = UdpSocket.connect(server.localAddress);
      const log: string[] = [];
      yield* group(function* (g): Co<void> {
        const waiter = function* (name: string): Co<void> {
          const { data } = yield* server.receive();
          log.push(`${name} got ${data}`);
        };
        const [, second] = ['a', 'b', 'c', 'd'].map((name) => g.spawn(waiter(name)));
        yield* settled();
        second?.cancel();
        for (const words of ['1', '2', '3']) yield* client.send(words);
      });
      assert.equal(log, ['a got 1', 'c got 2', 'd got 3']);
    });
  },
);

alone(
  'rule 42: a task that comes later does not overtake one that waits, though its datagram is there',
  async (setup) => {
    inOrder();
    await running(setup, function* (): Co<void> {
      const [near, far] = UnixDatagram.pair();
      using _near = near;
      using _far = far;
      const log: string[] = [];
      yield* group(function* (g): Co<void> {
        const waiter = function* (name: string): Co<void> {
          log.push(`${name} got ${(yield* far.receive()).data}`);
        };
        g.spawn(waiter('first'));
        yield* settled();
        yield* near.send('1');
        yield* near.send('2');
        // The first has not been served yet: nobody has asked the kernel since.
        log.push(`late got ${(yield* far.receive()).data}`);
      });
      assert.equal(log, ['first got 1', 'late got 2']);
    });
  },
);

alone('rule 36: a receive that was cancelled takes nothing', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ port: 0 });
    using client = UdpSocket.connect(server.localAddress);
    const given = yield* select({ datagram: server.receive(), at: sleep(0) });
    assert.is(given.key, 'at');
    yield* client.send('later');
    assert.is((yield* server.receive()).data.toString(), 'later');
  });
});

over('rule 4: of several receives in a select one takes a datagram, and the others leave theirs', async (setup) => {
  await running(setup, function* (): Co<void> {
    const pairs = [UnixDatagram.pair(), UnixDatagram.pair()];
    for (const [near] of pairs) yield* near.send('x');
    const [[, one], [, other]] = pairs as [[UnixDatagram, UnixDatagram], [UnixDatagram, UnixDatagram]];
    const heard: unknown[] = [];
    for (let n = 0; n < 2; n++) heard.push((yield* select([one.receive(), other.receive()])).key);
    assert.equal(heard.sort(), [0, 1]);
    // Two of one socket, and two datagrams.
    const near = pairs[0]?.[0] as UnixDatagram;
    for (const words of ['1', '2']) yield* near.send(words);
    const batch = new DatagramBatch();
    const first = yield* select({ single: one.receive(), single2: one.receive(), many: one.receiveMany(batch) });
    assert.is(first.key, 'single');
    assert.is((yield* one.receive()).data.toString(), '2');
    for (const pair of pairs) for (const each of pair) each.close();
  });
});

/** Parks an operation with a waker that does not want what it gets. */
class Refusing extends Op<void> {
  private readonly inner: Op<unknown>;

  constructor(inner: Op<unknown>) {
    super();
    this.inner = inner;
  }

  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<void>): void {
    this.inner.park({
      kernel: waker.kernel,
      state: undefined,
      wake: () => {
        waker.wake();
        return false;
      },
      fail: () => false,
    });
  }

  override abort(): boolean {
    return false;
  }

  override describe(): string {
    return 'something that does not want it';
  }
}

alone('rule 4: what was received for a task that no longer wants it is the next that is received', async (setup) => {
  inOrder();
  await running(setup, function* (): Co<void> {
    const [near, far] = UnixDatagram.pair();
    using _near = near;
    using _far = far;
    const buffer = new Uint8Array(8);
    const sender = SocketAddress.empty();
    const batch = new DatagramBatch({ size: 2 });
    const { reader, writer } = pipe();
    const ways: [string, () => Op<unknown>][] = [
      ['receive', () => far.receive()],
      ['receiveInto', () => far.receiveInto(buffer, sender)],
      ['receiveMany', () => far.receiveMany(batch)],
      ['receiveMessage', () => far.receiveMessage({ descriptors: 1 })],
    ];
    for (const [lost, refuse] of ways) {
      for (const [found, receive] of ways) {
        yield* near.sendMessage('word', { descriptors: [writer] });
        yield* new Refusing(refuse());
        yield* near.send('next');
        const what = `${lost}, then ${found}`;
        const words = lost === 'receiveMany' ? 'wo' : 'word';
        const result = yield* receive();
        if (found === 'receive') assert.is(String((result as { data: Buffer }).data), words, what);
        if (found === 'receiveInto')
          assert.is(Buffer.from(buffer.subarray(0, result as number)).toString(), words, what);
        if (found === 'receiveMany') {
          assert.is(Buffer.from(batch.data(0)).toString(), 'wo', what);
          assert.is(batch.truncated(0), true, what);
        }
        if (found === 'receiveMessage') {
          using message = result as Disposable & { data: Buffer; descriptors: unknown[] };
          assert.is(message.data.toString(), words, what);
          assert.is(message.descriptors.length, lost === 'receiveMessage' ? 1 : 0, what);
        }
        const rest = yield* far.receive(2);
        assert.equal([String(rest.data), rest.truncated], ['ne', true], what);
      }
    }
    // What nobody receives any more is closed with the socket.
    yield* near.sendMessage('word', { descriptors: [writer] });
    yield* new Refusing(far.receiveMessage({ descriptors: 1 }));
    far.close();
    writer.close();
    yield* new ReadWait(reader);
    assert.is(reader.read()?.length, 0, 'no other number for it is open');
    reader.close();
  });
});

over('rule 32: a close wakes all who wait, whatever they wait for, and ends all use', async (setup) => {
  await running(setup, function* (): Co<void> {
    // Always full: who sends waits for room, or for memory.
    const { EAGAIN, ENOBUFS } = setup.sys.constants as { EAGAIN: number; ENOBUFS: number };
    for (const errno of [EAGAIN, ENOBUFS]) {
      const sys = overriding(setup.sys, { sendto: () => -errno });
      const socket = new UdpSocket(new Socket(sys, Socket.udp({ port: 0 }).detach()));
      sys.own(socket.fileno());
      const errors: unknown[] = [];
      yield* group(function* (g): Co<void> {
        const waits = [
          socket.receive(),
          socket.receive(),
          socket.receiveInto(new Uint8Array(1)),
          socket.send('x', nobody()),
        ];
        for (const wait of waits) {
          g.spawn(
            (function* (): Co<void> {
              errors.push((yield* thrownBy(wait)).name);
            })(),
          );
        }
        yield* settled();
        socket.close();
        socket.close();
      });
      assert.equal(errors, ['ClosedError', 'ClosedError', 'ClosedError', 'ClosedError']);
      const late = [socket.receive(), socket.send('x', nobody()), socket.receiveMany(new DatagramBatch())];
      for (const operation of late) assert.instance(yield* thrownBy(operation), ClosedError);
      assert.throws(() => socket.localAddress, /used after it had been closed/);
      assert.equal([socket.closed, String(socket)], [true, 'closed UdpSocket']);
    }
  });
});

alone(
  'rule 31: who waits for the raw socket is not disturbed, and a task of another scheduler is refused',
  async (setup) => {
    await running(setup, function* (): Co<void> {
      using server = UdpSocket.open({ port: 0 });
      yield* group(function* (g): Co<void> {
        const raw = g.spawn(once(new ReadWait(server.socket)));
        yield* settled();
        assert.instance(yield* thrownBy(server.receive()), BusyError);
        raw.cancel();
        yield* settled();
        const waiting = g.spawn(once(server.receive()));
        yield* settled();
        assert.instance(yield* thrownBy(new ReadWait(server.socket)), BusyError);
        waiting.cancel();
      });
    });
  },
);

test('rule 31: a socket for which a task of one scheduler waits is refused to another scheduler', () => {
  using server = UdpSocket.open({ port: 0 });
  using one = new Scheduler();
  using other = new Scheduler();
  const waiting = one.spawn(once(server.receive()));
  one.turn();
  const refused = other.spawn(thrownBy(server.receive()));
  while (other.turn());
  assert.instance(refused.outcome, BusyError);
  assert.match(String(refused.outcome), /tasks of another scheduler wait for Socket \d+/);
  waiting.cancel();
  while (one.turn());
});

over('rule 37: a refusal is thrown once, by whoever comes next, and the socket goes on', async (setup) => {
  await running(setup, function* (): Co<void> {
    using socket = UdpSocket.connect(nobody());
    yield* socket.send('anybody?');
    const refused = yield* thrownBy(socket.receive());
    assert.equal([refused.name, refused.code], ['SystemError', 'ECONNREFUSED']);
    const batch = new DatagramBatch();
    batch.add('anybody?');
    yield* socket.sendMany(batch);
    assert.is((yield* thrownBy(socket.receiveMany(batch))).code, 'ECONNREFUSED');
    using peer = UdpSocket.open({ port: 0 });
    socket.connect(peer.localAddress);
    yield* socket.send('somebody');
    assert.is((yield* peer.receive()).data.toString(), 'somebody');
  });
});

alone('what cannot be sent is an error of that one datagram', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ port: 0 });
    using client = UdpSocket.open();
    const to = server.localAddress;
    const huge = yield* thrownBy(client.send(new Uint8Array(70_000), to));
    assert.equal([huge.name, huge.code], ['SystemError', 'EMSGSIZE']);
    assert.is((yield* thrownBy(client.send('to nobody in particular'))).code, 'EDESTADDRREQ');
    assert.is((yield* thrownBy(client.send('to the wrong family', { host: '::1', port: 9 }))).name, 'SystemError');
    yield* client.send('x'.repeat(60_000), to);
    assert.is((yield* server.receive()).data.length, 60_000);
  });
});

/** A server that answers for ever, and writes down what it met. */
function* echo(server: UdpSocket, log: string[]): Co<void> {
  for (;;) {
    try {
      const { data, address, truncated } = yield* server.receive(1000);
      log.push(`${data.length}${truncated ? ' and more' : ''}`);
      yield* server.send(data.toString() === 'flood me' ? new Uint8Array(70_000) : data, address);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      log.push(error.code);
    }
  }
}

over(
  'one bad datagram never ends a server: refused, truncated, empty, too large, from the wrong peer',
  async (setup) => {
    await running(setup, function* (): Co<void> {
      using server = UdpSocket.open({ port: 0 });
      using client = UdpSocket.connect(server.localAddress);
      const log: string[] = [];
      yield* group(function* (g): Co<void> {
        const serving = g.spawn(echo(server, log));
        {
          // Gone before the answer comes.
          using gone = UdpSocket.connect(server.localAddress);
          yield* gone.send('nobody will be there');
        }
        yield* client.send('x'.repeat(2000));
        assert.is((yield* client.receive()).data.length, 1000);
        yield* client.send('');
        assert.is((yield* client.receive()).data.length, 0);
        yield* client.send('flood me');
        using stranger = UdpSocket.open();
        yield* stranger.send('not from its peer', client.localAddress);
        yield* client.send('still there?');
        assert.is((yield* client.receive()).data.toString(), 'still there?', 'nothing of the stranger');
        serving.cancel();
      });
      assert.equal(log, ['20', '1000 and more', '0', '8', 'EMSGSIZE', '12']);
    });
  },
);

alone('a connected socket hears its peer alone, until it gives it up', async (setup) => {
  await running(setup, function* (): Co<void> {
    // A port that was asked for, and not chosen by the system, stays when the peer goes.
    const chosen = UdpSocket.open({ port: 0, reusePort: true });
    using one = UdpSocket.open({ port: chosen.localAddress.port, reusePort: true });
    chosen.close();
    using other = UdpSocket.open({ port: 0 });
    using stranger = UdpSocket.open({ port: 0 });
    one.connect(other.localAddress);
    assert.is(one.remoteAddress.port, other.localAddress.port);
    yield* stranger.send('not heard', one.localAddress);
    yield* other.send('heard', one.localAddress);
    assert.is((yield* one.receive()).data.toString(), 'heard');
    const before = one.localAddress;
    one.disconnect();
    assert.throws(() => one.remoteAddress, /ENOTCONN/);
    assert.is(one.localAddress.port, before.port);
    yield* stranger.send('heard too', one.localAddress);
    assert.is((yield* one.receive()).data.toString(), 'heard too');
  });
});

over('who sends while there is no room waits for it, in order, and cancels leave the others', async (setup) => {
  inOrder();
  await running(setup, function* (): Co<void> {
    const { EAGAIN } = setup.sys.constants as { EAGAIN: number };
    let room = 0;
    const sent: string[] = [];
    const sys = overriding(setup.sys, {
      send: (fd, buffer, offset, length, flags) => {
        if (room === 0) return -EAGAIN;
        room--;
        sent.push(Buffer.from(buffer).toString());
        return setup.sys.send(fd, buffer, offset, length, flags);
      },
    });
    using receiver = UdpSocket.open({ port: 0 });
    using sender = new UdpSocket(new Socket(sys, Socket.udp({ port: 0 }).detach()));
    sys.own(sender.fileno());
    sender.connect(receiver.localAddress);
    yield* group(function* (g): Co<void> {
      const [, second] = ['1', '2', '3'].map((words) => g.spawn(once(sender.send(words))));
      yield* pass();
      yield* pass();
      second?.cancel();
      yield* pass();
      assert.equal(sent, []);
      room = 2;
    });
    assert.equal(sent, ['1', '3']);
    assert.is((yield* receiver.receive()).data.toString(), '1');
    assert.is((yield* receiver.receive()).data.toString(), '3');
  });
});

alone('a Unix receiver that does not read makes its senders wait, and nothing is lost', async (setup) => {
  await running(setup, function* (): Co<void> {
    const path = `\0genloop-datagram-${process.pid}`;
    using receiver = UnixDatagram.open({ path });
    using sender = UnixDatagram.connect({ path });
    const COUNT = 100;
    yield* group(function* (g): Co<void> {
      g.spawn(
        (function* (): Co<void> {
          for (let n = 0; n < COUNT; n++) yield* sender.send(`${n}`);
        })(),
      );
      yield* settled();
      for (let n = 0; n < COUNT; n++) assert.is((yield* receiver.receive()).data.toString(), `${n}`);
    });
  });
});

/** A socket whose batches are sent as the given answers say: how many go, or `-errno`. */
function answering(
  setup: (typeof SETUPS)[number],
  answers: (number | string)[],
): { socket: UdpSocket; calls: number[][] } {
  const calls: number[][] = [];
  const sys: Sys = overriding(setup.sys, {
    sendmmsg: (_fd, _buffer, _rows, from, count) => {
      calls.push([from, count]);
      const answer = answers.shift() ?? count;
      return typeof answer === 'string' ? -(setup.sys.constants[answer] as number) : answer;
    },
  });
  const socket = new UdpSocket(new Socket(sys, Socket.udp({ port: 0 }).detach()));
  sys.own(socket.fileno());
  return { socket, calls };
}

function batchOf(count: number): DatagramBatch {
  const batch = new DatagramBatch();
  for (let n = 0; n < count; n++) batch.add(`${n}`, nobody());
  return batch;
}

alone('a batch goes in parts where the system takes no more at once', async (setup) => {
  await running(setup, function* (): Co<void> {
    const { socket, calls } = answering(setup, [2, 'EAGAIN', 1, 'EAGAIN', 'EAGAIN']);
    const batch = batchOf(5);
    assert.is(yield* socket.sendMany(batch), 5);
    assert.equal(calls, [
      [0, 5],
      [2, 3],
      [2, 3],
      [3, 2],
      [3, 2],
      [3, 2],
    ]);
    assert.is(batch.sent, 5);
    assert.is(yield* socket.sendMany(batch, { from: 3 }), 2);
    assert.equal(calls.at(-1), [3, 2]);
    assert.is(yield* socket.sendMany(batch, { from: 5 }), 0);
    socket.close();
  });
});

alone('a datagram of a batch that cannot be sent is thrown, or told, and the others go', async (setup) => {
  await running(setup, function* (): Co<void> {
    const { socket } = answering(setup, [2, 'EMSGSIZE']);
    const batch = batchOf(4);
    const error = yield* thrownBy(socket.sendMany(batch));
    assert.equal([error.code, error.syscall, batch.sent], ['EMSGSIZE', 'sendmmsg', 2]);
    assert.is(yield* socket.sendMany(batch, { from: batch.sent + 1 }), 1);
    socket.close();
    const other = answering(setup, [1, 'EMSGSIZE', 'EPERM', 'EAGAIN', 1, 'EINVAL']);
    const told: unknown[] = [];
    const onError = ({ code }: SystemError, n: number): void => void told.push([n, code]);
    assert.is(yield* other.socket.sendMany(batchOf(5), { onError }), 2);
    assert.equal(told, [
      [1, 'EMSGSIZE'],
      [2, 'EPERM'],
      [4, 'EINVAL'],
    ]);
    other.socket.close();
    // A closed socket is none of its datagrams.
    assert.instance(yield* thrownBy(other.socket.sendMany(batchOf(1), { onError })), ClosedError);
    assert.is(told.length, 3);
  });
});

alone('rule 35: a batch whose sending is cancelled says how much has gone', async (setup) => {
  await running(setup, function* (): Co<void> {
    const { EAGAIN } = setup.sys.constants as { EAGAIN: number };
    let calls = 0;
    const sys = overriding(setup.sys, { sendmmsg: () => (calls++ === 0 ? 2 : -EAGAIN) });
    const socket = new UdpSocket(new Socket(sys, Socket.udp({ port: 0 }).detach()));
    sys.own(socket.fileno());
    const batch = batchOf(4);
    const first = yield* select({ sent: socket.sendMany(batch), at: sleep(0) });
    assert.equal([first.key, batch.sent], ['at', 2]);
    socket.close();
  });
});

alone('addresses, names and buffer sizes are those of the kernel', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ port: 0 });
    assert.is(server.localAddress, server.localAddress, 'asked once');
    assert.is(String(server), `UdpSocket ${server.socket.fd}`);
    assert.is(server.receive().describe(), `a datagram on Socket ${server.socket.fd}`);
    assert.is(server.send('', nobody()).describe(), `room for a datagram on Socket ${server.socket.fd}`);
    server.receiveBufferSize = 10_000;
    server.sendBufferSize = 20_000;
    assert.ok(server.receiveBufferSize >= 10_000);
    assert.ok(server.sendBufferSize >= 20_000);
    using unbound = UdpSocket.open();
    assert.equal([unbound.localAddress.address, unbound.localAddress.port], ['0.0.0.0', 0]);
    yield* unbound.send('x', server.localAddress);
    assert.ok(unbound.localAddress.port > 0, 'not remembered before there was one');
    assert.is.not(server.fileno(), unbound.fileno());
    server.ttl = 7;
    assert.is(server.ttl, 7);
  });
});

test('what is bound twice, bad addresses and bad options are refused, and nothing stays open', () => {
  using server = UdpSocket.open({ port: 0 });
  const { port } = server.localAddress;
  assert.throws(() => UdpSocket.open({ port }), /EADDRINUSE/);
  assert.throws(() => UdpSocket.open(9000 as never), /UdpSocket.open takes an object like { host, port }, not 9000/);
  assert.throws(() => UnixDatagram.open('/tmp/x' as never), /takes an object like { path }, not the text '\/tmp\/x'/);
  assert.throws(() => UdpSocket.open({ host: 'localhost' }), /not a numeric IPv4 or IPv6 address/);
  assert.throws(() => UdpSocket.open({ family: 'IPv5' as never }), /family must be 'IPv4' or 'IPv6', not 'IPv5'/);
  assert.throws(() => UdpSocket.connect({ host: '127.0.0.1', port: 70_000 }), RangeError);
  assert.throws(() => UnixDatagram.connect({ path: '/no such socket' }), /ENOENT/);
  assert.throws(() => UnixDatagram.open({ path: '/no such folder/socket' }), /ENOENT/);
  for (const size of [0, -1, 1.5, Number.NaN]) assert.throws(() => server.receive(size), /size must be a whole number/);
  assert.throws(() => server.receiveInto('text' as never), /receiveInto takes a Uint8Array/);
  assert.throws(() => server.send(5 as never), TypeError);
  assert.throws(() => server.sendMany(new DatagramBatch(), { from: -1 }), /from is a number from 0 on/);
});

test('several sockets share an address if they say so', () => {
  using one = UdpSocket.open({ port: 0, reuseAddress: true, reusePort: true });
  using other = UdpSocket.open({ port: one.localAddress.port, reuseAddress: true, reusePort: true });
  assert.is(other.localAddress.port, one.localAddress.port);
});

alone('a datagram to a broadcast address goes where that is allowed, and nowhere else', async (setup) => {
  await running(setup, function* (): Co<void> {
    using server = UdpSocket.open({ host: '0.0.0.0', port: 0 });
    using client = UdpSocket.open({ host: '127.0.0.1' });
    const to = { host: '127.255.255.255', port: server.localAddress.port };
    assert.is(client.broadcast, false);
    assert.is((yield* thrownBy(client.send('everybody', to))).code, 'EACCES');
    client.broadcast = true;
    assert.is(client.broadcast, true);
    yield* client.send('everybody', to);
    assert.is((yield* server.receive()).data.toString(), 'everybody');
  });
});

if (!hasIPv6) notRun('datagrams over IPv6: this machine has no ::1');
else {
  alone('IPv6 is like IPv4', async (setup) => {
    await running(setup, function* (): Co<void> {
      using server = UdpSocket.open({ host: '::1', port: 0, ipv6Only: true });
      using client = UdpSocket.connect(server.localAddress);
      assert.equal([server.family, client.family], ['IPv6', 'IPv6']);
      yield* client.send('x');
      const { address } = yield* server.receive();
      assert.equal([address.family, address.address], ['IPv6', '::1']);
      server.ttl = 9;
      assert.is(server.ttl, 9);
      using byFamily = UdpSocket.open({ family: 'IPv6', port: 0 });
      assert.is(byFamily.localAddress.address, '::1');
    });
  });
}

test('one task that receives what is there already lets others run', async () => {
  inOrder();
  const setup = SETUPS[0] as (typeof SETUPS)[number];
  await running(setup, function* (): Co<void> {
    const [near, far] = UnixDatagram.pair();
    near.sendBufferSize = 400_000;
    const COUNT = 80;
    for (let n = 0; n < COUNT; n++) yield* near.send('x');
    let turns = 0;
    yield* group(function* (g): Co<void> {
      g.spawn(
        (function* (): Co<void> {
          for (;;) {
            turns++;
            yield* pass();
          }
        })(),
        { daemon: true },
      );
      for (let n = 0; n < COUNT; n++) yield* far.receive();
    });
    assert.ok(turns >= 2, `${turns} turns`);
    for (const each of [near, far]) each.close();
  });
});

/** Whether the kernel's set has this socket. */
function isWatched({ socket }: DatagramSocket): boolean {
  return socket.watcher instanceof Registration && socket.watcher.armed !== NOT_ARMED;
}

over('a socket that has much to receive leaves the kernel’s set, until somebody waits again', async (setup) => {
  inOrder();
  await running(setup, function* (): Co<void> {
    const [near, far] = UnixDatagram.pair();
    using _far = far;
    using _near = near;
    const batch = new DatagramBatch({ capacity: 32, size: 8 });
    /** Has somebody wait, and sends so many. How many came at once. */
    const wave = function* (count: number): Co<number> {
      return yield* group(function* (g): Co<number> {
        const waiter = g.spawn(once(far.receiveMany(batch)));
        yield* settled();
        assert.is(isWatched(far), true, 'somebody waits');
        // In one step, so that all are there when somebody looks.
        for (let n = 0; n < count; n++) near.socket.send('x');
        return yield* waiter.join();
      });
    };
    assert.is(yield* wave(7), 7);
    assert.is(isWatched(far), true, 'seven are not much');
    assert.is(yield* wave(8), 8);
    assert.is(isWatched(far), false);
    assert.is(yield* wave(32), 32);
    assert.is(isWatched(far), false);
    // One by one as well: what counts is how many came since somebody waited.
    assert.is(yield* wave(1), 1);
    near.socket.send('the first of eight, for which the task waits');
    yield* far.receive();
    for (let n = 2; n <= 8; n++) {
      assert.is(isWatched(far), true);
      near.socket.send('x');
      yield* far.receive();
    }
    assert.is(isWatched(far), false);
  });
});

over('a socket that has much to receive stays in the kernel’s set while somebody waits to send', async (setup) => {
  inOrder();
  await running(setup, function* (): Co<void> {
    const [near, far] = UnixDatagram.pair();
    using _far = far;
    using _near = near;
    const full = new Uint8Array(1024);
    const LETTERS = 400;
    yield* group(function* (g): Co<void> {
      const sender = g.spawn(
        (function* (): Co<void> {
          for (let n = 0; n < LETTERS; n++) yield* far.send(full);
        })(),
      );
      for (let n = 0; n < 10; n++) yield* near.send('x');
      for (let n = 0; n < 4; n++) yield* settled();
      assert.is(sender.status, 'parked', 'nobody reads what it sends');
      for (let n = 0; n < 10; n++) yield* far.receive();
      assert.is(isWatched(far), true);
      for (let n = 0; n < LETTERS; n++) assert.is((yield* near.receive()).data.length, full.length);
      yield* sender.join();
    });
  });
});

test('who finds nothing again and again stops looking before it waits', async () => {
  inOrder();
  const setup = SETUPS[0] as (typeof SETUPS)[number];
  let calls = 0;
  const sys = overriding(setup.sys, {
    recvfrom: (...args) => {
      calls++;
      return setup.sys.recvfrom(...args);
    },
  });
  await running(setup, function* (): Co<void> {
    const [near, far] = UnixDatagram.pair();
    using server = new UdpSocket(new Socket(sys, far.socket.detach())) as DatagramSocket;
    sys.own(server.fileno());
    const COUNT = 100;
    for (let n = 0; n < COUNT; n++) {
      yield* group(function* (g): Co<void> {
        g.spawn(once(server.receive()));
        yield* settled();
        yield* near.send('x');
      });
    }
    assert.ok(calls < COUNT + COUNT / 4, `${calls} calls for ${COUNT} datagrams`);
    near.close();
  });
});

test.run();
