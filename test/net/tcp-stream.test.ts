/** What only sockets have: addresses, options, and the errors of real connections. */

import { type Co, group } from 'genloop/kernel';
import { type SocketStream, TcpStream, UnixStream } from 'genloop/net';
import { Socket, type SystemError } from 'genloop/os';
import * as assert from 'uvu/assert';
import { eachSetup, type Setup } from '../support/drives.ts';
import { connection, holding, type Opened, pairOf, reset, thrown } from '../support/situations.ts';
import { suite } from '../support/suite.ts';

const test = suite('socket streams');
const each = eachSetup(test);

async function perform(setup: Setup, main: () => Co<unknown>): Promise<void> {
  const scheduler = setup.make();
  scheduler.spawn(main());
  await setup.run(scheduler);
}

function* raised(body: () => Co<unknown>): Co<SystemError> {
  try {
    yield* body();
  } catch (error) {
    return error as SystemError;
  }
  throw new Error('nothing was thrown');
}

function streams(opened: Opened): { client: TcpStream; server: TcpStream } {
  const { client, server } = connection(opened);
  return { client: opened.keep(new TcpStream(client)), server: opened.keep(new TcpStream(server)) };
}

test('addresses are those of the two ends, and are known after the close once they were asked for', () =>
  holding((opened) => {
    const { client, server } = streams(opened);
    assert.is(String(client.remoteAddress), String(server.localAddress));
    assert.is(String(server.remoteAddress), String(client.localAddress));
    const before = String(client.localAddress);
    client.close();
    assert.is(String(client.localAddress), before);
    assert.is(String(server.remoteAddress), before);
    assert.match(String(server), /^TcpStream \d+ \(127\.0\.0\.1:\d+\)$/);
    server.close();
    assert.is(String(server), 'closed TcpStream');
    const { client: other } = streams(opened);
    other.close();
    assert.is(thrown(() => other.localAddress).code, 'ERR_GENLOOP_CLOSED');
  })());

test('TCP streams send at once, unless that is switched off; other options are set as asked', () =>
  holding((opened) => {
    const { client, server } = connection(opened);
    const plain = opened.keep(new TcpStream(client));
    assert.is(client.getOption('IPPROTO_TCP', 'TCP_NODELAY'), 1);
    assert.is(client.getOption('SOL_SOCKET', 'SO_KEEPALIVE'), 0);
    const keepAlive = { idle: 30_000, interval: 1500, count: 3 };
    opened.keep(new TcpStream(server, { noDelay: false, keepAlive, sendBuffer: 40_000, receiveBuffer: 30_000 }));
    const tcp = (name: string): number => server.getOption('IPPROTO_TCP', name);
    assert.equal([tcp('TCP_NODELAY'), tcp('TCP_KEEPIDLE'), tcp('TCP_KEEPINTVL'), tcp('TCP_KEEPCNT')], [0, 30, 2, 3]);
    assert.is(server.getOption('SOL_SOCKET', 'SO_KEEPALIVE'), 1);
    assert.ok(server.getOption('SOL_SOCKET', 'SO_SNDBUF') >= 40_000);
    assert.ok(server.getOption('SOL_SOCKET', 'SO_RCVBUF') >= 30_000);
    plain.configure({ keepAlive: true });
    plain.configure({ noDelay: false });
    assert.is(client.getOption('SOL_SOCKET', 'SO_KEEPALIVE'), 1);
    assert.is(client.getOption('IPPROTO_TCP', 'TCP_NODELAY'), 0);
    plain.configure({ keepAlive: false });
    assert.is(client.getOption('SOL_SOCKET', 'SO_KEEPALIVE'), 0);
  })());

test('options that are none, and sockets that are not of TCP, are refused', () =>
  holding((opened) => {
    const [unix] = pairOf(opened);
    assert.ok(['EOPNOTSUPP', 'EINVAL', 'ENOPROTOOPT'].includes(thrown(() => new TcpStream(unix)).code));
    assert.not.ok(unix.closed);
    const { client } = streams(opened);
    const refused = (options: object, message: RegExp): void => {
      assert.match(thrown(() => client.configure(options)).message, message);
    };
    refused({ sendBuffer: 0 }, /sendBuffer must be a whole number of bytes/);
    refused({ receiveBuffer: 1.5 }, /receiveBuffer must be/);
    refused({ keepAlive: { idle: -1 } }, /keepAlive.idle must be a positive number of milliseconds/);
    refused({ keepAlive: { interval: Number.NaN } }, /keepAlive.interval must be/);
    refused({ keepAlive: null }, /keepAlive must be true, false or { idle, interval, count }, not null/);
    refused({ keepAlive: 'yes' }, /keepAlive must be true, false or/);
  })());

each('rule 37: a reset comes after the data, once, and a write gets the same error', async (setup, opened) => {
  const stream = opened.keep(new TcpStream(reset(opened, 'unread'), {}));
  await perform(setup, function* () {
    assert.is(String(yield* stream.readExactly(6)), 'unread');
    const error = yield* raised(() => stream.read()[Symbol.iterator]() as Co<unknown>);
    assert.equal([error.code, error.syscall], ['ECONNRESET', 'recv']);
    assert.is(yield* stream.read(), null);
    assert.is(stream.failure, error);
    assert.is(yield* raised(() => stream.write('x')[Symbol.iterator]() as Co<unknown>), error);
    // Nothing to end, and nothing wrong with that.
    stream.end();
  });
});

each('rule 37: a reset that a write has found is told to the reader too, after the data', async (setup, opened) => {
  const stream = opened.keep(new TcpStream(reset(opened, 'unread')));
  await perform(setup, function* () {
    const error = yield* raised(() => stream.write('x')[Symbol.iterator]() as Co<unknown>);
    assert.is(error.code, 'ECONNRESET');
    assert.is(String(yield* stream.readExactly(6)), 'unread');
    assert.is(yield* raised(() => stream.read()[Symbol.iterator]() as Co<unknown>), error);
    assert.is(yield* stream.read(), null);
  });
});

each('rule 32: a socket that is closed under its stream ends the waits with ClosedError', async (setup, opened) => {
  const { client } = streams(opened);
  await perform(setup, function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(raised(() => client.read()[Symbol.iterator]() as Co<unknown>));
      while (reading.status !== 'parked') yield;
      client.socket.close();
      assert.is((yield* reading.join()).code, 'ERR_GENLOOP_CLOSED');
    });
  });
});

each('Unix streams have unnamed addresses, and carry both directions at once', async (setup, opened) => {
  const [one, other] = pairOf(opened).map((socket) => opened.keep(new UnixStream(socket, { sendBuffer: 20_000 })));
  const [left, right] = [one, other] as [SocketStream, SocketStream];
  assert.is(left.localAddress.address, '');
  assert.is(right.remoteAddress.family, 'unix');
  assert.match(String(left), /^UnixStream \d+$/);
  await perform(setup, function* () {
    yield* group(function* (tasks) {
      tasks.spawn(left.write(new Uint8Array(100_000)));
      tasks.spawn(right.write(new Uint8Array(100_000)));
      const there = tasks.spawn(right.readExactly(100_000));
      assert.is((yield* left.readExactly(100_000))?.length, 100_000);
      assert.is((yield* there.join())?.length, 100_000);
    });
  });
});

test('a stream whose making fails leaves the socket open', () =>
  holding((opened) => {
    const socket = opened.keep(Socket.udp({ port: 0 }));
    const error = thrown(() => new TcpStream(socket));
    assert.ok(error.code !== undefined);
    assert.not.ok(socket.closed);
  })());

test.run();
