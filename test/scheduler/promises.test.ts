/** Waiting for promises in tasks: what is handed over, what a cancel does, and where it cannot work. */

import { type Co, failAfter, isCancelled, type Op, routine, sleep, type Task } from 'genloop/kernel';
import * as assert from 'uvu/assert';
import { select } from '../../src/kernel/select.ts';
import { NoHostError, until } from '../../src/scheduler/promises.ts';
import { NODE, Program } from '../examples/program.ts';
import { thrownBy } from '../support/drives.ts';
import { turn } from '../support/leaks.ts';
import { select as simpleSelect } from '../support/operations.ts';
import { run, runSync, Scheduler } from '../support/seeded.ts';
import { inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('promises');

/** A promise with its handles, and a count of those that asked for it. */
class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise: Promise<T> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** A kernel whose steps a test takes, in a process whose promises settle. */
function hosted(): World {
  const world = new World();
  Object.assign(world.kernel.host, { promises: true });
  return world;
}

function* once<T>(operation: Op<T>): Co<T> {
  return yield* operation;
}

/** What Node says about rejections that nobody handles, while `body` runs and for two turns after it. */
async function unhandled(body: () => unknown): Promise<unknown[]> {
  const errors: unknown[] = [];
  const listener = (error: unknown): void => void errors.push(error);
  process.on('unhandledRejection', listener);
  try {
    await body();
    await turn();
    await turn();
  } finally {
    process.off('unhandledRejection', listener);
  }
  return errors;
}

/** A program in a process of its own. */
async function program(source: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const head = `
    import { run } from 'genloop/scheduler';
    import { until } from './src/scheduler/promises.ts';
  `;
  await using child = new Program([...NODE, '--input-type=module', '-e', head + source]);
  return await child.ended();
}

test('until gives what the promise gives, and throws its very rejection', async () => {
  const error = new Error('mine');
  const result = await run(function* main(): Co<unknown[]> {
    const seen: unknown[] = [
      yield* until(Promise.resolve(1)),
      yield* until(new Promise((done) => setImmediate(done, 2))),
    ];
    for (const reason of [error, 'text', undefined]) {
      try {
        yield* until(new Promise((_, reject) => queueMicrotask(() => reject(reason))));
        seen.push('no error');
      } catch (caught) {
        seen.push(caught);
      }
    }
    return seen;
  });
  assert.equal(result.slice(0, 2), [1, 2]);
  assert.is(result[2], error);
  assert.equal(result.slice(3), ['text', undefined]);
  assert.is(await thrownBy(run(() => until(Promise.reject(error)))), error);
});

test('a promise of which the answer is known is handed over in the same step', async () => {
  const world = hosted();
  const error = new Error('mine');
  const good = Promise.resolve('good');
  const bad = Promise.reject(error);
  const log: unknown[] = [];
  world.kernel.spawn(
    made(function* (): Co<void> {
      log.push(yield* until(good));
      try {
        yield* until(bad);
      } catch (caught) {
        log.push(caught);
      }
    }),
  );
  until(bad);
  world.settle();
  assert.equal(log, []);
  await turn();
  assert.is(world.settle(), 1);
  assert.equal(log, ['good', error]);
});

test('several tasks wait for one promise, and wake in the order in which they came', async () => {
  inOrder();
  const world = hosted();
  const deferred = new Deferred<string>();
  const log: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    world.kernel.spawn(
      made(function* (): Co<void> {
        log.push(`${name} ${yield* until(deferred.promise)}`);
      }),
    );
  }
  world.settle();
  deferred.resolve('woke');
  await turn();
  world.settle();
  assert.equal(log, ['a woke', 'b woke', 'c woke']);
});

test('until(promise): a cancel abandons it at once, and what it becomes is ignored', async () => {
  for (const settle of ['resolve', 'reject'] as const) {
    const world = hosted();
    const deferred = new Deferred<unknown>();
    const errors = await unhandled(async () => {
      const task = world.kernel.spawn(until(deferred.promise));
      const other = world.kernel.spawn(sleep(10));
      world.settle();
      assert.is(task.status, 'parked');
      task.cancel('enough');
      world.settle();
      assert.is(task.status, 'cancelled');
      deferred[settle](new Error('late'));
      await turn();
      assert.is(world.kernel.ready, 0);
      assert.is(other.status, 'parked');
    });
    assert.equal(errors, []);
    assert.equal(world.failures, []);
  }
});

test('a rejection is no unhandled one where the cancel comes at the very yield, or before it', async () => {
  const world = hosted();
  const errors = await unhandled(() => {
    const task = world.kernel.spawn(
      made(function* (): Co<void> {
        // The task sees its cancel here, and nobody has looked at the promise.
        yield* until(Promise.reject(new Error('first')));
      }),
    );
    task.cancel();
    world.settle();
    assert.is(task.status, 'cancelled');
    until(Promise.reject(new Error('second')));
  });
  assert.equal(errors, []);
});

test('a loop that waits for the same promise again and again leaves one reaction at it', async () => {
  const world = hosted();
  const deferred = new Deferred<string>();
  const { then } = Promise.prototype;
  let reactions = 0;
  let waits = 0;
  const task = world.kernel.spawn(
    made(function* (): Co<unknown> {
      for (;;) {
        const [index, value] = yield* simpleSelect(until(deferred.promise), sleep(1));
        if (index === 0) return value;
        waits++;
      }
    }),
  );
  // biome-ignore lint/suspicious/noThenProperty: what is counted is who asks
  Promise.prototype.then = function (this: Promise<unknown>, ...handlers: never[]): never {
    if (this === deferred.promise) reactions++;
    return then.apply(this, handlers as []) as never;
  } as typeof then;
  try {
    world.settle();
    for (let i = 0; i < 100; i++) world.advance(1);
  } finally {
    // biome-ignore lint/suspicious/noThenProperty: as it was
    Promise.prototype.then = then;
  }
  assert.is(waits, 100);
  assert.is(reactions, 1);
  deferred.resolve('at last');
  await turn();
  world.settle();
  assert.is(task.outcome, 'at last');
});

test('another thenable is asked at the yield, at each one, and may answer at once or throw', async () => {
  let asked = 0;
  const query: PromiseLike<number> = {
    // biome-ignore lint/suspicious/noThenProperty: a thenable
    then(fulfilled) {
      asked++;
      return Promise.resolve(fulfilled?.(asked) as never);
    },
  };
  const broken = {
    // biome-ignore lint/suspicious/noThenProperty: a thenable
    then(): never {
      throw new Error('no');
    },
  };
  const callable = Object.assign(() => 'called', query);
  class Lazy extends Promise<string> {
    // biome-ignore lint/suspicious/noThenProperty: a lazy promise
    override then(...handlers: never[]): never {
      asked++;
      return super.then(...(handlers as [])) as never;
    }
  }
  const lazy = new Lazy((resolve) => resolve('lazy'));
  const result = await run(function* main(): Co<unknown[]> {
    const operation = until(query);
    assert.is(asked, 0);
    const seen: unknown[] = [yield* operation, yield* operation];
    try {
      yield* until(broken);
    } catch (error) {
      seen.push(String(error));
    }
    seen.push(yield* until(callable));
    const waiting = until(lazy);
    assert.is(asked, 3);
    seen.push(yield* waiting);
    return seen;
  });
  assert.equal(result, [1, 2, 'Error: no', 3, 'lazy']);
  assert.is(asked, 4);
});

test('until(function) calls it at each yield, with a signal of its own', async () => {
  const signals: AbortSignal[] = [];
  const operation = until((signal) => {
    signals.push(signal);
    return Promise.resolve(signals.length);
  });
  assert.equal(signals, []);
  assert.equal(
    await run(function* main(): Co<number[]> {
      const plain: number = yield* until(() => 7);
      return [yield* operation, yield* operation, plain];
    }),
    [1, 2, 7],
  );
  assert.is(signals.length, 2);
  assert.is.not(signals[0], signals[1]);
  assert.equal(
    signals.map((signal) => signal instanceof AbortSignal && signal.aborted),
    [false, false],
  );
  const error = new Error('mine');
  for (const failing of [
    (): never => {
      throw error;
    },
    () => Promise.reject(error),
  ]) {
    assert.is(await thrownBy(run(() => until(failing))), error);
  }
});

test('rule 2: a task that is cancelled before it gets there does not call the function', () => {
  const world = hosted();
  let called = 0;
  const task = world.kernel.spawn(until(async () => called++));
  task.cancel();
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.is(called, 0);
});

/** How programs say that they were aborted. */
const ABORTS: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
  "the signal's reason": (signal) => signal.reason,
  'a DOMException': () => new DOMException('stopped', 'AbortError'),
  "Node's AbortError": () => Object.assign(new Error('stopped'), { name: 'AbortError', code: 'ABORT_ERR' }),
  'an error with the name only': () => Object.assign(new Error('stopped'), { name: 'AbortError' }),
};

for (const [name, reason] of Object.entries(ABORTS)) {
  test(`rule 6: a cancel aborts the signal, waits until the promise has settled, and is seen then (${name})`, async () => {
    const world = hosted();
    const deferred = new Deferred<never>();
    let signal!: AbortSignal;
    let aborts = 0;
    let caught: unknown;
    const task = world.kernel.spawn(
      made(function* (): Co<void> {
        try {
          yield* until((given) => {
            signal = given;
            signal.addEventListener('abort', () => aborts++);
            return deferred.promise;
          });
        } catch (error) {
          caught = error;
          throw error;
        }
      }),
    );
    world.settle();
    task.cancel('enough');
    assert.ok(signal.aborted);
    assert.is(signal.reason, task.inForce);
    world.settle();
    await turn();
    world.settle();
    assert.is(task.status, 'parked');
    // Once more, and harder: nobody is asked twice.
    task.cancel('again', { cleanup: 0 });
    world.advance(0);
    assert.is(task.status, 'parked');
    deferred.reject(reason(signal));
    await turn();
    world.settle();
    assert.is(task.status, 'cancelled');
    assert.is(caught, signal.reason);
    assert.is(aborts, 1);
    assert.equal(world.failures, []);
  });
}

test('rule 4: a promise that is fulfilled although it was aborted hands over its value, and the cancel comes at the next trap', async () => {
  const world = hosted();
  const deferred = new Deferred<string>();
  const log: unknown[] = [];
  const task = world.kernel.spawn(
    made(function* (): Co<void> {
      log.push(yield* until((_signal) => deferred.promise));
      try {
        yield* sleep(1);
      } catch (error) {
        log.push(isCancelled(error));
        throw error;
      }
    }),
  );
  world.settle();
  task.cancel();
  deferred.resolve('the value');
  await turn();
  world.settle();
  assert.equal(log, ['the value', true]);
  assert.is(task.status, 'cancelled');
});

test('rule 12: another error than the abort replaces the cancel', async () => {
  const error = new Error('the disk is full');
  for (const reason of [error, Object.assign(new Error('timed out'), { name: 'TimeoutError' }), 'text', undefined]) {
    const world = hosted();
    const deferred = new Deferred<never>();
    const task = world.kernel.spawn(until((_signal) => deferred.promise));
    world.settle();
    task.cancel();
    deferred.reject(reason);
    await turn();
    world.settle();
    assert.is(task.status, 'failed');
    assert.is(task.outcome, reason);
  }
});

test('an AbortError of a call that nobody cancelled is an error like others', async () => {
  const error = new DOMException('its own idea', 'AbortError');
  assert.is(await thrownBy(run(() => until((_signal) => Promise.reject(error)))), error);
});

test('a function that cancels its own task finds its signal aborted when it has returned', async () => {
  const world = hosted();
  const deferred = new Deferred<never>();
  let signal!: AbortSignal;
  const task: Task<unknown> = world.kernel.spawn(
    until((given) => {
      signal = given;
      task.cancel();
      assert.not(given.aborted);
      return deferred.promise;
    }),
  );
  world.settle();
  assert.ok(signal.aborted);
  assert.is(task.status, 'parked');
  deferred.reject(signal.reason);
  await turn();
  world.settle();
  assert.is(task.status, 'cancelled');
});

test('rules 27, 28: a deadline aborts the call and throws TimeoutError when it has ended; a cancel further out wins', async () => {
  for (const outer of [false, true]) {
    const world = hosted();
    const deferred = new Deferred<never>();
    let caught: unknown;
    const task = world.kernel.spawn(
      made(function* (): Co<void> {
        try {
          yield* failAfter(10, () =>
            until((signal) => {
              signal.addEventListener('abort', () => setImmediate(() => deferred.reject(signal.reason)));
              return deferred.promise;
            }),
          );
        } catch (error) {
          caught = error;
          throw error;
        }
      }),
    );
    world.settle();
    world.advance(10);
    if (outer) task.cancel('from further out');
    await turn();
    await turn();
    world.settle();
    assert.is(task.status, outer ? 'cancelled' : 'failed');
    assert.is((caught as { code: string }).code, outer ? 'ABORT_ERR' : 'ERR_GENLOOP_TIMEOUT');
    assert.is((caught as { reason?: unknown }).reason, outer ? 'from further out' : undefined);
  }
});

test('a call that loses a select is aborted and not waited for, and its end is ignored', async () => {
  for (const late of ['resolve', 'reject'] as const) {
    const world = hosted();
    const deferred = new Deferred<unknown>();
    let signal!: AbortSignal;
    const errors = await unhandled(async () => {
      const task = world.kernel.spawn(
        made(function* (): Co<unknown> {
          const call = until((given) => {
            signal = given;
            return deferred.promise;
          });
          return (yield* select({ call, pause: sleep(10) })).key;
        }),
      );
      world.settle();
      world.advance(10);
      assert.is(task.outcome, 'pause');
      assert.ok(signal.aborted);
      assert.is(signal.reason.name, 'AbortError');
      deferred[late](new Error('late'));
      await turn();
      world.settle();
      assert.is(task.outcome, 'pause');
    });
    assert.equal(errors, []);
    assert.equal(world.failures, []);
  }
});

test('a select that is cancelled while a call in it is under way ends in exactly one outcome', async () => {
  for (const [settle, status] of [
    ['resolve', 'done'],
    ['reject', 'cancelled'],
  ] as const) {
    const world = hosted();
    const deferred = new Deferred<unknown>();
    let reason: unknown;
    const task = world.kernel.spawn(
      made(function* (): Co<unknown> {
        const call = until((signal) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
          });
          return deferred.promise;
        });
        return yield* select({ plain: until(new Promise(() => {})), call, pause: sleep(10) });
      }),
    );
    world.settle();
    task.cancel();
    world.advance(10);
    assert.is(task.status, 'parked');
    assert.is(reason, task.inForce);
    deferred[settle](settle === 'resolve' ? 'the value' : reason);
    await turn();
    world.settle();
    assert.is(task.status, status);
    if (status === 'done') assert.equal(task.outcome, { key: 'call', value: 'the value' });
  }
});

test('in the blocking drive until throws at once, and calls nothing', () => {
  let called = 0;
  const operations = [
    until(Promise.resolve(1)),
    until(Promise.reject(new Error('never seen'))),
    until(async () => called++),
    simpleSelect(sleep(60_000), until(Promise.resolve(1))),
  ];
  for (const operation of operations) {
    assert.throws(
      () => runSync(() => once(operation as Op<unknown>)),
      (error: unknown) =>
        error instanceof NoHostError &&
        error.code === 'ERR_GENLOOP_NO_HOST' &&
        error.name === 'NoHostError' &&
        /runSync\(\).*use run\(\)/.test(error.message),
    );
  }
  assert.is(called, 0);
  assert.is(
    runSync(function* main(): Co<string> {
      try {
        yield* until(Promise.resolve(1));
      } catch {
        yield* sleep(0);
      }
      return 'the task may catch it';
    }),
    'the task may catch it',
  );
});

test('in a kernel without a loop around it until throws at once', () => {
  const world = new World();
  const task = world.kernel.spawn(until(Promise.resolve(1)));
  world.settle();
  assert.instance(task.outcome, NoHostError);
  assert.match((task.outcome as Error).message, /no loop.*run\(\)/);
});

test('until works with turn(), and in run() while another scheduler blocks in between', async () => {
  using scheduler = new Scheduler();
  const deferred = new Deferred<string>();
  const task = scheduler.spawn(until(deferred.promise));
  assert.ok(scheduler.turn());
  deferred.resolve('came');
  await turn();
  assert.not(scheduler.turn());
  assert.is(task.outcome, 'came');
  // What a blocking run leaves behind does not count for the next.
  scheduler.spawn(sleep(0));
  scheduler.runSync();
  const other = scheduler.spawn(until(new Promise((resolve) => setImmediate(resolve, 'again'))));
  const ended = scheduler.run();
  runSync(() => sleep(0));
  await ended;
  assert.is(other.outcome, 'again');
});

test('rule 44: tasks that wait for nothing but promises are no deadlock while something of Node can settle them', async () => {
  assert.is(
    await run(function* main(): Co<number> {
      const timed = yield* until(new Promise<number>((resolve) => setTimeout(resolve, 5, 1)));
      return timed + (yield* until((_signal) => new Promise<number>((resolve) => setTimeout(resolve, 5, 2))));
    }),
    3,
  );
  // The same where the process would end otherwise.
  const { code, stdout, stderr } = await program(`
    console.log(await run(function* main() {
      return yield* until(new Promise((resolve) => setTimeout(resolve, 20, 'came')));
    }));
  `);
  assert.equal([code, stdout, stderr], [0, 'came\n', '']);
});

test('rule 44: a promise that nothing can settle is a deadlock, which says what is waited for', async () => {
  const { code, stdout, stderr } = await program(`
    for (const main of [
      function* plain() { yield* until(new Promise(() => {})); },
      function* call() { yield* until(function load() { return new Promise(() => {}); }); },
      function* aborted() {
        yield* until((signal) => new Promise((_, reject) => {
          signal.addEventListener('abort', () => { console.log('aborted'); reject(signal.reason); });
        }));
      },
    ]) {
      try {
        await run(main);
      } catch (error) {
        console.log(error.code, error.message.split('\\n')[1].replace(/ at .*/, ''));
      }
    }
  `);
  assert.is(code, 0, stderr);
  assert.equal(stdout.split('\n'), [
    'ERR_GENLOOP_DEADLOCK   task 1 (plain) waits for a promise',
    'ERR_GENLOOP_DEADLOCK   task 1 (call) waits for a promise of load()',
    'aborted',
    'ERR_GENLOOP_DEADLOCK   task 1 (aborted) waits for a promise',
    '',
  ]);
});

test('rule 4: a promise that settles in the turn in which its task is cancelled: whoever comes first', async () => {
  for (const first of ['value', 'cancel']) {
    const world = hosted();
    const deferred = new Deferred<string>();
    const task = world.kernel.spawn(until(deferred.promise));
    world.settle();
    if (first === 'cancel') task.cancel();
    deferred.resolve('the value');
    await turn();
    task.cancel();
    world.settle();
    assert.is(task.status, first === 'value' ? 'done' : 'cancelled');
  }
});

test('until refuses what is no promise, and says what to do', () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /not undefined/],
    [null, /not null/],
    [5, /not 5/],
    ['text', /not text/],
    [{}, /not an object \(Object\)/],
    [Object.create(null), /not an object \(without a class\)/],
    [sleep(1), /an operation; yield it as it is/],
    [routine(once)(sleep(1)), /an operation/],
  ];
  for (const [value, message] of cases) {
    assert.throws(
      () => until(value as never),
      (error: unknown) => error instanceof TypeError && message.test(error.message),
    );
  }
});

test('a task that yields a promise by mistake hears of until', async () => {
  const error = await thrownBy(
    run(function* main(): Co<void> {
      yield Promise.resolve() as never;
    }),
  );
  assert.instance(error, TypeError);
  assert.match((error as Error).message, /a promise; wait for it with `until\(promise\)`/);
});

test('rule 16: an async function that returns a handle does not join the task', async () => {
  const scheduler = new Scheduler();
  const spawn = async (): Promise<Task<string>> =>
    scheduler.spawn(
      made(function* (): Co<string> {
        yield* sleep(5);
        return 'result';
      }),
    );
  const handle = await spawn();
  assert.is(handle.status, 'ready');
  const ended = scheduler.run();
  assert.not(handle.ended);
  assert.is(await handle.promise, 'result');
  await ended;
  // Nor does until, which would take any thenable.
  assert.throws(() => until(handle as never), /not an object \(Task\)/);
});

test('rule 16: task.promise can be waited for from a task of another scheduler', async () => {
  const target = new Scheduler();
  const failing = target.spawn(
    made(function* (): Co<void> {
      yield* sleep(1);
      throw new Error('over there');
    }),
  );
  const ended = thrownBy(target.run());
  const error = await thrownBy(run(() => until(failing.promise)));
  assert.is(error, failing.outcome);
  assert.is(await ended, error);
});

test.run();
