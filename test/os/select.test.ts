/** select(2), as the textbook uses it: three lists go in, three come out. */

import { EventFd, open, realSys, Socket, type SystemError, select } from 'genloop/os';
import * as assert from 'uvu/assert';
import { PATIENCE, untilReady } from '../support/backends.ts';
import { Opened, urgent } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const test = suite('select');
const sys = realSys();

test('gives the objects that are ready, list by list', () => {
  const [one, other] = Socket.pair();
  assert.equal(select([one], [], [], 0), [[], [], []]);
  const [, writable] = select([one], [one, other], []);
  assert.ok(writable[0] === one && writable[1] === other);
  other.send('x');
  const [readable, both] = select([one, other], [one], [one], 0);
  assert.ok(readable.length === 1 && readable[0] === one);
  assert.ok(both.length === 1 && both[0] === one);
  one.close();
  other.close();
});

test('calls urgent data exceptional', () => {
  const opened = new Opened();
  try {
    const socket = urgent(opened);
    const [readable, , exceptional] = select([socket], [], [socket], 0);
    assert.is(readable.length, 0);
    assert.ok(exceptional[0] === socket);
  } finally {
    opened.close();
  }
});

test('serves an echo in the textbook’s loop', () => {
  const opened = new Opened();
  try {
    const listener = opened.keep(Socket.listener());
    const client = opened.keep(Socket.tcp());
    client.connect(listener.localAddress);
    const clients = new Set<Socket>();
    untilReady(client, constant('POLLOUT'));
    client.send('hello');
    let echoed = '';
    while (echoed === '') {
      const [readable] = select([listener, client, ...clients], [], [], PATIENCE);
      for (const socket of readable) {
        if (socket === listener) clients.add(opened.keep(listener.accept() as Socket));
        else if (socket === client) echoed = client.recv()?.toString() ?? '';
        else socket.send(socket.recv() ?? '');
      }
    }
    assert.is(echoed, 'hello');
  } finally {
    opened.close();
  }
});

test('calls files ready at once', () => {
  using file = open(import.meta.filename);
  const [readable, writable] = select([file], [file], [], 0);
  assert.equal([readable.length, writable.length], [1, 1]);
});

test('refuses a number that fits into no set, and a closed one', () => {
  const limit = constant('FD_SETSIZE');
  for (const fd of [limit, 999_999]) {
    assert.throws(
      () => select([fd], [], [], 0),
      (error: Error) => error instanceof RangeError && /FD_SETSIZE is \d+; use poll/.test(error.message),
    );
  }
  const socket = Socket.tcp();
  const { fd } = socket;
  socket.close();
  assert.throws(
    () => select([socket], [], [], 0),
    (error: SystemError) => error.code === 'ERR_GENLOOP_CLOSED',
  );
  for (const number of [fd, limit - 1]) {
    assert.throws(
      () => select([], [number], [], 0),
      (error: SystemError) => error.code === 'EBADF' && error.syscall === 'select',
    );
  }
});

test('takes any iterables, a descriptor several times, and whatever carries a number', () => {
  using counter = EventFd.create(1);
  assert.equal(select(new Set([counter.fd]), [], [], 0)[0], [counter.fd]);
  assert.is(select([counter, { fd: counter.fd }, counter.fd], [], [], 0)[0].length, 3);
  assert.equal(select([], [], [], 0), [[], [], []]);
});

test('never returns early, and goes on after a signal', () => {
  let calls = 0;
  const interrupted = overriding(sys, {
    select: (rows, count, timeout) => (++calls <= 2 ? -constant('EINTR') : sys.select(rows, count, timeout)),
  });
  using counter = EventFd.create();
  const deadline = sys.now() + 7.25;
  inside(interrupted, () => assert.equal(select([counter], [], [], 7.25), [[], [], []]));
  assert.ok(sys.now() >= deadline);
  assert.is(calls, 3);
  for (const timeout of [-1, Number.NaN]) assert.throws(() => select([], [], [], timeout), /a timeout is/);
});

test.run();
