import * as assert from 'uvu/assert';
import { type Co, type Kernel, MisuseError, type Op, pass, routine, sleep } from '../../src/kernel/index.ts';
import { immediate, Queue, select } from '../support/operations.ts';
import { equalInAnyOrder, inFewOrders } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('routine');

/** Runs a task to its end, and gives what came of it. */
function outcome<T>(body: Co<T>, world: World = new World()): T {
  const task = world.kernel.spawn(body);
  world.settle();
  if (task.status === 'done') return task.outcome as T;
  throw task.outcome;
}

test("yield* of a routine's call gives what the routine returns", () => {
  const add = routine(function* (a: number, b: number): Co<number> {
    yield;
    return a + b;
  });
  const result = outcome(
    (function* (): Co<number> {
      const sum: number = yield* add(1, 2);
      return sum + (yield* add(sum, 10));
    })(),
  );
  assert.is(result, 16);
});

test('yielding a generator runs it as a subroutine, also as a plain statement', () => {
  const log: string[] = [];
  const inner = function* (): Co<string> {
    log.push('inner begins');
    yield* pass();
    log.push('inner ends');
    return 'result';
  };
  const result = outcome(
    (function* (): Co<unknown> {
      log.push('outer');
      const value: unknown = yield inner();
      log.push('outer goes on');
      return value;
    })(),
  );
  assert.is(result, 'result');
  assert.equal(log, ['outer', 'inner begins', 'inner ends', 'outer goes on']);
});

test('a subroutine is no trap: it begins in the same step', () => {
  const world = new World();
  const order: string[] = [];
  const inner = routine(function* (): Co<void> {
    order.push('inner');
  });
  world.kernel.spawn(
    (function* (): Co<void> {
      order.push('before');
      yield* inner();
      order.push('after');
    })(),
  );
  world.kernel.spawn(
    (function* (): Co<void> {
      order.push('other');
    })(),
  );
  world.settle();
  equalInAnyOrder(order, ['before', 'inner', 'after', 'other']);
  assert.match(order.join(', '), 'before, inner, after');
});

test('a routine passes `this` on', () => {
  class Counter {
    count = 40;
    readonly add = routine(function* (this: Counter, by: number): Co<number> {
      yield;
      this.count += by;
      return this.count;
    });
  }
  const counter = new Counter();
  assert.is(
    outcome(
      (function* (): Co<number> {
        return yield* counter.add(2);
      })(),
    ),
    42,
  );
});

test("a routine's call makes a new frame each time it is yielded, and each time it is spawned", () => {
  const world = new World();
  let started = 0;
  const count = routine(function* count(): Co<number> {
    started++;
    yield;
    return started;
  });
  const call = count();
  assert.is(started, 0);
  assert.equal(
    outcome(
      (function* (): Co<number[]> {
        return [yield* call, yield* call, (yield call) as number];
      })(),
      world,
    ),
    [1, 2, 3],
  );
  const tasks = [world.kernel.spawn(call), world.kernel.spawn(call)];
  world.settle();
  assert.is(started, 5);
  assert.equal(
    tasks.map((task) => [task.name, task.status]),
    [
      ['count', 'done'],
      ['count', 'done'],
    ],
  );
});

test('a task of a routine without a name is called routine', () => {
  const world = new World();
  // Without a place to take a name from.
  const anonymous = routine((() => function* (): Co<void> {})());
  assert.is(world.kernel.spawn(anonymous()).name, 'routine');
  assert.is(world.kernel.spawn(anonymous(), { name: 'given' }).name, 'given');
  world.settle();
});

test('recursion a hundred thousand deep through routine does not overflow, down or back', () => {
  inFewOrders();
  const depth = 100_000;
  const down = routine(function* (n: number): Co<number> {
    if (n === 0) {
      yield* sleep(1);
      return 0;
    }
    return 1 + (yield* down(n - 1));
  });
  const world = new World();
  const task = world.kernel.spawn(down(depth));
  world.settle();
  world.advance(1);
  assert.is(task.outcome, depth);
});

test('an error a hundred thousand frames deep comes up through every finally', () => {
  inFewOrders();
  const depth = 100_000;
  let unwound = 0;
  const down = routine(function* (n: number): Co<void> {
    try {
      if (n === 0) throw new Error('bottom');
      yield* down(n - 1);
    } finally {
      unwound++;
    }
  });
  assert.throws(() => outcome(down(depth) as unknown as Co<void>), 'bottom');
  assert.is(unwound, depth + 1);
});

test('errors cross frames: thrown below, caught above, the very same object, and the task goes on', () => {
  const error = new Error('below');
  const log: string[] = [];
  const below = routine(function* (): Co<never> {
    try {
      yield;
      throw error;
    } finally {
      log.push('finally');
    }
  });
  const result = outcome(
    (function* (): Co<string> {
      try {
        yield* below();
      } catch (caught) {
        assert.is(caught, error);
        log.push('caught');
      }
      yield* pass();
      return 'goes on';
    })(),
  );
  assert.is(result, 'goes on');
  assert.equal(log, ['finally', 'caught']);
});

test('a finally in a frame may wait, and may replace the error', () => {
  const world = new World();
  const below = routine(function* (): Co<void> {
    try {
      throw new Error('first');
    } finally {
      yield* sleep(5);
      // biome-ignore lint/correctness/noUnsafeFinally: that is the case
      throw new Error('second');
    }
  });
  const task = world.kernel.spawn(
    (function* (): Co<string> {
      try {
        yield* below();
        return 'no error';
      } catch (error) {
        return (error as Error).message;
      }
    })(),
  );
  world.settle();
  world.advance(5);
  assert.is(task.outcome, 'second');
});

for (const [way, wrap] of [
  ['nested yield*', (body: () => Co<void>) => body],
  ['routine', (body: () => Co<void>) => routine(body)],
  ['yielded generators', (body: () => Co<void>) => body],
] as [string, (body: () => Co<void>) => () => Co<void> | Op<void>][]) {
  for (const depth of [1, 2, 3]) {
    test(`rule 1: a cancel goes through ${way} at depth ${depth}: every finally runs, innermost first, and may catch`, () => {
      const world = new World();
      const log: string[] = [];
      const queue = new Queue<string>();
      const level = (n: number): (() => Co<void> | Op<void>) =>
        wrap(function* (): Co<void> {
          try {
            if (n === depth) yield* queue.take();
            else if (way === 'yielded generators') yield level(n + 1)() as Co<void>;
            else yield* level(n + 1)();
          } finally {
            log.push(`finally ${n}`);
          }
        });
      const task = world.kernel.spawn(level(1)());
      world.settle();
      task.cancel('stop');
      assert.is(queue.takers.length, 0);
      world.settle();
      assert.is(task.status, 'cancelled');
      assert.equal(
        log,
        Array.from({ length: depth }, (_, i) => `finally ${depth - i}`),
      );
      assert.equal(world.failures, []);
    });
  }
}

test('rule 1: a cancel that a frame swallows comes again at the next trap of its caller', () => {
  const world = new World();
  const log: string[] = [];
  const swallow = routine(function* (): Co<string> {
    try {
      yield* sleep(10);
      return 'slept';
    } catch {
      return 'swallowed';
    }
  });
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      log.push(yield* swallow());
      try {
        yield* sleep(10);
      } finally {
        log.push('next trap');
      }
    })(),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.equal(log, ['swallowed', 'next trap']);
  assert.is(task.status, 'cancelled');
});

test('routine takes a function, and says so', () => {
  for (const wrong of [undefined, null, {}, (function* () {})()]) {
    assert.throws(() => routine(wrong as never), /routine takes a generator function/);
  }
});

test('a routine whose function is no generator function is a TypeError at the yield', () => {
  const broken = routine((() => 42) as never);
  assert.throws(
    () =>
      outcome(
        (function* (): Co<void> {
          yield* broken();
        })(),
      ),
    (error: unknown) => error instanceof TypeError && /number 42/.test(error.message),
  );
});

test("a routine's call is a subroutine and no branch of a select: it says what to do instead", () => {
  const world = new World();
  const f = routine(function* fetchIt(): Co<void> {});
  assert.throws(
    () =>
      outcome(
        (function* (): Co<void> {
          yield* select(sleep(1), f());
        })(),
        world,
      ),
    (error: unknown) => (error as { code: string }).code === 'ERR_GENLOOP_MISUSE' && /fetchIt\(\)/.test(String(error)),
  );
  assert.is(world.kernel.timers.size, 0);
  const call = f();
  assert.throws(() => call.park(undefined as never), /subroutine/);
  assert.is(call.abort(undefined as never), true);
});

test('immediate completions in frames count for the whole task', () => {
  const world = new World();
  const order: string[] = [];
  const take = routine(function* (kernel?: Kernel): Co<void> {
    void kernel;
    yield* immediate(1);
  });
  world.kernel.spawn(
    (function* (): Co<void> {
      for (let i = 0; i < 40; i++) yield* take();
      order.push('busy');
    })(),
  );
  world.kernel.spawn(
    (function* (): Co<void> {
      order.push('other');
    })(),
  );
  // Forty completions are two steps; the other task is one.
  assert.is(world.settle(), 3);
  equalInAnyOrder(order, ['other', 'busy']);
});

test('a routine may be a function that makes a generator: spawned and yielded, but the same generator only once', () => {
  const world = new World();
  function* body(): Co<string> {
    yield* pass();
    return 'made';
  }
  const one = body();
  const fresh = routine(() => body());
  const same = routine(() => one);
  const spawned = world.kernel.spawn(fresh());
  const yielded = world.kernel.spawn(
    (function* (): Co<string> {
      yield* same();
      return yield* same();
    })(),
  );
  world.settle();
  assert.equal([spawned.status, spawned.outcome], ['done', 'made']);
  assert.is(yielded.status, 'failed');
  assert.instance(yielded.outcome, MisuseError);
  assert.throws(() => world.kernel.spawn(same()), /already belongs to a task/);
});

test.run();
