import { inspect } from 'node:util';
import * as assert from 'uvu/assert';
import {
  type Co,
  cleanup,
  errorsOf,
  type Group,
  group,
  isCancelled,
  pass,
  sleep,
  TaskCancelledError,
} from '../../src/kernel/index.ts';
import { noted } from '../support/cancelling.ts';
import { equalInAnyOrder, isSeeded } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('group errors');

function* fail(error: unknown, after: number): Co<never> {
  yield* sleep(after);
  throw error;
}

/** Waits until it is cancelled, and fails in its clean-up. */
function* failAtEnd(error: unknown): Co<void> {
  try {
    yield* sleep(Number.POSITIVE_INFINITY);
  } finally {
    // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
    throw error;
  }
}

/** What comes out of a group with this body, after so many milliseconds. */
function outcomeOf(body: (g: Group) => Co<unknown>, ms: number = 10): [status: string, outcome: unknown] {
  const world = new World();
  const task = world.kernel.spawn(group(body));
  world.settle();
  for (let i = 0; i < ms; i++) world.advance(1);
  assert.is(world.kernel.tasks.size, 0);
  return [task.status, task.outcome];
}

test('rules 14, 15: the first failure cancels the others, body included, and is thrown as it is', () => {
  const world = new World();
  const log: string[] = [];
  const error = new Error('first');
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(noted(log, 'a'));
      g.spawn(fail(error, 5));
      g.spawn(noted(log, 'b'));
      yield* noted(log, 'body');
      log.push('not reached');
    }),
  );
  world.settle();
  world.advance(5);
  equalInAnyOrder(log, [`body: sibling, ${error}`, `a: sibling, ${error}`, `b: sibling, ${error}`]);
  assert.is(task.outcome, error);
  assert.equal(world.failures, [[task, error]]);
  assert.equal(errorsOf(task.outcome), [error]);
});

test('rule 15: of several that fail at once the first is thrown as it is, and errorsOf gives all in their order', () => {
  const errors = ['first', 'second', 'third', 'of the body'].map((text) => new TypeError(text));
  const thrown: unknown[] = [];
  const telling = function* (error: unknown, body: Co<unknown>): Co<void> {
    try {
      yield* body;
    } finally {
      thrown.push(error);
    }
  };
  const [status, outcome] = outcomeOf(function* (g) {
    for (const error of errors.slice(0, 3)) g.spawn(telling(error, fail(error, 5)));
    yield* telling(errors[3], failAtEnd(errors[3]));
  });
  assert.is(status, 'failed');
  assert.is(outcome, thrown[0]);
  assert.equal(errorsOf(outcome), thrown);
  // The body sees the cancel before the others take their last steps, but is never the first.
  assert.equal(thrown.map(String).sort(), errors.map(String).sort());
  if (!isSeeded()) assert.is(outcome, errors[0]);
  assert.is.not(outcome, errors[3]);
});

test('rule 15: errors that came in clean-up follow in the order in which they happened', () => {
  const [first, ...later] = ['first', 'b', 'c', 'd'].map((text) => new Error(text));
  const [, outcome] = outcomeOf(function* (g) {
    for (const [index, error] of later.entries()) {
      g.spawn(
        made(function* (): Co<void> {
          try {
            yield* sleep(100);
          } finally {
            // The last is the first to end.
            yield* cleanup(50, sleep(3 - index));
            // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
            throw error;
          }
        }),
      );
    }
    yield* fail(first, 1);
  });
  assert.is(outcome, first);
  assert.equal(errorsOf(outcome), [first, ...later.reverse()]);
});

test('rule 15: the same object counts once, wherever it came out', () => {
  const shared = new Error('shared');
  const other = new Error('other');
  const [, outcome] = outcomeOf(function* (g) {
    const failing = g.spawn(fail(shared, 1));
    g.spawn(failAtEnd(other));
    g.spawn(failAtEnd(shared));
    // The body gets it too, from the join.
    yield* failing.join();
  });
  assert.is(outcome, shared);
  assert.equal(errorsOf(outcome), [shared, other]);
});

test('rule 15: printing shows the later ones', () => {
  const [, outcome] = outcomeOf(function* (g) {
    g.spawn(failAtEnd(new RangeError('what came later')));
    yield* fail(new Error('what came first'), 1);
  });
  const printed = inspect(outcome);
  assert.match(printed, /^Error: what came first/);
  assert.match(printed, 'RangeError: what came later');
  assert.not.match(inspect(outcomeOf(() => fail(new Error('alone'), 1))[1]), 'laterErrors');
});

test('rule 15: anything can be thrown, also by several', () => {
  for (const error of [undefined, null, 0, 'text', Object.freeze(new Error('frozen'))]) {
    assert.equal(
      outcomeOf(() => fail(error, 1)),
      ['failed', error],
    );
    const [status, outcome] = outcomeOf(function* (g) {
      g.spawn(fail(error, 1));
      yield* failAtEnd(new Error('later'));
    });
    assert.is(status, 'failed');
    assert.is(outcome, error);
  }
  const error = new Error('first');
  const [, outcome] = outcomeOf(function* (g) {
    g.spawn(fail(error, 1));
    g.spawn(failAtEnd(undefined));
    g.spawn(failAtEnd(null));
    g.spawn(failAtEnd(undefined));
  });
  const [first, ...later] = errorsOf(outcome);
  assert.is(first, error);
  equalInAnyOrder(later, [undefined, null]);
});

test('rule 15: a failure goes through nested groups as the same object, with all errors of all of them', () => {
  const [inner, alsoInner, outer] = ['inner', 'also inner', 'outer'].map((text) => new Error(text));
  const [, outcome] = outcomeOf(function* (g) {
    g.spawn(failAtEnd(outer));
    yield* group(function* (h): Co<void> {
      h.spawn(failAtEnd(alsoInner));
      h.spawn(fail(inner, 1));
    });
  });
  assert.is(outcome, inner);
  assert.equal(errorsOf(outcome), [inner, alsoInner, outer]);
});

test('a failure that is caught around the group leaves nothing cancelled', () => {
  const error = new Error('caught');
  const [status, outcome] = outcomeOf(function* () {
    try {
      yield* group((g) => {
        g.spawn(fail(error, 1));
        return sleep(100);
      });
    } catch (raised) {
      yield* sleep(1);
      return raised;
    }
    return 'no error';
  });
  assert.equal([status, outcome], ['done', error]);
});

test('rule 12: an error that is raised while being cancelled replaces the cancel and comes out, whatever the cancel was', () => {
  const error = new Error('of the clean-up');
  assert.equal(
    outcomeOf(function* (g) {
      g.spawn(failAtEnd(error));
      yield* sleep(1);
      g.cancel();
    }),
    ['failed', error],
  );
  // From further out.
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(failAtEnd(error));
      yield* sleep(100);
    }),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.equal([task.status, task.outcome], ['failed', error]);
});

test('rule 11: cancels are no failures: of the group, of one task, and of one that throws its cancel again', () => {
  const log: string[] = [];
  assert.equal(
    outcomeOf(function* (g) {
      const task = g.spawn(noted(log, 'a'));
      g.spawn(noted(log, 'b'));
      yield* sleep(1);
      task.cancel('alone');
      yield* sleep(1);
      assert.is(g.size, 1);
      g.cancel('all');
      try {
        yield* pass();
      } catch (error) {
        assert.ok(isCancelled(error));
        throw error;
      }
    }),
    ['done', undefined],
  );
  assert.equal(log, ['a: explicit, alone', 'b: explicit, all']);
});

test('rules 4, 16, 21: a joiner gets the error first; catching it does not undo the cancel of the group', () => {
  const world = new World();
  const log: string[] = [];
  const error = new Error('of the other');
  const task = world.kernel.spawn(
    group(function* (g): Co<string> {
      const failing = g.spawn(fail(error, 1));
      try {
        yield* failing.join();
      } catch (raised) {
        log.push(`joined: ${raised === error}`);
      }
      yield* noted(log, 'body');
      return 'not reached';
    }),
  );
  world.settle();
  world.advance(1);
  assert.equal(log, ['joined: true', `body: sibling, ${error}`]);
  assert.equal([task.status, task.outcome], ['failed', error]);
});

test('rule 16: a task that joins a cancelled one and does not expect it fails, and so does the group', () => {
  const [status, outcome] = outcomeOf(function* (g) {
    const target = g.spawn(sleep(100));
    g.spawn(target.join());
    yield* sleep(1);
    target.cancel();
  });
  assert.is(status, 'failed');
  assert.instance(outcome, TaskCancelledError);
});

test("rule 21: 'isolate' reports the failure and lets the others go on; a failure of the body still cancels", () => {
  const reported: [string, unknown][] = [];
  const world = new World({ report: (task, error) => reported.push([task.name, error]) });
  const error = new Error('isolated');
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(
      function* (g): Co<string> {
        g.spawn(fail(error, 1), { name: 'failing' });
        yield* sleep(5);
        assert.not(g.cancelled);
        return 'result';
      },
      { onError: 'isolate' },
    ),
  );
  const own = new Error('of the body');
  const failing = world.kernel.spawn(
    group(
      function* (g): Co<void> {
        g.spawn(noted(log, 'child'));
        yield* fail(own, 2);
      },
      { onError: 'isolate' },
    ),
  );
  world.settle();
  for (let i = 0; i < 5; i++) world.advance(1);
  assert.equal([task.status, task.outcome], ['done', 'result']);
  assert.equal(reported, [['failing', error]]);
  assert.equal([failing.status, failing.outcome], ['failed', own]);
  assert.equal(log, [`child: sibling, ${own}`]);
  assert.equal(world.failures, [[failing, own]]);
});

test("rule 21: without a reporter of one's own, 'isolate' writes to the console which task it was", () => {
  const written: unknown[][] = [];
  const { error: before } = console;
  console.error = (...parts: unknown[]) => written.push(parts);
  const error = new Error('isolated');
  try {
    const world = new World();
    world.kernel.spawn(
      group(
        function* (g): Co<void> {
          g.spawn(fail(error, 1), { name: 'failing' });
        },
        { onError: 'isolate' },
      ),
    );
    world.settle();
    world.advance(1);
  } finally {
    console.error = before;
  }
  assert.equal(written, [['genloop: task 2 (failing) failed:', error]]);
});

test('rule 21: a function decides; what it throws cancels the group and comes out', () => {
  const world = new World();
  const seen: [unknown, string][] = [];
  const [mild, severe, raised] = ['mild', 'severe', 'raised'].map((text) => new Error(text));
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(
      function* (g): Co<void> {
        g.spawn(fail(mild, 1), { name: 'a' });
        g.spawn(fail(severe, 2), { name: 'b' });
        yield* noted(log, 'body');
      },
      {
        onError: (error, { name }) => {
          seen.push([error, name]);
          if (error === severe) throw raised;
        },
      },
    ),
  );
  world.settle();
  world.advance(1);
  assert.is(task.status, 'parked');
  world.advance(1);
  assert.equal(seen, [
    [mild, 'a'],
    [severe, 'b'],
  ]);
  assert.equal([task.status, task.outcome], ['failed', raised]);
  assert.equal(log, [`body: sibling, ${raised}`]);
});

test('rule 21: a function can spawn another in the place of the one that failed, or end the group', () => {
  const world = new World();
  let attempts = 0;
  let open: Group | undefined;
  let ending: Group | undefined;
  function* flaky(): Co<string> {
    attempts++;
    yield* sleep(1);
    if (attempts < 3) throw new Error(`attempt ${attempts}`);
    return 'at last';
  }
  const task = world.kernel.spawn(
    group(
      function* (g): Co<unknown[]> {
        open = g;
        g.spawn(flaky());
        const ends: string[] = [];
        // None of its waits is told that nobody is left.
        for (let next = yield* g.next(); next !== undefined; next = yield* g.next()) ends.push(next.status);
        return ends;
      },
      { keep: true, onError: () => open?.spawn(flaky()) },
    ),
  );
  const ended = world.kernel.spawn(
    group(
      function* (g): Co<string> {
        ending = g;
        g.spawn(fail(new Error('the last'), 20));
        yield* sleep(100);
        return 'not reached';
      },
      { onError: () => ending?.cancel() },
    ),
  );
  world.settle();
  for (let i = 0; i < 5; i++) world.advance(1);
  assert.equal([task.status, task.outcome], ['done', ['failed', 'failed', 'done']]);
  assert.is(ended.status, 'parked');
  world.advance(15);
  assert.equal([ended.status, ended.outcome], ['done', undefined]);
  assert.equal(world.failures, []);
});

test.run();
