/** The servers of `examples/`, not a character changed, in a world that does its worst. */

import {
  type Co,
  currentScheduler,
  failAfter,
  group,
  ReadWait,
  Socket,
  SystemError,
  sleep,
  TimeoutError,
  WriteWait,
} from 'genloop';
import { eachSeed, type Faults, simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { echoServer } from '../../../examples/servers/echo.ts';
import { timeServer } from '../../../examples/servers/time.ts';
import { resetOnClose } from '../../support/situations.ts';
import { suite } from '../../support/suite.ts';

const test = suite('simulation: the servers of the examples');
const CLIENTS = 6;
const TEXT = 'all that is sent comes back. '.repeat(40);
const [OFFICE, FIELD] = ['10.0.0.1', '10.0.0.2'] as const;
const FAULTS: Faults = {
  shortReads: 0.2,
  shortWrites: 0.2,
  spurious: 0.1,
  delay: { probability: 0.5, most: 30 },
  partition: { between: [OFFICE, FIELD], probability: 0.005, most: 2_000 },
};

/** A client that says something, hears it again, and goes politely. */
function* client(to: { host: string; port: number }): Co<'heard'> {
  using socket = Socket.tcp({ host: FIELD });
  socket.connect(to);
  yield new WriteWait(socket);
  assert.is(socket.error(), null);
  let heard = '';
  for (let sent = 0; heard.length < TEXT.length; ) {
    if (sent < TEXT.length) {
      yield new WriteWait(socket);
      sent += socket.send(TEXT.slice(sent, sent + 300)) ?? 0;
    }
    // What is announced need not be so: nothing may have been sent.
    if (heard.length === sent) continue;
    yield new ReadWait(socket);
    heard += socket.recv() ?? '';
  }
  assert.is(heard, TEXT);
  return 'heard';
}

/** One that breaks off in the middle. */
function* rude(to: { host: string; port: number }): Co<'gone'> {
  using socket = resetOnClose(Socket.tcp({ host: FIELD }));
  socket.connect(to);
  yield new WriteWait(socket);
  if (socket.error() === null) socket.send(TEXT);
  yield sleep(20);
  return 'gone';
}

/** The server, and whoever comes; it is stopped when they have gone. */
function* crowd(): Co<string[]> {
  const listener = Socket.listener({ host: OFFICE });
  const { address: host, port } = listener.localAddress;
  const server = currentScheduler().spawn(echoServer(listener, null));
  const results = yield* group(function* (g) {
    const visits = Array.from({ length: CLIENTS }, (_, n) =>
      g.spawn(n % 3 === 2 ? rude({ host, port }) : client({ host, port })),
    );
    const ends: string[] = [];
    for (const visit of visits) ends.push(yield* visit.join());
    return ends;
  });
  server.cancel('that is all for today');
  return results;
}

const EXPECTED = ['heard', 'heard', 'gone', 'heard', 'heard', 'gone'];

test('the echo server serves everybody, whatever happens to some', () => {
  eachSeed(150, (seed) => {
    assert.equal(simulate(seed, crowd, { hosts: [OFFICE, FIELD], faults: FAULTS, sendBuffer: 2_000 }), EXPECTED);
  });
});

test('the echo server that has no descriptors left pauses, and goes on', () => {
  const shout = console.error;
  const pauses: string[] = [];
  console.error = (line: string) => pauses.push(line);
  try {
    // Six clients, four connections, the listener and the epoll set.
    eachSeed(30, (seed) => {
      assert.equal(simulate(seed, crowd, { hosts: [OFFICE, FIELD], descriptors: 12 }), EXPECTED);
    });
  } finally {
    console.error = shout;
  }
  assert.ok(pauses.length >= 30, `${pauses.length} pauses`);
  assert.match(pauses[0] as string, /accepting pauses: accept EMFILE/);
});

test('the echo server survives any error of any call for a client', () => {
  for (const [call, code] of [
    ['accept', 'ECONNABORTED'],
    ['accept', 'ENOBUFS'],
    ['epollWait', 'EINTR'],
  ] as const) {
    const shout = console.error;
    console.error = () => {};
    try {
      eachSeed(20, (seed) => {
        const errors = [{ call, code, probability: 0.2 }];
        assert.equal(simulate(seed, crowd, { hosts: [OFFICE, FIELD], faults: { ...FAULTS, errors } }), EXPECTED);
      });
    } finally {
      console.error = shout;
    }
  }
});

/** Asks until there is an answer: that is what UDP means. */
function* ask(to: { host: string; port: number }): Co<number> {
  using socket = Socket.udp({ host: FIELD, port: 0 });
  for (let asked = 1; ; asked++) {
    socket.sendTo('what time is it?', to);
    try {
      yield* failAfter(100, new ReadWait(socket));
      const answer = socket.recvFrom();
      if (answer === undefined) continue;
      assert.match(String(answer.data), /GMT/);
      return asked;
    } catch (error) {
      if (!(error instanceof TimeoutError || error instanceof SystemError)) throw error;
    }
  }
}

test('the time server answers through delays, partitions and errors', () => {
  let repeated = 0;
  eachSeed(60, (seed) => {
    const asked = simulate(
      seed,
      function* (): Co<number[]> {
        const socket = Socket.udp({ host: OFFICE, port: 0 });
        const { address: host, port } = socket.localAddress;
        const server = currentScheduler().spawn(timeServer(socket, null));
        const counts = yield* group(function* (g) {
          const visits = Array.from({ length: 4 }, () => g.spawn(ask({ host, port })));
          const all: number[] = [];
          for (const visit of visits) all.push(yield* visit.join());
          return all;
        });
        server.cancel();
        return counts;
      },
      {
        hosts: [OFFICE, FIELD],
        faults: {
          ...FAULTS,
          partition: { between: [OFFICE, FIELD], probability: 0.1, most: 500 },
          errors: [{ call: 'recvfrom', code: 'ECONNREFUSED', probability: 0.05 }],
        },
      },
    );
    repeated += asked.filter((count) => count > 1).length;
  });
  assert.ok(repeated > 10, `${repeated} had to ask again`);
});

test('who comes when nobody listens any more is refused', () => {
  const code = simulate(1, function* (): Co<unknown> {
    const { port } = (() => {
      using listener = Socket.listener();
      return listener.localAddress;
    })();
    using socket = Socket.tcp();
    socket.connect({ port });
    yield new WriteWait(socket);
    const error = socket.error();
    assert.instance(error, SystemError);
    return error?.code;
  });
  assert.is(code, 'ECONNREFUSED');
});

test.run();
