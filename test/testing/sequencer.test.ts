import { AssertionError } from 'node:assert';
import { CancelError, type Co, DeadlockError, errorsOf, failAfter, group, moveOnAfter, pass, sleep } from 'genloop';
import { eachSeed, Sequencer, waitAllBlocked } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { runTest } from '../support/seeded.ts';
import { isSeeded } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';

const test = suite('testing: Sequencer');

/** Comes to a step and notes it. */
function* step(sequencer: Sequencer, position: number, log: unknown[]): Co<void> {
  yield* sequencer.at(position);
  log.push(position);
}

function thrownBy(body: () => Co<unknown>): unknown {
  try {
    runTest(body);
  } catch (error) {
    return error;
  }
  return undefined;
}

test('tasks run in the order of their steps, in whichever order they come', () => {
  eachSeed(100, function* (): Co<void> {
    const sequencer = new Sequencer();
    const log: unknown[] = [];
    yield* group(function* (g) {
      for (const position of [3, 1, 4, 0, 2]) g.spawn(step(sequencer, position, log));
    });
    assert.equal(log, [0, 1, 2, 3, 4]);
    assert.is(sequencer.passed, 5);
  });
});

test('a step with a body has passed when the body has ended, and gives its result', () => {
  eachSeed(50, function* (clock): Co<void> {
    const sequencer = new Sequencer();
    const log: unknown[] = [];
    yield* group(function* (g) {
      g.spawn(step(sequencer, 1, log));
      g.spawn(
        (function* (): Co<void> {
          const result = yield* sequencer.at(0, function* (): Co<string> {
            yield sleep(10);
            log.push('slept');
            return 'result';
          });
          log.push(result);
        })(),
      );
    });
    assert.is(log[0], 'slept');
    assert.equal(log.slice(1).sort(), [1, 'result']);
    assert.ok(clock > 0);
  });
});

test('a body may be an operation or a generator, too', () => {
  runTest(function* (clock): Co<void> {
    const sequencer = new Sequencer();
    yield* sequencer.at(0, sleep(5));
    assert.is(clock.now, 5);
    assert.is(
      yield* sequencer.at(
        1,
        (function* (): Co<number> {
          yield* pass();
          return 7;
        })(),
      ),
      7,
    );
  });
});

test('a body that fails has passed all the same: its failure is what the test is about', () => {
  const sequencer = new Sequencer();
  const error = thrownBy(function* (): Co<void> {
    try {
      yield* sequencer.at(0, function* (): Co<void> {
        throw new Error('in the body');
      });
    } catch (raised) {
      yield* sequencer.at(1);
      throw raised;
    }
  });
  assert.is((error as Error).message, 'in the body');
  assert.is(sequencer.passed, 2);
});

test('a step that is left out ends in a deadlock that names it', () => {
  const error = thrownBy(function* main(): Co<void> {
    const sequencer = new Sequencer();
    yield* group(function* (g) {
      for (const position of [0, 1, 3]) g.spawn(step(sequencer, position, []), { name: `step ${position}` });
    });
  });
  assert.instance(error, DeadlockError);
  assert.match(
    (error as Error).message,
    /task 4 \(step 3\) waits for step 3 of a sequence, while nobody has come for step 2/,
  );
});

test('a step that hangs ends in a deadlock that names its task', () => {
  const error = thrownBy(function* main(): Co<void> {
    const sequencer = new Sequencer();
    yield* group(function* (g) {
      g.spawn(sequencer.at(0, sleep(Number.POSITIVE_INFINITY)), { name: 'slow' });
      g.spawn(sequencer.at(1));
    });
  });
  assert.match(
    (error as Error).message,
    /waits for step 1 of a sequence, while step 0 is under way in task 2 \(slow\)/,
  );
});

test('a step that is taken twice fails the second task, and names both', () => {
  for (const first of [0, 1]) {
    const sequencer = new Sequencer();
    const error = thrownBy(function* main(): Co<void> {
      yield* group(function* (g) {
        g.spawn(step(sequencer, first, []), { name: 'one' });
        g.spawn(step(sequencer, first, []), { name: 'two' });
      });
    });
    assert.instance(error, AssertionError);
    const both = ['task 2 (one)', 'task 3 (two)'];
    const { message } = error as Error;
    if (isSeeded() && message.indexOf('one') > message.indexOf('two')) both.reverse();
    assert.is(message, `step ${first} of a sequence was taken twice: by ${both[0]}, and by ${both[1]}`);
    // The others see the cancel that this failure brought, and add nothing to it.
    assert.is(errorsOf(error).length, 1);
  }
});

test('a task that is cancelled while it waits breaks the sequence for all, loudly', () => {
  const sequencer = new Sequencer();
  const seen: unknown[] = [];
  const error = thrownBy(function* main(): Co<void> {
    yield* group(
      function* (g) {
        const second = g.spawn(step(sequencer, 1, []));
        g.spawn(step(sequencer, 2, []));
        yield* waitAllBlocked();
        second.cancel('not needed');
        yield* waitAllBlocked();
        yield* sequencer.at(0);
      },
      { onError: (raised) => void seen.push(raised) },
    );
  });
  assert.instance(error, AssertionError);
  assert.is((error as Error).message, 'a sequence is broken: step 1 was cancelled while nobody has come for step 0');
  assert.instance((error as Error).cause, CancelError);
  assert.equal(seen, [error, error]);
});

test('a deadline that ends the wait says what it waited for', () => {
  for (const bounded of [(op: Co<void>) => failAfter(5, op), (op: Co<void>) => moveOnAfter(5, op)]) {
    const error = thrownBy(function* main(): Co<void> {
      yield* bounded(step(new Sequencer(), 1, []));
    });
    assert.match(
      (error as Error).message,
      /^a sequence is broken: step 1 was cancelled while nobody has come for step 0$/,
    );
  }
});

test('one that is cancelled because another failed adds nothing to that failure', () => {
  const sequencer = new Sequencer();
  const boom = new Error('boom');
  const error = thrownBy(function* main(): Co<void> {
    yield* group(function* (g) {
      g.spawn(step(sequencer, 1, []));
      g.spawn(step(sequencer, 2, []));
      yield* waitAllBlocked();
      throw boom;
    });
  });
  assert.is(error, boom);
  assert.equal(errorsOf(error), [boom]);
  assert.match((thrownBy(() => step(sequencer, 0, [])) as Error).message, /^a sequence is broken: step/);
});

test('two that are cancelled at once share one error', () => {
  const sequencer = new Sequencer();
  const error = thrownBy(function* main(): Co<void> {
    yield* group(function* (g) {
      g.spawn(step(sequencer, 1, []));
      g.spawn(step(sequencer, 2, []));
      yield* waitAllBlocked();
      g.cancel();
    });
  });
  assert.instance(error, AssertionError);
  assert.equal(errorsOf(error), [error]);
});

test('a turn that came before the cancel is taken', () => {
  const sequencer = new Sequencer();
  const log: unknown[] = [];
  runTest(function* main(): Co<void> {
    yield* group(function* (g) {
      const task = g.spawn(step(sequencer, 1, log));
      yield* waitAllBlocked();
      yield* sequencer.at(0);
      task.cancel();
    });
  });
  assert.equal(log, [1]);
  assert.is(sequencer.passed, 2);
});

test('what is no step is refused at once', () => {
  for (const position of [-1, 0.5, Number.NaN, '1']) {
    assert.throws(() => new Sequencer().at(position as number), /^a step of a sequence is an integer from 0 on, not /);
  }
});

test.run();
