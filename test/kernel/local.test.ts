/** Values that belong to a task and to what it spawns. */

import * as assert from 'uvu/assert';
import {
  type Co,
  cancelScope,
  deadline,
  failAfter,
  group,
  Local,
  MisuseError,
  pass,
  runningTask,
  sleep,
} from '../../src/kernel/index.ts';
import { caught, forever, start } from '../support/cancelling.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('local');

test('a local has its first value until it is set, and again after the block in which it was set', () => {
  const world = new World();
  const local = new Local('first');
  const task = start(world, function* () {
    const seen = [local.get()];
    {
      using _ = local.set('outer');
      seen.push(local.get());
      {
        using _ = local.set('inner');
        yield* pass();
        seen.push(local.get());
      }
      seen.push(local.get());
    }
    seen.push(local.get());
    return seen;
  });
  world.settle();
  assert.equal(task.outcome, ['first', 'outer', 'inner', 'outer', 'first']);
});

test('a value is restored when the block is left by an error, and holds in its `finally`', () => {
  const world = new World();
  const local = new Local(0);
  const seen: number[] = [];
  const task = start(world, function* () {
    yield* caught(function* () {
      using _ = local.set(1);
      try {
        yield* cancelScope(function* (scope) {
          using _ = local.set(2);
          scope.cancel();
          yield* forever();
        });
        seen.push(local.get());
        throw new Error('out');
      } finally {
        seen.push(local.get());
      }
    });
    return local.get();
  });
  world.settle();
  assert.equal(seen, [1, 1]);
  assert.is(task.outcome, 0);
});

test('locals do not disturb each other, and undefined is a value', () => {
  const world = new World();
  const [a, b] = [new Local<string | undefined>('a'), new Local('b')];
  const task = start(world, function* () {
    using _a = a.set(undefined);
    using _b = b.set('B');
    using _c = new Local('c').set('C');
    return [a.get(), b.get()];
  });
  world.settle();
  assert.equal(task.outcome, [undefined, 'B']);
});

test('a value goes through subroutines, blocks and deadlines', () => {
  const world = new World();
  const local = new Local('none');
  const task = start(world, function* () {
    using _ = local.set('set');
    using _late = deadline(100);
    return yield* failAfter(10, function* () {
      return yield* cancelScope(function* () {
        return local.get();
      });
    });
  });
  world.settle();
  assert.is(task.outcome, 'set');
});

test('a task gets the values that hold where it is spawned, also inside of a group, and keeps them', () => {
  const world = new World();
  const local = new Local('none');
  const seen: string[] = [];
  const look = (name: string): Co<void> =>
    made(function* (): Co<void> {
      seen.push(`${name}: ${local.get()}`);
      yield* sleep(5);
      seen.push(`${name}: ${local.get()}`);
    });
  start(world, function* () {
    using _ = local.set('around');
    yield* group(function* (g) {
      g.spawn(look('a'));
      {
        using _ = local.set('inside');
        g.spawn(look('b'));
        world.kernel.spawn(look('of the kernel'));
      }
      g.spawn(look('c'));
    });
  });
  const expected = ['a: around', 'b: inside', 'of the kernel: inside', 'c: around'];
  world.settle();
  equalInAnyOrder(seen.splice(0), expected);
  world.advance(5);
  equalInAnyOrder(seen, expected);
});

test('a task that is spawned from a callback gets the values of its group', () => {
  const world = new World();
  const local = new Local('none');
  const seen: string[] = [];
  const look = function* (): Co<void> {
    seen.push(local.get());
  };
  start(world, function* () {
    using _ = local.set('around');
    yield* group(function* (g) {
      using _ = local.set('inside');
      world.kernel.timers.set(5, () => {
        g.spawn(look());
        world.kernel.spawn(look());
      });
      yield* sleep(10);
    });
  });
  world.settle();
  world.advance(5);
  equalInAnyOrder(seen, ['around', 'none']);
  world.advance(5);
});

test('what a task sets is seen neither by its siblings nor by its parent', () => {
  const world = new World();
  const local = new Local('none');
  const seen: string[] = [];
  start(world, function* () {
    using _ = local.set('parent');
    yield* group(function* (g) {
      for (const name of ['a', 'b']) {
        g.spawn(
          made(function* (): Co<void> {
            seen.push(`${name}: ${local.get()}`);
            using _ = local.set(name);
            yield* pass();
            seen.push(`${name}: ${local.get()}`);
            yield* pass();
          }),
        );
      }
      for (let i = 0; i < 4; i++) {
        seen.push(local.get());
        yield* pass();
      }
    });
    seen.push(local.get());
  });
  world.settle();
  assert.equal(
    seen.filter((entry) => !entry.includes(':')),
    ['parent', 'parent', 'parent', 'parent', 'parent'],
  );
  for (const name of ['a', 'b']) {
    assert.equal(
      seen.filter((entry) => entry.startsWith(`${name}:`)),
      [`${name}: parent`, `${name}: ${name}`],
    );
  }
});

test('a local holds while its task is being reported, and knows nothing outside of a task', () => {
  const world = new World();
  const local = new Local('none');
  const seen: unknown[] = [];
  start(world, function* () {
    yield* group(
      function* (g) {
        using _ = local.set('request 17');
        g.spawn(
          made(function* (): Co<void> {
            yield* pass();
            throw new Error('mine');
          }),
        );
        yield* pass();
      },
      { onError: (error) => seen.push((error as Error).message, local.get()) },
    );
  });
  world.settle();
  assert.equal(seen, ['mine', 'request 17']);
  for (const misuse of [() => local.get(), () => local.set('x'), () => runningTask()]) {
    assert.throws(
      misuse,
      (error: unknown) => error instanceof MisuseError && /no task is running here/.test(error.message),
    );
  }
});

test('a kernel that runs inside the step of another has its own running task', () => {
  const [outer, inner] = [new World(), new World()];
  const local = new Local('none');
  const seen: unknown[] = [];
  const task = start(outer, function* () {
    using _ = local.set('outer');
    inner.kernel.spawn(
      made(function* (): Co<void> {
        seen.push(local.get(), runningTask().kernel === inner.kernel);
      }),
    );
    inner.settle();
    seen.push(local.get(), runningTask() === outer.kernel.current);
  });
  outer.settle();
  assert.is(task.status, 'done');
  assert.equal(seen, ['none', true, 'outer', true]);
});

test.run();
