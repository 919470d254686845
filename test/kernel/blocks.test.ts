/** The blocks: what each returns and throws, in all forms of a body, and when its time is up. */

import * as assert from 'uvu/assert';
import {
  CancelError,
  type CancelScope,
  type Co,
  cancelScope,
  cleanup,
  deadline,
  effectiveDeadline,
  failAfter,
  group,
  isCancelled,
  MisuseError,
  moveOnAfter,
  type Op,
  pass,
  routine,
  runningTask,
  shield,
  sleep,
  TimeoutError,
} from '../../src/kernel/index.ts';
import { caught, forever, start } from '../support/cancelling.ts';
import { immediate, Queue } from '../support/operations.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('blocks');

/** Each block that runs a body, with time enough. */
const BLOCKS: Record<string, (body: never) => Op<unknown>> = {
  cancelScope: (body) => cancelScope(body),
  failAfter: (body) => failAfter(100, body),
  moveOnAfter: (body) => moveOnAfter(100, body, 'fallback'),
  cleanup: (body) => cleanup(100, body),
};

const twice = routine(function* (n: number): Co<number> {
  yield* pass();
  return 2 * n;
});

function* thrice(n: number): Co<number> {
  yield* pass();
  return 3 * n;
}

/** What a block throws. */
function* thrownBy(block: Op<unknown>): Co<unknown> {
  return yield* caught(function* () {
    yield* block;
  });
}

for (const [name, block] of Object.entries(BLOCKS)) {
  test(`rule 27: ${name} gives the result of its body, in whichever form that comes`, () => {
    const world = new World();
    const bodies = [
      thrice(1),
      twice(2),
      immediate(5),
      () => thrice(2),
      () => twice(4),
      (scope: CancelScope) => immediate(scope.cancelled),
      function* (scope: CancelScope): Co<unknown> {
        yield* pass();
        return scope.remaining;
      },
    ];
    const task = start(world, function* () {
      const results: unknown[] = [];
      for (const body of bodies) results.push(yield* block(body as never));
      return [results, runningTask().scope === runningTask()];
    });
    world.settle();
    const time = name === 'cancelScope' ? Number.POSITIVE_INFINITY : 100;
    assert.equal(task.outcome, [[3, 4, 5, 6, 8, false, time], true]);
    assert.is(world.kernel.timers.size, 0);
  });

  test(`rule 12: ${name} lets an error of its body through, whatever it is, and is left`, () => {
    const world = new World();
    const errors = [
      new Error('mine'),
      null,
      undefined,
      0,
      new CancelError('explicit', 'a stale one'),
      new TimeoutError(7),
    ];
    const task = start(world, function* () {
      const seen: unknown[] = [];
      for (const error of errors) {
        seen.push(
          yield* thrownBy(
            block(function* () {
              yield* pass();
              throw error;
            } as never),
          ),
        );
        // Also one that is thrown before there is a generator.
        seen.push(
          yield* thrownBy(
            block((() => {
              throw error;
            }) as never),
          ),
        );
      }
      return [seen, runningTask().scope === runningTask()];
    });
    world.settle();
    const [seen, left] = task.outcome as [unknown[], boolean];
    assert.ok(left);
    assert.is(seen.length, 2 * errors.length);
    for (const [i, error] of seen.entries()) assert.is(error, errors[i >> 1]);
    assert.is(world.kernel.timers.size, 0);
  });

  test(`${name} refuses a body that is nothing, or that cannot be run, and is left`, () => {
    const world = new World();
    const task = start(world, function* () {
      const seen: unknown[] = [];
      for (const body of [undefined, () => {}, () => null, 7, () => Promise.resolve()]) {
        seen.push(yield* thrownBy(block(body as never)));
      }
      return [seen, runningTask().scope === runningTask()];
    });
    world.settle();
    const [seen, left] = task.outcome as [Error[], boolean];
    assert.ok(left);
    assert.equal(
      seen.map((error) => error.name),
      Array.from({ length: 5 }, () => 'TypeError'),
    );
    assert.match((seen[1] as Error).message, /was a `return` forgotten/);
  });

  test(`rule 9: ${name} does nothing until it is yielded, and can be yielded again`, () => {
    const world = new World();
    let runs = 0;
    const call = block((() => {
      runs++;
      return immediate(runs);
    }) as never);
    assert.is(runs, 0);
    const task = start(world, function* () {
      return [yield* call, yield call];
    });
    const spawned = world.kernel.spawn(call);
    world.settle();
    const [first, second] = task.outcome as number[];
    assert.equal([first, second, spawned.outcome].sort(), [1, 2, 3]);
    assert.ok((first as number) < (second as number));
    assert.is(spawned.name, name);
  });
}

test('rule 27: when its time is up failAfter throws TimeoutError, which says how much time there was', () => {
  const world = new World();
  const task = start(world, function* (): Co<unknown> {
    let scope: CancelScope | null = null;
    const error = yield* thrownBy(
      failAfter(12.5, (own) => {
        scope = own;
        return forever();
      }),
    );
    return [error, (scope as unknown as CancelScope).reason === error];
  });
  world.settle();
  world.advance(12.25);
  assert.is(task.status, 'parked');
  world.advance(0.25);
  const [error, same] = task.outcome as [TimeoutError, boolean];
  assert.instance(error, TimeoutError);
  assert.equal([error.name, error.code, error.ms], ['TimeoutError', 'ERR_GENLOOP_TIMEOUT', 12.5]);
  assert.is(error.message, 'it took longer than 12.5 ms');
  assert.not(isCancelled(error));
  assert.ok(same);
});

test('rule 27: a timeout that nobody catches fails the task, and is no cancel', () => {
  const world = new World();
  const tasks = [
    world.kernel.spawn(failAfter(5, forever())),
    start(world, function* () {
      using _ = deadline(5);
      yield* forever();
    }),
  ];
  world.settle();
  world.advance(5);
  equalInAnyOrder(
    world.failures.map(([task, error]) => [task, (error as Error).name]),
    tasks.map((task) => [task, 'TimeoutError']),
  );
});

test('rule 27: inside of it the body sees a cancel; what it makes of it as a result is kept', () => {
  const world = new World();
  const task = start(world, function* () {
    return yield* failAfter(5, function* () {
      const error = yield* caught(forever);
      return [isCancelled(error), (error as CancelError).source];
    });
  });
  world.settle();
  world.advance(5);
  assert.equal(task.outcome, [true, 'deadline']);
});

test('rule 27: moveOnAfter gives the fallback, or undefined, when its time is up', () => {
  const world = new World();
  const task = start(world, function* () {
    const fallback = { nothing: 'found' };
    const first = yield* moveOnAfter(5, forever(), fallback);
    const second = yield* moveOnAfter(5, forever());
    const third = yield* moveOnAfter(5, sleep(4), 'fallback');
    return [first === fallback, second, third];
  });
  world.settle();
  for (let i = 0; i < 14; i++) world.advance(1);
  assert.equal(task.outcome, [true, undefined, undefined]);
});

test('rule 27: a body that finishes keeps its value, however long it took', () => {
  const world = new World();
  const busy = function* (): Co<string> {
    world.now += 50;
    world.kernel.timers.fire(world.now);
    return 'late, and yet';
  };
  const task = start(world, function* () {
    const results: unknown[] = [];
    for (const block of [failAfter(10, busy), moveOnAfter(10, busy, 'fallback'), cancelScope(busy, { timeout: 10 })]) {
      results.push(yield* block);
    }
    {
      using _ = deadline(10);
      results.push(yield* busy());
    }
    yield* pass();
    return results;
  });
  world.settle();
  assert.equal(task.outcome, ['late, and yet', 'late, and yet', 'late, and yet', 'late, and yet']);
});

test('rule 27: a wait that completes in the same pass, before the deadline, keeps its value too', () => {
  for (const first of ['sleep', 'deadline']) {
    const world = new World();
    const task = start(world, function* () {
      return yield* moveOnAfter(
        first === 'deadline' ? 10 : 1_000,
        function* (scope) {
          if (first === 'sleep') world.kernel.timers.set(0, () => scope.expireAfter(10));
          yield* sleep(10);
          return 'slept';
        },
        'fallback',
      );
    });
    world.settle();
    world.advance(0);
    world.advance(10);
    assert.is(task.outcome, first === 'sleep' ? 'slept' : 'fallback');
  }
});

test('rule 27: `using deadline` bounds the rest of a block, and its error is the same at each trap', () => {
  const world = new World();
  const task = start(world, function* () {
    const errors: unknown[] = [];
    const out = yield* caught(function* () {
      using scope = deadline(5);
      errors.push(yield* caught(forever), yield* thrownBy(pass()), scope.reason);
      yield* forever();
    });
    yield* sleep(1);
    return [...errors, out];
  });
  world.settle();
  world.advance(5);
  world.advance(1);
  const errors = task.outcome as TimeoutError[];
  assert.equal(new Set(errors).size, 1);
  assert.instance(errors[0], TimeoutError);
  assert.is(errors[0]?.ms, 5);
});

test('rule 27: the TimeoutError of a `using` scope counts as a cancel inside of it, for groups and for tasks', () => {
  const world = new World();
  let child: { status: string } | null = null;
  const task = start(world, function* () {
    return yield* caught(function* () {
      using _ = deadline(5);
      yield* group(function* (g) {
        child = g.spawn(forever());
        yield* forever();
      });
    });
  });
  world.settle();
  world.advance(5);
  assert.instance(task.outcome, TimeoutError);
  assert.is((child as unknown as { status: string }).status, 'cancelled');
  assert.equal(world.failures, []);
});

test('rule 11: a block that is cancelled by hand ends without an error; a `using` scope has no end to drop it', () => {
  const world = new World();
  const byHand = function* (scope: CancelScope): Co<string> {
    scope.cancel('by hand');
    yield* forever();
    return 'never';
  };
  const task = start(world, function* () {
    const results: unknown[] = [
      yield* cancelScope(byHand),
      yield* failAfter(100, byHand),
      yield* moveOnAfter(100, byHand, 'fallback'),
      yield* cleanup(100, byHand),
    ];
    const thrown = yield* caught(function* () {
      using scope = deadline(100);
      yield* byHand(scope);
    });
    return [...results, (thrown as CancelError).reason];
  });
  world.settle();
  assert.equal(task.outcome, [undefined, undefined, 'fallback', undefined, 'by hand']);
});

test('cancelScope takes a signal, a timeout and a shield; a timeout ends it without an error', () => {
  const world = new World();
  const controller = new AbortController();
  const task = start(world, function* () {
    const timedOut = yield* cancelScope(forever(), { timeout: 5 });
    const aborted = yield* cancelScope(forever(), { signal: controller.signal, timeout: 100 });
    const inTime = yield* cancelScope(thrice(1), { signal: controller.signal, timeout: 0, shield: false });
    return [timedOut, aborted, inTime];
  });
  world.settle();
  world.advance(5);
  controller.abort();
  world.settle();
  // The signal is aborted already, so the third body ends at its first trap.
  assert.equal(task.outcome, [undefined, undefined, undefined]);
  assert.is(world.kernel.timers.size, 0);
});

test('rule 10: clean-up under `cleanup` and `shield` completes in a cancelled task, and an unshielded yield throws', () => {
  const world = new World();
  const queue = new Queue<string>();
  const log: unknown[] = [];
  const task = start(world, function* () {
    try {
      yield* forever();
    } finally {
      log.push(isCancelled(yield* caught(forever)));
      log.push(yield* cleanup(100, queue.take()));
      {
        using scope = shield(100);
        log.push(scope.cancelled, yield* queue.take());
      }
      log.push(isCancelled(yield* caught(forever)));
    }
  });
  world.settle();
  task.cancel();
  world.settle();
  queue.put('first');
  world.advance(10);
  queue.put('second');
  world.settle();
  assert.equal(log, [true, 'first', false, 'second', true]);
  assert.equal([task.status, queue.items, world.kernel.timers.size], ['cancelled', [], 0]);
});

test('rule 10: clean-up that takes too long gets a TimeoutError, which replaces the cancel (rule 12)', () => {
  for (const form of ['cleanup', 'shield']) {
    const world = new World();
    const task = start(world, function* () {
      try {
        yield* forever();
      } finally {
        if (form === 'cleanup') yield* cleanup(20, forever());
        using _ = shield(20);
        yield* forever();
      }
    });
    world.settle();
    task.cancel();
    world.settle();
    world.advance(19);
    assert.is(task.status, 'parked');
    world.advance(1);
    assert.is(task.status, 'failed');
    assert.instance(task.outcome, TimeoutError);
    assert.is((task.outcome as TimeoutError).ms, 20);
  }
});

test('rule 10: a shield keeps out what comes while it stands, and the cancel waits at its end', () => {
  const world = new World();
  const log: unknown[] = [];
  const task = start(world, function* () {
    yield* cleanup(100, function* (scope) {
      yield* sleep(10);
      log.push(scope.cancelled, runningTask().cancelled);
    });
    log.push('the end of the shield is no trap');
    yield* pass();
    log.push('never');
  });
  world.settle();
  task.cancel();
  world.advance(10);
  assert.equal(log, [false, true, 'the end of the shield is no trap']);
  assert.is(task.status, 'cancelled');
});

test('rule 25: what is no duration throws at the block, and nothing is entered', () => {
  const world = new World();
  const task = start(world, function* () {
    const names = new Set<string>();
    for (const ms of [Number.NaN, -1, Number.NEGATIVE_INFINITY, '5', null, {}]) {
      for (const block of [failAfter, moveOnAfter, cleanup] as ((ms: never, body: Co<void>) => Op<unknown>)[]) {
        names.add(`${typeof ms}: ${((yield* thrownBy(block(ms as never, forever()))) as Error).name}`);
      }
      const scope = cancelScope(forever(), { timeout: ms as never });
      const error = (yield* thrownBy(scope)) as Error;
      assert.match(error.message, /^timeout takes a number of milliseconds/);
      names.add(`${typeof ms}: ${error.name}`);
      for (const form of [deadline, shield] as ((ms: never) => CancelScope)[]) {
        try {
          form(ms as never);
        } catch (error) {
          names.add(`${typeof ms}: ${(error as Error).name}`);
        }
      }
      assert.is(runningTask().scope, runningTask());
    }
    return [...names];
  });
  world.settle();
  assert.equal(task.outcome, ['number: RangeError', 'string: TypeError', 'object: TypeError']);
  assert.is(world.kernel.timers.size, 0);
});

test('rule 25: 0 is a deadline at once, after whatever completes without waiting; Infinity is none', () => {
  const world = new World();
  const task = start(world, function* () {
    const first = yield* moveOnAfter(0, immediate('at once'), 'fallback');
    const second = yield* moveOnAfter(0, sleep(0.5), 'fallback');
    const timers = world.kernel.timers.size;
    const third = yield* failAfter(Number.POSITIVE_INFINITY, function* () {
      return [effectiveDeadline(), world.kernel.timers.size];
    });
    return [first, second, timers, third];
  });
  world.settle();
  world.advance(0);
  assert.equal(task.outcome, ['at once', 'fallback', 0, [Number.POSITIVE_INFINITY, 0]]);
});

test('rule 26: the scope that the body gets moves its deadline, and the error tells the last one', () => {
  const world = new World();
  const task = start(world, function* () {
    return yield* thrownBy(
      failAfter(5, function* (scope) {
        for (let i = 0; i < 3; i++) {
          yield* sleep(4);
          scope.expireAfter(i === 2 ? 7 : 5);
        }
        yield* forever();
      }),
    );
  });
  world.settle();
  for (let i = 0; i < 18; i++) world.advance(1);
  assert.is(task.status, 'parked');
  world.advance(1);
  assert.is((task.outcome as TimeoutError).ms, 7);
});

test('rule 28: an inner block does not turn the cancel of an outer one into its own end', () => {
  const world = new World();
  const log: string[] = [];
  const task = start(world, function* () {
    const result = yield* moveOnAfter(
      10,
      function* () {
        for (const block of [
          failAfter(20, forever()),
          moveOnAfter(10, forever(), 'inner fallback'),
          cancelScope(forever(), { timeout: 10 }),
        ]) {
          const error = yield* thrownBy(block);
          log.push(`${isCancelled(error)}`);
        }
        return yield* moveOnAfter(10, forever(), 'inner fallback');
      },
      'outer fallback',
    );
    return result;
  });
  world.settle();
  world.advance(25);
  assert.equal(log, ['true', 'true', 'true']);
  assert.is(task.outcome, 'outer fallback');
});

test('outside of a task the blocks for `using` say so, and those with a body are inert', () => {
  for (const misuse of [() => deadline(1), () => shield(1), () => effectiveDeadline()]) {
    assert.throws(misuse, (error: unknown) => error instanceof MisuseError && /inside a task/.test(error.message));
  }
  for (const block of Object.values(BLOCKS)) block((() => assert.unreachable()) as never);
});

test.run();
