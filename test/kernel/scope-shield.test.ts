/** Shields, and how long they protect: the time that a cancel leaves for clean-up. */

import * as assert from 'uvu/assert';
import { type CancelError, type CancelScope, cancelScope, cleanup, shield, sleep } from '../../src/kernel/index.ts';
import { caught, forever, start } from '../support/cancelling.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('scope-shield');

test('rule 10: after `cleanup` milliseconds shields do not protect any more, neither open ones nor new ones', () => {
  const world = new World();
  const log: string[] = [];
  const task = start(world, function* () {
    try {
      yield* forever();
    } finally {
      const first = yield* caught(() => cleanup(1_000, forever())[Symbol.iterator]());
      log.push(`${world.now}: ${(first as CancelError).reason}`);
      const second = yield* caught(() => cleanup(1_000, sleep(1))[Symbol.iterator]());
      log.push(`${world.now}: ${second === first}`);
      using _ = shield(1_000);
      log.push(`${(yield* caught(forever)) === first}`);
    }
  });
  world.settle();
  task.cancel('enough', { cleanup: 20 });
  world.advance(19);
  assert.equal(log, []);
  world.advance(1);
  assert.equal(log, ['20: enough', '20: true', 'true']);
  assert.equal([task.status, world.kernel.timers.size], ['cancelled', 0]);
});

test('rule 10: without a bound, and with one of Infinity, clean-up under a shield takes its own time', () => {
  for (const options of [undefined, {}, { cleanup: Number.POSITIVE_INFINITY }]) {
    const world = new World();
    const task = start(world, function* () {
      try {
        yield* forever();
      } finally {
        yield* cleanup(Number.POSITIVE_INFINITY, sleep(1e9));
      }
    });
    world.settle();
    task.cancel('enough', options);
    world.settle();
    assert.is(world.kernel.timers.size, 1);
    world.advance(1e9 - 1);
    assert.is(task.status, 'parked');
    world.advance(1);
    assert.is(task.status, 'cancelled');
  }
});

test('rule 10: of several bounds on clean-up the nearest holds, also when it comes with a later cancel', () => {
  for (const bounds of [
    [50, 20],
    [20, 50],
    [undefined, 20],
    [20, undefined],
  ]) {
    const world = new World();
    const task = start(world, function* () {
      try {
        yield* forever();
      } finally {
        yield* cleanup(1_000, forever());
      }
    });
    world.settle();
    for (const [i, bound] of bounds.entries()) task.cancel(i, bound === undefined ? {} : { cleanup: bound });
    world.settle();
    assert.is(world.kernel.timers.size, 2);
    world.advance(19);
    assert.is(task.status, 'parked');
    world.advance(1);
    assert.is(task.status, 'cancelled');
    assert.is((task.outcome as CancelError).reason, 0);
    assert.is(world.kernel.timers.size, 0);
  }
});

test('rule 10: a bound on clean-up passes every shield below it, and none above it', () => {
  const world = new World();
  const log: string[] = [];
  start(world, function* () {
    yield* cancelScope(function* (outer) {
      try {
        yield* cancelScope(function* (inner) {
          try {
            outer.cancel('outer');
            inner.cancel('inner', { cleanup: 5 });
            yield* forever();
          } finally {
            const error = yield* caught(() => cleanup(1_000, () => cleanup(1_000, forever()))[Symbol.iterator]());
            // Whose bound it was does not matter: the outermost cancel is the one in force.
            log.push(`${world.now}: ${(error as CancelError).reason}`);
          }
        });
      } finally {
        yield* cleanup(1_000, sleep(100));
        log.push(`${world.now}: cleaned up`);
      }
    });
  });
  world.settle();
  world.advance(5);
  assert.equal(log, ['5: outer']);
  world.advance(100);
  assert.equal(log, ['5: outer', '105: cleaned up']);
});

test('rule 10: a scope that was left is not hardened later, and no timer stays for it', () => {
  const world = new World();
  let kept: CancelScope | null = null;
  const task = start(world, function* () {
    yield* cancelScope(function* (scope) {
      kept = scope;
      scope.cancel('enough', { cleanup: 50 });
      yield* forever();
    });
    return 'left';
  });
  world.settle();
  assert.is(world.kernel.timers.size, 0);
  (kept as unknown as CancelScope).cancel('again', { cleanup: 10 });
  (kept as unknown as CancelScope).harden();
  task.cancel('ended', { cleanup: 10 });
  task.expireAfter(10);
  assert.is(world.kernel.timers.size, 0);
  assert.is(task.outcome, 'left');
  assert.not(task.cancelFor('explicit', 'nobody hears it'));
});

test('rule 10: the kernel can take the protection of all shields away at once', () => {
  const world = new World();
  const task = start(world, function* () {
    try {
      yield* forever();
    } finally {
      yield* cleanup(Number.POSITIVE_INFINITY, forever());
    }
  });
  world.settle();
  world.kernel.root.cancelFor('shutdown', 'the end');
  world.settle();
  assert.is(task.status, 'parked');
  world.kernel.root.harden();
  world.kernel.root.harden();
  world.settle();
  assert.is((task.outcome as CancelError).source, 'shutdown');
});

test('rule 10: protection that was taken away before a cancel is away when it comes', () => {
  const world = new World();
  const task = start(world, function* () {
    yield* cleanup(100, forever());
  });
  world.settle();
  world.kernel.root.harden();
  world.settle();
  assert.equal([task.status, task.cancelled], ['parked', false]);
  world.kernel.root.cancelFor('shutdown', 'the end');
  world.settle();
  assert.is((task.outcome as CancelError).source, 'shutdown');
});

test.run();
