/** kqueue(2) call by call: real where there is one, otherwise over an imitation that proves nothing about a BSD (see kqueue-over-poll.ts). */

import { type KEvent, Kqueue, pipe, realSys, Socket, type SystemError } from 'genloop/os';
import * as assert from 'uvu/assert';
import { PATIENCE } from '../support/backends.ts';
import { withKqueue } from '../support/kqueue-over-poll.ts';
import { suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const real = realSys();
const isReal = 'EVFILT_READ' in real.constants;
const sys = isReal ? real : withKqueue(real);
const test = suite(isReal ? 'kqueue' : 'kqueue, imitated');
const kq = (name: string): number => sys.constants[name] as number;

function on(body: (queue: Kqueue) => void): () => void {
  return () =>
    inside(sys, () => {
      using queue = Kqueue.create();
      body(queue);
    });
}

const change = (ident: number, filter: string, ...flags: string[]): KEvent => ({
  ident,
  filter: kq(filter),
  flags: flags.reduce((mask, flag) => mask | kq(flag), 0),
  udata: 77,
});

test(
  'tells what is ready, with how much of it, and the datum',
  on((queue) => {
    const { reader, writer } = pipe();
    assert.equal(queue.kevent([change(reader.fd, 'EVFILT_READ', 'EV_ADD')], 8, 0), []);
    writer.write('12345');
    const [event] = queue.kevent([]);
    assert.equal([event?.ident, event?.filter, event?.data, event?.udata], [reader.fd, kq('EVFILT_READ'), 5, 77]);
    assert.is(queue.kevent([], 8, 0).length, 1, 'a level');
    writer.close();
    assert.ok(((queue.kevent([], 8, 0)[0]?.flags ?? 0) & kq('EV_EOF')) !== 0, 'the end, with data left');
    reader.close();
    assert.equal(queue.kevent([], 8, 0), [], 'gone with its number');
  }),
);

test(
  'has reading and writing apart, each with its own switch',
  on((queue) => {
    const [one, other] = Socket.pair();
    queue.kevent([change(one.fd, 'EVFILT_READ', 'EV_ADD'), change(one.fd, 'EVFILT_WRITE', 'EV_ADD')], 0);
    other.send('x');
    assert.is(queue.kevent([], 8, 0).length, 2);
    queue.kevent([change(one.fd, 'EVFILT_WRITE', 'EV_DISABLE')], 0);
    assert.equal(
      queue.kevent([], 8, 0).map(({ filter }) => filter),
      [kq('EVFILT_READ')],
    );
    queue.kevent([change(one.fd, 'EVFILT_WRITE', 'EV_ENABLE'), change(one.fd, 'EVFILT_READ', 'EV_DELETE')], 0);
    assert.equal(
      queue.kevent([], 8, 0).map(({ filter }) => filter),
      [kq('EVFILT_WRITE')],
    );
    one.close();
    other.close();
  }),
);

test(
  'gives a receipt for each change that asks for one, and no event with them',
  on((queue) => {
    const [one, other] = Socket.pair();
    const receipts = queue.kevent(
      [
        change(one.fd, 'EVFILT_WRITE', 'EV_ADD', 'EV_RECEIPT'),
        change(one.fd, 'EVFILT_READ', 'EV_DELETE', 'EV_RECEIPT'),
      ],
      8,
      PATIENCE,
    );
    assert.equal(
      receipts.map(({ data, flags }) => [data, (flags & kq('EV_ERROR')) !== 0]),
      [
        [0, true],
        [constant('ENOENT'), true],
      ],
    );
    one.close();
    other.close();
  }),
);

test(
  'tells once with EV_ONESHOT, and each change with EV_CLEAR',
  on((queue) => {
    const [one, other] = Socket.pair();
    queue.kevent([change(one.fd, 'EVFILT_READ', 'EV_ADD', 'EV_ONESHOT')], 0);
    other.send('x');
    assert.equal([queue.kevent([], 8, 0).length, queue.kevent([], 8, 0).length], [1, 0]);
    queue.kevent([change(one.fd, 'EVFILT_READ', 'EV_ADD', 'EV_CLEAR')], 0);
    assert.equal([queue.kevent([], 8, 0).length, queue.kevent([], 8, 0).length], [1, 0]);
    other.send('y');
    assert.is(queue.kevent([], 8, 0).length, 1);
    one.close();
    other.close();
  }),
);

test(
  'has timers',
  on((queue) => {
    const deadline = sys.now() + 5;
    const timer = { ...change(1, 'EVFILT_TIMER', 'EV_ADD', 'EV_ONESHOT'), data: 5 };
    const [event] = queue.kevent([timer], 8, PATIENCE);
    assert.equal([event?.ident, event?.filter, event?.data], [1, kq('EVFILT_TIMER'), 1]);
    assert.ok(sys.now() >= deadline);
    assert.equal(queue.kevent([], 8, 0), []);
  }),
);

test('does not send its changes again after a signal', () => {
  const sent: number[] = [];
  const interrupted = overriding(sys, {
    kevent(fd, changes, count, events) {
      sent.push(count);
      const result = sys.kevent(fd, changes, count, events, 0);
      return sent.length <= 2 ? -constant('EINTR') : result;
    },
  });
  inside(interrupted, () => {
    using queue = Kqueue.create();
    const [one, other] = Socket.pair();
    assert.is(queue.kevent([change(one.fd, 'EVFILT_WRITE', 'EV_ADD')], 8, PATIENCE).length, 1);
    assert.equal(sent, [1, 0, 0]);
    one.close();
    other.close();
  });
});

test(
  'says what is wrong with a change where there is no room for a receipt',
  on((queue) => {
    assert.throws(
      () => queue.kevent([change(999_999, 'EVFILT_READ', 'EV_ADD')], 0),
      (error: SystemError) => error.code === 'EBADF' && error.syscall === 'kevent',
    );
  }),
);

test('is refused by name where there is none', () => {
  inside(overriding(real, { kqueue: () => -constant('ENOSYS') }), () => {
    assert.throws(() => Kqueue.create(), /kqueue ENOSYS: this system has no such call/);
  });
});

test.run();
