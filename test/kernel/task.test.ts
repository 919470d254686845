import * as assert from 'uvu/assert';
import { type Co, MisuseError, type Op, sleep, TaskCancelledError } from '../../src/kernel/index.ts';
import { Queue, Scripted } from '../support/operations.ts';
import { equalInAnyOrder, inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('task');

function* join<T>(task: { join(): Op<T> }): Co<T> {
  return yield* task.join();
}

function* fail(error: unknown, after: number = 0): Co<never> {
  yield* sleep(after);
  throw error;
}

function* give<T>(value: T, after: number = 0): Co<T> {
  yield* sleep(after);
  return value;
}

test('rule 16: a join gives the result, before the end and after it, to everybody who asks', () => {
  const world = new World();
  const target = world.kernel.spawn(give('result', 5));
  const early = [world.kernel.spawn(join(target)), world.kernel.spawn(join(target))];
  world.settle();
  world.advance(5);
  const late = world.kernel.spawn(join(target));
  world.settle();
  for (const joiner of [...early, late]) assert.is(joiner.outcome, 'result');
});

test('rule 16: the joiner of a failed task gets its own error object, before the end and after it', () => {
  const world = new World();
  const error = new Error('mine');
  const target = world.kernel.spawn(fail(error, 5));
  const early = world.kernel.spawn(join(target));
  world.settle();
  world.advance(5);
  const late = world.kernel.spawn(join(target));
  world.settle();
  assert.is(early.outcome, error);
  assert.is(late.outcome, error);
  assert.equal(
    world.failures.map(([task]) => task),
    [target, early, late],
  );
});

test('rule 16: joining a cancelled task throws TaskCancelledError, and not the cancel of the other', () => {
  const world = new World();
  const target = world.kernel.spawn(give(1, 5), { name: 'target' });
  const early = world.kernel.spawn(join(target));
  world.settle();
  target.cancel('why');
  world.settle();
  const late = world.kernel.spawn(join(target));
  world.settle();
  for (const joiner of [early, late]) {
    const error = joiner.outcome as TaskCancelledError;
    assert.instance(error, TaskCancelledError);
    assert.is(error.code, 'ERR_GENLOOP_CANCELLED');
    assert.is(error.cause, target.outcome);
    assert.match(error.message, 'task 1 (target)');
    // It was not cancelled itself: to the joiner this is a failure.
    assert.is(joiner.status, 'failed');
  }
});

test('rule 16: a task that joins itself gets an error at that yield', () => {
  const world = new World();
  const task = world.kernel.spawn(
    made(function* (): Co<string> {
      try {
        yield* task.join() as Op<unknown>;
        return 'no error';
      } catch (error) {
        return (error as MisuseError).code;
      }
    }),
  );
  world.settle();
  assert.is(task.outcome, 'ERR_GENLOOP_MISUSE');
});

test("rule 16: joining a task of another scheduler is an error that names the promise; an ended one's result is given", () => {
  const here = new World();
  const there = new World();
  const target = there.kernel.spawn(give('far'));
  const refused = here.kernel.spawn(join(target));
  here.settle();
  assert.instance(refused.outcome, MisuseError);
  assert.match(String(refused.outcome), /promise/);
  there.settle();
  there.advance(0);
  const granted = here.kernel.spawn(join(target));
  here.settle();
  assert.is(granted.outcome, 'far');
});

test('rule 16: cancelling a joiner leaves the target alone, and no joiner behind', () => {
  const world = new World();
  const target = world.kernel.spawn(give('result', 5));
  const joiner = world.kernel.spawn(join(target));
  const other = world.kernel.spawn(join(target));
  world.settle();
  assert.is(joiner.waitsFor, 'the end of task 1 (task)');
  joiner.cancel();
  assert.is(target.joiners?.size, 1);
  world.settle();
  assert.is(joiner.status, 'cancelled');
  world.advance(5);
  assert.is(target.outcome, 'result');
  assert.is(other.outcome, 'result');
});

test('joiners wake in the order in which they came', () => {
  inOrder();
  const world = new World();
  const target = world.kernel.spawn(give(0, 5));
  const order: number[] = [];
  for (let i = 0; i < 5; i++) {
    world.kernel.spawn(
      (function* (): Co<void> {
        yield* target.join();
        order.push(i);
      })(),
    );
  }
  world.settle();
  world.advance(5);
  assert.equal(order, [0, 1, 2, 3, 4]);
});

test('rule 16: a handle is not thenable, and its promise is made at the first access and only once', async () => {
  const world = new World();
  const task = world.kernel.spawn(give('result'));
  assert.not('then' in task);
  const { promise } = task;
  assert.is(task.promise, promise);
  world.settle();
  world.advance(0);
  assert.is(await promise, 'result');
  const late = world.kernel.spawn(give('late'));
  world.settle();
  world.advance(0);
  assert.is(await late.promise, 'late');
});

test('rule 16: the promise of a failed task rejects with its own error, that of a cancelled one with TaskCancelledError', async () => {
  const world = new World();
  const error = new Error('mine');
  const failed = world.kernel.spawn(fail(error));
  const cancelled = world.kernel.spawn(give(1, 5));
  const before = [failed.promise, cancelled.promise].map((promise) => promise.catch((reason: unknown) => reason));
  world.settle();
  cancelled.cancel();
  world.advance(0);
  assert.is(await before[0], error);
  assert.instance(await before[1], TaskCancelledError);
  assert.is(await failed.promise.catch((reason: unknown) => reason), error);
  assert.instance(await cancelled.promise.catch((reason: unknown) => reason), TaskCancelledError);
});

test('rule 16: nobody gets an unhandled rejection from a handle that nobody looked at', async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => {
    unhandled.push(reason);
  };
  process.on('unhandledRejection', listener);
  try {
    const world = new World();
    world.kernel.spawn(fail(new Error('mine')));
    world.kernel.spawn(give(1, 5)).cancel();
    world.settle();
    world.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(unhandled, []);
    assert.is(world.failures.length, 1);
  } finally {
    process.off('unhandledRejection', listener);
  }
});

test('a task tells its id, its name, where it is and what it waits for', () => {
  const world = new World();
  const queue = new Queue<number>();
  const first = world.kernel.spawn(give(1, 5));
  const second = world.kernel.spawn(join(first), { name: 'named' });
  const third = world.kernel.spawn(
    made(function* (): Co<void> {
      assert.is(third.status, 'running');
      yield* queue.take();
    }),
  );
  assert.equal(
    [first, second, third].map((task) => [task.id, String(task), task.status, task.waitsFor]),
    [
      [1, 'task 1 (task)', 'ready', 'nothing'],
      [2, 'task 2 (named)', 'ready', 'nothing'],
      [3, 'task 3 (task)', 'ready', 'nothing'],
    ],
  );
  world.settle();
  assert.equal(
    [first, second, third].map((task) => [task.status, task.waitsFor, task.ended]),
    [
      ['parked', 'sleep(5)', false],
      ['parked', 'the end of task 1 (task)', false],
      ['parked', 'an item of the queue', false],
    ],
  );
  queue.put(1);
  assert.equal([third.status, third.waitsFor], ['ready', 'nothing']);
  world.advance(5);
  assert.equal(
    [first, second, third].map((task) => [task.status, task.waitsFor, task.ended]),
    Array.from({ length: 3 }, () => ['done', 'nothing', true]),
  );
});

test('an operation that cannot describe itself is named all the same', () => {
  class Shy extends Scripted<void> {
    override describe(): string {
      throw new Error('shy');
    }
  }
  const world = new World();
  const shy = new Shy();
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      yield* shy;
    })(),
  );
  world.settle();
  assert.is(task.waitsFor, 'Shy, which cannot describe itself');
});

test('rule 9: the first cancel stays, with its reason and source; cancelling an ended task does nothing', () => {
  const world = new World();
  const task = world.kernel.spawn(give(1, 5));
  world.settle();
  task.cancel('first');
  task.cancel('second');
  world.settle();
  const { source, reason } = task.outcome as { source: string; reason: unknown };
  assert.equal([source, reason], ['explicit', 'first']);
  task.cancel('third');
  assert.is(task.status, 'cancelled');
  const done = world.kernel.spawn(give(2));
  world.settle();
  world.advance(0);
  done.cancel();
  world.settle();
  assert.equal([done.status, done.outcome], ['done', 2]);
  assert.equal(world.failures, []);
});

test('a task may fail with anything, also with undefined', () => {
  const world = new World();
  const errors = [undefined, null, 0, 'text', new Error('error')];
  const tasks = errors.map((error) => world.kernel.spawn(fail(error)));
  world.settle();
  world.advance(0);
  equalInAnyOrder(
    world.failures,
    tasks.map((task, i) => [task, errors[i]]),
  );
});

test.run();
