/** The `select` of the kernel. That one can be written with the public contract alone is shown in `operation.test.ts`. */

import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  type Co,
  cancelScope,
  cleanup,
  deadline,
  failAfter,
  group,
  type Kernel,
  MisuseError,
  moveOnAfter,
  Op,
  PENDING,
  pass,
  routine,
  shield,
  sleep,
  type Task,
  TimeoutError,
  type Waker,
} from '../../src/kernel/index.ts';
import { select } from '../../src/kernel/select.ts';
import { WaitQueue } from '../../src/kernel/wait-queue.ts';
import { seededRandom } from '../../src/scheduler/random.ts';
import { immediate, Queue, Scripted, stubborn, select as written } from '../support/operations.ts';
import { equalInAnyOrder, inOrder, ownOrders } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { once, parked, World } from '../support/world.ts';

const test = suite('select');

function nothingLeft(world: World, ...queues: Queue<unknown>[]): void {
  assert.is(world.kernel.timers.size, 0, 'a timer is left');
  assert.is(world.kernel.tasks.size, 0, 'a task is left');
  assert.is(world.kernel.ready, 0, 'somebody is ready');
  for (const queue of queues) assert.is(queue.takers.length, 0, 'a waiter is left');
}

/** Throws this whenever it is undone. */
function fragile(error: unknown): Scripted<string> {
  return new Scripted<string>({
    abort: () => {
      throw error;
    },
  });
}

test('the first that completes is the result, by its name, and the others are undone', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = parked(world, select({ item: queue.take(), pause: sleep(10) }));
  assert.is(world.kernel.timers.size, 1);
  queue.put('value');
  assert.is(world.kernel.timers.size, 0);
  world.settle();
  assert.equal(task.outcome, { key: 'item', value: 'value' });
  const late = parked(world, select({ item: queue.take(), pause: sleep(10) }));
  world.advance(10);
  assert.equal(late.outcome, { key: 'pause', value: undefined });
  queue.put('later');
  assert.equal(queue.items, ['later']);
  nothingLeft(world, queue);
});

test('in an array the key is the index, as a number', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = parked(world, select([sleep(10), queue.take()]));
  queue.put('value');
  world.settle();
  assert.equal(task.outcome, { key: 1, value: 'value' });
  nothingLeft(world, queue);
});

test('the type of the value follows from the key: for records, tuples, arrays of one type, and a select in a select', () => {
  const world = new World();
  const texts = new Queue<string>();
  const numbers = new Queue<number>();
  texts.put('text');
  numbers.put(1);
  const seen: unknown[] = [];
  world.kernel.spawn(
    (function* (): Co<void> {
      const named = yield* select({ text: texts.take(), pause: sleep(1) });
      if (named.key === 'text') {
        const text: string = named.value;
        seen.push(text);
      } else {
        const nothing: undefined = named.value as undefined;
        // @ts-expect-error: a sleep gives nothing
        const wrong: string = named.value;
        seen.push(nothing, wrong);
      }
      const placed = yield* select([texts.take(), numbers.take()]);
      if (placed.key === 1) {
        const number: number = placed.value;
        seen.push(number);
      } else {
        const zero: 0 = placed.key;
        const text: string = placed.value;
        seen.push(zero, text);
      }
      // @ts-expect-error: there is no such key
      if (placed.key === 2) seen.push('never');
      numbers.put(2);
      const some: Op<number>[] = [numbers.take(), numbers.take()];
      const any = yield* select(some);
      const key: number = any.key;
      const value: number = any.value;
      seen.push(key, value);
      texts.put('deep');
      const nested = yield* select({ inner: select({ text: texts.take() }), pause: sleep(1) });
      if (nested.key === 'inner') {
        const text: string = nested.value.value;
        seen.push(text);
      }
    })(),
  );
  world.settle();
  assert.equal(world.failures, []);
  assert.equal(seen, ['text', 1, 0, 2, 'deep']);
});

test('what can be had at once is taken in the order of the names, and nothing else is touched', () => {
  const world = new World();
  const one = new Queue<number>();
  const two = new Queue<number>();
  one.put(1);
  two.put(2);
  const before = new Scripted<string>();
  const after = new Scripted<string>();
  const task = parked(world, select({ before, two: two.take(), one: one.take(), after }));
  assert.equal(task.outcome, { key: 'two', value: 2 });
  assert.equal(one.items, [1]);
  assert.equal([before.tried, before.wakers.length, before.aborted], [1, 0, 0]);
  assert.equal([after.tried, after.wakers.length, after.aborted], [0, 0, 0]);
  nothingLeft(world, one, two);
});

test('undefined is a result like any other', () => {
  const world = new World();
  const task = parked(world, select([new Queue<number>().take(), immediate(undefined)]));
  // `immediate` says PENDING for undefined: it has to be woken.
  assert.is(task.status, 'parked');
  const done = parked(world, select([new Nothing()]));
  assert.equal(done.outcome, { key: 0, value: undefined });
});

class Nothing extends Op<undefined> {
  override try(): undefined {
    return undefined;
  }
  override park(): void {}
  override abort(): boolean {
    return true;
  }
  override describe(): string {
    return 'nothing';
  }
}

test('what a try throws is thrown, and nothing has been parked', () => {
  const world = new World();
  const queue = new Queue<number>();
  const error = new Error('try');
  const failing = new Scripted<number>({
    try: () => {
      throw error;
    },
  });
  const task = parked(world, select([queue.take(), failing, sleep(5)]));
  assert.is(task.outcome, error);
  nothingLeft(world, queue);
});

test('it can be yielded again, and by several tasks at once', () => {
  const world = new World();
  const queue = new Queue<number>();
  const either = select({ item: queue.take(), pause: sleep(10) });
  const seen: string[] = [];
  for (const name of ['a', 'b']) {
    world.kernel.spawn(
      (function* (): Co<void> {
        for (let i = 0; i < 2; i++) {
          const first = yield* either;
          seen.push(`${name} ${first.key} ${first.value}`);
        }
      })(),
    );
  }
  world.settle();
  queue.put(1);
  queue.put(2);
  world.settle();
  world.advance(5);
  queue.put(3);
  world.advance(5);
  equalInAnyOrder(
    seen.map((line) => line.slice(2)),
    ['item 1', 'item 2', 'item 3', 'pause undefined'],
  );
  equalInAnyOrder(
    seen.map((line) => line[0]),
    ['a', 'b', 'a', 'b'],
  );
  nothingLeft(world, queue);
});

test('it knows its operations from the time when it was made', () => {
  const world = new World();
  const operations: Op<unknown>[] = [immediate(1)];
  const either = select(operations);
  operations[0] = immediate(2);
  assert.equal(parked(world, either).outcome, { key: 0, value: 1 });
});

test('it says what is waited for', () => {
  const queue = new Queue<string>();
  assert.is(select([sleep(10), queue.take()]).describe(), 'the first of sleep(10), an item of the queue');
  assert.is(
    select({ item: queue.take(), more: select({ pause: sleep(1) }) }).describe(),
    'the first of item: an item of the queue, more: the first of pause: sleep(1)',
  );
});

test('nothing to wait for is refused at once', () => {
  for (const empty of [[], {}]) {
    assert.throws(
      () => select(empty),
      (error: unknown) => error instanceof MisuseError && /at least one operation/.test(error.message),
    );
  }
});

test('what is no array and no record is refused at once', () => {
  for (const wrong of [undefined, null, 5, 'text', sleep(1), new Set([sleep(1)]), new Map(), () => sleep(1)]) {
    assert.throws(
      () => select(wrong as never),
      (error: unknown) => error instanceof TypeError && /select\(\[a, b\]\)/.test(error.message),
    );
  }
});

test('a routine that is called is no operation: race runs it', () => {
  const fetch = routine(function* fetch(): Co<void> {});
  assert.throws(
    () => select({ page: fetch() }),
    (error: unknown) => error instanceof MisuseError && /fetch\(\) \(page\).*`race`/.test(error.message),
  );
  assert.throws(() => select([sleep(1), failAfter(5, sleep(1))]), /failAfter\(\) \(1\).*`race`/);
});

test('whatever else is no operation is refused with what to do instead', () => {
  const world = new World();
  const task = world.kernel.spawn(once(sleep(1)), { name: 'other' });
  const hints: [unknown, RegExp][] = [
    [once(sleep(1)), /^select takes operations, and 1 is a generator.*`race`/],
    [task, /task 1 \(other\) itself; wait for its join\(\)/],
    [Promise.resolve(), /a promise.*`until\(promise\)`/],
    [once, /the function once; call it first/],
    [() => {}, /the function \(anonymous\); call it first/],
    [undefined, /1 is undefined$/],
    [null, /1 is null$/],
    [5, /1 is 5$/],
    [[sleep(1)], /a generator or a collection/],
    [new Date(0), /an object \(Date\)$/],
    [Object.create(null), /an object \(without a class\)$/],
  ];
  for (const [wrong, hint] of hints) {
    assert.throws(
      () => select([sleep(1), wrong] as never),
      (error: unknown) => error instanceof TypeError && hint.test(error.message),
    );
  }
  const holes = [sleep(1)];
  holes[2] = sleep(1);
  assert.throws(() => select(holes), /1 is undefined/);
  world.advance(1);
});

test('rule 6: of two selects on one queue none takes an item that it does not return', () => {
  const world = new World();
  const queue = new Queue<number>();
  const twice = parked(world, select([queue.take(), queue.take(), sleep(10)]));
  const other = parked(world, select({ pause: sleep(10), item: queue.take() }));
  const lost = parked(world, select({ pause: sleep(0), item: queue.take() }));
  world.advance(0);
  for (const value of [1, 2, 3]) queue.put(value);
  world.settle();
  assert.equal(twice.outcome, { key: 0, value: 1 });
  assert.equal(other.outcome, { key: 'item', value: 2 });
  assert.equal(lost.outcome, { key: 'pause', value: undefined });
  assert.equal(queue.items, [3]);
  nothingLeft(world, queue);
});

test('rule 4: woken and cancelled before its step, it hands over the value, and the cancel comes at the next trap', () => {
  const world = new World();
  const queue = new Queue<string>();
  const seen: unknown[] = [];
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      seen.push(yield* select([sleep(10), queue.take()]));
      yield;
      seen.push('never');
    })(),
  );
  world.settle();
  queue.put('value');
  task.cancel();
  world.settle();
  assert.equal(seen, [{ key: 1, value: 'value' }]);
  assert.is(task.status, 'cancelled');
  nothingLeft(world, queue);
});

test('rule 6: a cancel undoes each branch once, and each is told what the task will see', () => {
  const world = new World();
  const told: unknown[] = [];
  const script = {
    abort: (_: unknown, cancel: unknown) => {
      told.push(cancel);
      return true;
    },
  };
  const [one, two] = [new Scripted<string>(script), new Scripted<string>(script)];
  const task = parked(world, select([one, select([two, sleep(10)])]));
  task.cancel('why');
  task.cancel('again');
  assert.equal([one.aborted, two.aborted], [1, 1]);
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.equal([told.length, told[0] === task.outcome, told[1] === task.outcome], [2, true, true]);
  assert.is(one.waker.wake('too late'), false);
  nothingLeft(world);
});

test('rule 6: a loser that is undone because another has won is told of no cancel', () => {
  const world = new World();
  const told: unknown[] = [];
  const loser = new Scripted<string>({ abort: (_, cancel) => told.push(cancel) > 0 });
  const task = parked(world, select([loser, sleep(10)]));
  world.advance(10);
  assert.equal(task.outcome, { key: 1, value: undefined });
  assert.equal(told, [undefined]);
});

test('rule 6: a loser that cannot be stopped finds itself too late, and keeps its value', () => {
  const world = new World();
  const firm = stubborn<string>();
  const task = parked(world, select([firm, sleep(10)]));
  world.advance(10);
  assert.equal(task.outcome, { key: 1, value: undefined });
  assert.is(firm.waker.wake('too late'), false);
  assert.is(firm.waker.fail(new Error('too late')), false);
  assert.is(firm.aborted, 1);
  nothingLeft(world);
});

test('rule 6: with a branch that cannot be stopped it stays parked through a cancel until that branch decides', () => {
  for (const nested of [false, true]) {
    for (const ending of ['wake', 'fail', 'fail with the cancel'] as const) {
      const world = new World();
      const queue = new Queue<string>();
      let cancel: unknown;
      const firm = new Scripted<string>({
        abort: (_, reason) => {
          cancel = reason;
          return false;
        },
      });
      const task = parked(
        world,
        nested
          ? select([select([sleep(10), firm]), queue.take()])
          : (select([sleep(10), firm, queue.take()]) as Op<unknown>),
      );
      task.cancel();
      task.cancel();
      world.advance(50);
      assert.is(task.status, 'parked');
      assert.is(firm.aborted, 1);
      assert.equal([queue.takers.length, world.kernel.timers.size], [0, 0]);
      queue.put('kept');
      const error = new Error('it failed after all');
      if (ending === 'wake') assert.ok(firm.waker.wake('done'));
      else assert.ok(firm.waker.fail(ending === 'fail' ? error : cancel));
      assert.is(firm.waker.wake('twice'), false);
      world.settle();
      const won = { key: 1, value: 'done' };
      if (ending === 'wake') assert.equal(task.outcome, nested ? { key: 0, value: won } : won);
      else if (ending === 'fail') assert.is(task.outcome, error);
      else assert.is(task.status, 'cancelled');
      assert.equal(queue.items, ['kept']);
      nothingLeft(world, queue);
    }
  }
});

test('rule 6: of two branches that cannot be stopped the first that completes decides, the other is too late', () => {
  const world = new World();
  const [one, two] = [stubborn<string>(), stubborn<string>()];
  const task = parked(world, select({ one, two }));
  task.cancel();
  assert.is(two.waker.wake('two'), true);
  assert.is(one.waker.wake('one'), false);
  world.settle();
  assert.equal(task.outcome, { key: 'two', value: 'two' });
});

test('a branch that wakes inside its park decides at once; what is named later is never parked', () => {
  const world = new World();
  const queue = new Queue<string>();
  const hasty = new Scripted<string>({ park: (waker) => assert.ok(waker.wake('at once')) });
  const later = new Scripted<string>();
  const task = parked(world, select([queue.take(), sleep(10), hasty, later]));
  assert.equal(task.outcome, { key: 2, value: 'at once' });
  assert.equal([later.wakers.length, hasty.aborted], [0, 0]);
  nothingLeft(world, queue);
});

test('a branch whose park fails or throws is the failure of the whole, and the others are undone', () => {
  const world = new World();
  const queue = new Queue<string>();
  const later = new Scripted<string>();
  const failing = new Scripted<string>({ park: (waker) => assert.ok(waker.fail(new Error('refused'))) });
  const throwing = new Scripted<string>({
    park: () => {
      throw new Error('thrown');
    },
  });
  assert.is((parked(world, select([queue.take(), failing, later])).outcome as Error).message, 'refused');
  assert.is((parked(world, select([sleep(5), throwing, later])).outcome as Error).message, 'thrown');
  assert.equal([failing.aborted, throwing.aborted, later.wakers.length], [0, 0, 0]);
  nothingLeft(world, queue);
});

test('rule 6: a branch that makes another win while it is parked is undone after it has registered', () => {
  for (const answer of [true, false]) {
    const world = new World();
    const queue = new Queue<string>();
    const log: string[] = [];
    const giving = new Scripted<string>({
      park: () => {
        queue.put('value');
        log.push('registered');
      },
      abort: () => {
        log.push('undone');
        return answer;
      },
    });
    const later = new Scripted<string>();
    const task = parked(world, select([queue.take(), giving, later]));
    assert.equal(log, ['registered', 'undone']);
    assert.equal(task.outcome, { key: 0, value: 'value' });
    assert.is(later.wakers.length, 0);
    assert.is(giving.waker.wake('too late'), false);
    assert.is(giving.aborted, 1);
    nothingLeft(world, queue);
  }
});

test('rule 6: a branch that cancels its own task while it is parked is undone once, with all others', () => {
  const world = new World();
  const queue = new Queue<string>();
  const log: string[] = [];
  const cancelling = new Scripted<string>({
    park: () => {
      task.cancel('from within');
      log.push('registered');
    },
    abort: () => log.push('undone') > 0,
  });
  const task: Task<unknown> = world.kernel.spawn(once(select([queue.take(), cancelling, sleep(10)]) as Op<unknown>));
  world.settle();
  assert.equal(log, ['registered', 'undone']);
  assert.is(task.status, 'cancelled');
  nothingLeft(world, queue);
});

test('rule 6: a branch that completes in its abort instead of being undone is the outcome', () => {
  for (const answer of [true, false]) {
    const world = new World();
    const queue = new Queue<string>();
    const giving: Scripted<string> = new Scripted<string>({
      abort: (waker) => {
        assert.ok(waker.wake('in time'));
        return answer;
      },
    });
    const firm = stubborn<string>();
    const task = parked(world, select([firm, giving, queue.take()]));
    task.cancel();
    world.settle();
    assert.equal(task.outcome, { key: 1, value: 'in time' });
    assert.equal([firm.aborted, firm.waker.wake('too late')], [1, false]);
    nothingLeft(world, queue);
  }
});

test('rule 6: a branch whose abort passes its turn on to another branch: that one is the outcome, or refuses', () => {
  const world = new World();
  const queue = new Queue<string>();
  const passing = (): Scripted<string> =>
    new Scripted<string>({
      abort: () => {
        queue.put('passed on');
        return true;
      },
    });
  const cancelled = parked(world, select([passing(), queue.take()]));
  cancelled.cancel();
  world.settle();
  assert.equal(cancelled.outcome, { key: 1, value: 'passed on' });
  const decided = parked(world, select([sleep(10), passing(), queue.take()]));
  world.advance(10);
  assert.equal(decided.outcome, { key: 0, value: undefined });
  assert.equal(queue.items, ['passed on']);
  nothingLeft(world, queue);
});

test('select in a select: the innermost claim goes through to the task, and everybody else is undone', () => {
  const world = new World();
  const one = new Queue<string>();
  const two = new Queue<string>();
  const task = parked(world, select([sleep(50), select([one.take(), select({ deep: two.take(), pause: sleep(40) })])]));
  two.put('deep');
  one.put('kept');
  world.settle();
  assert.equal(task.outcome, { key: 1, value: { key: 1, value: { key: 'deep', value: 'deep' } } });
  assert.equal(one.items, ['kept']);
  nothingLeft(world, one, two);
});

test('select in a select: one that is offered something after the outer one was decided refuses it, and undoes its own', () => {
  const world = new World();
  const queue = new Queue<string>();
  // It is undone before the inner select is, and offers it what it has.
  const passing = new Scripted<string>({
    abort: () => {
      queue.put('passed on');
      return true;
    },
  });
  const watched = new Scripted<string>();
  const task = parked(world, select([sleep(10), passing, select([watched, queue.take(), sleep(20)])]));
  world.advance(10);
  assert.equal(task.outcome, { key: 0, value: undefined });
  assert.equal(queue.items, ['passed on']);
  assert.is(watched.aborted, 1);
  nothingLeft(world, queue);
});

test('rule 21: a loser that throws when it is undone takes nothing from the winner; its error is the scheduler s', () => {
  const world = new World();
  const queue = new Queue<string>();
  const errors = [new Error('one'), new Error('two')];
  const task = parked(world, select([fragile(errors[0]), queue.take(), fragile(errors[1]), sleep(10)]) as Op<unknown>);
  queue.put('value');
  assert.is(world.kernel.timers.size, 0);
  world.settle();
  assert.equal(task.outcome, { key: 1, value: 'value' });
  assert.is(task.status, 'done');
  assert.equal(
    world.failures.map(([, error]) => error),
    errors,
  );
  assert.match(String(world.failures[0]?.[0]), 'the end of a select');
  nothingLeft(world, queue);
});

test('rule 21: in a group the error of a loser goes to that group, which cancels or isolates', () => {
  for (const onError of ['cancel', 'isolate'] as const) {
    const reported: unknown[] = [];
    const world = new World({
      report: (task, error) => {
        assert.match(String(task), 'the end of a select');
        reported.push(error);
      },
    });
    const error = new Error('abort');
    let value: unknown;
    const task = world.kernel.spawn(
      (function* (): Co<string> {
        return yield* group(
          function* (g): Co<string> {
            g.spawn(
              (function* (): Co<void> {
                value = yield* select([fragile(error), sleep(10)]);
              })(),
            );
            yield* sleep(20);
            // The task that fails for the loser is none of those whose results are asked for.
            assert.is(g.results.length, 1);
            return 'the body goes on';
          },
          { onError, keep: true },
        );
      })(),
    );
    world.settle();
    world.advance(10);
    assert.equal(value, { key: 1, value: undefined });
    world.advance(10);
    if (onError === 'cancel') assert.is(task.outcome, error);
    else assert.equal([task.outcome, reported], ['the body goes on', [error]]);
    nothingLeft(world);
  }
});

test('a branch that throws when the whole is cancelled: all others are undone, and the error is the task s', () => {
  const world = new World();
  const queue = new Queue<string>();
  const firm = stubborn<string>();
  const errors = [new Error('one'), new Error('two')];
  const task = parked(world, select([fragile(errors[0]), firm, fragile(errors[1]), queue.take(), sleep(10)]));
  task.cancel();
  assert.equal([queue.takers.length, world.kernel.timers.size, firm.aborted], [0, 0, 1]);
  assert.is(firm.waker.wake('too late'), false);
  world.settle();
  assert.is(task.status, 'failed');
  assert.is(task.outcome, errors[0]);
  nothingLeft(world, queue);
});

test('rule 21: a branch that throws in a cancel while another completes: the value is handed over, the error is not lost', () => {
  const world = new World();
  const error = new Error('abort');
  const giving = new Scripted<string>({ abort: (waker) => waker.wake('in time') });
  const task = parked(world, select([fragile(error), giving]));
  task.cancel();
  world.settle();
  assert.equal(task.outcome, { key: 1, value: 'in time' });
  assert.equal(
    world.failures.map(([, raised]) => raised),
    [error],
  );
});

test('rule 21: a branch that wakes and throws in its park has won, and its error is not lost', () => {
  const world = new World();
  const error = new Error('park');
  const hasty = new Scripted<string>({
    park: (waker) => {
      assert.ok(waker.wake('won'));
      throw error;
    },
  });
  const task = parked(world, select([sleep(10), hasty]));
  assert.equal(task.outcome, { key: 1, value: 'won' });
  assert.equal(
    world.failures.map(([, raised]) => raised),
    [error],
  );
  assert.is(hasty.aborted, 0);
  nothingLeft(world);
});

test('parked without a task, its errors go to the scheduler', () => {
  const world = new World();
  const error = new Error('abort');
  const got: unknown[] = [];
  const waker: Waker<unknown> = {
    kernel: world.kernel,
    state: undefined,
    wake: (value) => got.push(value) > 0,
    fail: () => false,
  };
  (select([fragile(error), sleep(10)]) as Op<unknown>).park(waker);
  world.advance(10);
  assert.equal(got, [{ key: 1, value: undefined }]);
  assert.is(world.failures[0]?.[1], error);
});

test('a branch that wins is claimed before anybody is undone, and its waker is worth nothing afterwards', () => {
  const world = new World();
  const winner = new Scripted<string>();
  const answers: boolean[] = [];
  const loser = new Scripted<string>({
    abort: (waker) => {
      answers.push(winner.waker.wake('again'), waker.wake('me'), waker.fail(new Error('me')));
      return true;
    },
  });
  const task = parked(world, select([loser, winner]));
  answers.push(winner.waker.wake('won'));
  answers.push(winner.waker.wake('again'), winner.waker.fail(new Error('again')));
  world.settle();
  assert.equal(answers, [false, false, false, true, false, false]);
  assert.equal(task.outcome, { key: 1, value: 'won' });
});

test('a branch has a state of its own, and knows the kernel', () => {
  const world = new World();
  const [one, two] = [new Scripted<void>(), new Scripted<void>()];
  parked(world, select([one, two]));
  one.waker.state = 'one';
  assert.is(two.waker.state, undefined);
  assert.is(one.waker.kernel, world.kernel);
});

test('over the ends of tasks: the first end wins, and the other task has no joiner left', () => {
  const world = new World();
  const slow = world.kernel.spawn(once(sleep(20)), { name: 'slow' });
  const quick = world.kernel.spawn(once(sleep(10)), { name: 'quick' });
  const task = parked(world, select({ slow: slow.join(), quick: quick.join() }));
  world.advance(10);
  assert.equal(task.outcome, { key: 'quick', value: undefined });
  assert.is(slow.joiners?.size, 0);
  world.advance(10);
  nothingLeft(world);
});

test('over pass(): it lets others run and wins', () => {
  const world = new World();
  assert.equal(parked(world, select({ pause: sleep(5), others: pass() })).outcome, { key: 'others', value: undefined });
  nothingLeft(world);
});

test('with a select that somebody wrote by hand, in it and around it', () => {
  const world = new World();
  const queue = new Queue<string>();
  const inside = parked(world, select([sleep(10), written(sleep(20), queue.take())]));
  const around = parked(world, written(sleep(10), select([sleep(20), queue.take()])));
  const cancelled = parked(world, written(select([sleep(10), queue.take()])));
  cancelled.cancel();
  for (const value of ['one', 'two', 'three']) queue.put(value);
  world.settle();
  assert.equal(inside.outcome, { key: 1, value: [1, 'one'] });
  assert.equal(around.outcome, [1, { key: 1, value: 'two' }]);
  assert.equal(queue.items, ['three']);
  nothingLeft(world, queue);
});

test('debug mode is told that each of the operations was yielded', () => {
  const world = new World();
  const yielded: unknown[] = [];
  world.kernel.observer = { yielded: (operation) => yielded.push(operation) };
  const [one, two] = [immediate(1), sleep(10)];
  const either = select([one, two]);
  parked(world, either);
  assert.equal(yielded, [either, one, two]);
  world.kernel.observer = {};
  assert.equal(parked(world, either).outcome, { key: 0, value: 1 });
});

// What a select with a branch that cannot be stopped meets, in a timeout and a shield: the branch completes (`value`), another one is
// offered something (`item`), the deadline passes, the task is cancelled.
const EVENTS = ['value', 'item', 'timeout', 'cancel'] as const;
type Event = (typeof EVENTS)[number];

interface Setting {
  readonly body: (operation: Op<unknown>) => Co<unknown>;
  readonly cancelled: boolean;
  readonly timedOut: boolean;
}

// What of it reaches the select.
const SETTINGS: Record<string, Setting> = {
  'a timeout': {
    body: (operation) => once(failAfter(10, operation)),
    cancelled: true,
    timedOut: true,
  },
  'a shield in a timeout': {
    body: (operation) => once(failAfter(10, cleanup(100, operation))),
    cancelled: false,
    timedOut: false,
  },
  'a timeout in a shield': {
    body: (operation) => once(cleanup(100, failAfter(10, operation))),
    cancelled: false,
    timedOut: true,
  },
  'a timeout in a shield in a timeout': {
    body: (operation) => once(moveOnAfter(5, cleanup(100, failAfter(10, operation)), 'too late')),
    cancelled: false,
    timedOut: true,
  },
  'a deadline in a shield, by `using`': {
    body: function* (operation): Co<unknown> {
      using _outer = shield(100);
      using _inner = deadline(10);
      return yield* operation;
    },
    cancelled: false,
    timedOut: true,
  },
};

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => orders(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}

for (const [where, setting] of Object.entries(SETTINGS)) {
  test(`rule 6: a branch that cannot be stopped, in a select in ${where}: exactly one outcome, in every order`, () => {
    // One task: nobody's order to choose.
    inOrder();
    for (const order of orders<Event>(EVENTS)) {
      // After which events the tasks get to take steps.
      for (let steps = 0; steps < 1 << EVENTS.length; steps++) {
        const world = new World();
        const queue = new Queue<string>();
        const firm = stubborn<string>();
        const seen: unknown[] = [];
        const task = world.kernel.spawn(
          (function* (): Co<void> {
            try {
              seen.push(yield setting.body(select({ pause: sleep(1_000), firm, item: queue.take() })));
            } catch (error) {
              seen.push(error);
            }
            yield* sleep(Number.POSITIVE_INFINITY);
          })(),
        );
        world.settle();
        let undone = false;
        let expected: { key: string; value: string } | undefined;
        let accepted: boolean | undefined;
        for (const [i, event] of order.entries()) {
          if (event === 'value') {
            accepted = firm.waker.wake('value');
            assert.is(accepted, expected === undefined);
            expected ??= { key: 'firm', value: 'value' };
          } else if (event === 'item') {
            queue.put('item');
            if (!undone) expected ??= { key: 'item', value: 'item' };
          } else if (event === 'timeout') {
            world.now += 10;
            world.kernel.timers.fire(world.now);
            undone ||= setting.timedOut;
          } else {
            task.cancel();
            undone ||= setting.cancelled;
          }
          if ((steps >> i) & 1) world.settle();
        }
        world.settle();
        const about = `${order.join(', ')}, steps ${steps}`;
        assert.equal(seen, [expected], about);
        assert.equal(queue.items, expected?.key === 'item' ? [] : ['item'], about);
        assert.ok(firm.aborted <= 1, about);
        assert.is(firm.waker.wake('again'), false, about);
        assert.is(task.status, 'cancelled', about);
        nothingLeft(world, queue);
      }
    }
  });
}

test('rule 27: such a branch that gives up with the cancel that it was told of: the timeout is thrown, once', () => {
  for (const order of orders(['timeout', 'cancel'] as const)) {
    for (const settled of [false, true]) {
      const world = new World();
      let told: unknown;
      const firm = new Scripted<string>({
        abort: (_, cancel) => {
          told = cancel;
          return false;
        },
      });
      const seen: unknown[] = [];
      const task = world.kernel.spawn(
        (function* (): Co<void> {
          try {
            seen.push(yield* failAfter(10, select([firm, sleep(1_000)])));
          } catch (error) {
            seen.push(error);
          }
          yield;
        })(),
      );
      world.settle();
      for (const event of order) {
        if (event === 'cancel') task.cancel();
        else {
          world.now += 10;
          world.kernel.timers.fire(world.now);
        }
        if (settled) world.settle();
      }
      assert.is(task.status, 'parked');
      assert.ok(firm.waker.fail(told));
      world.settle();
      assert.is(firm.aborted, 1);
      // Both have happened: the outermost wins (rule 28), whichever came first.
      assert.equal([seen.length, seen[0] === task.outcome, task.status], [1, true, 'cancelled']);
      assert.not.instance(seen[0], TimeoutError);
      nothingLeft(world);
    }
  }
});

test('rule 27: a select that can be undone is cut by the timeout around it, and takes nothing', () => {
  const world = new World();
  const queue = new Queue<string>();
  const task = parked(world, failAfter(10, select([queue.take(), sleep(1_000)])));
  const other = parked(
    world,
    cancelScope(() => select([queue.take(), sleep(20)])),
  );
  world.advance(10);
  assert.instance(task.outcome, TimeoutError);
  queue.put('value');
  world.settle();
  assert.equal(other.outcome, { key: 0, value: 'value' });
  nothingLeft(world, queue);
});

/** A queue over the kernel's own, with an operation that may stand in a select. */
class Channel extends Op<number> {
  readonly waiters = new WaitQueue<number>();
  readonly items: number[] = [];

  put(item: number): void {
    if (this.waiters.wake(item) === 0) this.items.push(item);
  }

  override try(): number | typeof PENDING {
    return this.items.shift() ?? PENDING;
  }

  override park(waker: Waker<number>): void {
    this.waiters.add(waker);
  }

  override abort(waker: Waker<number>): boolean {
    return this.waiters.remove(waker);
  }

  override describe(): string {
    return 'an item';
  }
}

/** Channels by their number, in selects of selects. */
type Tree = number | Tree[];

const CHANNELS = 3;
const tree: fc.Arbitrary<Tree[]> = fc.letrec<{ node: Tree; list: Tree[] }>((tie) => ({
  node: fc.oneof({ maxDepth: 2 }, fc.nat(CHANNELS - 1), tie('list')),
  list: fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
})).list;

type Command = { start: Tree[] } | { put: number } | { cancel: number } | { moveTo: number; from: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ start: tree }) },
  { weight: 4, arbitrary: fc.record({ put: fc.nat(CHANNELS - 1) }) },
  { weight: 2, arbitrary: fc.record({ cancel: fc.nat(50) }) },
);

function built(list: readonly Tree[], channels: readonly Channel[]): Op<unknown> {
  return select(list.map((node) => (typeof node === 'number' ? (channels[node] as Channel) : built(node, channels))));
}

/** Where in the tree a channel stands first, and the outcome that says so. */
function outcomeOf(list: readonly Tree[], channel: number, value: number): unknown {
  for (const [key, node] of list.entries()) {
    if (node === channel) return { key, value };
    const inner = typeof node === 'number' ? undefined : outcomeOf(node, channel, value);
    if (inner !== undefined) return { key, value: inner };
  }
  return undefined;
}

test('rule 6: whatever is selected, put and cancelled: all comes out as in a list of who waits', () => {
  // One task at a time: nobody's order to choose, and five hundred cases of its own.
  inOrder();
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const world = new World();
      const channels = Array.from({ length: CHANNELS }, () => new Channel());
      const tasks: Task<unknown>[] = [];
      const items: number[][] = channels.map(() => []);
      const expected: unknown[] = [];
      let waiting: { id: number; list: Tree[] }[] = [];
      for (const [value, step] of commands.entries()) {
        if ('start' in step) {
          const id = tasks.length;
          const numbers = step.start.flat(5) as number[];
          const at = numbers.find((number) => (items[number] as number[]).length > 0);
          if (at === undefined) waiting.push({ id, list: step.start });
          else expected[id] = outcomeOf(step.start, at, items[at]?.shift() as number);
          // Whoever was woken before has not taken a step until now.
          tasks.push(parked(world, built(step.start, channels)));
        } else if ('put' in step) {
          const taker = waiting.find(({ list }) => outcomeOf(list, step.put, value) !== undefined);
          if (taker === undefined) items[step.put]?.push(value);
          else {
            expected[taker.id] = outcomeOf(taker.list, step.put, value);
            waiting = waiting.filter((other) => other !== taker);
          }
          channels[step.put]?.put(value);
        } else if ('cancel' in step) {
          const id = step.cancel % Math.max(1, tasks.length);
          if (waiting.some((other) => other.id === id)) expected[id] = 'cancelled';
          waiting = waiting.filter((other) => other.id !== id);
          tasks[id]?.cancel();
        }
        assert.equal(
          channels.map((channel) => channel.items),
          items,
        );
        assert.equal(
          channels.map((channel) => channel.waiters.size),
          channels.map((_, number) =>
            waiting.reduce((sum, { list }) => sum + list.flat(5).filter((other) => other === number).length, 0),
          ),
        );
      }
      world.settle();
      for (const [id, task] of tasks.entries()) {
        const outcome = task.status === 'cancelled' ? 'cancelled' : task.outcome;
        assert.equal(outcome, expected[id], `select ${id}`);
      }
    }),
    { numRuns: 500 },
  );
});

/** A world whose ready tasks step in an order that this number decides, and its random numbers. */
function seeded(seed: number): { world: World; random: (below: number) => number } {
  const random = seededRandom(seed);
  const world: World = new World({ shuffle: true, host: { now: () => world.now, random } });
  return { world, random: (below) => Math.floor(random() * below) };
}

test('rules 4, 6, 39: in a thousand seeded orders every item is returned by one select, or still there', () => {
  const seeds = ownOrders(1_000);
  for (let seed = 0; seed < seeds; seed++) {
    const { world, random } = seeded(seed);
    const channels = [new Channel(), new Channel()] as const;
    const returned: number[] = [];
    const takers = Array.from({ length: 6 }, () =>
      world.kernel.spawn(
        (function* (): Co<void> {
          for (let i = 0; i < 6; i++) {
            const operations = { a: channels[0], b: channels[1], twice: channels[0], pause: sleep(random(4)) };
            const first = yield* select(operations);
            if (first.key !== 'pause') returned.push(first.value);
          }
        })(),
      ),
    );
    let put = 0;
    world.kernel.spawn(
      (function* (): Co<void> {
        for (; put < 30; put++) {
          channels[random(2)]?.put(put);
          if (random(3) === 0) takers[random(6)]?.cancel();
          yield* random(2) === 0 ? pass() : sleep(random(3));
        }
      })(),
    );
    world.settle();
    for (let i = 0; i < 100; i++) world.advance(1);
    assert.equal(world.failures, [], `seed ${seed}`);
    nothingLeft(world);
    const all = [...returned, ...channels[0].items, ...channels[1].items].sort((a, b) => a - b);
    assert.equal(
      all,
      Array.from({ length: 30 }, (_, i) => i),
      `seed ${seed}`,
    );
    assert.equal(
      channels.map((channel) => channel.waiters.size),
      [0, 0],
    );
  }
});

test('rule 4: an item that a cancelled task was handed is the result of its select, in a thousand seeded orders', () => {
  const seeds = ownOrders(1_000);
  for (let seed = 0; seed < seeds; seed++) {
    const { world, random } = seeded(seed);
    const channel = new Channel();
    const outcomes: unknown[] = [];
    const tasks = Array.from({ length: 4 }, () =>
      world.kernel.spawn(
        (function* (): Co<void> {
          outcomes.push((yield* select([channel, sleep(Number.POSITIVE_INFINITY)])).value);
          yield;
          assert.unreachable('the cancel comes at the next trap');
        })(),
      ),
    );
    world.settle();
    // All in one round.
    for (let item = 0; item < 4; item++) {
      channel.put(item);
      tasks[random(4)]?.cancel();
    }
    for (const task of tasks) task.cancel();
    world.settle();
    assert.equal(world.failures, []);
    assert.equal([...outcomes, ...channel.items].sort(), [0, 1, 2, 3]);
    assert.is(world.kernel.tasks.size, 0);
  }
});

test('a kernel that is given to a try is that of the task', () => {
  const world = new World();
  const kernels: Kernel[] = [];
  const asking = new Scripted<string>({
    try: (kernel) => {
      kernels.push(kernel);
      return 'done';
    },
  });
  parked(world, select([select([asking])]));
  assert.equal([kernels.length, kernels[0] === world.kernel], [1, true]);
});

test.run();
