/** Deadlines of scopes: moved, inherited, passed together. */

import * as assert from 'uvu/assert';
import {
  CancelError,
  type CancelScope,
  type Co,
  cancelScope,
  cleanup,
  deadline,
  effectiveDeadline,
  failAfter,
  group,
  isCancelled,
  pass,
  shield,
  sleep,
  type Task,
  TimeoutError,
} from '../../src/kernel/index.ts';
import { caught, forever, start } from '../support/cancelling.ts';
import { inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('scope-deadline');

test('rule 28: of two deadlines that pass at once the outermost wins, whichever was set first', () => {
  for (const innerFirst of [true, false]) {
    const world = new World();
    const seen: unknown[] = [];
    const task = start(world, function* () {
      return yield* caught(function* () {
        yield* failAfter(innerFirst ? 20 : 10, function* (outer) {
          const inner = yield* caught(() =>
            failAfter(10, function* (scope) {
              if (innerFirst) outer.expireAfter(10);
              const cancel = yield* caught(forever);
              seen.push(scope.cancelCalled, outer.cancelCalled, isCancelled(cancel), (cancel as CancelError).scope);
              assert.is((cancel as CancelError).scope, outer);
              yield* forever();
            })[Symbol.iterator](),
          );
          seen.push(inner instanceof TimeoutError, isCancelled(inner));
          throw inner;
        });
      });
    });
    world.settle();
    world.advance(10);
    const error = task.outcome as TimeoutError;
    assert.instance(error, TimeoutError);
    assert.is(error.ms, 10);
    assert.is(seen.length, 6);
    assert.equal([...seen.slice(0, 3), ...seen.slice(4)], [true, true, true, false, true]);
  }
});

test('rule 28: a scope further out that is cancelled during the clean-up of an inner one wins', () => {
  const world = new World();
  const log: unknown[] = [];
  const task = start(world, function* () {
    return yield* caught(function* () {
      yield* failAfter(10, function* () {
        yield* failAfter(5, function* () {
          try {
            yield* forever();
          } finally {
            yield* cleanup(100, sleep(20));
            log.push('cleaned up');
          }
        });
      });
    });
  });
  world.settle();
  world.advance(5);
  world.advance(5);
  world.advance(15);
  assert.equal(log, ['cleaned up']);
  assert.instance(task.outcome, TimeoutError);
  assert.is((task.outcome as TimeoutError).ms, 10);
});

test('rule 28: with `using`, the traps throw the timeout of the outermost deadline that has passed', () => {
  const world = new World();
  const task = start(world, function* () {
    using outer = deadline(10);
    using inner = deadline(7);
    const first = yield* caught(forever);
    const again = yield* caught(forever);
    return [(first as TimeoutError).ms, again === first, outer.reason === first, inner.reason === first];
  });
  world.settle();
  world.advance(10);
  assert.equal(task.outcome, [10, true, true, true]);
});

test('rule 29: deadlines that are equal fire in the order in which they were set', () => {
  inOrder();
  const world = new World();
  const order: number[] = [];
  for (const i of [0, 1, 2, 3]) {
    start(world, function* () {
      yield* caught(() => failAfter(10, forever())[Symbol.iterator]());
      order.push(i);
    });
  }
  world.settle();
  world.advance(10);
  assert.equal(order, [0, 1, 2, 3]);
});

test('rule 25: what is no duration throws where it is written, and nothing has happened', () => {
  const world = new World();
  const task = start(world, forever);
  world.settle();
  const refused = (type: typeof RangeError, ms: unknown, rest: string): void => {
    for (const [what, act] of [
      ['cleanup', () => task.cancel('why', { cleanup: ms as number })],
      ['a deadline', () => task.expireAfter(ms as number)],
    ] as const) {
      const message = `${what} takes a number of milliseconds${rest}, not ${String(ms)}`;
      assert.throws(act, (error: unknown) => error instanceof type && error.message === message);
    }
  };
  for (const ms of [Number.NaN, -1, -0.001, Number.NEGATIVE_INFINITY]) refused(RangeError, ms, ' from 0 on');
  for (const ms of ['1', null, {}, 1n, true]) refused(TypeError, ms, '');
  assert.equal([task.cancelled, world.kernel.timers.size, task.remaining], [false, 0, Number.POSITIVE_INFINITY]);
});

test('rule 26: a deadline can be moved in both directions and taken away, and keeps one timer', () => {
  const world = new World();
  const task = start(world, forever);
  world.settle();
  assert.is(task.remaining, Number.POSITIVE_INFINITY);
  task.expireAfter(Number.POSITIVE_INFINITY);
  assert.is(world.kernel.timers.size, 0);
  task.expireAfter(10);
  world.advance(4);
  assert.is(task.remaining, 6);
  task.expireAfter(100);
  world.advance(99);
  assert.equal([task.remaining, task.status, world.kernel.timers.size], [1, 'parked', 1]);
  task.expireAfter(Number.POSITIVE_INFINITY);
  assert.equal([task.remaining, world.kernel.timers.size], [Number.POSITIVE_INFINITY, 0]);
  world.advance(1_000);
  task.expireAfter(2.5);
  world.advance(2.25);
  assert.is(task.status, 'parked');
  world.advance(0.25);
  const { source, reason } = task.outcome as CancelError;
  assert.equal([source, (reason as TimeoutError).ms], ['deadline', 2.5]);
});

test('rule 26: a deadline that has passed, and that of a cancelled scope, cannot be moved', () => {
  for (const byHand of [true, false]) {
    const world = new World();
    const seen: number[] = [];
    start(world, function* () {
      yield* cancelScope(
        function* (scope) {
          if (byHand) scope.cancel();
          yield* caught(forever);
          seen.push(scope.remaining);
          scope.expireAfter(100);
          scope.expireAfter(Number.POSITIVE_INFINITY);
          seen.push(scope.remaining, scope.effectiveDeadline);
          assert.instance(yield* caught(forever), CancelError);
        },
        { timeout: 10 },
      );
    });
    world.settle();
    if (!byHand) world.advance(10);
    assert.equal(seen, byHand ? [10, 10, 0] : [0, 0, 0]);
    assert.is(world.kernel.timers.size, 0);
  }
});

test('rule 26: a deadline that has passed while its task was busy has 0 remaining, and not less', () => {
  const world = new World();
  const task = start(world, function* () {
    using scope = deadline(10);
    world.now += 25;
    return [scope.remaining, scope.effectiveDeadline, effectiveDeadline(), scope.cancelled];
  });
  world.settle();
  assert.equal(task.outcome, [0, 0, 0, false]);
});

test('rule 26: children inherit the nearer deadline, through blocks, tasks and groups', () => {
  const world = new World();
  const seen: number[] = [];
  start(world, function* () {
    seen.push(effectiveDeadline());
    using _far = deadline(100);
    seen.push(effectiveDeadline());
    yield* group(function* (g) {
      g.expireAfter(70);
      yield* failAfter(50, function* () {
        seen.push(effectiveDeadline());
        using _beyond = deadline(1_000);
        seen.push(effectiveDeadline());
        // Spawned from in here, and yet the group's: the block's deadline does not end it.
        const child = g.spawn(
          made(function* (): Co<void> {
            seen.push(effectiveDeadline());
            using _ = deadline(20);
            seen.push(effectiveDeadline());
          }),
        );
        yield* child.join();
        seen.push(child.remaining);
      });
      seen.push(effectiveDeadline());
    });
    seen.push(effectiveDeadline());
  });
  world.settle();
  assert.equal(seen, [Number.POSITIVE_INFINITY, 100, 50, 50, 70, 20, Number.POSITIVE_INFINITY, 70, 100]);
});

test('rule 26: what can end a wait behind a shield is its own deadline, and the bound on clean-up', () => {
  const world = new World();
  const seen: number[] = [];
  const task = start(world, function* () {
    using _outer = deadline(10);
    yield* cancelScope(
      function* (scope) {
        seen.push(effectiveDeadline());
        scope.expireAfter(40);
        seen.push(effectiveDeadline());
      },
      { shield: true },
    );
    try {
      yield* forever();
    } finally {
      seen.push(effectiveDeadline());
      using _ = shield(1_000);
      seen.push(effectiveDeadline());
      yield* sleep(5);
      seen.push(effectiveDeadline());
      (task as Task<unknown>).cancel('sooner', { cleanup: 3 });
      seen.push(effectiveDeadline());
      yield* caught(forever);
      seen.push(effectiveDeadline());
    }
  });
  world.settle();
  task.cancel('why', { cleanup: 100 });
  world.settle();
  world.advance(5);
  world.advance(3);
  assert.equal(seen, [Number.POSITIVE_INFINITY, 40, 0, 100, 95, 3, 0]);
  assert.is(task.status, 'cancelled');
});

test('rule 29: scopes that end in time leave nothing behind, a hundred thousand times', () => {
  const world = new World();
  const controller = new AbortController();
  let most = 0;
  const task = start(world, function* () {
    for (let i = 0; i < 100_000; i++) {
      using scope = deadline(1_000);
      scope.expireAfter(2_000);
      most = Math.max(most, world.kernel.timers.size);
    }
    for (let i = 0; i < 1_000; i++) yield* cancelScope(pass(), { timeout: 1_000, signal: controller.signal });
  });
  world.settle();
  assert.is(task.status, 'done');
  assert.equal([most, world.kernel.timers.size], [1, 0]);
});

test('rule 27: a deadline that passes in a scope which was cancelled by hand changes nothing', () => {
  const world = new World();
  const task = start(world, function* () {
    const scopes: CancelScope[] = [];
    const seen: unknown[] = [];
    yield* cancelScope(
      function* (scope) {
        using inner = deadline(5);
        scopes.push(scope, inner);
        for (const one of scopes) one.cancel('by hand');
        yield* cleanup(100, sleep(10));
        for (const one of scopes) seen.push(one.remaining, one.reason);
        yield* forever();
      },
      { timeout: 5 },
    );
    return seen;
  });
  world.settle();
  world.advance(5);
  world.advance(5);
  assert.equal(task.outcome, [0, 'by hand', 0, 'by hand']);
});

test.run();
