import * as assert from 'uvu/assert';
import { every } from '../../src/kernel/every.ts';
import { type Co, type Op, PENDING, sleep } from '../../src/kernel/index.ts';
import { Queue, select } from '../support/operations.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('every');

/** What a task saw: when, and how many periods had passed. */
type Seen = [at: number, periods: number];

/** Takes ticks for ever; after each, works for as long as `work` says. */
function* ticking(world: World, beat: Op<number>, seen: Seen[], work: (tick: number) => number = () => 0): Co<void> {
  for (let tick = 0; ; tick++) {
    const periods = yield* beat;
    seen.push([world.now, periods]);
    const ms = work(tick);
    if (ms > 0) yield* sleep(ms);
  }
}

/** Moves the clock in steps, as a scheduler that comes at these times. */
function comeAt(world: World, ...times: number[]): void {
  for (const time of times) world.advance(time - world.now);
}

test('the first tick comes one period after the first wait, and not after the call', () => {
  const world = new World();
  const beat = every(10);
  const seen: Seen[] = [];
  world.advance(7);
  world.kernel.spawn(ticking(world, beat, seen));
  world.settle();
  comeAt(world, 16.999);
  assert.equal(seen, []);
  comeAt(world, 17);
  assert.equal(seen, [[17, 1]]);
});

test('there is no drift: work between the ticks, and wake-ups that come late, do not move those that follow', () => {
  const world = new World();
  const seen: Seen[] = [];
  world.kernel.spawn(ticking(world, every(10), seen, () => 4));
  world.settle();
  // Each time the clock comes a little late.
  comeAt(world, 10.5, 14.5, 20.7, 24.7, 30.1, 34.1, 40, 44);
  assert.equal(seen, [
    [10.5, 1],
    [20.7, 1],
    [30.1, 1],
    [40, 1],
  ]);
});

test('there is no drift by rounding, in a million ticks of a period that is no binary fraction', () => {
  const world = new World();
  let ticks = 0;
  world.kernel.spawn(
    made(function* (): Co<void> {
      const beat = every(0.1);
      for (;;) ticks += yield* beat;
    }),
  );
  world.settle();
  for (let i = 1; i <= 1000; i++) comeAt(world, i * 100);
  assert.is(ticks, 1_000_000);
  // A sum of a million tenths is off by more than this.
  assert.ok(Math.abs(world.kernel.timers.next - 100_000.1) < 1e-9, String(world.kernel.timers.next));
});

test('ticks that were missed are skipped and counted, and the next comes at its multiple', () => {
  const world = new World();
  const seen: Seen[] = [];
  world.kernel.spawn(ticking(world, every(10), seen, (tick) => (tick === 0 ? 35 : 0)));
  world.settle();
  // At 10 it works until 45, and so misses 20, 30 and 40; the clock itself misses 60, 70 and 80.
  comeAt(world, 10, 45, 50, 85, 90);
  assert.equal(seen, [
    [10, 1],
    [45, 3],
    [50, 1],
    [85, 3],
    [90, 1],
  ]);
});

test('a tick that is due already completes at once, and a beat of which all are due lets others run', () => {
  const world = new World();
  const beat = every(10);
  assert.is(beat.try(world.kernel), PENDING);
  world.now = 30;
  assert.is(beat.try(world.kernel), 3);
  assert.is(beat.try(world.kernel), PENDING);
  // So short that the clock cannot tell one tick from the next.
  const log: string[] = [];
  world.kernel.spawn(
    made(function* (): Co<void> {
      const blur = every(1e-20);
      for (let i = 0; i < 100; i++) assert.is(yield* blur, 1);
      log.push('blur');
    }),
  );
  world.kernel.spawn(
    made(function* (): Co<void> {
      log.push('other');
    }),
  );
  // Each tick is a step of its own, or a few of them are: the hundred are not one.
  const steps = world.settle();
  assert.ok(steps > 2, String(steps));
  equalInAnyOrder(log, ['other', 'blur']);
});

test('a tick that loses a select is not consumed, and no timer stays', () => {
  const world = new World();
  const beat = every(10);
  const queue = new Queue<string>();
  const seen: unknown[] = [];
  world.kernel.spawn(
    made(function* (): Co<void> {
      for (let i = 0; i < 4; i++) {
        const first = yield* select(queue.take(), beat);
        seen.push([world.now, ...first]);
      }
    }),
  );
  world.settle();
  comeAt(world, 4);
  queue.put('a');
  world.settle();
  assert.is(world.kernel.timers.size, 1);
  comeAt(world, 10);
  // Both are there at the next look: what is named first wins, and the two ticks wait for the one after it.
  world.now = 30;
  queue.put('b');
  world.settle();
  assert.equal(seen, [
    [4, 0, 'a'],
    [10, 1, 1],
    [30, 0, 'b'],
    [30, 1, 2],
  ]);
  assert.is(world.kernel.timers.size, 0);
});

test('a tick whose task was woken by something else in the same round is not consumed', () => {
  const world = new World();
  const beat = every(10);
  const seen: unknown[] = [];
  world.kernel.spawn(
    made(function* (): Co<void> {
      // Both timers are due at 10; the sleep was set first.
      seen.push(yield* select(sleep(10), beat));
      seen.push(yield* beat);
      seen.push(yield* beat);
    }),
  );
  world.settle();
  comeAt(world, 10, 20);
  assert.equal(seen, [[0, undefined], 1, 1]);
});

test('a claim that is refused leaves the tick where it was', () => {
  const world = new World();
  const beat = every(10);
  beat.try(world.kernel);
  const refused: unknown[] = [];
  const refuse = (value: unknown): boolean => {
    refused.push(value);
    return false;
  };
  beat.park({ kernel: world.kernel, state: undefined, wake: refuse, fail: refuse });
  comeAt(world, 10);
  assert.equal(refused, [1]);
  assert.is(beat.try(world.kernel), 1);
});

test('a cancel leaves no timer behind, and the beat goes on where it was', () => {
  const world = new World();
  const beat = every(10);
  const seen: Seen[] = [];
  const task = world.kernel.spawn(ticking(world, beat, seen));
  world.settle();
  comeAt(world, 10, 15);
  task.cancel();
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.is(world.kernel.timers.size, 0);
  comeAt(world, 25);
  world.kernel.spawn(ticking(world, beat, seen));
  world.settle();
  comeAt(world, 30);
  assert.equal(seen, [
    [10, 1],
    [25, 1],
    [30, 1],
  ]);
});

test('tasks that wait for one beat share its ticks: none is handed out twice', () => {
  const world = new World();
  const beat = every(10);
  const one: Seen[] = [];
  const other: Seen[] = [];
  world.kernel.spawn(ticking(world, beat, one));
  world.kernel.spawn(ticking(world, beat, other));
  world.settle();
  comeAt(world, 10, 20, 30, 65);
  const periods = [...one, ...other].map(([, count]) => count);
  assert.is(
    periods.reduce((sum, count) => sum + count, 0),
    6,
  );
  assert.is(periods.length, 4);
  assert.ok(one.length > 0 && other.length > 0, 'one of them got all');
});

test('rule 25: what is no finite number above 0 throws where it is written', () => {
  for (const ms of [0, -0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.throws(
      () => every(ms),
      (error: unknown) => error instanceof RangeError && error.message.includes(String(ms)),
    );
  }
  for (const ms of ['1', null, undefined, {}, 1n]) {
    assert.throws(
      () => every(ms as never),
      (error: unknown) => error instanceof TypeError && /milliseconds/.test(error.message),
    );
  }
});

test('a task says which beat it waits for', () => {
  const world = new World();
  const task = world.kernel.spawn(every(2.5));
  world.settle();
  assert.is(task.waitsFor, 'the next tick of every(2.5)');
});

test.run();
