/** Datagram sockets where everything can be had from a seed or by request: shortage of memory, loss, an errno at every call, a run that comes again. */

import { type Co, group, moveOnAfter, runSync } from 'genloop';
import { UdpSocket, UnixDatagram } from 'genloop/net';
import { DatagramBatch, realSys, type Sys, SystemError } from 'genloop/os';
import {
  eachFailure,
  failing,
  formatCall,
  recorded,
  replayed,
  SimulatedSystem,
  SysLog,
  simulate,
  traced,
} from 'genloop/testing';
import * as assert from 'uvu/assert';
import { runTest, Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('datagram sockets, simulated');
const REQUESTS = 6;

/** Answers for ever, in batches. */
function* server(socket: UdpSocket): Co<void> {
  using _ = socket;
  const batch = new DatagramBatch({ capacity: 4, size: 64 });
  for (;;) {
    try {
      yield* socket.receiveMany(batch);
      for (let n = 0; n < batch.count; n++) batch.setData(n, `${Buffer.from(batch.data(n))}!`);
      yield* socket.sendMany(batch, { onError: () => {} });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }
}

/** Asks until there is an answer. */
function* client(to: UdpSocket, question: string): Co<void> {
  using socket = UdpSocket.connect(to.localAddress);
  for (;;) {
    yield* socket.send(question);
    const answer = yield* moveOnAfter(100, socket.receive(), null);
    if (answer?.data.toString() === `${question}!`) return;
  }
}

function* program(): Co<void> {
  const socket = UdpSocket.open({ port: 0 });
  yield* group(function* (g): Co<void> {
    g.spawn(server(socket), { daemon: true });
    for (let n = 0; n < REQUESTS; n++) g.spawn(client(socket, `question ${n}`));
  });
}

test('a server in batches and its clients, unchanged, under delays, partitions and false alarms', () => {
  for (let seed = 1; seed <= 60; seed++) {
    simulate(seed, program, {
      faults: {
        spurious: 0.1,
        delay: { probability: 0.5, most: 120 },
        partition: { between: ['127.0.0.1', '127.0.0.1'], probability: 0.1, most: 300 },
        errors: [
          { call: 'sendmmsg', code: 'ENOBUFS', probability: 0.1 },
          { call: 'sendmmsg', code: 'EPERM', probability: 0.05 },
          { call: 'recvmmsg', code: 'EAGAIN', probability: 0.1 },
        ],
      },
    });
  }
});

test('a shortage of the system’s own memory is waited out by time: 1, 2, 4, … ms, and no longer than 64', () => {
  for (const [call, send] of [
    ['sendto', (from: UdpSocket, to: UdpSocket) => from.send('x', to.localAddress)],
    [
      'sendmmsg',
      (from: UdpSocket, to: UdpSocket) => {
        const batch = new DatagramBatch();
        batch.add('x', to.localAddress);
        return from.sendMany(batch);
      },
    ],
  ] as const) {
    const sys = failing(new SimulatedSystem(), call, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13], 'ENOBUFS');
    const waits = runTest(
      function* (clock): Co<number[]> {
        using one = UdpSocket.open({ port: 0 });
        using other = UdpSocket.open({ port: 0 });
        const times: number[] = [];
        for (let n = 0; n < 3; n++) {
          const before = clock.now;
          yield* send(one, other);
          times.push(clock.now - before);
          assert.is((yield* other.receive()).data.toString(), 'x');
        }
        return times;
      },
      { sys },
    );
    assert.equal(waits, [7, 1 + 2 + 4 + 8 + 16 + 32 + 64 * 3, 0], call);
    assert.is(sys.failures, 12);
  }
});

test('a cancel while there is no memory leaves the line to the others, and no timer', () => {
  const sys = failing(new SimulatedSystem(), 'sendto', [1, 2], 'ENOBUFS');
  runTest(
    function* (clock): Co<void> {
      using one = UdpSocket.open({ port: 0 });
      assert.is(yield* moveOnAfter(0.5, one.send('given up', one.localAddress), 'late'), 'late');
      yield* one.send('goes', one.localAddress);
      assert.is((yield* one.receive()).data.toString(), 'goes');
      assert.is(clock.now, 2.5);
    },
    { sys },
  );
});

/** Takes part in everything that can fail. */
function* everything(): Co<void> {
  using one = UdpSocket.open({ port: 0 });
  using other = UdpSocket.open({ port: 0 });
  one.connect(other.localAddress);
  yield* one.send('x');
  const batch = new DatagramBatch({ capacity: 2 });
  yield* other.receiveMany(batch);
  yield* other.sendMany(batch);
  yield* one.receive();
  const [near, far] = UnixDatagram.pair();
  using _near = near;
  using _far = far;
  yield* near.sendMessage('a socket', { descriptors: [other.socket] });
  using message = yield* far.receiveMessage({ descriptors: 1 });
  assert.is(message.descriptors.length, 1);
}

test('an errno at every call: nothing hangs, and nothing stays open', () => {
  for (const sys of [realSys(), new SimulatedSystem()]) {
    const report = eachFailure(everything, { sys });
    assert.equal(report.problems, []);
    const calls = new Set(report.runs.map(({ call }) => call));
    for (const call of ['recvmmsg', 'sendmmsg', 'sendmsg', 'recvmsg'] as const) assert.ok(calls.has(call), call);
  }
});

test('a run with batches and descriptors comes again from its log, without a kernel', () => {
  function run(sys: Sys, lines: string[]): void {
    const scheduler = new Scheduler({ sys: traced(sys, (call) => lines.push(formatCall(call, { contents: true }))) });
    scheduler.spawn(everything());
    scheduler.runSync();
  }
  for (const system of [realSys(), new SimulatedSystem()]) {
    const { sys, log } = recorded(system);
    const first: string[] = [];
    run(sys, first);
    const replay = replayed(SysLog.parse(log.toString()));
    const again: string[] = [];
    run(replay, again);
    replay.finish();
    // Generations are of this process, and not of the run.
    const comparable = (lines: string[]): string[] => lines.filter((line) => !line.startsWith('epoll'));
    assert.equal(comparable(again), comparable(first));
    const shown = first.join('\n');
    assert.match(shown, /recvmmsg\(\d+, 2 rows, 0\) = 1 "x"/);
    assert.match(shown, /sendmmsg\(\d+, datagrams "x", 1 rows, 0, 0\) = 1/);
    assert.match(shown, /sendmsg\(\d+, buffers "a socket", 0, 0, .*descriptors \d+\) = 8/);
    assert.match(shown, /recvmsg\(\d+, 65536 bytes, 0\) = 8 "a socket" .*descriptors \d+/);
  }
});

test('a replay says where the datagrams of a batch differ, unless any may come', () => {
  const send = (text: string) =>
    function* (): Co<void> {
      // Not by `using`: closing is a call too, and would be the second error.
      const one = UdpSocket.open({ port: 0 });
      const batch = new DatagramBatch();
      batch.add(text, one.localAddress);
      yield* one.sendMany(batch);
      one.close();
      const [near, far] = UnixDatagram.pair();
      yield* near.sendMessage(text);
      near.close();
      far.close();
    };
  const { sys, log } = recorded(new SimulatedSystem());
  runSync(send('one'), { sys });
  assert.throws(() => runSync(send('two'), { sys: replayed(log) }), /other bytes: from byte 0 on/);
  runSync(send('two'), { sys: replayed(log, { payload: 'any' }) });
  assert.throws(() => runSync(send('longer'), { sys: replayed(log, { payload: 'any' }) }), /rows|other bytes/);
});

test('a simulated socket that is sent away stays open until it has arrived or is lost', () => {
  const system = new SimulatedSystem();
  runTest(
    function* (): Co<void> {
      const [near, far] = UnixDatagram.pair();
      const one = UdpSocket.open({ port: 0 });
      const { port } = one.localAddress;
      yield* near.sendMessage('a socket', { descriptors: [one.socket] });
      one.close();
      assert.throws(() => UdpSocket.open({ port }), /EADDRINUSE/);
      using message = yield* far.receiveMessage({ descriptors: 1 });
      assert.is(message.descriptors.length, 1);
      yield* near.sendMessage('again', { descriptors: message.descriptors });
      message[Symbol.dispose]();
      near.close();
      far.close();
      UdpSocket.open({ port }).close();
    },
    { sys: system },
  );
  assert.equal(system.descriptors, []);
});

test.run();
