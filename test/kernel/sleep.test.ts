import * as assert from 'uvu/assert';
import { type Co, sleep } from '../../src/kernel/index.ts';
import { inFewOrders, inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('sleep');

function* nap(ms: number, wake: () => void): Co<void> {
  yield* sleep(ms);
  wake();
}

test('rule 25: a sleep ends at its deadline, fractions count, and never early', () => {
  const world = new World();
  const woken: number[] = [];
  for (const ms of [1.5, 0.25, 2]) world.kernel.spawn(nap(ms, () => woken.push(ms)));
  world.settle();
  world.advance(0.24);
  assert.equal(woken, []);
  world.advance(0.01);
  assert.equal(woken, [0.25]);
  world.advance(1.2499);
  assert.equal(woken, [0.25]);
  world.advance(0.0001);
  assert.equal(woken, [0.25, 1.5]);
  world.advance(0.5);
  assert.equal(woken, [0.25, 1.5, 2]);
});

test('rule 25: NaN, negative numbers and what is no number throw where they are written', () => {
  for (const ms of [Number.NaN, -1, -0.001, Number.NEGATIVE_INFINITY]) {
    assert.throws(
      () => sleep(ms),
      (error: unknown) => error instanceof RangeError && error.message.includes(String(ms)),
    );
  }
  for (const ms of ['1', null, undefined, {}, 1n, true]) {
    assert.throws(
      () => sleep(ms as never),
      (error: unknown) => error instanceof TypeError && /milliseconds/.test(error.message),
    );
  }
});

test('rule 25: minus zero is zero', () => {
  const world = new World();
  let woken = false;
  world.kernel.spawn(
    nap(-0, () => {
      woken = true;
    }),
  );
  world.settle();
  world.advance(0);
  assert.ok(woken);
});

test('rule 25: there is no overflow at 24.8 days', () => {
  const world = new World();
  const woken: number[] = [];
  const days = 86_400_000;
  for (const ms of [2 ** 31, 2 ** 31 - 1, 2 ** 32, 25 * days]) world.kernel.spawn(nap(ms, () => woken.push(ms)));
  world.settle();
  world.advance(24 * days);
  assert.equal(woken, []);
  world.advance(2 ** 31 - 1 - 24 * days);
  assert.equal(woken, [2 ** 31 - 1]);
  world.advance(1);
  assert.equal(woken, [2 ** 31 - 1, 2 ** 31]);
  world.advance(25 * days - 2 ** 31);
  assert.equal(woken, [2 ** 31 - 1, 2 ** 31, 25 * days]);
  world.advance(2 ** 32 - 25 * days);
  assert.equal(woken, [2 ** 31 - 1, 2 ** 31, 25 * days, 2 ** 32]);
});

test('rule 25: Infinity parks without a timer, until it is cancelled', () => {
  const world = new World();
  const task = world.kernel.spawn(nap(Number.POSITIVE_INFINITY, () => {}));
  world.settle();
  assert.is(task.status, 'parked');
  assert.is(world.kernel.timers.size, 0);
  world.advance(Number.MAX_SAFE_INTEGER);
  assert.is(task.status, 'parked');
  task.cancel();
  world.settle();
  assert.is(task.status, 'cancelled');
});

test('rule 29: sleeps that end at the same time end in the order in which they began', () => {
  inOrder();
  const world = new World();
  const woken: number[] = [];
  for (let i = 0; i < 20; i++) world.kernel.spawn(nap(7, () => woken.push(i)));
  world.settle();
  world.advance(7);
  assert.equal(
    woken,
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('a sleep of 0 is no immediate completion: others run, and timers that are due fire first', () => {
  const world = new World();
  const order: string[] = [];
  world.kernel.spawn(nap(0, () => order.push('slept')));
  world.kernel.spawn(
    (function* (): Co<void> {
      order.push('other');
    })(),
  );
  world.settle();
  assert.equal(order, ['other']);
  world.advance(0);
  assert.equal(order, ['other', 'slept']);
});

test('rule 26: a sleep counts from the moment of its yield, not from the last look at the clock', () => {
  const world = new World();
  let woken = false;
  world.kernel.spawn(
    (function* (): Co<void> {
      world.now = 100;
      yield* sleep(10);
      woken = true;
    })(),
  );
  world.settle();
  assert.is(world.kernel.timers.next, 110);
  world.advance(9);
  assert.not(woken);
  world.advance(1);
  assert.ok(woken);
});

test('rule 29: a hundred thousand sleeps that are cancelled leave no timer', () => {
  inFewOrders();
  const world = new World();
  for (let round = 0; round < 100; round++) {
    const tasks = Array.from({ length: 1000 }, () => world.kernel.spawn(nap(1000, () => {})));
    world.settle();
    assert.is(world.kernel.timers.size, 1000);
    for (const task of tasks) task.cancel();
    assert.is(world.kernel.timers.size, 0);
    world.settle();
  }
  assert.is(world.kernel.tasks.size, 0);
});

test('one description of a sleep serves many tasks, each from its own start', () => {
  const world = new World();
  const ten = sleep(10);
  const woken: string[] = [];
  const body = function* (name: string): Co<void> {
    yield* ten;
    woken.push(name);
  };
  world.kernel.spawn(body('a'));
  world.settle();
  world.advance(5);
  world.kernel.spawn(body('b'));
  world.settle();
  world.advance(5);
  assert.equal(woken, ['a']);
  world.advance(5);
  assert.equal(woken, ['a', 'b']);
  assert.is(ten.describe(), 'sleep(10)');
});

test.run();
