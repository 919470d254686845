import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { type Co, Op, PENDING, pass, routine, sleep, type Task, type Waker } from '../../src/kernel/index.ts';
import { immediate, Queue, Scripted, select, stubborn } from '../support/operations.ts';
import { equalInAnyOrder, inFewOrders, inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('kernel');

/** What one task catches at one yield of this value. */
function refused(value: unknown): unknown {
  const world = new World();
  const task = world.kernel.spawn(
    (function* (): Co<unknown> {
      try {
        yield value as undefined;
        return 'not refused';
      } catch (error) {
        // The task goes on.
        yield* pass();
        return error;
      }
    })(),
  );
  world.settle();
  assert.is(task.status, 'done');
  return task.outcome;
}

function* logged(log: unknown[], name: string, steps: number): Co<void> {
  for (let step = 1; step <= steps; step++) {
    log.push(name + step);
    yield;
  }
}

test('rule 39: tasks take turns, first in, first out', () => {
  inOrder();
  const world = new World();
  const log: string[] = [];
  for (const name of ['a', 'b', 'c']) world.kernel.spawn(logged(log, name, 3));
  assert.is(world.kernel.ready, 3);
  assert.equal(
    world.kernel.readyTasks.map((task) => task.id),
    [1, 2, 3],
  );
  world.settle();
  assert.is(log.join(' '), 'a1 b1 c1 a2 b2 c2 a3 b3 c3');
  assert.is(world.kernel.ready, 0);
});

test('a bare yield and pass() give nothing, also after a wait that gave something', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = world.kernel.spawn(
    (function* (): Co<unknown[]> {
      const item = yield* queue.take();
      const afterItem = yield;
      const afterBare: unknown = yield* pass();
      return [item, afterItem, afterBare];
    })(),
  );
  world.settle();
  queue.put('an item');
  world.settle();
  assert.equal(task.outcome, ['an item', undefined, undefined]);
});

test('rule 39: a bare yield goes behind everybody who is ready, also behind one that was woken in this step', () => {
  inOrder();
  const world = new World();
  const queue = new Queue<number>();
  const log: string[] = [];
  world.kernel.spawn(
    (function* (): Co<void> {
      yield* queue.take();
      log.push('woken');
    })(),
  );
  world.kernel.spawn(
    (function* (): Co<void> {
      yield;
      queue.put(1);
      log.push('wakes');
      yield;
      log.push('after the yield');
    })(),
  );
  world.settle();
  assert.equal(log, ['wakes', 'woken', 'after the yield']);
});

test('rule 17: start order is spawn order, and nobody starts before the next trap of the spawner', () => {
  const world = new World();
  const log: string[] = [];
  world.kernel.spawn(
    (function* (): Co<void> {
      for (const name of ['x', 'y', 'z']) world.kernel.spawn(logged(log, name, 1));
      log.push('spawned');
      yield;
      log.push('next');
    })(),
  );
  world.kernel.spawn(logged(log, 'b', 1));
  world.settle();
  equalInAnyOrder(log, ['spawned', 'b1', 'x1', 'y1', 'z1', 'next']);
  for (const name of ['x', 'y', 'z']) assert.ok(log.indexOf(`${name}1`) > log.indexOf('spawned'));
});

test('a seeded kernel steps in the order that its host draws, and every task once', () => {
  const orderOf = (draws: number[]): string => {
    let at = 0;
    const world = new World({
      shuffle: true,
      host: { now: () => 0, random: () => draws[at++ % draws.length] as number },
    });
    const log: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) world.kernel.spawn(logged(log, name, 1));
    world.settle();
    return log.join(' ');
  };
  assert.is(orderOf([0]), 'a1 b1 c1 d1');
  assert.is.not(orderOf([0.99]), 'a1 b1 c1 d1');
  assert.is(orderOf([0.3, 0.8, 0.1]), orderOf([0.3, 0.8, 0.1]));
  assert.equal(orderOf([0.99]).split(' ').sort(), ['a1', 'b1', 'c1', 'd1']);
});

test('a run takes no more steps than it is told, and tells how many', () => {
  const world = new World();
  world.kernel.spawn(logged([], 'a', 10));
  assert.is(world.kernel.run(0), 0);
  assert.is(world.kernel.run(4), 4);
  assert.is(world.kernel.current, null);
  assert.is(world.kernel.run(100), 7);
  assert.is(world.kernel.run(100), 0);
});

test('rule 40: at most 32 immediate completions, then the others get their turn', () => {
  inOrder();
  const world = new World();
  const log: string[] = [];
  let completed = 0;
  world.kernel.spawn(
    (function* (): Co<void> {
      for (let i = 0; i < 100; i++) {
        yield* immediate(i);
        completed++;
      }
    })(),
  );
  world.kernel.spawn(
    (function* (): Co<void> {
      for (let i = 0; i < 5; i++) {
        log.push(`${completed}`);
        yield;
      }
    })(),
  );
  world.settle();
  assert.equal(log, ['31', '63', '95', '100', '100']);
});

test('rule 40: the result of the completion that used the budget up is not lost, nor is its error', () => {
  const world = new World();
  const results: number[] = [];
  let caught = 0;
  const failing = new Scripted({
    try: () => {
      throw new Error('refused');
    },
  });
  world.kernel.spawn(
    (function* (): Co<void> {
      for (let i = 0; i < 100; i++) results.push(yield* immediate(i));
      for (let i = 0; i < 100; i++) {
        try {
          yield* failing;
        } catch {
          caught++;
        }
      }
    })(),
  );
  world.settle();
  assert.equal(
    results,
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.is(caught, 100);
});

test('rule 4: cancelled between a completion and its hand-over, the task gets the value first', () => {
  const world = new World();
  const got: number[] = [];
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      for (let i = 0; ; i++) got.push(yield* immediate(i));
    })(),
  );
  world.kernel.run(1);
  assert.is(got.length, 31);
  task.cancel();
  world.settle();
  assert.is(got.length, 32);
  assert.is(task.status, 'cancelled');
});

test('rule 4: woken and cancelled at once, in either order: it took effect or threw, never both, never neither', () => {
  for (const cancelFirst of [false, true]) {
    const world = new World();
    const queue = new Queue<string>();
    const got: string[] = [];
    const task = world.kernel.spawn(
      (function* (): Co<void> {
        got.push(yield* queue.take());
        yield;
        got.push('never');
      })(),
    );
    world.settle();
    if (cancelFirst) task.cancel();
    queue.put('value');
    if (!cancelFirst) task.cancel();
    world.settle();
    assert.is(task.status, 'cancelled');
    assert.equal(got, cancelFirst ? [] : ['value']);
    assert.equal(queue.items, cancelFirst ? ['value'] : []);
  }
});

test('rule 5: cancelled before its first step, a task runs to its first trap', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      log.push('started');
      try {
        yield;
        log.push('never');
      } finally {
        log.push('finally');
      }
    })(),
  );
  task.cancel();
  world.settle();
  assert.equal(log, ['started', 'finally']);
  assert.is(task.status, 'cancelled');
});

test('rule 2: in a cancelled task every trap throws, of every kind, also in finally', () => {
  const world = new World();
  const queue = new Queue<number>();
  queue.put(1);
  let thrown = 0;
  const traps: (() => Op<unknown> | undefined)[] = [
    () => undefined,
    () => pass(),
    () => sleep(1),
    () => immediate(1),
    () => queue.take(),
    () => select(queue.take()),
  ];
  const task = world.kernel.spawn(
    made(function* (): Co<void> {
      try {
        yield* sleep(10);
      } catch {
        thrown++;
      }
      for (const trap of traps) {
        try {
          yield trap();
        } catch (error) {
          assert.is(error, task.inForce);
          thrown++;
        }
      }
      try {
        return;
      } finally {
        yield* sleep(1);
      }
    }),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.is(thrown, 1 + traps.length);
  assert.is(task.status, 'cancelled');
  // Checked before an operation is tried: nothing was taken.
  assert.equal(queue.items, [1]);
});

test('rule 2: a task that swallows every cancel in an endless loop does not hang the others', () => {
  for (const trap of [() => undefined, () => sleep(1), () => immediate(1), () => null as never]) {
    const world = new World();
    let over = false;
    const task = world.kernel.spawn(
      (function* (): Co<void> {
        while (!over) {
          try {
            yield trap();
          } catch {
            // Whatever it was.
          }
        }
      })(),
    );
    world.kernel.run(1);
    task.cancel();
    world.kernel.spawn(
      (function* (): Co<void> {
        for (let i = 0; i < 10; i++) yield;
        over = true;
      })(),
    );
    world.kernel.run(1000);
    assert.ok(over);
    assert.is(world.kernel.tasks.size, 0);
  }
});

test('rule 2: a task that swallows its cancel and returns has completed normally', () => {
  const world = new World();
  const task = world.kernel.spawn(
    (function* (): Co<string> {
      try {
        yield* sleep(10);
      } catch {
        // Swallowed.
      }
      return 'done';
    })(),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.equal([task.status, task.outcome], ['done', 'done']);
});

test('rule 6: one abort for each park, however often one cancels', () => {
  const world = new World();
  const operation = new Scripted<void>();
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      yield* operation;
    })(),
  );
  world.settle();
  for (let i = 0; i < 3; i++) task.cancel();
  world.settle();
  for (let i = 0; i < 3; i++) task.cancel();
  assert.is(operation.aborted, 1);
  assert.is(operation.waker.wake(), false);
});

test('rule 6: an operation that cannot be stopped stays parked, hands over its value, and then comes the cancel', () => {
  const world = new World();
  const operation = stubborn<string>();
  const got: string[] = [];
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      got.push(yield* operation);
      try {
        yield;
      } finally {
        got.push('finally');
      }
    })(),
  );
  world.settle();
  task.cancel();
  task.cancel();
  world.settle();
  assert.equal([task.status, operation.aborted], ['parked', 1]);
  assert.ok(operation.waker.wake('value'));
  world.settle();
  assert.equal(got, ['value', 'finally']);
  assert.is(task.status, 'cancelled');
});

test('rule 7: all are marked before the code of any operation runs', () => {
  const world = new World();
  const seen: boolean[] = [];
  const tasks: Task<unknown>[] = [];
  for (let i = 0; i < 3; i++) {
    const operation = new Scripted<void>({
      abort: () => {
        seen.push(tasks.every((task) => task.cancelled));
        return true;
      },
    });
    tasks.push(
      world.kernel.spawn(
        (function* (): Co<void> {
          yield* operation;
        })(),
      ),
    );
  }
  world.settle();
  (tasks[0] as Task<unknown>).cancel('its own');
  world.kernel.root.cancelFor('shutdown', 'all');
  const all = world.kernel.root.error;
  world.settle();
  assert.equal(seen, [false, true, true]);
  // The outermost cancel wins, also over one that came before and has not been seen yet.
  for (const task of tasks) assert.is(task.outcome, all);
});

test('rule 12: an error raised while being cancelled replaces the cancel, and is a failure', () => {
  const world = new World();
  const error = new Error('in clean-up');
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      try {
        yield* sleep(10);
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is the case
        throw error;
      }
    })(),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.equal([task.status, task.outcome], ['failed', error]);
  assert.equal(world.failures, [[task, error]]);
});

test("rule 12: an abort of Node's that only looks like a cancel is a failure", () => {
  const world = new World();
  const error = Object.assign(new Error('aborted'), { code: 'ABORT_ERR', name: 'AbortError' });
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      throw error;
    })(),
  );
  world.settle();
  assert.is(task.status, 'failed');
});

test('rule 13: a task that cancels itself gets it at its next trap', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    made(function* (): Co<void> {
      task.cancel();
      log.push('goes on');
      yield;
      log.push('never');
    }),
  );
  world.settle();
  assert.equal(log, ['goes on']);
  assert.is(task.status, 'cancelled');
});

test('rule 13: a task that cancels itself and returns first completes normally', () => {
  const world = new World();
  const task: Task<string> = world.kernel.spawn(
    made(function* (): Co<string> {
      task.cancel();
      return 'done';
    }),
  );
  world.settle();
  assert.equal([task.status, task.outcome], ['done', 'done']);
});

test('what cannot be yielded is a TypeError at that yield, which says what to do', () => {
  const asynchronous = (async function* (): AsyncGenerator<number> {})();
  const cases: [unknown, RegExp][] = [
    [null, /null; a bare `yield`/],
    [Promise.resolve(1), /a promise; wait for it with `until\(promise\)`/],
    // biome-ignore lint/suspicious/noThenProperty: that is the case
    [{ then: () => {} }, /a promise/],
    [function fetchIt() {}, /the function fetchIt; call it first/],
    [() => {}, /\(anonymous\); call it first/],
    [asynchronous, /an async generator; use a plain generator function/],
    [{}, /an object \(Object\)/],
    [Object.create(null), /an object \(without a class\)/],
    [[], /an object \(Array\)/],
    [new Map(), /an object \(Map\)/],
    // Nearly a generator: a part of what a step calls is missing.
    [[].values(), /an object \(/],
    [{ next: () => {}, throw: () => {} }, /an object \(Object\)/],
    [{ throw: () => {}, [Symbol.iterator]: () => {} }, /an object \(Object\)/],
    [{ next: () => {}, [Symbol.iterator]: () => {} }, /an object \(Object\)/],
    [5, /number 5/],
    ['text', /string text/],
    [true, /boolean true/],
    [10n, /bigint 10/],
    [Symbol('sign'), /symbol Symbol\(sign\)/],
  ];
  for (const [value, message] of cases) {
    const error = refused(value);
    assert.instance(error, TypeError);
    assert.match((error as Error).message, message);
  }
});

test('spawn takes a generator or an operation, and says what else it was given', () => {
  const world = new World();
  for (const wrong of [undefined, null, 1, 'f', function* (): Co<void> {}, Promise.resolve(), {}]) {
    assert.throws(
      () => world.kernel.spawn(wrong as never),
      (error: unknown) => error instanceof TypeError && /a generator or an operation/.test(error.message),
    );
  }
  assert.throws(() => world.kernel.spawn(undefined as never), /not undefined; was a `return` forgotten\?$/);
  assert.is(world.kernel.tasks.size, 0);
  assert.is(world.kernel.ready, 0);
});

test('an operation is spawned as a task that does nothing else', () => {
  const world = new World();
  const pause = world.kernel.spawn(sleep(5));
  const other = world.kernel.spawn(pause.join());
  world.settle();
  world.advance(5);
  assert.equal([pause.status, other.status], ['done', 'done']);
});

test('an operation that wakes its task and then fails in its park lets the task go on, and its failure is told', () => {
  const world = new World();
  class Both extends Op<string> {
    override try(): typeof PENDING {
      return PENDING;
    }
    override park(waker: Waker<string>): void {
      waker.wake('woken');
      throw new Error('afterwards');
    }
    override abort(): boolean {
      return true;
    }
    override describe(): string {
      return 'both';
    }
  }
  const task = world.kernel.spawn(new Both());
  world.settle();
  assert.equal([task.status, task.outcome], ['done', 'woken']);
  assert.equal(
    world.failures.map(([, error]) => (error as Error).message),
    ['afterwards'],
  );
});

test('a generator that already belongs to a task is refused, spawned or yielded, by its own task or another', () => {
  const world = new World();
  const body = made(function* (): Co<unknown> {
    try {
      yield body;
    } catch (error) {
      return (error as { code: string }).code;
    }
    return 'not refused';
  });
  const task = world.kernel.spawn(body);
  assert.throws(
    () => world.kernel.spawn(body),
    (error: unknown) => (error as { code: string }).code === 'ERR_GENLOOP_MISUSE',
  );
  world.settle();
  assert.is(task.outcome, 'ERR_GENLOOP_MISUSE');
  // Also once it has ended: it could only end again, without having done anything.
  assert.throws(() => world.kernel.spawn(body), /already belongs to a task/);
  assert.match(String(refused(body)), /already belongs to a task/);
});

test('a subroutine that is yielded twice is refused at the second yield', () => {
  const world = new World();
  const task = world.kernel.spawn(
    (function* (): Co<string> {
      const inner = logged([], 'i', 1);
      yield inner;
      try {
        yield inner;
        return 'not refused';
      } catch (error) {
        return (error as { code: string }).code;
      }
    })(),
  );
  world.settle();
  assert.is(task.outcome, 'ERR_GENLOOP_MISUSE');
});

test('a task that steps itself gets an error, and goes on', () => {
  const world = new World();
  const operation = new Scripted<string>();
  const body = made(function* (): Co<unknown> {
    let error: unknown;
    try {
      body.next();
    } catch (caught) {
      error = caught;
    }
    const value = yield* operation;
    // A waker of its own that was claimed already is as good as none.
    assert.is(operation.waker.wake('again'), false);
    yield;
    assert.instance(error, TypeError);
    return value;
  });
  const task = world.kernel.spawn(body);
  world.settle();
  operation.waker.wake('once');
  world.settle();
  assert.equal([task.status, task.outcome], ['done', 'once']);
});

test('a failure is told once, in the order of the failures, and the others are not touched', () => {
  const world = new World();
  const bodies = [30, 10, 20].map((ms) =>
    (function* (): Co<void> {
      yield* sleep(ms);
      throw ms;
    })(),
  );
  for (const body of bodies) world.kernel.spawn(body);
  const other = world.kernel.spawn(logged([], 'o', 3));
  world.settle();
  for (let i = 0; i < 3; i++) world.advance(10);
  assert.equal(
    world.failures.map(([, error]) => error),
    [10, 20, 30],
  );
  assert.is(other.status, 'done');
});

test('onReady is called when the ring was empty, and not for each task', () => {
  const world = new World();
  let calls = 0;
  world.kernel.onReady = () => {
    calls++;
  };
  world.kernel.spawn(logged([], 'a', 1));
  world.kernel.spawn(logged([], 'b', 1));
  assert.is(calls, 1);
});

test('rule 24: abandoned tasks run no code any more, whoever wakes or cancels them, and their promises tell it', async () => {
  const world = new World();
  const log: string[] = [];
  const queue = new Queue<number>();
  const operation = new Scripted<void>();
  const body = function* (wait: Op<unknown> | undefined): Co<void> {
    try {
      yield wait;
    } finally {
      log.push('task code');
    }
  };
  const tasks = [queue.take(), operation, sleep(5)].map((wait) => world.kernel.spawn(body(wait)));
  world.settle();
  tasks.push(world.kernel.spawn(body(undefined)));
  const bug = new Error('bug');
  const promise = (tasks[0] as Task<void>).promise.catch((error: unknown) => error);
  world.kernel.abandon(bug);
  assert.is(await promise, bug);
  for (const task of tasks) {
    task.cancel();
    assert.equal([task.status, task.outcome], ['failed', bug]);
  }
  queue.put(1);
  assert.is(operation.waker.wake(), false);
  world.advance(10);
  assert.equal(log, []);
  assert.equal([world.kernel.ready, world.kernel.tasks.size, world.kernel.timers.size], [0, 0, 0]);
  // The kernel itself can be used again.
  const next = world.kernel.spawn(logged([], 'n', 2));
  world.settle();
  assert.is(next.status, 'done');
});

test('two copies of the package understand the operations, routines and cancels of each other', async () => {
  inFewOrders();
  const folder = mkdtempSync(join(tmpdir(), 'genloop-copy-'));
  try {
    cpSync(fileURLToPath(new URL('../../src/kernel', import.meta.url)), join(folder, 'kernel'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const copy = (await import(
      pathToFileURL(join(folder, 'kernel', 'index.ts')).href
    )) as typeof import('../../src/kernel/index.ts');
    assert.is.not(copy.Op, (await import('../../src/kernel/index.ts')).Op);
    const world = new World();
    const log: unknown[] = [];
    const double = copy.routine(function* double(n: number): Co<number> {
      yield* copy.sleep(1) as Op<void>;
      return 2 * n;
    } as never) as unknown as (n: number) => Op<number>;
    const task = world.kernel.spawn(
      (function* (): Co<void> {
        yield* copy.sleep(5) as unknown as Op<void>;
        log.push(world.now);
        log.push(yield* double(21));
        yield* copy.pass() as unknown as Op<void>;
        log.push('passed');
        yield* copy.sleep(100) as unknown as Op<void>;
      })(),
    );
    world.kernel.spawn(
      (function* (): Co<void> {
        yield* sleep(6);
        log.push('other');
      })(),
    );
    const named = world.kernel.spawn(double(4));
    world.settle();
    world.advance(5);
    world.advance(1);
    assert.equal([named.name, named.outcome], ['double', 8]);
    assert.ok(log.indexOf(42) < log.indexOf('passed'));
    equalInAnyOrder(log, [5, 'other', 42, 'passed']);
    task.cancel();
    world.settle();
    assert.is(task.status, 'cancelled');
    assert.is(world.kernel.timers.size, 0);
    assert.ok(copy.isCancelled(task.outcome));
    assert.ok(copy.isOp(sleep(1)));
    assert.is(copy.PENDING as symbol, PENDING as symbol);
    const generator = logged([], 'g', 1);
    world.kernel.spawn(generator);
    const other = new copy.Kernel({ host: world.kernel.host, onFailure: () => {} });
    assert.throws(() => other.spawn(generator as never), /already belongs to a task/);
    world.settle();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('routine and plain generator are the same to a task', () => {
  const world = new World();
  const f = function* (n: number): Co<number> {
    yield;
    return n;
  };
  const g = routine(f);
  const task = world.kernel.spawn(
    (function* (): Co<number> {
      return (yield* f(1)) + (yield* g(2)) + ((yield f(3)) as number) + ((yield g(4)) as number);
    })(),
  );
  world.settle();
  assert.is(task.outcome, 10);
});

test('a hundred thousand tasks start and end', () => {
  inFewOrders();
  const world = new World();
  let ended = 0;
  for (let i = 0; i < 100_000; i++) {
    world.kernel.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        ended++;
      })(),
    );
  }
  world.settle();
  assert.is(world.kernel.timers.size, 100_000);
  world.advance(1);
  assert.is(ended, 100_000);
  assert.is(world.kernel.tasks.size, 0);
});

test('a task that is yielded itself is a TypeError at that yield, which names the task and its join', () => {
  const world = new World();
  const other = world.kernel.spawn(sleep(10), { name: 'other' });
  const task = world.kernel.spawn(
    (function* (): Co<string> {
      try {
        yield other as never;
      } catch (error) {
        assert.instance(error, TypeError);
        return (error as Error).message;
      }
      return 'nothing';
    })(),
  );
  world.settle();
  world.advance(10);
  assert.is(task.outcome, 'a task cannot yield task 1 (other) itself; join it with `yield* task.join()`');
  assert.is(other.status, 'done');
});

test.run();
