/** Files and devices by path, FIFOs, terminals, counters, timers. */

import { constants, EventFd, open, pipe, poll, realSys, TimerFd } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { PATIENCE, untilReady } from '../support/backends.ts';
import { fifo, Opened, thrown } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const { IN } = Readiness;
const test = suite('files');
const sys = realSys();

test('open by name of the mode, or by flags', () => {
  using zero = open('/dev/zero');
  assert.equal([...(zero.read(3) ?? [])], [0, 0, 0]);
  using nothing = open('/dev/null', 'r+');
  assert.is(nothing.write('gone'), 4);
  assert.is(nothing.read()?.length, 0);
  using written = open('/dev/null', constant('O_WRONLY'));
  assert.is(thrown(() => written.read()).code, 'EBADF');
});

test('do not open where there is nothing, and say where', () => {
  const error = thrown(() => open('/no/such/file'));
  assert.equal([error.code, error.syscall, error.path], ['ENOENT', 'open', '/no/such/file']);
  assert.match(error.message, "no such file or directory '/no/such/file'");
  assert.throws(() => open('/dev/null', 'a' as 'r'), /mode must be 'r', 'w', 'r\+' or O_ flags, not 'a'/);
});

test('a FIFO connects those who open it, and refuses a writer while nobody reads', () => {
  const opened = new Opened();
  try {
    const path = fifo(opened);
    assert.is(thrown(() => open(path, 'w')).code, 'ENXIO');
    const reader = opened.keep(open(path));
    const writer = opened.keep(open(path, 'w'));
    assert.is(reader.read(), undefined);
    writer.write('x');
    untilReady(reader, IN);
    assert.is(reader.read()?.toString(), 'x');
    writer.close();
    assert.is(reader.read()?.length, 0);
  } finally {
    opened.close();
  }
});

test('a terminal is opened, asked for its size, written and read', () => {
  if (!('TIOCGPTN' in constants && 'TIOCSPTLCK' in constants)) {
    notRun('this system opens pseudo-terminals in another way');
    return;
  }
  using master = open('/dev/ptmx', 'r+');
  const number = new Uint32Array(1);
  assert.is(master.ioctl('TIOCSPTLCK', new Uint8Array(4)), 0);
  assert.is(master.ioctl('TIOCGPTN', new Uint8Array(number.buffer)), 0);
  using terminal = open(`/dev/pts/${number[0]}`, 'r+');
  assert.is(terminal.read(), undefined);
  master.write('line\n');
  untilReady(terminal, IN);
  assert.is(terminal.read()?.toString(), 'line\n');
  // Rows, columns, and two that nobody uses: the request does not say its size.
  const size = new Uint8Array(64);
  new Uint16Array(size.buffer).set([24, 80]);
  assert.is(terminal.ioctl('TIOCSWINSZ', size), 0);
  const asked = new Uint8Array(64);
  terminal.ioctl('TIOCGWINSZ', asked);
  assert.equal([...new Uint16Array(asked.buffer, 0, 2)], [24, 80]);
});

test('a pipe that cannot be had is an error', () => {
  inside(overriding(sys, { pipe: () => -constant('EMFILE') }), () => {
    const error = thrown(() => pipe());
    assert.equal([error.code, error.syscall], ['EMFILE', 'pipe']);
  });
});

test('a counter counts, is taken whole, and is readable meanwhile', () => {
  using counter = EventFd.create();
  assert.is(counter.take(), undefined);
  assert.is(counter.signal(), true);
  assert.is(counter.signal(41), true);
  assert.is(poll([[counter, IN]], 0).length, 1);
  assert.is(counter.take(), 42);
  assert.is(counter.take(), undefined);
  assert.is(poll([[counter, IN]], 0).length, 0);
  for (const wrong of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '1' as unknown as number]) {
    assert.throws(() => counter.signal(wrong), /count must be a positive integer/);
  }
});

test('a counter that is full would block', () => {
  using counter = EventFd.create(0xffff_ffff);
  while (counter.signal(Number.MAX_SAFE_INTEGER) === true);
  assert.is(counter.signal(Number.MAX_SAFE_INTEGER), undefined);
  assert.ok((counter.take() as number) > Number.MAX_SAFE_INTEGER);
});

test('a semaphore is taken one at a time', () => {
  using counter = EventFd.create(2, { semaphore: true });
  assert.equal([counter.take(), counter.take(), counter.take()], [1, 1, undefined]);
});

test('a timer rings once, not early, and can be moved and disarmed', () => {
  using timer = TimerFd.create();
  assert.is(timer.take(), undefined);
  for (const delay of [0, 0.1, 15]) {
    const deadline = sys.now() + delay;
    timer.set(delay);
    assert.is(poll([[timer, IN]], PATIENCE).length, 1);
    assert.ok(sys.now() >= deadline);
    assert.is(timer.take(), 1);
    assert.is(timer.take(), undefined);
  }
  timer.set(0);
  poll([[timer, IN]], PATIENCE);
  timer.set(Infinity);
  assert.is(timer.take(), undefined, 'setting takes back what was counted');
  timer.setDeadline(sys.now() - 5);
  assert.is(poll([[timer, IN]], PATIENCE).length, 1);
  for (const wrong of [-1, Number.NaN]) assert.throws(() => timer.set(wrong), /ms must be a number from 0 on/);
});

test('what the system does not have is ENOSYS, by its name', () => {
  const missing = (): number => -constant('ENOSYS');
  inside(overriding(sys, { eventfd: missing, timerfd: missing }), () => {
    assert.is(thrown(() => EventFd.create()).message, 'eventfd ENOSYS: this system has no such call');
    assert.is(thrown(() => TimerFd.create()).message, 'timerfd_create ENOSYS: this system has no such call');
  });
});

test.run();
