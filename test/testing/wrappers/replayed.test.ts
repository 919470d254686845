/** src/testing/wrappers/recorded.ts, replayed.ts, log.ts and renaming.ts: each kind of call comes again, and differences are told. */

import { type Co, failAfter, ReadWait, Scheduler, sleep, TimeoutError } from 'genloop';
import {
  type Backend,
  EPOLL_ROW,
  EventFd,
  KEVENT_ROW,
  open,
  pipe,
  poll,
  realSys,
  Socket,
  SocketAddress,
  type Sys,
  select,
} from 'genloop/os';
import { availableBackends } from 'genloop/poller';
import {
  eachSeed,
  failing,
  ReplayError,
  recorded,
  replayed,
  SimulatedSystem,
  SysLog,
  VirtualClock,
} from 'genloop/testing';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.ts';
import { constant, inside, overriding } from '../../support/systems.ts';

const test = suite('recorded and replayed');
const real = realSys();

/** Records what `body` does on a system, and lets it do the same on the recording, also on one that was text. Both results. */
function twice<T>(body: (sys: Sys) => T, sys: Sys = real): [T, T, SysLog] {
  const recording = recorded(sys);
  const first = inside(recording.sys, () => body(recording.sys));
  let second = first;
  for (const log of [recording.log, SysLog.parse(recording.log.toString())]) {
    const replay = replayed(log);
    second = inside(replay, () => body(replay));
    replay.finish();
  }
  return [first, second, recording.log];
}

/** The error of doing something else than what was recorded. */
function differenceOf(body: (sys: Sys) => void, other: (sys: Sys) => void, sys: Sys = real): ReplayError {
  const recording = recorded(sys);
  inside(recording.sys, () => body(recording.sys));
  const replay = replayed(recording.log);
  let found: unknown;
  try {
    inside(replay, () => other(replay));
    replay.finish();
  } catch (error) {
    found = error;
  }
  assert.instance(found, ReplayError);
  assert.is((found as ReplayError).code, 'ERR_GENLOOP_REPLAY');
  return found as ReplayError;
}

function isReplayError(error: unknown): boolean {
  return error instanceof ReplayError;
}

test('what came into one buffer, again and again, is recorded as it was each time', () => {
  const body = (sys: Sys): string[] => {
    const [near, far] = Socket.pair();
    using one = near;
    using other = far;
    const buffer = Buffer.alloc(8);
    const sent = Buffer.alloc(1);
    return ['a', 'b', 'c'].map((letter) => {
      sent.write(letter);
      sys.send(one.fileno(), sent, 0, 1, 0);
      sys.recv(other.fileno(), buffer, 0, 8, 0);
      return buffer.toString('latin1', 0, 1);
    });
  };
  const [first, second, log] = twice(body);
  assert.equal(
    [first, second],
    [
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
  );
  for (const letter of 'abc')
    assert.ok(
      log.toString().includes(`"bytes":"${Buffer.from(letter).toString('base64')}"`) ||
        log.toString().includes(`"${letter}"`),
      log.toString(),
    );
});

test('results, bytes, addresses, pairs, options and the time come again', () => {
  const [first, second] = twice((sys) => {
    const seen: unknown[] = [sys.platform, sys.constants.EAGAIN, sys.now()];
    const one = Socket.udp({ port: 0 });
    const two = Socket.udp({ port: 0 });
    two.sendTo('a datagram', one.localAddress);
    poll([[one, 1]]);
    const datagram = one.recvFrom(5);
    seen.push(String(datagram?.data), datagram?.truncated, String(datagram?.address), one.recv(5));
    seen.push(one.getOption('SOL_SOCKET', 'SO_TYPE'), one.fd, two.fd);
    const [near, far] = Socket.pair();
    near.send('through a pair');
    seen.push(
      select([far], [near], [], 0).map((list) => list.length),
      String(far.recv(100)),
      near.fd,
      far.fd,
    );
    const { reader, writer } = pipe();
    writer.write('abc');
    const buffer = new Uint8Array(8).fill(7);
    seen.push(reader.readInto(buffer, 2, 4), [...buffer]);
    for (const descriptor of [one, two, near, far, reader, writer]) descriptor.close();
    return seen;
  });
  assert.equal(second, first);
  assert.is(first[3], 'a dat');
  assert.equal(first.at(-1), [7, 7, 97, 98, 99, 7, 7, 7]);
});

test('sends of many in one call come again, each with its result; other bytes in one of them are a difference', () => {
  const body =
    (...texts: string[]) =>
    (sys: Sys): unknown => {
      const [near, far] = Socket.pair();
      const [broken, gone] = Socket.pair();
      gone.close();
      const bytes = Buffer.from(`between ${texts.join('')}`);
      const [one = '', two = ''] = texts;
      const rows = Int32Array.from([
        ...[near.fd, 8, one.length, 7],
        ...[broken.fd, 8, one.length, 7],
        ...[near.fd, 8 + one.length, two.length, 7],
      ]);
      // What lies between them is not sent, and may be anything.
      bytes.writeUInt8(Math.floor(Math.random() * 256));
      const sum = sys.sendEach(rows, 3, bytes);
      const seen = [sum, rows[3], rows[7], rows[11], String(far.recv(99))];
      for (const socket of [near, far, broken]) socket.close();
      return seen;
    };
  const [first, second] = twice(body('one', 'second'));
  assert.equal(first, [9, 3, -constant('EPIPE'), 6, 'onesecond']);
  assert.equal(second, first);
  assert.match(differenceOf(body('one', 'second'), body('one', 'secomd')).message, /sendEach/);
  assert.match(differenceOf(body('one', 'second'), body('ones', 'econd')).message, /sendEach/);
});

test('failures come again: errnos, and what the call threw', () => {
  const [first, second] = twice((sys) => {
    const errors: unknown[] = [];
    for (const wrong of [
      () => open('/no/such/file'),
      () => sys.close('x' as never),
      () => Socket.tcp({ host: 'x', port: 1 }),
    ]) {
      try {
        wrong();
      } catch (error) {
        errors.push((error as Error).constructor.name, (error as Error).message);
      }
    }
    return errors;
  });
  assert.is(first.length, 6);
  assert.equal(second, first);
});

test('a failing system that was recorded fails again without failing', () => {
  const [first, second] = twice(
    (sys) => [sys.dup(0), sys.dup(0)].map((fd) => (fd >= 0 ? sys.close(fd) : fd)),
    failing(real, 'dup', 1, 'EMFILE'),
  );
  assert.equal(first, [-constant('EMFILE'), 0]);
  assert.equal(second, first);
});

test('a datagram that was longer than the buffer leaves as much as fitted', () => {
  const flag = real.constants.MSG_TRUNC as number;
  const [first, second] = twice((sys) => {
    const [near, far] = Socket.pair('SOCK_DGRAM');
    near.send('0123456789');
    const buffer = new Uint8Array(6);
    const length = sys.recv(far.fd, buffer, 1, 4, flag);
    near.close();
    far.close();
    return [length, String.fromCharCode(...buffer)];
  });
  assert.equal(second, first);
  assert.is(first[1], '\0' + '0123' + '\0');
});

test('an ioctl reads and writes its bytes', () => {
  const system = overriding(real, {
    ioctl: (_fd, _request, argument) => {
      argument[1] = (argument[0] as number) * 2;
      return 3;
    },
  });
  const body = (first: number) => (sys: Sys) => {
    const argument = Uint8Array.of(first, 0);
    return [sys.ioctl(1, 2, argument), ...argument];
  };
  assert.equal(twice(body(4), system).slice(0, 2), [
    [3, 4, 8],
    [3, 4, 8],
  ]);
  assert.match(differenceOf(body(4), body(5), system).message, /ioctl\(1, 2, 2 bytes "\\x04\\x00"\).*from byte 0/);
});

test('an address is told as often as one likes, in any order; one that was never looked at is not known', () => {
  const recording = recorded(real);
  const shown = inside(recording.sys, () => {
    const address = SocketAddress.from({ host: '127.0.0.1', port: 7 });
    SocketAddress.from({ path: '/some/path' });
    return String(address);
  });
  const replay = replayed(recording.log);
  inside(replay, () => {
    const path = SocketAddress.from({ path: '/some/path' });
    const address = SocketAddress.from({ host: '127.0.0.1', port: 7 });
    assert.equal([String(address), String(address), address.port], [shown, shown, 7]);
    replay.finish();
    assert.throws(() => String(path), /this one calls unpackAddress/);
    assert.throws(() => String(address), isReplayError, 'and from then on it answers nothing');
  });
});

test('a difference names the step, what was called then, and what is called now', () => {
  const name = (sys: Sys) => sys.now();
  const error = differenceOf(
    (sys) => [name(sys), sys.dup(0), sys.now()].slice(1, 2).map((fd) => sys.close(fd)),
    (sys) => [name(sys), sys.dup(1)],
  );
  assert.is(
    error.message,
    'step 2 of 4: the recorded run called dup(0); this one calls dup(1) (argument 1: 1, and not 0)',
  );
  assert.equal([error.step, error.recorded, error.asked], [2, 'dup(0)', 'dup(1)']);
});

test('another call, one more, one less', () => {
  const now = (sys: Sys) => sys.now();
  assert.is(
    differenceOf(now, (sys) => sys.fstat(0)).message,
    'step 1 of 1: the recorded run called now(); this one calls fstat(0)',
  );
  assert.match(
    differenceOf(now, (sys) => [sys.now(), sys.now()]).message,
    /^step 2 of 1: .* nothing more; this one calls now\(\)$/,
  );
  assert.match(
    differenceOf((sys) => [sys.now(), sys.now()], now).message,
    /^step 2 of 2: .* now\(\); this one calls nothing more$/,
  );
});

test('after a difference every call throws the same error, and so does the end', () => {
  const { sys, log } = recorded(real);
  sys.now();
  const replay = replayed(log);
  const errors = [() => replay.fstat(0), () => replay.now(), () => replay.finish(), () => replay.close(3)].map(
    (call) => {
      try {
        call();
      } catch (error) {
        return error;
      }
      return null;
    },
  );
  assert.instance(errors[0], ReplayError);
  assert.is(new Set(errors).size, 1);
});

test('other bytes are a difference, which tells where; with payload any they are not, unless they are more', () => {
  const [near, far] = Socket.pair();
  const { sys, log } = recorded(real);
  const send = (system: Sys, text: string) => system.send(near.fd, Buffer.from(text), 0, text.length, 0);
  send(sys, 'it is 12:00');
  assert.throws(
    () => send(replayed(log), 'it is 13:00'),
    /11 bytes "it is 13:00", 0\) \(other bytes: from byte 7 on\)/,
  );
  assert.is(send(replayed(log, { payload: 'any' }), 'it is 13:00'), 11);
  assert.throws(() => send(replayed(log, { payload: 'any' }), 'it is noon'), isReplayError);
  near.close();
  far.close();
});

test('endless and fractional times, and numbers below zero, survive as text', () => {
  const system = overriding(real, { timerfdSet: () => 0, poll: () => -4, now: () => 0.1 + 0.2 });
  const [first, second] = twice(
    (sys) => [
      sys.timerfdSet(3, Number.POSITIVE_INFINITY),
      sys.timerfdSet(3, 0.1),
      sys.poll(new Int32Array(0), 0, -1),
      sys.now(),
    ],
    system,
  );
  assert.equal(first, [0, 0, -4, 0.1 + 0.2]);
  assert.equal(second, first);
});

test('data of epoll may be others, as long as each stands for the same one throughout', () => {
  const system = overriding(real, {
    epollCtl: () => 0,
    epollWait: (_epfd, rows) => {
      rows.set([1, 7, 100, 4, 8, 200, 1, 9, 999]);
      return 3;
    },
    close: () => 0,
  });
  const { ADD, MOD } = { ADD: constant('EPOLL_CTL_ADD'), MOD: constant('EPOLL_CTL_MOD') };
  const body = (one: number, two: number, again: number) => (sys: Sys) => {
    sys.epollCtl(5, ADD, 7, 1, 7, one);
    sys.epollCtl(5, ADD, 8, 1, 8, two);
    sys.epollCtl(5, MOD, 7, 1, 7, again);
    const rows = new Int32Array(4 * EPOLL_ROW);
    sys.epollWait(5, rows, 0);
    return [...rows.subarray(0, 9)];
  };
  const { sys, log } = recorded(system);
  body(100, 200, 100)(sys);
  const replay = replayed(log);
  assert.equal(body(31, 32, 31)(replay), [1, 7, 31, 4, 8, 32, 1, 9, 999], 'what the kernel was never told stays');
  replay.finish();
  assert.equal(body(200, 100, 200)(replayed(log)), [1, 7, 200, 4, 8, 100, 1, 9, 999], 'also the other way round');
  assert.throws(() => body(31, 32, 33)(replayed(log)), /datum 33, which is about another registration than 100 was/);
  assert.throws(() => body(31, 31, 31)(replayed(log)), /datum 31, which is about another registration than 200 was/);

  const anew = recorded(system);
  for (const again of [100, 300]) {
    body(again, 200, again)(anew.sys);
    anew.sys.close(5);
  }
  const next = replayed(anew.log);
  for (const [one, two] of [
    [1, 2],
    [3, 1],
  ] as const) {
    body(one, two, one)(next);
    next.close(5);
  }
  next.finish();
});

test('the same of kqueue, in its changes and its events; any other column is compared', () => {
  const system = overriding(real, {
    kevent: (_kq, changes, count, events) => {
      events.set(changes.subarray(0, count * KEVENT_ROW));
      return count;
    },
  });
  const body = (datum: number, flags: number) => (sys: Sys) => {
    const changes = Int32Array.from([7, -1, flags, 0, 0, 0, datum, 0]);
    const events = new Int32Array(2 * KEVENT_ROW);
    return [sys.kevent(4, changes, 1, events, 0), ...events.subarray(0, KEVENT_ROW)];
  };
  const { sys, log } = recorded(system);
  body(100, 1)(sys);
  assert.equal(body(55, 1)(replayed(log)), [1, 7, -1, 1, 0, 0, 0, 55, 0]);
  assert.throws(() => body(100, 2)(replayed(log)), /other rows: 7 -1 2 0 0 0 100 0, and not 7 -1 1 0 0 0 100 0/);
});

/** A system with a backend of its own, in which every registration is ready at once. */
function simulated(): Sys {
  let time = 0;
  const registered = new Map<number, number>();
  const backend: Backend = {
    name: 'poll',
    fd: -1,
    rows: new Int32Array(30),
    change: (registration) => {
      registration.armed = registration.interest;
      registered.set(registration.fd, registration.generation);
      return 0;
    },
    remove: (registration) => {
      registration.armed = -1;
      return registered.delete(registration.fd) ? 0 : -constant('ENOENT');
    },
    wait: (timeout) => {
      time += Math.max(0, timeout);
      let row = 0;
      for (const [fd, generation] of registered) backend.rows.set([fd, generation, 1], 3 * row++);
      return row;
    },
    close: () => registered.clear(),
  };
  return overriding(real, { backend: () => backend, now: () => time });
}

/** Waits three times for a descriptor, and once for the time. */
function* waiting(log: unknown[]): Co<void> {
  const event = EventFd.create(3);
  for (let round = 0; round < 3; round++) log.push(yield* new ReadWait(event));
  event.close();
  yield sleep(25);
}

test('a backend that the system brings is recorded and replayed, with other generations', () => {
  const body = (sys: Sys): unknown => {
    const log: unknown[] = [];
    const scheduler = new Scheduler({ sys, backend: 'poll' });
    scheduler.spawn(waiting(log));
    scheduler.runSync();
    return [log, sys.now()];
  };
  const [first, second, log] = twice(body, simulated());
  assert.equal(first, [[1, 1, 1], 25]);
  assert.equal(second, first);
  assert.ok(log.hasBackend);
  assert.not.ok('backend' in replayed(recorded(real).log));
  assert.throws(() => replayed(log).backend?.('select'), /called .*; this one calls backend\("select"\)/);
});

test('a backend that could not be opened cannot be opened again', () => {
  const system = overriding(real, {
    backend: () => {
      throw new RangeError('there is none');
    },
  });
  const [first, second] = twice((sys) => {
    try {
      sys.backend?.('poll');
    } catch (error) {
      return [(error as Error).name, (error as Error).message];
    }
    return null;
  }, system);
  assert.equal(first, ['RangeError', 'there is none']);
  assert.equal(second, first);
});

/** A client that is answered late, and gives up. */
function* impatient(log: unknown[]): Co<void> {
  const [near, far] = Socket.pair();
  try {
    far.send('something');
    yield new ReadWait(near);
    log.push(String(near.recv(100)));
    yield* failAfter(10, new ReadWait(near));
  } catch (error) {
    log.push(error instanceof TimeoutError);
  } finally {
    near.close();
    far.close();
  }
}

for (const backend of availableBackends(real)) {
  test(`deadlines pass again without any time, in whichever order tasks run (${backend})`, () => {
    eachSeed(3, (seed) => {
      const [first, second] = twice((sys) => {
        const log: unknown[] = [];
        const scheduler = new Scheduler({ sys, backend, seed });
        scheduler.spawn(impatient(log));
        scheduler.spawn(impatient(log));
        scheduler.runSync();
        return log;
      });
      assert.is(first.length, 4);
      assert.equal(second, first);
    });
  });
}

test('virtual time over a recording, and a recording of virtual time', () => {
  const run = (sys: Sys): unknown[] => {
    const log: unknown[] = [];
    const scheduler = new Scheduler({ sys, backend: 'poll' });
    scheduler.spawn(impatient(log));
    scheduler.runSync();
    return [...log, sys.now()];
  };
  const [first, second] = twice(run, new VirtualClock({ sys: real }).sys);
  assert.equal(first, ['something', true, 10]);
  assert.equal(second, first);

  const inner = recorded(real);
  const outer = run(new VirtualClock({ sys: inner.sys }).sys);
  const replay = replayed(inner.log);
  assert.equal(run(new VirtualClock({ sys: replay }).sys), outer);
  replay.finish();
});

test('what is no log, is of another version, was cut off, or holds what is no call, is refused with its line', () => {
  const { sys, log } = recorded(real);
  sys.now();
  sys.fstat(0);
  const text = log.toString();
  const lines = text.split('\n');
  const cases: [string, RegExp][] = [
    ['', /line 1 of the log is no JSON/],
    ['{"format":"other"}\n', /this is no log of system calls/],
    ['null\n', /this is no log of system calls/],
    [text.replace('"version":1', '"version":2'), /this log has version 2, and this library reads 1/],
    [text.slice(0, -1), /line 3 of the log was cut off/],
    [text.slice(0, -3), /line 3 of the log was cut off/],
    [`${lines[0]}\n{"x"\n`, /line 2 of the log is no JSON/],
    [`${lines[0]}\n7\n`, /line 2 of the log is no call/],
    [`${lines[0]}\n["nothing",[],0]\n`, /line 2 of the log is a call 'nothing' that there is not/],
  ];
  for (const [wrong, message] of cases) {
    assert.throws(
      () => SysLog.parse(wrong),
      (error: Error) => error instanceof SyntaxError && message.test(error.message),
      String(message),
    );
  }
  assert.is(SysLog.parse(text).length, 2);
});

if (availableBackends(real).includes('epoll')) {
  test("a replay cannot be a guest in Node's loop, nor what is wrapped around it, and says what to use", () => {
    const recording = recorded(real);
    const driven = (sys: Sys): void => {
      const scheduler = new Scheduler({ sys, backend: 'epoll' });
      scheduler.spawn(sleep(1));
      scheduler.runSync();
    };
    driven(recording.sys);
    const replay = replayed(recording.log);
    for (const sys of [replay, failing(replay, 'accept', 1, 'EMFILE'), new SimulatedSystem()]) {
      const scheduler = new Scheduler({ sys, backend: 'epoll' });
      assert.throws(
        () => scheduler.run(),
        (error: Error) =>
          (error as { code?: string }).code === 'ERR_GENLOOP_MISUSE' &&
          /^run\(\): the descriptors of .* Node's loop cannot watch them; use runSync\(\) or turn\(\)$/.test(
            error.message,
          ),
      );
    }
    // It was not touched by that, and can still be driven as it was.
    driven(replay);
    replay.finish();
  });
}

test.run();
