/** Scopes as such: what a cancel is, what it reaches, and when. */

import { inspect } from 'node:util';
import * as assert from 'uvu/assert';
import {
  CancelError,
  type CancelScope,
  type Co,
  cancelScope,
  cleanup,
  deadline,
  failAfter,
  group,
  isCancelled,
  pass,
  sleep,
  type Task,
  TimeoutError,
} from '../../src/kernel/index.ts';
import { caught, forever, start } from '../support/cancelling.ts';
import { immediate, Queue, Scripted, stubborn } from '../support/operations.ts';
import { inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('scope');

test('rule 9: a cancel carries the source, the reason, the scope and who asked, under the name and code of Node', () => {
  const world = new World();
  const target = start(world, forever);
  const canceller = start(world, function* () {
    target.cancel('enough');
  });
  world.settle();
  const error = target.outcome as CancelError;
  assert.instance(error, CancelError);
  assert.equal([error.name, error.code], ['AbortError', 'ABORT_ERR']);
  assert.equal([error.source, error.reason, error.cause], ['explicit', 'enough', 'enough']);
  assert.is(error.scope, target);
  assert.is(error.by, canceller);
  assert.is(error.message, 'the task was cancelled: enough');
  assert.ok(isCancelled(error));
  assert.is(target.status, 'cancelled');
  assert.equal(world.failures, []);
});

test('rule 9: a cancel from a callback or by a deadline was asked for by nobody', () => {
  const world = new World();
  const target = start(world, forever);
  const expired = start(world, forever);
  expired.expireAfter(5);
  world.settle();
  const reason = { why: 'an object' };
  target.cancel(reason);
  world.advance(5);
  const [byHand, byDeadline] = [target.outcome as CancelError, expired.outcome as CancelError];
  assert.equal([byHand.by, byDeadline.by], [null, null]);
  assert.is(byHand.reason, reason);
  assert.is(byHand.message, 'the task was cancelled');
  assert.is(byDeadline.source, 'deadline');
  assert.instance(byDeadline.reason, TimeoutError);
});

test('rule 9: a printed cancel does not bring the tree of scopes with it, and has no stack', () => {
  const world = new World();
  const limit = Error.stackTraceLimit;
  const target = start(world, forever);
  start(world, function* () {
    target.cancel('enough');
  });
  world.settle();
  const printed = inspect(target.outcome, { depth: 20 });
  assert.ok(printed.length < 300, printed);
  assert.not.match(printed, /kernel|firstChild|Task|scope/);
  assert.not.match((target.outcome as CancelError).stack ?? '', /\n +at /);
  assert.is(Error.stackTraceLimit, limit);
});

test('rule 9: the first cancel stays, whichever way the second comes', () => {
  const world = new World();
  const target = start(world, forever);
  target.expireAfter(5);
  world.settle();
  target.cancel('first');
  target.cancel('second');
  assert.not(target.cancelFor('shutdown', 'third'));
  world.advance(5);
  assert.is((target.outcome as CancelError).reason, 'first');
});

test('rules 2 and 9: what a scope says of itself before, while and after it is cancelled', () => {
  const world = new World();
  const seen: unknown[] = [];
  const say = (scope: CancelScope): void => {
    seen.push([scope.cancelled, scope.cancelCalled, scope.reason]);
  };
  start(world, function* () {
    yield* cancelScope(function* (outer) {
      yield* cancelScope(function* (inner) {
        say(inner);
        outer.cancel('outside');
        say(outer);
        say(inner);
        inner.cancel('inside');
        say(inner);
      });
    });
    using late = deadline(0);
    say(late);
    yield* caught(forever);
    seen.push(late.reason instanceof TimeoutError);
  });
  world.advance(0);
  world.advance(0);
  assert.equal(seen, [
    [false, false, undefined],
    [true, true, 'outside'],
    [true, false, 'outside'],
    [true, true, 'outside'],
    [false, false, undefined],
    true,
  ]);
});

test('rule 8: a cancel never waits, and leaving the block does', () => {
  const world = new World();
  const log: string[] = [];
  start(world, function* () {
    yield* group(function* (g) {
      g.spawn(
        made(function* (): Co<void> {
          try {
            yield* forever();
          } finally {
            log.push('clean-up begins');
            yield* cleanup(100, sleep(5));
            log.push('clean-up ends');
          }
        }),
      );
      yield* pass();
      g.cancel();
      log.push('cancel returned');
    });
    log.push('the block is left');
  });
  world.settle();
  assert.equal(log, ['cancel returned', 'clean-up begins']);
  world.advance(5);
  assert.equal(log, ['cancel returned', 'clean-up begins', 'clean-up ends', 'the block is left']);
});

test('rule 2: every trap in a cancelled scope throws again, the same object, and no operation is even tried', () => {
  const world = new World();
  const op = new Scripted<void>();
  const errors: unknown[] = [];
  const task = start(world, function* (): Co<string> {
    for (const trap of [forever(), op, pass(), immediate(1), sleep(0)]) {
      errors.push(
        yield* caught(function* () {
          yield trap;
        }),
      );
    }
    errors.push(
      yield* caught(function* () {
        yield;
      }),
    );
    return 'swallowed';
  });
  world.settle();
  task.cancel();
  world.settle();
  assert.is(errors.length, 6);
  assert.equal(new Set(errors).size, 1);
  assert.instance(errors[0], CancelError);
  assert.is(op.tried, 0);
  assert.is(world.kernel.timers.size, 0);
  assert.equal([task.status, task.outcome], ['done', 'swallowed']);
});

test('rule 2: a task that swallows every cancel in a loop does not keep the others from running', () => {
  const world = new World();
  const log: string[] = [];
  const task = start(world, function* () {
    for (let i = 0; i < 1_000; i++) yield* caught(forever);
    log.push('a thousand');
  });
  world.settle();
  task.cancel();
  start(world, function* () {
    log.push('another');
  });
  world.settle();
  assert.equal(log, ['another', 'a thousand']);
});

test('rule 2: only what is inside is cancelled; after the block the traps are traps', () => {
  const world = new World();
  const log: unknown[] = [];
  const task = start(world, function* (): Co<boolean> {
    log.push(
      yield* cancelScope(function* (scope) {
        scope.cancel();
        log.push(yield* caught(() => cancelScope(() => sleep(1))[Symbol.iterator]()));
        yield* forever();
      }),
    );
    yield* sleep(1);
    return task.cancelled;
  });
  world.settle();
  world.advance(1);
  assert.equal([task.status, task.outcome], ['done', false]);
  assert.instance(log[0], CancelError);
  assert.is(log[1], undefined);
});

test('rule 1: a frame that is cancelled is thrown into, and never returned', () => {
  const world = new World();
  let returned = 0;
  const watched = (): Co<void> => {
    const generator = forever();
    const { return: original } = generator;
    generator.return = (value) => {
      returned++;
      return original.call(generator, value);
    };
    return generator;
  };
  const task = start(world, function* () {
    yield watched();
  });
  const plain = world.kernel.spawn(watched());
  world.settle();
  task.cancel();
  plain.cancel();
  world.settle();
  assert.equal([task.status, plain.status, returned], ['cancelled', 'cancelled', 0]);
});

test('rule 7: the whole tree is cancelled before any code of an operation, a listener or a task runs', () => {
  const world = new World();
  const seen: boolean[] = [];
  let children: Task<unknown>[] = [];
  const look = (): void => {
    for (const child of children) seen.push(child.cancelled, child.scope.cancelled);
  };
  const parent = start(world, function* () {
    yield* group(function* (g) {
      using _ = deadline(1_000);
      children = [1, 2, 3].map(() =>
        g.spawn(
          made(function* (): Co<void> {
            using inner = deadline(1_000);
            inner.signal.addEventListener('abort', look);
            yield* new Scripted<void>({
              abort: () => {
                look();
                return true;
              },
            });
          }),
        ),
      );
      yield* forever();
    });
  });
  world.settle();
  parent.cancel();
  // Three operations and three listeners looked, each at three tasks and the scopes that they stand in.
  assert.is(seen.length, 36);
  assert.ok(seen.every((cancelled) => cancelled));
  world.settle();
  assert.is(parent.status, 'cancelled');
});

test('rule 7: a cancel from within an abort finds the tree in order', () => {
  const world = new World();
  const other = start(world, forever);
  const task = start(world, function* () {
    yield* cancelScope(function* (scope) {
      yield* new Scripted<void>({
        abort: () => {
          other.cancel('from an abort');
          scope.cancel('too late for its own');
          return true;
        },
      });
    });
    return 'left';
  });
  world.settle();
  (task.scope as CancelScope).cancel('first');
  world.settle();
  assert.is(task.outcome, 'left');
  assert.is((other.outcome as CancelError).reason, 'from an abort');
});

test('rule 6: an operation is asked once to abort, however many scopes are cancelled and hardened around it', () => {
  const world = new World();
  const op = stubborn<string>();
  const scopes: CancelScope[] = [];
  const task = start(world, function* () {
    return yield* cancelScope(function* (outer) {
      return yield* cancelScope(function* (inner) {
        scopes.push(inner, outer);
        const value = yield* op;
        return [value, yield* caught(forever)];
      });
    });
  });
  world.settle();
  for (const scope of [...scopes, task]) scope.cancel('again', { cleanup: 0 });
  world.advance(0);
  assert.equal([op.aborted, task.status], [1, 'parked']);
  op.waker.wake('took effect');
  world.settle();
  // Its value was handed over, and the cancel came at the next trap: that of the outermost.
  const [value, error] = task.outcome as [string, CancelError];
  assert.is(value, 'took effect');
  assert.is(error.scope, task);
});

test('rule 5: a task that is cancelled before its first step runs to its first trap, also into blocks and out again', () => {
  const world = new World();
  const log: string[] = [];
  const task = start(world, function* () {
    log.push('started');
    using _ = deadline(10);
    try {
      yield* failAfter(5, function* (scope) {
        log.push(`cancelled: ${scope.cancelled}`);
        yield* forever();
      });
    } finally {
      log.push('finally');
    }
  });
  task.cancel();
  world.settle();
  assert.equal(log, ['started', 'cancelled: true', 'finally']);
  assert.equal([task.status, world.kernel.timers.size], ['cancelled', 0]);
});

test('rule 13: a task that cancels itself gets it at its next trap; if it returns first, it completes', () => {
  const world = new World();
  const log: string[] = [];
  const [trapped, returned] = [true, false].map((waits) =>
    start(world, function* () {
      (world.kernel.current as Task<unknown>).cancel();
      log.push('goes on');
      if (waits) yield* pass();
      return 'completed';
    }),
  ) as [Task<string>, Task<string>];
  world.settle();
  assert.equal(log, ['goes on', 'goes on']);
  assert.is(trapped.status, 'cancelled');
  assert.equal([returned.status, returned.outcome], ['done', 'completed']);
});

test('rule 11: the scope that issued a cancel drops it, and no other does', () => {
  const world = new World();
  const log: string[] = [];
  const task = start(world, function* () {
    yield* cancelScope(function* () {
      yield* cancelScope(function* (middle) {
        yield* cancelScope(function* () {
          yield* cancelScope(function* () {
            middle.cancel();
            yield* forever();
          });
          log.push('after the innermost');
        });
        log.push('after the inner');
      });
      log.push('after the middle');
    });
    log.push('after the outer');
  });
  world.settle();
  assert.equal([task.status, log], ['done', ['after the middle', 'after the outer']]);
});

test('rule 12: an error raised while being cancelled replaces the cancel and reaches the owner', () => {
  const world = new World();
  const error = new Error('in the clean-up');
  const failing = function* (): Co<void> {
    try {
      yield* forever();
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: this is what the test is about.
      throw error;
    }
  };
  const task = start(world, failing);
  const around = start(world, function* () {
    return yield* caught(() => cancelScope(failing, { timeout: 0 })[Symbol.iterator]());
  });
  world.settle();
  task.cancel();
  world.advance(0);
  assert.equal(world.failures, [[task, error]]);
  assert.is(task.status, 'failed');
  assert.is(around.outcome, error);
});

test('a tree of tasks is cancelled once each, parents first, in the order of the spawns; those that have ended are gone', () => {
  inOrder();
  const world = new World();
  const order: string[] = [];
  const parent = start(world, function* () {
    yield* group(function* (g) {
      for (const name of ['a', 'b', 'c', 'd']) {
        g.spawn(
          made(function* (): Co<void> {
            if (name === 'b' || name === 'd') return;
            yield* group(function* (inner) {
              inner.spawn(leaf(`${name}1`));
              inner.spawn(leaf(`${name}2`));
            });
          }),
        );
      }
      yield* leaf('body');
    });
  });
  function* leaf(name: string): Co<void> {
    try {
      yield* forever();
    } finally {
      order.push(name);
    }
  }
  world.settle();
  parent.cancel();
  world.settle();
  assert.equal(order, ['body', 'a1', 'a2', 'c1', 'c2']);
  assert.is(parent.status, 'cancelled');
  assert.is(world.kernel.tasks.size, 0);
});

test('a value that completed in the round of the cancel is kept, and the scope lets it through', () => {
  const world = new World();
  const queue = new Queue<string>();
  let scope: CancelScope | null = null;
  const task = start(world, function* () {
    return yield* cancelScope((own) => {
      scope = own;
      return queue.take();
    });
  });
  world.settle();
  queue.put('item');
  (scope as unknown as CancelScope).cancel();
  world.settle();
  assert.equal([task.status, task.outcome, queue.items], ['done', 'item', []]);
});

test('an observer hears of each cancel once, when all that is inside knows of it', () => {
  const world = new World();
  const heard: unknown[] = [];
  const task = start(world, function* () {
    using inner = deadline(100);
    inner.signal.addEventListener('abort', () => heard.push('the signal'));
    yield* forever();
  });
  world.kernel.observer = {
    cancelled: (scope) => {
      heard.push(scope, task.scope.cancelled);
    },
  };
  world.settle();
  task.cancel();
  task.cancel();
  assert.equal(heard.length, 3);
  assert.equal([heard[0], heard[2]], ['the signal', true]);
  assert.is(heard[1], task);
  world.kernel.observer = {};
  world.kernel.root.cancelFor('shutdown', null);
  world.settle();
  assert.equal([task.status, heard.length], ['cancelled', 3]);
});

test("rule 11: what is no error object is nobody's cancel, in a cancelled task or not", () => {
  const world = new World();
  const values = [null, undefined, 0];
  for (const value of values) {
    for (const cancelled of [false, true]) {
      const task = start(world, function* () {
        try {
          yield* forever();
        } finally {
          if (cancelled) yield* caught(forever);
          // biome-ignore lint/correctness/noUnsafeFinally: this is what the test is about.
          throw value;
        }
      });
      if (cancelled) task.cancel();
      else task.expireAfter(0);
    }
  }
  world.settle();
  world.advance(0);
  assert.equal(world.failures.map(([, error]) => error).sort(), [...values, ...values].sort());
});

test('rule 16: what is spawned after a renewal is not touched by a cancel before', () => {
  const world = new World();
  const { root } = world.kernel;
  const before = start(world, forever);
  root.cancelFor('shutdown', 'the end');
  world.kernel.renew();
  const after = start(world, forever);
  world.settle();
  assert.not(root.cancelFor('shutdown', 'again'));
  assert.equal([before.status, after.status, after.cancelled], ['cancelled', 'parked', false]);
});

test.run();
