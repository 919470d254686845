/** The one contract between tasks and all that they can wait for, proved with a `select` that only uses the contract. */

import * as assert from 'uvu/assert';
import { type Co, isOp, Op, PENDING, pass, sleep, type Task, type Waker } from '../../src/kernel/index.ts';
import { onMade } from '../../src/kernel/operation.ts';
import { immediate, Queue, Scripted, select, stubborn } from '../support/operations.ts';
import { equalInAnyOrder, inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { once, parked, World } from '../support/world.ts';

const test = suite('operation');

function nothingLeft(world: World, ...queues: Queue<unknown>[]): void {
  assert.is(world.kernel.timers.size, 0, 'a timer is left');
  assert.is(world.kernel.tasks.size, 0, 'a task is left');
  assert.is(world.kernel.ready, 0, 'somebody is ready');
  for (const queue of queues) assert.is(queue.takers.length, 0, 'a waiter is left');
}

test('select: the queue wins over the timer, which is undone', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = parked(world, select(sleep(10), queue.take()));
  assert.is(world.kernel.timers.size, 1);
  queue.put('value');
  assert.is(world.kernel.timers.size, 0);
  world.settle();
  assert.equal(task.outcome, [1, 'value']);
  nothingLeft(world, queue);
});

test('select: the timer wins over the queue, and what comes later stays in the queue', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = parked(world, select(sleep(10), queue.take()));
  world.advance(10);
  assert.equal(task.outcome, [0, undefined]);
  queue.put('later');
  assert.equal(queue.items, ['later']);
  nothingLeft(world, queue);
});

for (const order of ['the timer first', 'the queue first'] as const) {
  for (const winner of ['timer', 'queue'] as const) {
    test(`select: both ready at once, named with ${order}, the ${winner} comes earlier: one outcome, nothing lost`, () => {
      const world = new World();
      const queue = new Queue<string>();
      const timerAt = order === 'the timer first' ? 0 : 1;
      const branches = timerAt === 0 ? [sleep(10), queue.take()] : [queue.take(), sleep(10)];
      const task = parked(world, select(...(branches as Op<unknown>[])));
      world.now = 10;
      // Both before the task takes a step.
      if (winner === 'timer') {
        world.kernel.timers.fire(world.now);
        queue.put('value');
      } else {
        queue.put('value');
        world.kernel.timers.fire(world.now);
      }
      world.settle();
      assert.equal(task.outcome, winner === 'timer' ? [timerAt, undefined] : [1 - timerAt, 'value']);
      assert.equal(queue.items, winner === 'timer' ? ['value'] : []);
      nothingLeft(world, queue);
    });
  }
}

test('select: what can be had at once is taken without parking anything, the first named wins', () => {
  const world = new World();
  const one = new Queue<number>();
  const two = new Queue<number>();
  one.put(1);
  two.put(2);
  const task = parked(world, select(two.take(), one.take(), sleep(5)));
  assert.equal(task.outcome, [0, 2]);
  assert.equal(one.items, [1]);
  nothingLeft(world, one, two);
});

test('select: two takers of one queue take one value between them, and the next taker gets the next', () => {
  const world = new World();
  const queue = new Queue<number>();
  const both = parked(world, select(queue.take(), queue.take()));
  const other = parked(world, queue.take());
  queue.put(1);
  queue.put(2);
  queue.put(3);
  world.settle();
  assert.equal(both.outcome, [0, 1]);
  assert.is(other.outcome, 2);
  assert.equal(queue.items, [3]);
  nothingLeft(world, queue);
});

test('select: cancelled while parked, every branch is undone, and a value that comes later stays', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = parked(world, select(sleep(10), queue.take()));
  task.cancel();
  assert.is(world.kernel.timers.size, 0);
  assert.is(queue.takers.length, 0);
  queue.put('kept');
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.equal(queue.items, ['kept']);
  nothingLeft(world, queue);
});

test('rule 4: select woken and cancelled before its step hands over the value, and throws at the next trap', () => {
  const world = new World();
  const queue = new Queue<string>();
  const seen: unknown[] = [];
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      seen.push(yield* select(sleep(10), queue.take()));
      yield* sleep(0);
      seen.push('never');
    })(),
  );
  world.settle();
  queue.put('value');
  task.cancel();
  world.settle();
  assert.equal(seen, [[1, 'value']]);
  assert.is(task.status, 'cancelled');
  nothingLeft(world, queue);
});

test('rule 6: cancelled before it is woken, a select takes nothing: the value stays in the queue', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = parked(world, select(sleep(10), queue.take()));
  task.cancel();
  queue.put('kept');
  world.advance(10);
  assert.is(task.status, 'cancelled');
  assert.equal(queue.items, ['kept']);
  nothingLeft(world, queue);
});

test('rule 6: a select with a branch that cannot be stopped stays parked through a cancel until that branch completes', () => {
  const world = new World();
  const queue = new Queue<string>();
  const firm = stubborn<string>();
  const seen: unknown[] = [];
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      seen.push(yield* select(sleep(10), firm, queue.take()));
      yield;
      seen.push('never');
    })(),
  );
  world.settle();
  task.cancel();
  task.cancel();
  world.settle();
  assert.is(task.status, 'parked');
  assert.is(firm.aborted, 1);
  assert.is(queue.takers.length, 0);
  assert.is(world.kernel.timers.size, 0);
  assert.ok(firm.waker.wake('done'));
  world.settle();
  assert.equal(seen, [[1, 'done']]);
  assert.is(task.status, 'cancelled');
  nothingLeft(world, queue);
});

test('rule 6: a loser that cannot be stopped is told so when it completes, and keeps its value', () => {
  const world = new World();
  const firm = stubborn<string>();
  const task = parked(world, select(firm, sleep(10)));
  world.advance(10);
  assert.equal(task.outcome, [1, undefined]);
  assert.is(firm.aborted, 1);
  assert.is(firm.waker.wake('too late'), false);
  assert.is(firm.waker.fail(new Error('too late')), false);
  nothingLeft(world);
});

test('select: a branch that wakes inside its park decides at once; what is named later is never parked', () => {
  const world = new World();
  const queue = new Queue<string>();
  const hasty = new Scripted<string>({ park: (waker) => assert.ok(waker.wake('at once')) });
  const later = new Scripted<string>();
  const task = parked(world, select(queue.take(), sleep(10), hasty, later));
  assert.equal(task.outcome, [2, 'at once']);
  assert.is(later.wakers.length, 0);
  assert.is(hasty.aborted, 0);
  nothingLeft(world, queue);
});

test('select: a branch that fails inside its park fails the whole, and the others are undone', () => {
  const world = new World();
  const queue = new Queue<string>();
  const failing = new Scripted<string>({ park: (waker) => assert.ok(waker.fail(new Error('refused'))) });
  const throwing = new Scripted<string>({
    park: () => {
      throw new Error('thrown');
    },
  });
  assert.is((parked(world, select(queue.take(), failing, sleep(5))).outcome as Error).message, 'refused');
  assert.is((parked(world, select(sleep(5), throwing, queue.take())).outcome as Error).message, 'thrown');
  nothingLeft(world, queue);
});

test('select in a select: the innermost claim goes through to the task, and everybody else is undone', () => {
  const world = new World();
  const one = new Queue<string>();
  const two = new Queue<string>();
  const task = parked(world, select(sleep(50), select(one.take(), select(two.take(), sleep(40)))));
  two.put('deep');
  one.put('kept');
  world.settle();
  assert.equal(task.outcome, [1, [1, [0, 'deep']]]);
  assert.equal(one.items, ['kept']);
  nothingLeft(world, one, two);
});

test('select over the ends of two tasks: the first end wins, and the other task has no joiner left', () => {
  const world = new World();
  const slow = world.kernel.spawn(once(sleep(20)), { name: 'slow' });
  const quick = world.kernel.spawn(once(sleep(10)), { name: 'quick' });
  const task = parked(world, select(slow.join(), quick.join()));
  world.advance(10);
  assert.equal(task.outcome, [1, undefined]);
  assert.is(slow.joiners?.size, 0);
  world.advance(10);
  nothingLeft(world);
});

test('one description serves many tasks at once, and again afterwards', () => {
  const world = new World();
  const queue = new Queue<number>();
  const take = queue.take();
  const tasks = [1, 2, 3].map(() => parked(world, take));
  for (const value of [10, 20, 30]) queue.put(value);
  world.settle();
  assert.equal(
    tasks.map((task) => task.outcome),
    [10, 20, 30],
  );
  const again = parked(world, select(take, take));
  queue.put(40);
  world.settle();
  assert.equal(again.outcome, [0, 40]);
});

test('a waker is claimed once: afterwards wake and fail say so, also in the next park of the same task', () => {
  const world = new World();
  const operation = new Scripted<number>();
  const seen: number[] = [];
  world.kernel.spawn(
    (function* (): Co<void> {
      for (;;) seen.push(yield* operation);
    })(),
  );
  world.settle();
  const first = operation.waker;
  assert.is(first.wake(1), true);
  assert.is(first.wake(2), false);
  world.settle();
  assert.is.not(operation.waker, first);
  assert.is(first.wake(3), false);
  assert.is(first.fail(new Error('late')), false);
  assert.is(operation.waker.wake(4), true);
  world.settle();
  assert.equal(seen, [1, 4]);
});

test('a waker knows the kernel of its task', () => {
  const world = new World();
  const operation = new Scripted<void>();
  parked(world, operation);
  assert.is(operation.waker.kernel, world.kernel);
});

test('what try, park and abort throw is the error of that one task, at that yield', () => {
  const world = new World();
  const broken = {
    try: new Scripted({
      try: () => {
        throw new Error('try');
      },
    }),
    park: new Scripted({
      park: () => {
        throw new Error('park');
      },
    }),
    abort: new Scripted({
      abort: () => {
        throw new Error('abort');
      },
    }),
  };
  const caught: unknown[] = [];
  const tasks = Object.values(broken).map((operation) =>
    world.kernel.spawn(
      (function* (): Co<void> {
        try {
          yield* operation;
        } catch (error) {
          caught.push((error as Error).message);
        }
        yield;
      })(),
    ),
  );
  const bystander = parked(world, sleep(5));
  equalInAnyOrder(caught, ['try', 'park']);
  for (const task of tasks) task.cancel();
  world.advance(5);
  equalInAnyOrder(caught, ['try', 'park', 'abort']);
  assert.equal(
    tasks.map((task) => task.status),
    ['done', 'done', 'cancelled'],
  );
  assert.is(bystander.status, 'done');
  nothingLeft(world);
});

test('an abort that throws keeps nobody else from being cancelled', () => {
  const world = new World();
  const broken = new Scripted({
    abort: () => {
      throw new Error('abort');
    },
  });
  const first = parked(world, broken);
  const second = parked(world, sleep(5));
  first.cancel();
  second.cancel();
  world.settle();
  assert.equal([first.status, second.status], ['failed', 'cancelled']);
  nothingLeft(world);
});

test('rule 2: a try that cancels its own task does not park it', () => {
  const world = new World();
  let task: Task<unknown>;
  const operation = new Scripted({
    try: () => {
      task.cancel('from within');
      return PENDING;
    },
  });
  task = world.kernel.spawn(once(operation));
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.is(operation.wakers.length, 0);
  nothingLeft(world);
});

test('rule 6: a park that cancels its own task is undone once, after it has registered', () => {
  const world = new World();
  const log: string[] = [];
  let task: Task<unknown>;
  const operation = new Scripted({
    park: () => {
      task.cancel('from within');
      log.push('registered');
    },
    abort: () => {
      log.push('undone');
      return true;
    },
  });
  task = world.kernel.spawn(once(operation));
  world.settle();
  assert.equal(log, ['registered', 'undone']);
  assert.is(task.status, 'cancelled');
  nothingLeft(world);
});

test('a task whose operation cancels others in its abort cancels them too, each once', () => {
  const world = new World();
  const second = parked(world, sleep(Number.POSITIVE_INFINITY));
  const first = parked(
    world,
    new Scripted({
      abort: () => {
        second.cancel();
        first.cancel();
        return true;
      },
    }),
  );
  first.cancel();
  world.settle();
  assert.equal([first.status, second.status], ['cancelled', 'cancelled']);
  nothingLeft(world);
});

test('an abort that hands the last value over instead has completed the operation', () => {
  const world = new World();
  const seen: unknown[] = [];
  const operation: Scripted<string> = new Scripted<string>({
    abort: (waker) => {
      waker.wake('in time');
      return false;
    },
  });
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      seen.push(yield* operation);
      yield;
    })(),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.equal(seen, ['in time']);
  assert.is(task.status, 'cancelled');
});

test('isOp knows operations and nothing else', () => {
  assert.ok(isOp(sleep(1)));
  assert.ok(isOp(pass()));
  assert.ok(isOp(immediate(1)));
  for (const other of [null, undefined, 1, 'op', {}, [], () => sleep(1), Promise.resolve(), once(pass())]) {
    assert.not(isOp(other));
  }
});

test('isOp knows an operation of another copy of the package by its brand, and asks no more of it', () => {
  const brand = Symbol.for('genloop.operation');
  assert.ok(isOp({ [brand]: true }));
  assert.ok(isOp(Object.create({ [brand]: true })));
  // Nobody makes operations of functions.
  assert.not(isOp(Object.assign(() => {}, { [brand]: true })));
});

test('who asks is told of each operation that is made, until nobody asks', () => {
  const told: string[] = [];
  onMade((operation) => told.push(operation.constructor.name));
  try {
    sleep(1);
    immediate(1);
  } finally {
    onMade(null);
  }
  sleep(2);
  assert.is(told.length, 2);
  assert.is(told[0], sleep(3).constructor.name);
});

/** Wakes its task inside its park. */
class Hasty extends Op<string> {
  override try(): typeof PENDING {
    return PENDING;
  }

  override park(waker: Waker<string>): void {
    waker.wake('at once');
  }

  override abort(): boolean {
    throw new Error('there was nothing to undo');
  }

  override describe(): string {
    return 'what is in a hurry';
  }
}

test('a task that is woken inside the park waits for nothing: nobody is told that it parked, and a cancel undoes nothing', () => {
  const world = new World();
  const told: string[] = [];
  world.kernel.observer = {
    parked: (_task, operation) => told.push(`parked for ${operation.describe()}`),
    woken: () => told.push('woken'),
  };
  const task = world.kernel.spawn(once(new Hasty()));
  world.kernel.run(1);
  assert.equal(told, ['woken']);
  assert.is(task.operation, null);
  assert.is(task.waitsFor, 'nothing');
  task.cancel();
  world.settle();
  assert.equal([task.status, task.outcome], ['done', 'at once']);
  assert.equal(world.failures, []);
});

test('the iterator of an operation can be left early, and is an iterable of its own', () => {
  const operation = immediate('value');
  const iterator = operation[Symbol.iterator]();
  assert.is(iterator[Symbol.iterator](), iterator);
  assert.equal({ ...iterator.next() }.value, operation);
  assert.is(iterator.return('left' as never).value, 'left');
  assert.is(iterator.return('left' as never).done, true);
  const error = new Error('in');
  assert.throws(
    () => iterator.throw(error),
    (thrown: unknown) => thrown === error,
  );
});

test('pass() describes itself, and lets others run', () => {
  inOrder();
  const world = new World();
  const order: string[] = [];
  for (const name of ['a', 'b']) {
    world.kernel.spawn(
      (function* (): Co<void> {
        order.push(`${name}1`);
        yield* pass();
        order.push(`${name}2`);
      })(),
    );
  }
  world.settle();
  assert.equal(order, ['a1', 'b1', 'a2', 'b2']);
  assert.is(pass().describe(), 'pass()');
  assert.is(pass().abort(undefined as never), true);
});

test('select over pass(): as a branch it lets others run and wins', () => {
  const world = new World();
  const task = parked(world, select(sleep(5), pass()));
  assert.equal(task.outcome, [1, undefined]);
  nothingLeft(world);
});

test.run();
