import * as assert from 'uvu/assert';
import {
  type Co,
  type Group,
  group,
  MisuseError,
  pass,
  sleep,
  type Task,
  TaskCancelledError,
} from '../../src/kernel/index.ts';
import { select } from '../support/operations.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('group keep');

function* give<T>(value: T, ms: number): Co<T> {
  yield* sleep(ms);
  return value;
}

function advance(world: World, ms: number): void {
  world.settle();
  for (let i = 0; i < ms; i++) world.advance(1);
}

test('results are in the order of the spawns, daemons left out', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(
      function* (g): Co<unknown[]> {
        const tasks = [g.spawn(give('a', 3)), g.spawn(give('b', 1)), g.spawn(give('c', 2))];
        g.spawn(give('daemon', 0), { daemon: true });
        for (const each of tasks) yield* each.join();
        return g.results;
      },
      { keep: true },
    ),
  );
  advance(world, 3);
  assert.equal(task.outcome, ['a', 'b', 'c']);
});

test('results throw while a task runs, for one that failed and for one that was cancelled, what a join would', () => {
  const world = new World({ report: () => {} });
  const error = new Error('mine');
  const groups: Group[] = [];
  function* body(g: Group): Co<void> {
    groups.push(g);
    const [, second] = [g.spawn(give('a', 1)), g.spawn(give('b', 5))];
    if (groups.length === 1) g.spawn(made(() => failing(error)));
    else second.cancel();
  }
  for (let i = 0; i < 2; i++) world.kernel.spawn(group(body, { keep: true, onError: 'isolate' }));
  advance(world, 2);
  assert.throws(() => groups[0]?.results, /task 4 \(task\) has not ended/);
  advance(world, 3);
  const thrown = groups.map((g) => {
    try {
      return g.results;
    } catch (raised) {
      return raised;
    }
  });
  assert.is(thrown[0], error);
  assert.instance(thrown[1], TaskCancelledError);
});

function* failing(error: unknown): Co<never> {
  yield* sleep(2);
  throw error;
}

test('next gives the tasks in the order of completion, each once, and undefined once none is left', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(
      function* (g): Co<unknown[]> {
        const order: unknown[] = [];
        assert.is(yield* g.next(), undefined);
        for (const ms of [3, 1, 2, 1]) g.spawn(give(ms, ms));
        g.spawn(give('daemon', 1), { daemon: true });
        const first = (yield* g.next()) as Task<unknown>;
        order.push(yield* first.join());
        // Those that ended meanwhile are not lost.
        yield* sleep(1);
        for (let next = yield* g.next(); next !== undefined; next = yield* g.next()) order.push(yield* next.join());
        // And a later one counts again.
        g.spawn(give('late', 1));
        order.push(yield* ((yield* g.next()) as Task<unknown>).join());
        order.push(yield* g.next());
        return order;
      },
      { keep: true },
    ),
  );
  advance(world, 5);
  assert.equal([task.status, task.outcome], ['done', [1, 1, 2, 3, 'late', undefined]]);
});

test('several that wait are served in their order; those that are left over get undefined', () => {
  const world = new World();
  const came: string[] = [];
  const got: [string | undefined, unknown][] = [];
  const task = world.kernel.spawn(
    group(
      function* (g): Co<void> {
        g.spawn(give(1, 1));
        g.spawn(give(2, 2));
        yield* group(function* (inner): Co<void> {
          for (const name of ['a', 'b', 'c', 'd']) {
            inner.spawn(
              made(function* (): Co<void> {
                came.push(name);
                got.push([name, (yield* g.next())?.outcome]);
              }),
            );
          }
        });
        assert.is(g.size, 0);
      },
      { keep: true },
    ),
  );
  advance(world, 0);
  assert.is([...world.kernel.tasks].at(-1)?.waitsFor, 'the next task of a group');
  advance(world, 1);
  equalInAnyOrder(came, ['a', 'b', 'c', 'd']);
  assert.equal(got, [[came[0], 1]]);
  advance(world, 1);
  equalInAnyOrder(got, [
    [came[0], 1],
    [came[1], 2],
    [came[2], undefined],
    [came[3], undefined],
  ]);
  assert.is(task.status, 'done');
});

test('rules 4, 36: a wait for the next that is cancelled or loses takes nothing from the others', () => {
  const world = new World();
  let open: Group | undefined;
  const task = world.kernel.spawn(
    group(
      function* (g): Co<unknown[]> {
        open = g;
        g.spawn(give('first', 5));
        g.spawn(give('second', 6));
        const lost = yield* select(g.next(), sleep(1));
        return [lost[0], (yield* g.next())?.outcome, (yield* g.next())?.outcome];
      },
      { keep: true },
    ),
  );
  advance(world, 0);
  const outsider = world.kernel.spawn((open as Group).next());
  advance(world, 1);
  outsider.cancel();
  // In the same moment: it is undone before the task ends.
  advance(world, 5);
  assert.is(outsider.status, 'cancelled');
  assert.equal(task.outcome, [1, 'first', 'second']);
});

test('rule 6: a waiter that does not take the task any more is passed over', () => {
  const world = new World();
  const broken = new World();
  let open: Group | undefined;
  const task = world.kernel.spawn(
    group(
      function* (g): Co<unknown> {
        open = g;
        g.spawn(give('not lost', 1));
        yield* pass();
        return (yield* g.next())?.outcome;
      },
      { keep: true },
    ),
  );
  world.kernel.run(1);
  // Another scheduler's task comes first, and its scheduler breaks: no operation is told.
  const gone = broken.kernel.spawn((open as Group).next());
  broken.settle();
  world.settle();
  broken.kernel.abandon(new Error('broken'));
  world.advance(1);
  assert.equal([task.status, task.outcome], ['done', 'not lost']);
  assert.is(gone.status, 'failed');
});

test('in a cancelled group next throws the cancel; from outside it gives the cancelled tasks', () => {
  const world = new World();
  let open: Group | undefined;
  const task = world.kernel.spawn(
    group(
      function* (g): Co<string> {
        open = g;
        g.spawn(give(1, 5), { name: 'child' });
        yield* g.next();
        return 'not reached';
      },
      { keep: true },
    ),
  );
  advance(world, 0);
  const outsider = world.kernel.spawn((open as Group).next());
  advance(world, 0);
  open?.cancel();
  advance(world, 0);
  assert.equal([task.status, task.outcome], ['done', undefined]);
  const { name, status } = outsider.outcome as Task<unknown>;
  assert.equal([name, status], ['child', 'cancelled']);
});

test('rule 4: whoever waits for the next gets the task that failed, and then the cancel that this brings', () => {
  const world = new World();
  const log: string[] = [];
  const error = new Error('mine');
  const task = world.kernel.spawn(
    group(
      function* (g): Co<void> {
        g.spawn(failing(error));
        log.push(`${(yield* g.next())?.status}`);
        yield* sleep(1);
        log.push('not reached');
      },
      { keep: true },
    ),
  );
  advance(world, 2);
  assert.equal(log, ['failed']);
  assert.equal([task.status, task.outcome], ['failed', error]);
});

test('without keep, next and results are errors that say what to do', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      for (const [use, name] of [
        [() => g.next(), /next\(\)/],
        [() => g.results, /results/],
      ] as const) {
        const told = ({ message }: Error): boolean => /keep: true/.test(message) && name.test(message);
        assert.throws(use, (error: unknown) => error instanceof MisuseError && told(error));
      }
    }),
  );
  advance(world, 0);
  assert.is(task.status, 'done');
});

test.run();
