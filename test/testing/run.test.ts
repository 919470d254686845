import {
  CancelError,
  type Co,
  DeadlockError,
  errorsOf,
  failAfter,
  group,
  MisuseError,
  moveOnAfter,
  pass,
  ReadWait,
  routine,
  Socket,
  sleep,
  TimeoutError,
} from 'genloop';
import { realSys } from 'genloop/os';
import { currentTask } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { runTest } from '../support/seeded.ts';
import { equalInAnyOrder, inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';

const HOUR = 3_600_000;
const test = suite('testing: runTest');

test('returns what main returns, in no time, once all tasks have ended', () => {
  let later = 0;
  function* slow(): Co<string> {
    yield sleep(HOUR);
    return 'too late';
  }
  const result = runTest(function* main(clock): Co<string> {
    const answer = yield* moveOnAfter(60_000, slow, 'given up');
    assert.is(clock.now, 60_000);
    yield* group(function* (g) {
      g.spawn(sleep(HOUR));
    });
    later = clock.now;
    return answer;
  });
  assert.is(result, 'given up');
  assert.is(later, 60_000 + HOUR);
});

test('takes a generator, an operation and a routine, and a task has the name of its function', () => {
  const names: string[] = [];
  function* named(): Co<number> {
    names.push(currentTask().name);
    yield* pass();
    return 1;
  }
  const called = routine(named);
  assert.is(runTest(named()), 1);
  assert.is(runTest(named), 1);
  assert.is(
    runTest(() => named()),
    1,
  );
  assert.is(runTest(called()), 1);
  assert.is(
    runTest(function other() {
      return called();
    }),
    1,
  );
  assert.is(runTest(sleep(5)), undefined);
  assert.equal(names, ['task', 'named', 'task', 'named', 'named']);
});

test('starts at the time that it is told', () => {
  runTest(
    function* (clock): Co<void> {
      yield sleep(1);
      assert.is(clock.now, 1001);
    },
    { start: 1000 },
  );
});

test('throws the first failure of any task, after all have ended', () => {
  const log: string[] = [];
  const first = new Error('first');
  const second = new Error('second');
  const thrown: Error[] = [];
  function* failing(error: Error): Co<void> {
    yield sleep(5);
    thrown.push(error);
    throw error;
  }
  try {
    runTest(function* main(): Co<void> {
      yield* group(function* (g) {
        g.spawn(failing(first));
        g.spawn(failing(second));
        try {
          yield sleep(HOUR);
        } finally {
          log.push('cleaned up');
        }
      });
    });
    assert.unreachable();
  } catch (error) {
    assert.is(error, thrown[0]);
    assert.equal(errorsOf(error), thrown);
  }
  equalInAnyOrder(thrown, [first, second]);
  assert.equal(log, ['cleaned up']);
});

test('throws a timeout, and the cancel of a signal', () => {
  assert.throws(
    () => runTest(failAfter(10, sleep(HOUR))),
    (error: unknown) => error instanceof TimeoutError && error.ms === 10,
  );
  const signal = AbortSignal.abort('not today');
  assert.throws(
    () => runTest(sleep(HOUR), { signal }),
    (error: unknown) => error instanceof CancelError && error.reason === 'not today',
  );
});

test('rule 44: throws DeadlockError when nothing can happen any more, whatever time it is', () => {
  try {
    runTest(function* main(clock): Co<void> {
      yield sleep(HOUR);
      assert.is(clock.now, HOUR);
      yield sleep(Number.POSITIVE_INFINITY);
    });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DeadlockError);
    assert.match((error as Error).message, /task 1 \(main\) waits for sleep\(Infinity\) at .*run\.test\.ts:\d+$/);
  }
});

test('a failure that is isolated still fails the test if it is that of main', () => {
  const errors: unknown[] = [];
  const boom = new Error('boom');
  assert.throws(
    () =>
      runTest(
        function* (): Co<void> {
          throw boom;
        },
        { onError: (error) => void errors.push(error) },
      ),
    (error: unknown) => error === boom,
  );
  assert.equal(errors, [boom]);
});

test('first in, first out, or in an order that the seed repeats', () => {
  inOrder();
  const order = (options?: { seed: number }): string =>
    runTest(function* (): Co<string> {
      const log: number[] = [];
      yield* group(function* (g) {
        for (let n = 0; n < 8; n++) {
          g.spawn(
            (function* (): Co<void> {
              yield* pass();
              log.push(n);
            })(),
          );
        }
      });
      return log.join('');
    }, options);
  assert.is(order(), '01234567');
  const orders = Array.from({ length: 20 }, (_, seed) => order({ seed }));
  assert.ok(new Set(orders).size > 15);
  assert.equal(
    Array.from({ length: 20 }, (_, seed) => order({ seed })),
    orders,
  );
});

test('with a real system sockets work in virtual time', () => {
  const result = runTest(
    function* (clock): Co<unknown> {
      const [near, far] = Socket.pair();
      using _near = near;
      using _far = far;
      return yield* group(function* (g) {
        g.spawn(
          (function* (): Co<void> {
            yield sleep(HOUR);
            far.send('late');
          })(),
        );
        yield* new ReadWait(near);
        return [near.recv(10)?.toString(), clock.now];
      });
    },
    { sys: realSys() },
  );
  assert.equal(result, ['late', HOUR]);
});

test('rule 45: not from inside a task, which would never go on', () => {
  runTest(function* (): Co<void> {
    assert.throws(
      () => runTest(sleep(1)),
      (error: unknown) => error instanceof MisuseError && /^runTest was called from inside a task/.test(error.message),
    );
    yield* pass();
  });
});

test('needs no addon', async () => {
  const program = `
    import { sleep } from 'genloop';
    import { runTest, waitAllBlocked, eachSeed } from 'genloop/testing';
    console.log(runTest(function* (clock) {
      yield* waitAllBlocked();
      yield sleep(1e9);
      return clock.now;
    }));
    eachSeed(3, function* () { yield sleep(5); });
    try { runTest(sleep(Infinity)); } catch (error) { console.log(error.code); }`;
  await using child = new Program([...NODE, '--input-type=module', '-e', program], {
    env: { GENLOOP_ADDON: '/nowhere/addon.node' },
  });
  const { stdout, stderr, code } = await child.ended();
  assert.equal([stdout, stderr, code], ['1000000000\nERR_GENLOOP_DEADLOCK\n', '', 0]);
});

test.run();
