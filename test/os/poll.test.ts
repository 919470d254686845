/** poll(2), as the textbook uses it. */

import { constants, EventFd, open, poll, realSys, Socket, type SystemError } from 'genloop/os';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const test = suite('poll');
const sys = realSys();
const { POLLIN, POLLOUT, POLLHUP, POLLNVAL } = constants as Record<string, number> & {
  POLLIN: number;
  POLLOUT: number;
  POLLHUP: number;
  POLLNVAL: number;
};

test('gives the objects that are ready, in their order, with their flags', () => {
  const [one, other] = Socket.pair();
  const counter = EventFd.create();
  assert.equal(
    poll(
      [
        [counter, POLLIN],
        [one, POLLIN],
      ],
      0,
    ),
    [],
  );
  other.send('x');
  counter.signal();
  const events = poll([
    [counter, POLLIN],
    [one, POLLIN | POLLOUT],
    [other, POLLIN],
  ]);
  assert.is(events.length, 2);
  assert.is(events[0]?.descriptor, counter);
  assert.is(events[0]?.events, POLLIN);
  assert.is(events[1]?.descriptor, one);
  assert.is(events[1]?.events, POLLIN | POLLOUT);
  for (const descriptor of [one, other, counter]) descriptor.close();
});

test('tells unasked of a hang-up and of a closed number', () => {
  const [one, other] = Socket.pair();
  other.close();
  assert.ok(((poll([[one, 0]], 0)[0]?.events ?? 0) & POLLHUP) !== 0);
  one.close();
  assert.equal(poll([[999_999, POLLIN]], 0), [{ descriptor: 999_999, events: POLLNVAL }]);
});

test('calls files ready at once', () => {
  for (const path of ['/dev/null', import.meta.filename]) {
    using file = open(path);
    assert.is(poll([[file, POLLIN | POLLOUT]], 0)[0]?.events, POLLIN | POLLOUT);
  }
});

test('takes any iterable, also an empty one, and whatever carries a number', () => {
  using counter = EventFd.create(1);
  assert.equal(poll([], 0), []);
  const watched = new Map<{ fd: number }, number>([[{ fd: counter.fd }, POLLIN]]);
  assert.is(poll(watched, 0).length, 1);
  assert.is(poll([[counter.fd, POLLIN]], 0)[0]?.descriptor, counter.fd);
});

test('never returns early, and goes on after a signal with what is left of the time', () => {
  const remaining: number[] = [];
  const interrupted = overriding(sys, {
    poll(rows, count, timeout) {
      remaining.push(timeout);
      return remaining.length <= 2 ? -constant('EINTR') : sys.poll(rows, count, timeout);
    },
  });
  using counter = EventFd.create();
  const deadline = sys.now() + 12.5;
  inside(interrupted, () => assert.equal(poll([[counter, POLLIN]], 12.5), []));
  assert.ok(sys.now() >= deadline);
  assert.is(remaining.length, 3);
  const endless: number[] = [];
  const forEver = overriding(sys, {
    poll: (_rows, _count, timeout) => (endless.push(timeout) < 3 ? -constant('EINTR') : 0),
  });
  inside(forEver, () => assert.equal(poll([[counter, POLLIN]]), []));
  assert.ok(endless.every((timeout) => timeout < 0));
});

test('throws what the kernel says, and refuses what is no timeout', () => {
  inside(overriding(sys, { poll: () => -constant('ENOMEM') }), () => {
    assert.throws(
      () => poll([], 0),
      (error: SystemError) => error.code === 'ENOMEM' && error.syscall === 'poll',
    );
  });
  for (const timeout of [-1, Number.NaN, '1' as unknown as number]) {
    assert.throws(() => poll([], timeout), /a timeout is a number of milliseconds/);
  }
});

test('refuses a closed descriptor before it asks', () => {
  const socket = Socket.tcp();
  socket.close();
  assert.throws(
    () => poll([[socket, POLLIN]], 0),
    (error: SystemError) => error.code === 'ERR_GENLOOP_CLOSED',
  );
});

test.run();
