import { CancelError, type Co, group, moveOnAfter, pass, ReadWait, Socket, sleep } from 'genloop';
import { realSys } from 'genloop/os';
import { eachSeed, waitAllBlocked } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { SETS } from '../support/backends.ts';
import { Queue, select } from '../support/operations.ts';
import { runTest, Scheduler } from '../support/seeded.ts';
import { equalInAnyOrder, isSeeded } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const HOUR = 3_600_000;
const test = suite('testing: waitAllBlocked');

/** Gives way `n` times, and notes it. */
function* busy(n: number, log: unknown[]): Co<void> {
  for (let i = 0; i < n; i++) {
    yield* pass();
    log.push(i);
  }
  yield sleep(HOUR);
}

test('goes on once every other task waits, and not before, in any order', () => {
  eachSeed(50, function* (): Co<void> {
    const log: unknown[] = [];
    yield* group(function* (g) {
      const tasks = [g.spawn(busy(3, log)), g.spawn(busy(200, log)), g.spawn(busy(0, log))];
      yield* waitAllBlocked();
      assert.equal(
        tasks.map((task) => task.status),
        ['parked', 'parked', 'parked'],
      );
      assert.is(log.length, 203);
      g.cancel();
    });
  });
});

test('timers that are set for later do not matter, and time does not jump to them', () => {
  runTest(function* (clock): Co<void> {
    yield* group(function* (g) {
      const sleeper = g.spawn(sleep(1));
      yield* waitAllBlocked();
      assert.is(clock.now, 0);
      assert.is(sleeper.status, 'parked');
      yield* sleeper.join();
      assert.is(clock.now, 1);
    });
  });
});

test('whoever sleeps until now is not blocked, before it and after it', () => {
  runTest(function* (clock): Co<void> {
    const log: string[] = [];
    function* napper(name: string, naps: number): Co<void> {
      for (let n = 0; n < naps; n++) yield sleep(0);
      log.push(name);
    }
    yield* group(function* (g) {
      g.spawn(napper('before', 3));
      yield* pass();
      g.spawn(napper('after', 5));
      yield* waitAllBlocked();
      assert.equal(log, ['before', 'after']);
      assert.is(clock.now, 0);
    });
  });
});

test('several may wait; they do not count, and go on together', () => {
  runTest(function* (): Co<void> {
    const log: unknown[] = [];
    function* watcher(name: string): Co<void> {
      yield* waitAllBlocked();
      log.push(name);
    }
    yield* group(function* (g) {
      for (const name of ['a', 'b', 'c']) g.spawn(watcher(name));
      g.spawn(busy(3, log));
      yield* waitAllBlocked();
      assert.equal(isSeeded() ? log.slice(0, 3) : log, [0, 1, 2]);
      yield* waitAllBlocked();
      equalInAnyOrder(log, [0, 1, 2, 'a', 'b', 'c']);
      g.cancel();
    });
  });
});

test('what a descriptor has to say counts as not blocked', () => {
  runTest(
    function* (): Co<void> {
      const [near, far] = Socket.pair();
      using _near = near;
      using _far = far;
      const log: string[] = [];
      function* echo(): Co<void> {
        yield* new ReadWait(far);
        log.push(String(far.recv(10)));
        far.send('back');
      }
      yield* group(function* (g) {
        const reader = g.spawn(echo());
        yield* waitAllBlocked();
        assert.is(reader.status, 'parked');
        near.send('there');
        const other = g.spawn(new ReadWait(near));
        yield* waitAllBlocked();
        assert.equal(log, ['there']);
        assert.is(other.status, 'done');
      });
    },
    { sys: realSys() },
  );
});

test("works in real time and in Node's loop", async () => {
  for (const drive of ['run', 'runSync'] as const) {
    const scheduler = new Scheduler({ backend: drive === 'run' ? (SETS[0] as (typeof SETS)[0]).name : 'poll' });
    const queue = new Queue<string>();
    const log: string[] = [];
    scheduler.spawn(
      (function* (): Co<void> {
        log.push(yield* queue.take());
      })(),
    );
    scheduler.spawn(
      (function* (): Co<void> {
        yield* waitAllBlocked();
        assert.equal(log, []);
        queue.put('late');
        yield* waitAllBlocked();
        assert.equal(log, ['late']);
        log.push('end');
      })(),
    );
    await scheduler[drive]();
    assert.equal(log, ['late', 'end']);
  }
});

test('a wait that is cancelled leaves no timer behind, and the others go on', () => {
  const world = new World();
  const { kernel } = world;
  const log: string[] = [];
  function* watcher(name: string): Co<void> {
    yield* waitAllBlocked();
    log.push(name);
  }
  const first = kernel.spawn(watcher('first'));
  const second = kernel.spawn(watcher('second'));
  world.settle();
  assert.is(kernel.timers.size, 1);
  first.cancel();
  assert.is(kernel.timers.size, 1);
  world.settle();
  world.advance(0);
  assert.equal(log, ['second']);
  assert.equal([first.status, second.status], ['cancelled', 'done']);
  const third = kernel.spawn(watcher('third'));
  world.settle();
  third.cancel();
  assert.is(kernel.timers.size, 0);
  world.settle();
  assert.instance(third.outcome, CancelError);
});

test('may be one of several that are waited for at once', () => {
  runTest(function* (): Co<void> {
    const queue = new Queue<string>();
    assert.equal(yield* select(queue.take(), waitAllBlocked()), [1, undefined]);
    const [index] = yield* select(waitAllBlocked(), sleep(0));
    assert.is(index, 1);
    assert.is(yield* moveOnAfter(5, waitAllBlocked(), 'too late'), undefined);
  });
});

test('a run that was abandoned leaves nothing that a next one would wait for in vain', () => {
  const world = new World();
  const { kernel } = world;
  kernel.spawn(waitAllBlocked());
  world.settle();
  kernel.abandon(new Error('a bug'));
  const task = kernel.spawn(waitAllBlocked());
  world.settle();
  world.advance(0);
  assert.is(task.status, 'done');
});

test('says what it waits for', () => {
  const world = new World();
  const task = world.kernel.spawn(waitAllBlocked());
  world.settle();
  assert.is(task.waitsFor, 'all other tasks to be blocked');
  task.cancel();
  world.settle();
});

test.run();
