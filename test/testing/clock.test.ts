import { type Co, failAfter, MisuseError, ReadWait, Socket, sleep, TimeoutError } from 'genloop';
import { BACKEND_ROW, type BackendName, EventFd, poll, realSys, type Sys } from 'genloop/os';
import * as assert from 'uvu/assert';
import { SUBJECTS } from '../support/backends.ts';
import { Scheduler, VirtualClock } from '../support/seeded.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';

const HOUR = 3_600_000;
const test = suite('testing: clock');

/** Sleeps, and notes when it woke up. */
function* sleeper(clock: VirtualClock, ms: number, log: unknown[]): Co<void> {
  yield sleep(ms);
  log.push([ms, clock.now]);
}

test('a clock starts where it is told, and moves only when it is told', () => {
  assert.is(new VirtualClock().now, 0);
  const clock = new VirtualClock({ start: -5 });
  clock.advance(2.5);
  clock.advance(0);
  assert.is(clock.now, -2.5);
  assert.is(clock.sys.now(), -2.5);
});

test('what is no time is refused before anything happens', () => {
  const clock = new VirtualClock({ start: 7 });
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => clock.advance(ms),
      (error: Error) => error instanceof RangeError && /from 0 on/.test(error.message),
    );
  }
  assert.throws(
    () => clock.advance('1' as never),
    (error: Error) => error instanceof TypeError,
  );
  assert.is(clock.now, 7);
  assert.throws(
    () => new VirtualClock({ start: Number.NaN }),
    /^start takes a finite number of milliseconds, not NaN$/,
  );
  assert.throws(
    () => new VirtualClock({ grace: -1 }),
    /^grace takes a finite number of milliseconds from 0 on, not -1$/,
  );
});

test('a scheduler on it sleeps no time, and wakes at the deadlines exactly, in their order', () => {
  const clock = new VirtualClock({ start: 100 });
  const scheduler = clock.scheduler();
  const log: unknown[] = [];
  for (const ms of [24 * HOUR, 0.25, 30, 30, 365 * 24 * HOUR]) scheduler.spawn(sleeper(clock, ms, log));
  scheduler.runSync();
  assert.equal(
    log,
    [0.25, 30, 30, 24 * HOUR, 365 * 24 * HOUR].map((ms) => [ms, 100 + ms]),
  );
});

test('a deadline is never early, where the numbers are not exact either', () => {
  const clock = new VirtualClock({ start: 0.1 });
  const scheduler = clock.scheduler();
  const late: number[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      for (let n = 1; n < 200; n++) {
        const deadline = clock.now + n / 7;
        yield sleep(n / 7);
        late.push(clock.now - deadline);
      }
    })(),
  );
  scheduler.runSync();
  assert.is(late.length, 199);
  assert.ok(late.every((ms) => ms >= 0 && ms < 1e-9));
});

test('time that a task lets pass itself makes deadlines late, as a long step does', () => {
  const clock = new VirtualClock();
  const scheduler = clock.scheduler();
  const log: unknown[] = [];
  scheduler.spawn(sleeper(clock, 20, log));
  scheduler.spawn(sleeper(clock, 10, log));
  scheduler.spawn(
    (function* (): Co<void> {
      yield sleep(5);
      clock.advance(100);
      log.push('a long step');
    })(),
  );
  scheduler.runSync();
  assert.is(log.shift(), 'a long step');
  equalInAnyOrder(log, [
    [10, 105],
    [20, 105],
  ]);
});

test('driven by turn(), it moves by hand', () => {
  const clock = new VirtualClock();
  using scheduler = clock.scheduler();
  const log: unknown[] = [];
  scheduler.spawn(sleeper(clock, 50, log));
  assert.ok(scheduler.turn());
  assert.is(scheduler.deadline, 50);
  clock.advance(49);
  assert.ok(scheduler.turn());
  assert.equal(log, []);
  clock.advance(1);
  assert.not(scheduler.turn());
  assert.equal(log, [[50, 50]]);
});

test('without a system there are no descriptors, and each call says what to do', () => {
  const { sys } = new VirtualClock();
  assert.is(sys.platform, 'simulated');
  assert.throws(() => inside(sys, () => Socket.listener({ port: 0 })), /\{ sys: realSys\(\) \} of genloop\/os$/);
  assert.throws(
    () => sys.close(3),
    (error: Error) => error instanceof MisuseError && /^close: /.test(error.message),
  );
  const backend = sys.backend?.('poll');
  assert.throws(() => backend?.change({ fd: 1, generation: 1, interest: 1, armed: -1 }), /^change: /);
  assert.throws(() => backend?.remove({ fd: 1, generation: 1, interest: 1, armed: -1 }), /^remove: /);
  assert.throws(() => backend?.wait(-1), /would never end/);
  assert.is(String(sys), '[object Object]', 'and it can be printed');
});

test('a descriptor of another system cannot be waited for where there is none', () => {
  using event = EventFd.create();
  const scheduler = new VirtualClock().scheduler();
  const task = scheduler.spawn(new ReadWait(event));
  assert.throws(
    () => scheduler.runSync(),
    (error: unknown) => error instanceof MisuseError,
  );
  assert.is(task.status, 'failed');
});

test('GENLOOP_BACKEND is about the real system, and a backend that is asked for must be there', () => {
  const before = process.env.GENLOOP_BACKEND;
  process.env.GENLOOP_BACKEND = 'epoll';
  try {
    assert.is(new VirtualClock().scheduler().backendName, 'poll');
    assert.is(new VirtualClock().scheduler({ backend: 'select' }).backendName, 'select');
    assert.throws(() => new VirtualClock().scheduler({ backend: 'kqueue' }), /no backend 'kqueue' on simulated/);
  } finally {
    if (before === undefined) delete process.env.GENLOOP_BACKEND;
    else process.env.GENLOOP_BACKEND = before;
  }
});

for (const { title, name, sys } of SUBJECTS) {
  test(`${title}: real descriptors work, and what is ready comes before any deadline`, () => {
    const clock = new VirtualClock({ sys });
    const scheduler = new Scheduler({ sys: clock.sys, backend: name });
    const log: unknown[] = [];
    inside(clock.sys, () => {
      const [near, far] = Socket.pair();
      scheduler.spawn(
        (function* (): Co<void> {
          using end = near;
          yield* failAfter(1, new ReadWait(end));
          log.push([end.recv(10)?.toString(), clock.now]);
          try {
            yield* failAfter(HOUR, new ReadWait(end));
          } catch (error) {
            log.push([error instanceof TimeoutError, clock.now]);
          }
        })(),
      );
      scheduler.spawn(
        (function* (): Co<void> {
          using end = far;
          end.send('hello');
          yield sleep(2 * HOUR);
        })(),
      );
    });
    scheduler.runSync();
    assert.equal(log, [
      ['hello', 0],
      [true, HOUR],
    ]);
    assert.is(clock.now, 2 * HOUR);
  });

  test(`${title}: a deadline in Node's loop is refused, since that loop keeps real time`, async () => {
    const clock = new VirtualClock({ sys });
    const scheduler = new Scheduler({ sys: clock.sys, backend: name });
    const task = scheduler.spawn(sleep(10));
    // Those without a set refuse Node's loop anyway.
    const ended =
      name === 'epoll' || name === 'kqueue' ? scheduler.run() : Promise.resolve().then(() => scheduler.run());
    const error: unknown = await ended.then(
      () => 'nothing',
      (reason) => reason,
    );
    assert.instance(error, MisuseError);
    assert.match((error as Error).message, /runSync\(\) or turn\(\)/);
    scheduler.cancel();
    if (scheduler.size > 0) assert.throws(() => scheduler.runSync());
    assert.ok(task.ended);
  });
}

/** The waits of a system that records how long it is asked to wait, and finds `found` things ready. */
function recorded(found: number): { sys: Sys; limits: [string, number][] } {
  const limits: [string, number][] = [];
  const noting = (call: string) => (limit: number) => {
    limits.push([call, limit]);
    return found;
  };
  const sys = overriding(realSys(), {
    epollWait: (_epfd, _rows, limit) => noting('epollWait')(limit),
    poll: (_rows, _count, limit) => noting('poll')(limit),
    select: (_rows, _count, limit) => noting('select')(limit),
    kevent: (_kq, _changes, _count, _events, limit) => noting('kevent')(limit),
  });
  return { sys, limits };
}

function waitAll(sys: Sys, timeout: number): number[] {
  const rows = new Int32Array(BACKEND_ROW * 8);
  return [
    sys.epollWait(3, rows, timeout),
    sys.poll(rows, 0, timeout),
    sys.select(rows, 0, timeout),
    sys.kevent(3, rows, 0, rows, timeout),
  ];
}

const CALLS = ['epollWait', 'poll', 'select', 'kevent'];

test('every wait with a timeout looks first and then jumps; one without waits for real', () => {
  const { sys, limits } = recorded(0);
  const clock = new VirtualClock({ sys });
  assert.equal(waitAll(clock.sys, 100), [0, 0, 0, 0]);
  assert.is(clock.now, 400);
  assert.equal(waitAll(clock.sys, 0), [0, 0, 0, 0]);
  waitAll(clock.sys, -1);
  waitAll(clock.sys, Number.POSITIVE_INFINITY);
  assert.is(clock.now, 400);
  assert.equal(
    limits,
    [0, 0, -1, Number.POSITIVE_INFINITY].flatMap((limit) => CALLS.map((call) => [call, limit])),
  );
});

test('with a grace, descriptors get so many real milliseconds before it jumps', () => {
  const { sys, limits } = recorded(0);
  const clock = new VirtualClock({ sys, grace: 20 });
  waitAll(clock.sys, 100);
  waitAll(clock.sys, 5);
  assert.is(clock.now, 420);
  assert.equal(
    limits,
    [20, 5].flatMap((limit) => CALLS.map((call) => [call, limit])),
  );
});

test('it does not jump over what was found, nor over a signal', () => {
  for (const found of [1, -4]) {
    const clock = new VirtualClock({ sys: recorded(found).sys });
    assert.equal(waitAll(clock.sys, 100), [found, found, found, found]);
    assert.is(clock.now, 0);
  }
});

test('poll and select of genloop/os jump too', () => {
  const clock = new VirtualClock({ sys: realSys() });
  using event = inside(clock.sys, () => EventFd.create());
  inside(clock.sys, () => assert.equal(poll([[event, 1]], HOUR), []));
  assert.is(clock.now, HOUR);
});

test('a timer of the kernel is refused, in whichever place of the changes', () => {
  const filter = -7;
  const sys = overriding(realSys(), { kevent: () => 0, constants: { ...realSys().constants, EVFILT_TIMER: filter } });
  const clock = new VirtualClock({ sys });
  const changes = new Int32Array(16);
  assert.is(clock.sys.kevent(3, changes, 2, changes, 0), 0);
  changes[9] = filter;
  assert.is(clock.sys.kevent(3, changes, 1, changes, 0), 0);
  assert.throws(() => clock.sys.kevent(3, changes, 2, changes, 0), /no virtual time/);
  assert.throws(() => clock.sys.timerfd(), /no virtual time/);
});

test('the clock is a value like others: two schedulers may share one', () => {
  const clock = new VirtualClock();
  const log: unknown[] = [];
  const names: BackendName[] = ['poll', 'select'];
  for (const backend of names) {
    const scheduler = clock.scheduler({ backend });
    scheduler.spawn(sleeper(clock, 10, log));
    scheduler.runSync();
  }
  assert.equal(log, [
    [10, 10],
    [10, 20],
  ]);
});

test.run();
