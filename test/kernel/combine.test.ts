import { createContext, runInContext } from 'node:vm';
import * as assert from 'uvu/assert';
import { all, allSettled, firstSuccess, race, type Settled } from '../../src/kernel/combine.ts';
import {
  CancelError,
  type Co,
  cancelScope,
  cleanup,
  errorsOf,
  failAfter,
  MisuseError,
  moveOnAfter,
  type Op,
  pass,
  routine,
  runningTask,
  type Spawnable,
  sleep,
  type Task,
  TaskCancelledError,
  TimeoutError,
} from '../../src/kernel/index.ts';
import { map } from '../../src/kernel/map.ts';
import { seededRandom } from '../../src/scheduler/random.ts';
import { immediate, Queue, Scripted } from '../support/operations.ts';
import { equalInAnyOrder, inOrder, ownOrders } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('combine');

/** How a task of {@link logged} goes. */
interface Plan {
  ms?: number;
  /** What it throws instead of its value. */
  error?: unknown;
  /** What its clean-up throws if it was cut short. */
  late?: unknown;
  /** How long its clean-up takes if it was cut short. */
  cleanup?: number;
}

/** A task that logs its start and its end. */
function* logged<T>(log: string[], name: string, value: T, plan: Plan = {}): Co<T> {
  const { ms = 0, error, late, cleanup: pause } = plan;
  log.push(`${name} starts`);
  let whole = false;
  try {
    yield* sleep(ms);
    whole = true;
    if (error !== undefined) throw error;
    return value;
  } finally {
    if (!whole && pause !== undefined) yield* cleanup(1000, sleep(pause));
    log.push(`${name} ends`);
    if (!whole && late !== undefined) yield* raise(late);
  }
}

function* raise(error: unknown): Co<never> {
  throw error;
}

/** A log with the starts of the same round in the order of the names, whatever the order of the steps. */
function course(log: readonly string[]): string[] {
  const starts = log.filter((entry) => entry.endsWith(' starts'));
  return [...starts.sort(), ...log.filter((entry) => !entry.endsWith(' starts'))];
}

/** A subroutine's result as a task's. */
function* doing<T>(operation: Spawnable<T>): Co<T> {
  return (yield operation) as T;
}

/** Lets time pass until nothing is left to happen; nothing may be left behind. */
function settle(world: World): void {
  world.settle();
  while (world.kernel.timers.size > 0) world.advance(world.kernel.timers.next - world.now);
  assert.is(world.kernel.tasks.size, 0);
  assert.is(world.kernel.ready, 0);
}

/** Runs one task to its end, and gives its handle. */
function run<T>(body: Spawnable<T>, world: World = new World()): Task<T> {
  const task = world.kernel.spawn(doing(body));
  settle(world);
  return task;
}

/** What it gives. */
function result<T>(body: Spawnable<T>, world?: World): T {
  const task = run(body, world);
  if (task.status !== 'done') throw task.outcome;
  return task.outcome as T;
}

/** What it throws. */
function thrown(body: Spawnable<unknown>, world?: World): unknown {
  const task = run(body, world);
  assert.is.not(task.status, 'done', 'nothing was thrown');
  return task.outcome;
}

/** Cancels a task after some time, in a step of its own. */
function cancelAfter(world: World, ms: number, task: Task<unknown>): void {
  world.kernel.spawn(
    made(function* (): Co<void> {
      yield* sleep(ms);
      task.cancel('from outside');
    }),
  );
}

/** Cancels the task that runs. */
function* suicide(): Co<never> {
  runningTask().cancel('enough');
  yield* pass();
  throw new Error('not cancelled');
}

// --- all ---

test('all gives the results in the order of the tasks, however they end, and they run at once', () => {
  const world = new World();
  const log: string[] = [];
  const results = result(
    all([logged(log, 'a', 1, { ms: 30 }), logged(log, 'b', 'two', { ms: 10 }), immediate(true), sleep(20)]),
    world,
  );
  assert.equal(results, [1, 'two', true, undefined]);
  assert.equal(course(log), ['a starts', 'b starts', 'b ends', 'a ends']);
  assert.is(world.now, 30);
});

test('all of a record gives a record with the same keys in the same order', () => {
  const log: string[] = [];
  const results = result(all({ z: logged(log, 'z', 26, { ms: 2 }), a: immediate('first') }));
  assert.equal(results, { z: 26, a: 'first' });
  assert.equal(Object.keys(results), ['z', 'a']);
  const bare = Object.assign(Object.create(null) as Record<string, Op<number>>, { key: immediate(1) });
  assert.equal(Object.keys(result(all(bare))), ['key']);
  const odd = result(all(JSON.parse('{"__proto__": null}', (key, value) => (key === '' ? value : immediate(7)))));
  assert.equal(Object.keys(odd), ['__proto__']);
});

test('all takes any iterable, and records of another realm', () => {
  function* three(): Generator<Op<number>> {
    for (let i = 1; i <= 3; i++) yield immediate(i);
  }
  assert.equal(result(all(three())), [1, 2, 3]);
  assert.equal(result(all(new Set([immediate('x')]))), ['x']);
  const foreign = runInContext('({ one: 1 })', createContext()) as Record<string, unknown>;
  foreign.one = immediate('far');
  assert.equal(result(all(foreign as Record<string, Op<string>>)), { one: 'far' });
});

test('all and allSettled of nothing give nothing at once', () => {
  const world = new World();
  const task = world.kernel.spawn(
    made(function* (): Co<unknown> {
      return [
        yield* all([]),
        yield* all({}),
        yield* allSettled([]),
        yield* allSettled({}),
        yield* map([], 1, immediate),
      ];
    }),
  );
  assert.is(world.settle(), 1);
  assert.equal(task.outcome, [[], {}, [], {}, []]);
});

test('a call can be yielded again where its tasks can: operations and calls of routines', () => {
  const one = routine(function* one(): Co<number> {
    yield* sleep(1);
    return 1;
  });
  const both = all([one(), immediate(2)]);
  const task = run(
    made(function* (): Co<unknown> {
      return [yield* both, yield* both];
    }),
  );
  assert.equal(task.outcome, [
    [1, 2],
    [1, 2],
  ]);
});

test('results have the types of their tasks, in tuples, records and iterables', () => {
  // Which of two that end at once wins a race is decided by the order.
  inOrder();
  // That this compiles is the test; the values are its counterpart at run time.
  function* body<X>(more: Co<X>[], x: X): Co<void> {
    const log: string[] = [];
    const tuple: [number, string] = yield* all([logged(log, 'a', 1), immediate('b')]);
    const record: { a: number; b: string } = yield* all({ a: logged(log, 'a', 1), b: immediate('b') });
    const bag: boolean[] = yield* all(new Set([immediate(true)]));
    const generic: X[] = yield* all(more);
    const settled: [Settled<number>, Settled<string>] = yield* allSettled([logged(log, 'a', 1), immediate('b')]);
    const named: { a: Settled<number> } = yield* allSettled({ a: immediate(1) });
    const bagged: Settled<boolean>[] = yield* allSettled(new Set([immediate(true)]));
    const first: number | string = yield* race([immediate(1), immediate('b')]);
    const firstNamed: number | string = yield* race({ a: immediate(1), b: immediate('b') });
    const success: number | string = yield* firstSuccess([immediate(1), immediate('b')]);
    const mapped: string[] = yield* map([1, 2], 2, (n) => immediate(String(n)));
    const spelled: number[] = yield* map(['a'], 1, function* (text, index) {
      yield* pass();
      return text.length + index;
    });
    assert.equal([tuple, record, bag, generic], [[1, 'b'], { a: 1, b: 'b' }, [true], [x]]);
    assert.equal(settled, [
      { status: 'fulfilled', value: 1 },
      { status: 'fulfilled', value: 'b' },
    ]);
    assert.equal([named, bagged].flatMap(Object.values).length, 2);
    assert.equal([first, firstNamed, success, mapped, spelled], [1, 1, 1, ['1', '2'], [1]]);
    // @ts-expect-error A number is no string.
    const wrong: [string] = yield* all([immediate(1)]);
    // @ts-expect-error A promise is no task.
    const refused = all([Promise.resolve(1)]);
    // @ts-expect-error The second may give a string.
    const narrow: number = yield* race([immediate(1), immediate('b')]);
    assert.equal([wrong, typeof refused, narrow], [[1], 'object', 1]);
  }
  const marker = {};
  const world = new World();
  assert.is(run(body([doing(immediate(marker))], marker), world).status, 'done');
});

test('rules 14, 15: the first failure cancels the rest, all are waited for, and it is thrown as it is', () => {
  const world = new World();
  const log: string[] = [];
  const error = new Error('mine');
  const found = thrown(
    all([
      logged(log, 'a', 1, { ms: 1 }),
      logged(log, 'b', 2, { ms: 50, cleanup: 5 }),
      logged(log, 'c', 3, { ms: 10, error }),
    ]),
    world,
  );
  assert.is(found, error);
  assert.equal(errorsOf(found), [error]);
  assert.equal(course(log), ['a starts', 'b starts', 'c starts', 'a ends', 'c ends', 'b ends']);
  // The clean-up of b was waited for.
  assert.is(world.now, 15);
});

test('rule 15: errorsOf gives all failures in the order in which they happened', () => {
  const [first, second, third] = [new Error('1'), new Error('2'), new Error('3')];
  const log: string[] = [];
  const found = thrown(
    all([
      logged(log, 'a', 1, { ms: 90, late: third, cleanup: 5 }),
      logged(log, 'b', 1, { ms: 90, late: second }),
      logged(log, 'c', 1, { ms: 10, error: first }),
    ]),
  );
  assert.is(found, first);
  assert.equal(errorsOf(found), [first, second, third]);
});

test('rule 11: the cancel of a sibling is no error, and says why', () => {
  const error = new Error('mine');
  let cancel: unknown;
  const found = thrown(
    all({
      watcher: made(function* (): Co<void> {
        try {
          yield* sleep(Number.POSITIVE_INFINITY);
        } catch (caught) {
          cancel = caught;
          throw caught;
        }
      }),
      culprit: raise(error),
    }),
  );
  assert.is(found, error);
  assert.instance(cancel, CancelError);
  assert.is((cancel as CancelError).source, 'sibling');
  assert.is((cancel as CancelError).reason, error);
});

test('rule 16: a task that was cancelled alone counts as failed, with TaskCancelledError', () => {
  const log: string[] = [];
  const fromAll = thrown(all([logged(log, 'a', 1, { ms: 5 }), suicide()]));
  assert.instance(fromAll, TaskCancelledError);
  assert.equal(course(log), ['a starts', 'a ends']);
  const [first, second] = result(allSettled([suicide(), immediate(1)]));
  assert.is(first.status, 'rejected');
  assert.instance((first as { reason: unknown }).reason, TaskCancelledError);
  assert.equal(second, { status: 'fulfilled', value: 1 });
  assert.instance(thrown(race([suicide(), sleep(5)])), TaskCancelledError);
  assert.is(result(firstSuccess([suicide(), doing(immediate('other'))])), 'other');
  const none = thrown(firstSuccess([suicide()])) as AggregateError;
  assert.instance(none, AggregateError);
  assert.instance(none.errors[0], TaskCancelledError);
});

test('a task that throws a cancel from behind a shield has failed: no result is made up for it', () => {
  for (const combinator of [all, race, allSettled, firstSuccess]) {
    const world = new World();
    let outcome: unknown;
    const task = world.kernel.spawn(
      made(function* (): Co<void> {
        try {
          yield* sleep(Number.POSITIVE_INFINITY);
        } catch (cancel) {
          try {
            outcome = yield* cleanup(100, combinator([raise(cancel)]) as Op<unknown>);
          } catch (error) {
            outcome = error;
          }
          throw cancel;
        }
      }),
    );
    world.settle();
    task.cancel();
    settle(world);
    assert.is(task.status, 'cancelled');
    if (combinator === allSettled) [outcome] = (outcome as [{ reason: unknown }]).map((settled) => settled.reason);
    if (combinator === firstSuccess) [outcome] = (outcome as AggregateError).errors;
    assert.instance(outcome, TaskCancelledError);
    assert.is((outcome as TaskCancelledError).cause, task.outcome);
  }
});

test('rule 4: all and allSettled hand over complete results; the cancel of the same round comes at the next trap', () => {
  for (const combinator of [all, allSettled]) {
    const world = new World();
    const queue = new Queue<string>();
    let got: unknown;
    const task = world.kernel.spawn(
      made(function* (): Co<void> {
        got = yield* combinator([queue.take(), immediate('at once')]);
        yield* pass();
        throw new Error('not cancelled');
      }),
    );
    world.settle();
    queue.put('taken');
    task.cancel();
    settle(world);
    const values = ['taken', 'at once'];
    assert.equal(got, combinator === all ? values : values.map((value) => ({ status: 'fulfilled', value })));
    assert.is(task.status, 'cancelled');
  }
});

test('a cancel from around cuts the tasks short, waits for them and goes on', () => {
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    const world = new World();
    const log: string[] = [];
    const task = world.kernel.spawn(
      doing(combinator([logged(log, 'a', 1, { ms: 50, cleanup: 5 }), logged(log, 'b', 2, { ms: 60 })]) as Op<unknown>),
    );
    cancelAfter(world, 10, task);
    settle(world);
    assert.is(task.status, 'cancelled');
    assert.equal(course(log), ['a starts', 'b starts', 'b ends', 'a ends']);
    assert.is(world.now, 15);
  }
});

test('rule 27: a deadline around ends the tasks, and is the one that counts', () => {
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    const two = (): Op<unknown> => combinator([sleep(50), sleep(60)]) as Op<unknown>;
    assert.instance(thrown(failAfter(10, two())), TimeoutError);
    assert.is(result(moveOnAfter(10, two(), 'fallback')), 'fallback');
  }
});

test('rule 12: an error raised on account of a cancel from around replaces it', () => {
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    const [first, second] = [new Error('first'), new Error('second')];
    const log: string[] = [];
    const found = thrown(
      moveOnAfter(
        10,
        combinator([
          logged(log, 'a', 1, { ms: 50, late: second, cleanup: 1 }),
          logged(log, 'b', 1, { ms: 50, late: first }),
          sleep(50),
        ]) as Op<unknown>,
      ),
    );
    assert.is(found, first);
    assert.equal(errorsOf(found), [first, second]);
  }
});

test('rule 5: in a scope that is cancelled already every task starts, and runs to its first trap', () => {
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    const log: string[] = [];
    const found = result(
      cancelScope(function* (scope): Co<string> {
        scope.cancel();
        yield* combinator([logged(log, 'a', 1), logged(log, 'b', 2)]) as Op<unknown>;
        return 'not cut short';
      }),
    );
    assert.is(found, undefined);
    for (const name of ['a', 'b']) assert.ok(log.indexOf(`${name} starts`) < log.indexOf(`${name} ends`));
    equalInAnyOrder(log, ['a starts', 'a ends', 'b starts', 'b ends']);
  }
});

// --- allSettled ---

test('allSettled tells how each has ended, and a failure cancels nothing', () => {
  const world = new World();
  const log: string[] = [];
  const error = new Error('mine');
  const results = result(
    allSettled([logged(log, 'a', 1, { ms: 20 }), logged(log, 'b', 2, { ms: 10, error }), immediate('c')]),
    world,
  );
  assert.equal(results, [
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: error },
    { status: 'fulfilled', value: 'c' },
  ]);
  assert.is((results[1] as { reason: unknown }).reason, error);
  assert.equal(course(log), ['a starts', 'b starts', 'b ends', 'a ends']);
  assert.is(world.now, 20);
  const record = result(allSettled({ b: raise(error), a: immediate(1) }));
  assert.equal(Object.entries(record), [
    ['b', { status: 'rejected', reason: error }],
    ['a', { status: 'fulfilled', value: 1 }],
  ]);
});

test('allSettled that is cut short throws the cancel, not the failure of a task from before it', () => {
  const world = new World();
  const found = result(moveOnAfter(10, allSettled([raise(new Error('early')), sleep(50)]), 'fallback'), world);
  assert.is(found, 'fallback');
});

// --- race ---

test('race: the first that ends decides with its value; the rest are cancelled and waited for', () => {
  const world = new World();
  const log: string[] = [];
  const found = result(
    race([logged(log, 'a', 1, { ms: 50, cleanup: 5 }), logged(log, 'b', 'two', { ms: 10 }), sleep(40)]),
    world,
  );
  assert.is(found, 'two');
  assert.equal(course(log), ['a starts', 'b starts', 'b ends', 'a ends']);
  assert.is(world.now, 15);
  assert.is(result(race({ slow: sleep(5), fast: immediate('record') })), 'record');
});

test('race: the first that ends decides with its error, also if another would have given a value', () => {
  const error = new Error('mine');
  const log: string[] = [];
  const found = thrown(race([logged(log, 'a', 1, { ms: 11 }), logged(log, 'b', 2, { ms: 10, error })]));
  assert.is(found, error);
  assert.equal(errorsOf(found), [error]);
  assert.equal(course(log), ['a starts', 'b starts', 'b ends', 'a ends']);
});

test('race: of several that end in one round the first decides', () => {
  inOrder();
  assert.is(result(race([doing(immediate('a')), doing(immediate('b'))])), 'a');
  // The first that ends, not the first that is named.
  assert.is(result(race([doing(pass()), doing(immediate('b'))])), 'b');
});

test('rules 12, 15: an error in the clean-up of a loser is thrown, after the error of the winner if that failed', () => {
  const [winner, late] = [new Error('winner'), new Error('late')];
  const log: string[] = [];
  assert.is(thrown(race([logged(log, 'a', 1, { ms: 50, late }), immediate('value')])), late);
  const found = thrown(race([logged(log, 'a', 1, { ms: 50, late }), logged(log, 'b', 1, { error: winner })]));
  assert.is(found, winner);
  assert.equal(errorsOf(found), [winner, late]);
});

test('race: losers are told why', () => {
  let cancel: unknown;
  result(
    race([
      made(function* (): Co<void> {
        try {
          yield* sleep(50);
        } catch (error) {
          cancel = error;
          throw error;
        }
      }),
      sleep(1),
    ]),
  );
  assert.is((cancel as CancelError).source, 'sibling');
  assert.match((cancel as CancelError).message, 'another task ended first');
});

test('rule 4: race hands over a value that was complete when a cancel from around came', () => {
  for (const combinator of [race, firstSuccess]) {
    const world = new World();
    const queue = new Queue<string>();
    let got: unknown;
    const task = world.kernel.spawn(
      made(function* (): Co<void> {
        got = yield* combinator([sleep(50), queue.take()]);
        yield* pass();
      }),
    );
    world.settle();
    queue.put('taken');
    task.cancel();
    settle(world);
    assert.is(got, 'taken');
    assert.is(task.status, 'cancelled');
  }
});

test('race and firstSuccess of nothing throw: they would wait for ever', () => {
  for (const combinator of [race, firstSuccess]) {
    for (const nothing of [[], {}, new Set<Op<number>>()]) {
      const error = thrown(combinator(nothing));
      assert.instance(error, RangeError);
      assert.match(String(error), `${combinator === race ? 'race' : 'firstSuccess'} of no tasks would wait for ever`);
    }
  }
});

// --- firstSuccess ---

test('firstSuccess: the first that completes, however many have failed before; the rest are waited for', () => {
  const world = new World();
  const log: string[] = [];
  const found = result(
    firstSuccess([
      logged(log, 'a', 1, { ms: 5, error: new Error('a') }),
      logged(log, 'b', 2, { ms: 50, cleanup: 5 }),
      logged(log, 'c', 'three', { ms: 10 }),
    ]),
    world,
  );
  assert.is(found, 'three');
  assert.equal(course(log), ['a starts', 'b starts', 'c starts', 'a ends', 'c ends', 'b ends']);
  assert.is(world.now, 15);
  assert.is(result(firstSuccess({ a: raise(new Error('a')), b: immediate('record') })), 'record');
});

test('rule 15: firstSuccess throws an AggregateError with all errors in the order of the tasks if all fail', () => {
  const errors = [new Error('a'), 'no object', new Error('c')];
  const log: string[] = [];
  const delays = [20, 10, 0];
  const found = thrown(
    firstSuccess(errors.map((error, index) => logged(log, String(index), 0, { ms: delays[index] as number, error }))),
  ) as AggregateError;
  assert.instance(found, AggregateError);
  assert.equal(found.errors, errors);
  assert.match(found.message, 'all 3 tasks failed');
});

test('rule 12: firstSuccess throws what a task raises in its clean-up after it was cancelled', () => {
  const late = new Error('late');
  const log: string[] = [];
  const found = thrown(firstSuccess([logged(log, 'a', 1, { ms: 50, late }), logged(log, 'b', 2, { ms: 10 })]));
  assert.is(found, late);
});

test('firstSuccess: an attempt that fails in the round of the success does not take it away', () => {
  inOrder();
  const reports: unknown[] = [];
  const world = new World({ report: (task, error) => reports.push([task.name, error]) });
  const refused = new Error('refused');
  const [winner, loser, other] = [new Scripted<string>(), new Scripted<string>(), new Scripted<string>()];
  const wrapped = routine(function* wrapped(): Co<string> {
    try {
      return yield* other;
    } catch (cause) {
      throw new Error('wrapped', { cause });
    }
  });
  const task = world.kernel.spawn(doing(firstSuccess([winner, loser, wrapped()])));
  world.settle();
  winner.waker.wake('connected');
  loser.waker.fail(refused);
  other.waker.fail(refused);
  settle(world);
  assert.is(task.outcome, 'connected');
  // The one is the attempt's own failure for sure; the other could be of a clean-up.
  assert.is(reports.length, 1);
  const [name, error] = reports[0] as [string, Error];
  assert.is(name, 'wrapped');
  assert.is(error.cause, refused);
});

test('rule 12: firstSuccess after a cancel from around throws what is raised in clean-up, also with a success', () => {
  const world = new World();
  const queue = new Queue<string>();
  const late = new Error('late');
  const log: string[] = [];
  const task = world.kernel.spawn(doing(firstSuccess([queue.take(), logged(log, 'b', 1, { ms: 50, late })])));
  world.settle();
  queue.put('taken');
  task.cancel();
  settle(world);
  assert.is(task.outcome, late);
});

test('firstSuccess: a second success changes nothing', () => {
  const ended: string[] = [];
  const success = (name: string): Co<string> =>
    made(function* (): Co<string> {
      ended.push(name);
      return name;
    });
  assert.is(result(firstSuccess([success('a'), success('b')])), ended[0]);
  equalInAnyOrder(ended, ['a', 'b']);
});

test('firstSuccess that is cut short throws the cancel, not the failures from before it', () => {
  assert.is(result(moveOnAfter(10, firstSuccess([raise(new Error('early')), sleep(50)]), 'fallback')), 'fallback');
});

// --- bad input ---

test('what is neither iterable nor a record is refused by name', () => {
  class Tasks {
    one: Op<number> = immediate(1);
  }
  const wrong: [unknown, RegExp][] = [
    [null, /\[object Null\]/],
    [undefined, /\[object Undefined\]/],
    [5, /\[object Number\]/],
    ['', /\[object String\]/],
    [Promise.resolve([]), /\[object Promise\]/],
    [() => [], /\[object Function\]/],
    [new Tasks(), /\[object Object\]/],
    [sleep(5), /the operation sleep\(5\)/],
  ];
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    for (const [input, words] of wrong) {
      const error = thrown(combinator(input as never) as Op<unknown>);
      assert.instance(error, TypeError);
      assert.match(String(error), words);
      assert.match(String(error), /^TypeError: (all|allSettled|race|firstSuccess) takes an array/);
    }
  }
});

test('bad input among the tasks leaves nothing half-started: what had been spawned is cancelled and waited for', () => {
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    const twice = doing(sleep(20));
    const wrong: [unknown, new (message: string) => Error, RegExp][] = [
      [Promise.resolve(1), TypeError, /not a promise/],
      [undefined, TypeError, /undefined/],
      [logged, TypeError, /function logged/],
      [twice, MisuseError, /already belongs to a task/],
    ];
    for (const [input, type, words] of wrong) {
      const world = new World();
      const log: string[] = [];
      const tasks = [
        logged(log, 'a', 1, { ms: 50, cleanup: 5 }),
        ...(input === twice ? [twice] : []),
        input,
        logged(log, 'b', 2),
      ];
      const error = thrown(combinator(tasks as never) as Op<unknown>, world);
      assert.instance(error, type);
      assert.match(String(error), words);
      assert.equal(course(log), ['a starts', 'a ends']);
      assert.is(world.now, 5);
    }
  }
});

test('rule 15: errors in the clean-up after bad input are not lost', () => {
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    const late = new Error('late');
    const found = thrown(combinator([logged([], 'a', 1, { ms: 50, late }), 5 as never]) as Op<unknown>);
    assert.instance(found, TypeError);
    assert.equal(errorsOf(found).slice(1), [late]);
  }
});

test('an error of the iterable itself is a failure like others, and so is one of a getter', () => {
  for (const combinator of [all, allSettled, race, firstSuccess]) {
    const error = new Error('of the iterable');
    const log: string[] = [];
    function* broken(): Generator<Co<number>> {
      yield logged(log, 'a', 1, { ms: 50 });
      throw error;
    }
    assert.is(thrown(combinator(broken()) as Op<unknown>), error);
    assert.equal(course(log), ['a starts', 'a ends']);
    const record = {
      get a(): Op<number> {
        throw error;
      },
    };
    assert.is(thrown(combinator(record) as Op<unknown>), error);
  }
});

// --- map ---

/** Items that tell what is done with them. */
function* items(log: string[], count: number): Generator<number> {
  try {
    for (let i = 0; i < count; i++) {
      log.push(`take ${i}`);
      yield i;
    }
    log.push('exhausted');
  } finally {
    log.push('closed');
  }
}

test('map gives the results in the order of the items, however the tasks end', () => {
  const world = new World();
  const found = result(
    map(['a', 'b', 'c'], 3, function* (item, index): Co<string> {
      yield* sleep(30 - 10 * index);
      return item + index;
    }),
    world,
  );
  assert.equal(found, ['a0', 'b1', 'c2']);
  assert.is(world.now, 30);
  assert.equal(result(map('xy', 1, (letter) => immediate(letter))), ['x', 'y']);
});

test('map runs at most so many at once, and takes an item only when there is room for its task', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(doing(map(items(log, 4), 2, (i) => logged(log, `${i}`, i, { ms: 10 + 5 * i }))));
  world.settle();
  equalInAnyOrder(log.splice(0), ['take 0', 'take 1', '0 starts', '1 starts']);
  assert.is(task.waitsFor, 'the end of one of its tasks, to make the next');
  world.advance(10);
  assert.equal(log.splice(0), ['0 ends', 'take 2', '2 starts']);
  world.advance(5);
  assert.equal(log.splice(0), ['1 ends', 'take 3', '3 starts']);
  settle(world);
  assert.equal(log, ['2 ends', 'exhausted', 'closed', '3 ends']);
  assert.equal(task.outcome, [0, 1, 2, 3]);
});

test('map is bounded by the limit and not by the length of the iterable', () => {
  const world = new World();
  function* endless(): Generator<number> {
    for (let i = 0; ; i++) yield i;
  }
  let most = 0;
  const task = world.kernel.spawn(
    doing(
      map(endless(), 3, function* (i): Co<void> {
        most = Math.max(most, world.kernel.tasks.size - 1);
        yield* pass();
        if (i === 1000) throw new Error('enough');
      }),
    ),
  );
  settle(world);
  assert.match(String(task.outcome), 'enough');
  assert.is(most, 3);
});

test('rules 14, 15: the first failure ends map: the rest are cancelled, the iterable is closed', () => {
  const world = new World();
  const log: string[] = [];
  const error = new Error('mine');
  const found = thrown(
    map(items(log, 9), 2, (i) => logged(log, `${i}`, i, i === 0 ? { ms: 50, cleanup: 5 } : { ms: 10, error })),
    world,
  );
  assert.is(found, error);
  equalInAnyOrder(log.splice(0, 4), ['take 0', 'take 1', '0 starts', '1 starts']);
  assert.equal(log, ['1 ends', 'closed', '0 ends']);
  assert.is(world.now, 15);
});

test('map makes no task any more if one fails in the round in which another made room', () => {
  inOrder();
  const world = new World();
  const log: string[] = [];
  const error = new Error('mine');
  const [first, second] = [new Scripted<number>(), new Scripted<number>()];
  const task = world.kernel.spawn(
    doing(
      map(items(log, 9), 2, (i) => {
        log.push(`make ${i}`);
        return [first, second][i] as Op<number>;
      }),
    ),
  );
  world.settle();
  first.waker.wake(1);
  second.waker.fail(error);
  settle(world);
  assert.is(task.outcome, error);
  assert.equal(log, ['take 0', 'make 0', 'take 1', 'make 1', 'closed']);
});

test('map: an error of fn, of the iterable, and what cannot be a task are failures like others', () => {
  const error = new Error('mine');
  const log: string[] = [];
  const fromFn = thrown(
    map(items(log, 3), 2, (i) => {
      if (i === 1) throw error;
      return logged(log, `${i}`, i, { ms: 50 });
    }),
  );
  assert.is(fromFn, error);
  assert.equal(log.splice(0), ['take 0', 'take 1', 'closed', '0 starts', '0 ends']);
  function* broken(): Generator<number> {
    yield 0;
    throw error;
  }
  assert.is(thrown(map(broken(), 2, (i) => logged(log, `${i}`, i, { ms: 50 }))), error);
  assert.equal(log.splice(0), ['0 starts', '0 ends']);
  assert.instance(thrown(map(items(log, 1), 2, (() => Promise.resolve()) as never)), TypeError);
  assert.equal(log, ['take 0', 'closed']);
});

test('rule 15: an error of the iterable as it is closed is not lost', () => {
  const [first, second] = [new Error('first'), new Error('closing')];
  function* touchy(): Generator<number> {
    try {
      yield 0;
    } finally {
      yield* closing();
    }
  }
  function* closing(): Generator<number> {
    throw second;
  }
  const failing = thrown(map(touchy(), 1, () => raise(first)));
  assert.is(failing, first);
  assert.equal(errorsOf(failing), [first, second]);
  // Instead of the cancel: rule 12.
  assert.is(
    thrown(
      moveOnAfter(
        5,
        map(touchy(), 1, () => sleep(50)),
      ),
    ),
    second,
  );
});

test('map: a cancel from around closes the iterable, cuts the tasks short and goes on', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(doing(map(items(log, 9), 1, (i) => logged(log, `${i}`, i, { ms: 50, cleanup: 5 }))));
  cancelAfter(world, 10, task);
  settle(world);
  assert.is(task.status, 'cancelled');
  assert.equal(log, ['take 0', '0 starts', 'closed', '0 ends']);
  // All made, none complete.
  assert.is(
    result(
      moveOnAfter(
        10,
        map([1, 2], 3, () => sleep(50)),
        'fallback',
      ),
    ),
    'fallback',
  );
});

test('map starts nothing in a scope that is cancelled already', () => {
  const log: string[] = [];
  const found = result(
    cancelScope(function* (scope): Co<string> {
      scope.cancel();
      yield* map(items(log, 3), 2, (i) => logged(log, `${i}`, i));
      return 'not cut short';
    }),
  );
  assert.is(found, undefined);
  assert.equal(log, ['take 0', 'closed']);
});

test('rule 4: map hands over complete results if a cancel comes in the round in which the last task ends', () => {
  inOrder();
  const world = new World();
  const last = new Scripted<string>();
  let got: unknown;
  const task = world.kernel.spawn(
    made(function* (): Co<void> {
      got = yield* map([last], 1, (item) => item);
      yield* pass();
    }),
  );
  world.settle();
  last.waker.wake('value');
  // Behind the task that takes the value, before the one that made it goes on.
  world.kernel.spawn(
    made(function* (): Co<void> {
      task.cancel();
    }),
  );
  settle(world);
  assert.equal(got, ['value']);
  assert.is(task.status, 'cancelled');
});

test('map checks its arguments before it takes an item', () => {
  const wrong: [unknown, unknown, unknown, typeof TypeError | typeof RangeError, string][] = [
    [5, 1, immediate, TypeError, 'map takes an iterable of items, not [object Number]'],
    [null, 1, immediate, TypeError, 'not [object Null]'],
    [sleep(5), 1, immediate, TypeError, 'not the operation sleep(5)'],
    [[], '1', immediate, TypeError, 'a number of tasks as its limit, not 1'],
    [[], 0, immediate, RangeError, 'from 1 on as its limit, not 0'],
    [[], -1, immediate, RangeError, 'not -1'],
    [[], 1.5, immediate, RangeError, 'not 1.5'],
    [[], Number.NaN, immediate, RangeError, 'not NaN'],
    [[], Number.POSITIVE_INFINITY, immediate, RangeError, 'not Infinity'],
    [[], 1, 'fn', TypeError, 'a function that makes a task, not [object String]'],
  ];
  for (const [input, limit, fn, type, words] of wrong) {
    const error = thrown(map(input as never, limit as never, fn as never));
    assert.instance(error, type);
    assert.ok(String(error).includes(words), `${error}`);
  }
  const log: string[] = [];
  thrown(map(items(log, 1), 0, immediate));
  assert.equal(log, []);
});

// --- seeded orders ---

const SEEDS = 400;
const COMBINATORS = ['all', 'allSettled', 'race', 'firstSuccess', 'map'] as const;

/** What became of one task, in the order of the endings. */
interface Ending {
  index: number;
  how: 'done' | 'failed' | 'cut';
  /** Its error. */
  error?: unknown;
}

/** What one seed plays through. */
interface Play {
  endings: Ending[];
  started: number;
  most: number;
  reports: unknown[];
  count: number;
  cancelled: boolean;
  task: Task<unknown>;
}

function play(kind: (typeof COMBINATORS)[number], seed: number): Play {
  const random = seededRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const endings: Ending[] = [];
  const reports: unknown[] = [];
  const world: World = new World({
    shuffle: true,
    host: { now: () => world.now, random },
    report: (_task, error) => reports.push(error),
  });
  let started = 0;
  let running = 0;
  let most = 0;
  function* child(index: number): Co<number> {
    const [ms, fails, cleansFor, cleanFails, swallows] = [
      below(4),
      below(4) === 0,
      below(3),
      below(6) === 0,
      below(8) === 0,
    ];
    started++;
    most = Math.max(most, ++running);
    let ending: Ending | null = null;
    try {
      for (let i = 0; i < ms; i++) yield* below(2) === 0 ? sleep(1) : pass();
      ending = fails ? { index, how: 'failed', error: new Error(`failure ${index}`) } : { index, how: 'done' };
    } catch (cancel) {
      if (cleansFor > 0) yield* cleanup(100, sleep(cleansFor));
      ending = cleanFails ? { index, how: 'failed', error: new Error(`clean-up ${index}`) } : { index, how: 'cut' };
      if (swallows && !cleanFails) ending.how = 'done';
      if (ending.how === 'cut') throw cancel;
    } finally {
      running--;
      assert.ok(ending !== null, 'ended twice, or without an ending');
      endings.push(ending);
    }
    if (ending.how === 'failed') throw ending.error;
    return index * 10;
  }
  const count = 1 + below(4);
  const children = Array.from({ length: count }, (_, index) => index);
  const combined: Op<unknown> =
    kind === 'all'
      ? all(children.map(child))
      : kind === 'allSettled'
        ? allSettled(children.map(child))
        : kind === 'race'
          ? race(children.map(child))
          : kind === 'firstSuccess'
            ? firstSuccess(children.map(child))
            : map(children, 2, child);
  const task = world.kernel.spawn(doing(combined));
  const cancelled = below(3) > 0;
  if (cancelled) cancelAfter(world, below(4), task);
  settle(world);
  assert.is(running, 0);
  assert.is(endings.length, started);
  assert.is(new Set(endings.map((ending) => ending.index)).size, started);
  return { endings, started, most, reports, count, cancelled, task };
}

function checked(kind: (typeof COMBINATORS)[number], played: Play): string {
  const { endings, started, count, cancelled, reports, task } = played;
  const failures = endings.filter((ending) => ending.how === 'failed').map((ending) => ending.error);
  const firstDone = endings.find((ending) => ending.how === 'done');
  const cut = endings.some((ending) => ending.how === 'cut');
  const values = Array.from({ length: count }, (_, index) => index * 10);
  if (kind !== 'map') assert.is(started, count);
  if (kind !== 'firstSuccess') assert.equal(reports, []);
  const { status, outcome } = task;
  if (status === 'cancelled') {
    // Nothing that could have been handed over.
    assert.ok(cancelled);
    if (kind !== 'allSettled' && kind !== 'firstSuccess') assert.equal(failures, []);
    if (kind === 'race' || kind === 'firstSuccess') assert.is(firstDone, undefined);
    if (kind !== 'map') assert.ok(cut);
    return 'cancelled';
  }
  if (kind === 'all' || kind === 'map') {
    if (kind === 'map') assert.ok(played.most <= 2);
    if (status === 'done') assert.equal([outcome, started, cut], [values, count, false]);
    else assert.equal(errorsOf(outcome), failures);
  } else if (kind === 'race') {
    if (status === 'done') assert.equal([failures, outcome], [[], (firstDone as Ending).index * 10]);
    else assert.equal(errorsOf(outcome), failures);
  } else if (kind === 'allSettled') {
    if (status === 'failed') {
      assert.ok(cancelled && cut);
      for (const error of errorsOf(outcome)) assert.ok(failures.includes(error));
    } else {
      assert.not(cut);
      const expected = values.map((value, index) => {
        const ending = endings.find((one) => one.index === index) as Ending;
        return ending.how === 'done' ? { status: 'fulfilled', value } : { status: 'rejected', reason: ending.error };
      });
      assert.equal(outcome, expected);
    }
  } else if (status === 'done') {
    assert.is(outcome, (firstDone as Ending).index * 10);
  } else if (outcome instanceof AggregateError) {
    assert.is(failures.length, count);
    const inOrder = endings.slice().sort((a, b) => a.index - b.index);
    assert.equal(
      outcome.errors,
      inOrder.map((ending) => ending.error),
    );
    return 'aggregate';
  } else {
    // Clean-up that failed: after the success, or after the cancel; then also an attempt that was woken before it.
    assert.ok(firstDone !== undefined || (cancelled && cut));
    for (const error of errorsOf(outcome)) {
      assert.ok(failures.includes(error));
      if (!cancelled) assert.match(String(error), 'clean-up');
    }
  }
  return status;
}

for (const kind of COMBINATORS) {
  test(`${kind} in seeded orders: one outcome, every end once, nothing left behind`, () => {
    const seeds = ownOrders(SEEDS);
    const outcomes = new Map<string, number>();
    for (let seed = 0; seed < seeds; seed++) {
      try {
        const outcome = checked(kind, play(kind, seed));
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error}`, { cause: error });
      }
    }
    // The play is worth its name: each outcome comes often.
    const expected =
      kind === 'firstSuccess' ? ['done', 'failed', 'cancelled', 'aggregate'] : ['done', 'failed', 'cancelled'];
    for (const outcome of expected) assert.ok((outcomes.get(outcome) ?? 0) >= 5, `${outcome}: ${[...outcomes]}`);
  });
}

test.run();
