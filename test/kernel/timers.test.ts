import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type Timer, Timers } from '../../src/kernel/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('timers');
const nothing = (): void => {};

test('rule 29: equal deadlines fire in the order of their insertion', () => {
  const timers = new Timers();
  const fired: number[] = [];
  for (let i = 0; i < 100; i++) timers.set(5, () => fired.push(i));
  assert.is(timers.fire(5), 100);
  assert.equal(
    fired,
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test('only what is due fires, at its very deadline and not before', () => {
  const timers = new Timers();
  const fired: number[] = [];
  for (const deadline of [30, 10, 20.5]) timers.set(deadline, () => fired.push(deadline));
  assert.is(timers.next, 10);
  assert.is(timers.fire(9.999), 0);
  assert.is(timers.fire(10), 1);
  assert.is(timers.fire(20.4), 0);
  assert.is(timers.next, 20.5);
  assert.is(timers.fire(1000), 2);
  assert.equal(fired, [10, 20.5, 30]);
  assert.is(timers.next, Number.POSITIVE_INFINITY);
});

test('rule 29: a hundred thousand timers set and cancelled leave nothing behind', () => {
  const timers = new Timers();
  const keeper = timers.set(1, nothing);
  for (let i = 0; i < 100_000; i++) {
    const timer = timers.set(1000 + (i % 7), nothing);
    assert.ok(timers.cancel(timer));
    assert.is(timers.size, 1);
  }
  assert.ok(timers.cancel(keeper));
  assert.is(timers.size, 0);
});

test('rule 29: a hundred thousand timers cancelled in another order leave nothing behind', () => {
  const timers = new Timers();
  const set: Timer[] = [];
  for (let i = 0; i < 100_000; i++) set.push(timers.set((i * 7919) % 100_003, nothing));
  for (let i = 0; i < set.length; i++) assert.ok(timers.cancel(set[(i * 7) % set.length] as Timer));
  assert.is(timers.size, 0);
});

test('a cancel is true once, and false for a timer that has fired or belongs to others', () => {
  const timers = new Timers();
  const others = new Timers();
  const cancelled = timers.set(1, nothing);
  assert.is(timers.cancel(cancelled), true);
  assert.is(timers.cancel(cancelled), false);
  const fired = timers.set(1, nothing);
  timers.fire(1);
  assert.is(timers.cancel(fired), false);
  const foreign = others.set(1, nothing);
  timers.set(1, nothing);
  assert.is(timers.cancel(foreign), false);
  assert.is(timers.size, 1);
  assert.is(others.size, 1);
});

test('a timer that is set while timers fire waits for the next pass, and holds up none that was due', () => {
  const timers = new Timers();
  const fired: string[] = [];
  timers.set(1, () => {
    fired.push('first');
    timers.set(0, () => fired.push('set meanwhile'));
  });
  timers.set(5, () => fired.push('second'));
  assert.is(timers.fire(10), 2);
  assert.equal(fired, ['first', 'second']);
  assert.is(timers.size, 1);
  assert.is(timers.fire(10), 1);
  assert.equal(fired, ['first', 'second', 'set meanwhile']);
});

test('a timer that sets itself again does not keep the pass going', () => {
  const timers = new Timers();
  let rounds = 0;
  const again = (): void => {
    rounds++;
    timers.set(0, again);
  };
  timers.set(0, again);
  for (let pass = 1; pass <= 3; pass++) {
    assert.is(timers.fire(100), 1);
    assert.is(rounds, pass);
  }
});

test('a timer that is cancelled by one that fires before it does not fire', () => {
  const timers = new Timers();
  const fired: string[] = [];
  timers.set(1, () => {
    fired.push('first');
    assert.ok(timers.cancel(second));
    assert.is(timers.cancel(second), false);
  });
  const second = timers.set(1, () => fired.push('second'));
  timers.set(2, () => fired.push('third'));
  assert.is(timers.fire(10), 2);
  assert.equal(fired, ['first', 'third']);
  assert.is(timers.size, 0);
});

test('what a timer throws comes out of fire, and the others stay set', () => {
  const timers = new Timers();
  const fired: string[] = [];
  timers.set(1, () => {
    throw new Error('boom');
  });
  timers.set(2, () => fired.push('second'));
  assert.throws(() => timers.fire(10), 'boom');
  assert.is(timers.size, 1);
  timers.set(0, () => fired.push('third'));
  assert.is(timers.fire(10), 2);
  assert.equal(fired, ['third', 'second']);
});

test('clear takes all timers out: none fires, none can be cancelled, and others can be set', () => {
  const timers = new Timers();
  const fired: string[] = [];
  const cleared = [3, 1, 2].map((deadline) => timers.set(deadline, () => fired.push(`cleared ${deadline}`)));
  timers.clear();
  assert.is(timers.size, 0);
  assert.is(timers.next, Number.POSITIVE_INFINITY);
  timers.set(2, () => fired.push('set later'));
  for (const timer of cleared) assert.is(timers.cancel(timer), false);
  assert.is(timers.fire(10), 1);
  assert.equal(fired, ['set later']);
});

type Command = { set: number } | { cancel: number } | { fire: number };

test('whatever is set, cancelled and fired: the heap does what a sorted array does', () => {
  const command: fc.Arbitrary<Command> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: fc.integer({ min: 0, max: 50 }) }) },
    { weight: 2, arbitrary: fc.record({ cancel: fc.nat(200) }) },
    { weight: 1, arbitrary: fc.record({ fire: fc.integer({ min: 0, max: 60 }) }) },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const timers = new Timers();
      const fired: number[] = [];
      const all: Timer[] = [];
      let model: { deadline: number; id: number }[] = [];
      for (const step of commands) {
        if ('set' in step) {
          const id = all.length;
          all.push(timers.set(step.set, () => fired.push(id)));
          model.push({ deadline: step.set, id });
          model.sort((a, b) => a.deadline - b.deadline || a.id - b.id);
        } else if ('cancel' in step) {
          const id = all.length === 0 ? -1 : step.cancel % all.length;
          if (id < 0) continue;
          assert.is(
            timers.cancel(all[id] as Timer),
            model.some((entry) => entry.id === id),
          );
          model = model.filter((entry) => entry.id !== id);
        } else {
          const due = model.filter((entry) => entry.deadline <= step.fire).map((entry) => entry.id);
          fired.length = 0;
          assert.is(timers.fire(step.fire), due.length);
          assert.equal(fired, due);
          model = model.filter((entry) => entry.deadline > step.fire);
        }
        assert.is(timers.size, model.length);
        assert.is(timers.next, model[0]?.deadline ?? Number.POSITIVE_INFINITY);
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
