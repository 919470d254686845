import { AssertionError } from 'node:assert';
import {
  CancelError,
  type Co,
  cancelScope,
  cleanup,
  DeadlockError,
  deadline,
  failAfter,
  group,
  MisuseError,
  Op,
  PENDING,
  pass,
  routine,
  type Spawnable,
  shield,
  sleep,
  TimeoutError,
} from 'genloop';
import { runningTask } from 'genloop/kernel';
import { assertCheckpoint, assertNoCheckpoint, waitAllBlocked } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { immediate, Queue, Scripted } from '../support/operations.ts';
import { runTest } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('testing: checkpoints');

function thrownBy(main: Spawnable<unknown>): unknown {
  try {
    runTest(main);
  } catch (error) {
    return error;
  }
  return undefined;
}

function messageOf(main: Spawnable<unknown>): string {
  const error = thrownBy(main);
  return error instanceof AssertionError ? error.message : `no assertion: ${String(error)}`;
}

const NONE = 'the body had no checkpoint: it came to its end without any trap';
const AT_ONCE = 'the body had no checkpoint: all that it waited for completed at once, so others never got to run';
const SHIELDED = 'the body had no checkpoint: a cancel from outside could reach none of its traps';

function* silent(): Co<string> {
  return 'silent';
}

/** Bodies that let others run and can be cancelled, in every form in which a task can say so. */
const CHECKPOINTS: Record<string, () => Spawnable<unknown>> = {
  'an operation': () => sleep(1),
  'pass()': () => pass(),
  'a routine': () =>
    routine(function* (): Co<void> {
      yield sleep(1);
    })(),
  'a bare yield': function* (): Co<void> {
    yield;
  },
  'a yielded operation': function* (): Co<void> {
    yield sleep(1);
  },
  'a subroutine': function* (): Co<void> {
    yield (function* (): Co<void> {
      yield* silent();
      yield* pass();
    })();
  },
  'a routine in a generator': function* (): Co<void> {
    yield routine(function* (): Co<void> {
      yield* sleep(1);
    })();
  },
  'one of many that complete at once': function* (): Co<void> {
    for (let n = 0; n < 3; n++) yield* immediate(n);
    yield* sleep(1);
  },
  'a deadline of its own': () => failAfter(5, sleep(1)),
  'a deadline of its own, for a block': function* (): Co<void> {
    using _ = deadline(5);
    yield* sleep(1);
  },
  'a shield, and something outside of it': function* (): Co<void> {
    yield* cleanup(100, sleep(1));
    yield* immediate(1);
  },
};

for (const [what, body] of Object.entries(CHECKPOINTS)) {
  test(`${what} is a checkpoint`, () => {
    assert.is(thrownBy(assertCheckpoint(body)), undefined);
    assert.match(messageOf(assertNoCheckpoint(body)), /^the body had a checkpoint: it waited for /);
  });
}

/** Bodies without, and why. */
const OTHERS: Record<string, [() => Spawnable<unknown>, string]> = {
  'a generator that yields nothing': [silent, NONE],
  'a subroutine that yields nothing': [
    function* (): Co<void> {
      yield silent();
      yield* routine(silent)();
    },
    NONE,
  ],
  'an operation that completes at once': [() => immediate(1), AT_ONCE],
  'many of them': [
    function* (): Co<void> {
      for (let n = 0; n < 100; n++) yield* immediate(n);
    },
    AT_ONCE,
  ],
  'a wait behind a shield': [() => cleanup(100, sleep(1)), SHIELDED],
  'a wait behind a shield and a scope': [
    function* (): Co<void> {
      using _shield = shield(100);
      yield* cancelScope(sleep(1));
    },
    SHIELDED,
  ],
  // The cancel goes to the tasks, and the group goes on waiting for their end.
  'a group that only waits for its tasks': [
    () =>
      group(function* (g) {
        g.spawn(sleep(1));
      }),
    SHIELDED,
  ],
};

for (const [what, [body, why]] of Object.entries(OTHERS)) {
  test(`${what} is no checkpoint`, () => {
    assert.is(messageOf(assertCheckpoint(body)), why);
  });
}

test('a body without a trap passes assertNoCheckpoint; one that completes at once can be cancelled, and does not', () => {
  for (const what of ['a generator that yields nothing', 'a subroutine that yields nothing']) {
    assert.is(thrownBy(assertNoCheckpoint((OTHERS[what] as [() => Spawnable<unknown>, string])[0])), undefined);
  }
  assert.is(
    messageOf(assertNoCheckpoint(() => immediate(1))),
    'the body had a checkpoint: it waited for a scripted operation',
  );
  assert.is(messageOf(assertNoCheckpoint(pass())), 'the body had a checkpoint: it waited for pass()');
});

test("a shield around the assertion is not the body's", () => {
  assert.is(
    thrownBy(
      cleanup(
        100,
        assertCheckpoint(() => sleep(1)),
      ),
    ),
    undefined,
  );
});

test('others do run meanwhile, what the body waits for works as ever, and its result is given', () => {
  runTest(function* (clock): Co<void> {
    const queue = new Queue<string>();
    yield* group(function* (g) {
      const taker = g.spawn(
        assertCheckpoint(function* (): Co<unknown[]> {
          yield sleep(3);
          return [yield* queue.take(), yield silent(), runningTask().name];
        }),
        { name: 'taker' },
      );
      yield* waitAllBlocked();
      assert.is(taker.waitsFor, 'sleep(3)');
      yield sleep(5);
      assert.is(taker.waitsFor, 'an item of the queue');
      queue.put('item');
      assert.equal(yield* taker.join(), ['item', 'silent', 'taker']);
      assert.is(clock.now, 5);
    });
    assert.is(yield* assertNoCheckpoint(silent), 'silent');
    assert.is(yield* assertNoCheckpoint(silent()), 'silent');
  });
});

test('a cancel reaches the body and its operation, and comes out', () => {
  runTest(function* (): Co<void> {
    const log: string[] = [];
    const operation = new Scripted<void>();
    yield* group(function* (g) {
      const task = g.spawn(
        assertCheckpoint(function* (): Co<void> {
          try {
            yield* operation;
          } catch (error) {
            log.push((error as Error).name);
            throw error;
          } finally {
            log.push('finally');
          }
        }),
      );
      yield* waitAllBlocked();
      task.cancel();
      yield* waitAllBlocked();
      assert.is(task.status, 'cancelled');
    });
    assert.equal(log, ['AbortError', 'finally']);
    assert.is(operation.aborted, 1);
  });
});

test('in a cancelled scope the body throws at its first trap, which is nothing to complain about', () => {
  runTest(function* (): Co<void> {
    const log: unknown[] = [];
    const note = (error: unknown): never => {
      log.push(error);
      throw error;
    };
    for (const body of [() => sleep(1), () => pass()]) {
      yield* cancelScope(function* (scope): Co<void> {
        scope.cancel();
        try {
          yield* assertCheckpoint(body);
        } catch (error) {
          note(error);
        }
      });
    }
    assert.is(log.length, 2);
    assert.ok(log.every((error) => error instanceof CancelError));
  });
});

test('a trap that threw is no point at which others ran', () => {
  runTest(function* (): Co<void> {
    yield* cancelScope(function* (scope): Co<void> {
      scope.cancel();
      let message = '';
      try {
        yield* assertCheckpoint(function* (): Co<void> {
          try {
            yield* pass();
          } catch {}
        });
      } catch (error) {
        message = (error as Error).message;
      }
      assert.is(message, AT_ONCE);
    });
  });
});

test('what the body throws comes out; where it was to have no trap, as the cause', () => {
  const boom = new Error('boom');
  function* failing(): Co<void> {
    yield* pass();
    throw boom;
  }
  assert.is(thrownBy(assertCheckpoint(failing)), boom);
  const error = thrownBy(assertNoCheckpoint(failing)) as AssertionError;
  assert.instance(error, AssertionError);
  assert.is((error as Error).cause, boom);
  assert.equal([error.operator, error.actual, error.expected], ['assertNoCheckpoint', '1 trap', 'no trap']);
  function* atOnce(): Co<void> {
    throw boom;
  }
  assert.is(thrownBy(assertNoCheckpoint(atOnce)), boom);
});

test('the failure tells what was counted', () => {
  const error = thrownBy(
    assertCheckpoint(function* (): Co<void> {
      yield* immediate(1);
      yield* cleanup(10, immediate(1));
    }),
  ) as AssertionError;
  assert.equal(
    [error.operator, error.actual, error.expected],
    ['assertCheckpoint', '0 of 2 traps let others run, 1 can be cancelled', 'at least one of each'],
  );
  const other = thrownBy(
    assertNoCheckpoint(function* (): Co<void> {
      yield* immediate(1);
      yield* immediate(1);
    }),
  ) as AssertionError;
  assert.is(other.actual, '2 traps');
});

test('what cannot be yielded is thrown at the yield, as without the assertion', () => {
  const caught: unknown[] = [];
  const used = silent();
  runTest(
    assertCheckpoint(function* (): Co<void> {
      yield used;
      for (const wrong of [null, 5, used]) {
        try {
          yield wrong as never;
        } catch (error) {
          caught.push(error);
        }
      }
      yield* pass();
    }),
  );
  assert.equal(
    caught.map((error) => (error as Error).constructor),
    [TypeError, TypeError, MisuseError],
  );
});

test('an operation says through it who alone can complete it, and where a task waits', () => {
  class Owned extends Op<void> {
    override try = (): typeof PENDING => PENDING;
    override park(): void {}
    override abort = (): boolean => true;
    override describe = (): string => 'its owner';
    override blockedBy = (): ReturnType<typeof runningTask> => runningTask();
  }
  const error = thrownBy(
    group(function* main(g): Co<void> {
      const one = g.spawn(assertCheckpoint(new Owned()));
      const two = g.spawn(assertCheckpoint(sleep(Number.POSITIVE_INFINITY)));
      yield* waitAllBlocked();
      assert.is(one.operation?.blockedBy?.(), runningTask());
      assert.is(two.operation?.blockedBy?.(), null);
    }),
  );
  assert.instance(error, DeadlockError);
  assert.match((error as Error).message, /waits for its owner/);
});

test('a deadline inside of the body ends its waits', () => {
  const error = thrownBy(assertCheckpoint(failAfter(5, sleep(10))));
  assert.instance(error, TimeoutError);
});

test.run();
