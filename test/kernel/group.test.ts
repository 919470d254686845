import * as assert from 'uvu/assert';
import {
  type CancelError,
  type Co,
  cancelScope,
  cleanup,
  deadline,
  failAfter,
  type Group,
  group,
  Local,
  MisuseError,
  pass,
  routine,
  sleep,
  type Task,
  TaskCancelledError,
  TimeoutError,
} from '../../src/kernel/index.ts';
import { slowToEnd } from '../support/cancelling.ts';
import { Queue } from '../support/operations.ts';
import { equalInAnyOrder, inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('group');

/** Sleeps, and notes its start, its end, and that it was cleaned up. */
function* child(log: string[], name: string, ms: number): Co<string> {
  log.push(`${name} starts`);
  try {
    yield* sleep(ms);
    log.push(`${name} is done`);
    return name;
  } finally {
    log.push(`${name} ends`);
  }
}

test('rule 14: a group returns when every child has ended, with the result of its body', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<string> {
      g.spawn(child(log, 'a', 5));
      g.spawn(child(log, 'b', 10));
      yield* sleep(1);
      log.push('the body is done');
      return 'result';
    }),
  );
  world.settle();
  world.advance(1);
  assert.is(task.waitsFor, 'the tasks of its group');
  world.advance(4);
  assert.is(task.status, 'parked');
  world.advance(5);
  assert.equal([task.status, task.outcome], ['done', 'result']);
  equalInAnyOrder(log.splice(0, 2), ['a starts', 'b starts']);
  assert.equal(log, ['the body is done', 'a is done', 'a ends', 'b is done', 'b ends']);
  assert.is(world.kernel.tasks.size, 0);
});

test('rule 14: the body counts as a child: the group does not end before it, and its failure cancels the others', () => {
  const world = new World();
  const log: string[] = [];
  const error = new Error('of the body');
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(child(log, 'short', 1));
      g.spawn(slowToEnd(log, 'long', 5));
      yield* sleep(10);
      assert.is(g.size, 1);
      throw error;
    }),
  );
  world.settle();
  world.advance(1);
  world.advance(9);
  // The clean-up is waited for.
  assert.is(task.status, 'parked');
  assert.equal(log, ['short starts', 'short is done', 'short ends', `long: sibling, ${error}`]);
  world.advance(5);
  assert.equal([task.status, task.outcome], ['failed', error]);
  assert.equal(world.failures, [[task, error]]);
});

test('rule 14: what children spawn into the group is waited for too, also after the body has completed', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(
        made(function* (): Co<void> {
          yield* sleep(1);
          g.spawn(child(log, 'grandchild', 5));
        }),
      );
    }),
  );
  world.settle();
  world.advance(1);
  assert.is(task.status, 'parked');
  world.advance(5);
  assert.is(task.status, 'done');
  assert.equal(log, ['grandchild starts', 'grandchild is done', 'grandchild ends']);
});

test('rule 14: one that is spawned after the last has ended, but before the group has returned, is waited for', () => {
  for (const daemon of [false, true]) {
    const world = new World();
    const log: string[] = [];
    let open: Group | undefined;
    const task = world.kernel.spawn(
      group(function* (g): Co<void> {
        open = g;
        g.spawn(sleep(5));
      }),
    );
    world.settle();
    world.now = 5;
    world.kernel.timers.fire(5);
    // The child's last step: the group is told, and its own turn is still to come.
    world.kernel.run(1);
    assert.is(open?.size, 0);
    open?.spawn(slowToEnd(log, 'late', 2), { daemon });
    world.settle();
    if (!daemon) task.cancel('enough');
    world.settle();
    world.advance(2);
    const why = daemon ? 'shutdown, its group has ended' : 'explicit, enough';
    assert.equal(log, [`late: ${why}`, 'late ends']);
    // Its body had completed.
    assert.is(task.status, 'done');
  }
});

test('rule 6: the wait for the tasks of a group cannot be undone, and keeps no task from its cancel', () => {
  const world = new World();
  let open: Group | undefined;
  world.kernel.spawn(
    group(function* (g): Co<void> {
      open = g;
      g.spawn(sleep(5));
      yield* sleep(10);
    }),
  );
  world.settle();
  const onlooker = world.kernel.spawn((open as Group).end);
  world.settle();
  onlooker.cancel();
  world.settle();
  assert.is(onlooker.status, 'parked');
  world.advance(5);
  assert.is(onlooker.status, 'done');
  world.advance(5);
  assert.is(world.kernel.tasks.size, 0);
});

test('rule 14: a group without tasks returns in the same step', () => {
  const world = new World();
  const task = world.kernel.spawn(
    made(function* (): Co<number> {
      return (
        (yield* group(function* (): Co<number> {
          return 1;
        })) +
        (yield* group(() =>
          routine(function* (): Co<number> {
            return 2;
          })(),
        ))
      );
    }),
  );
  assert.is(world.settle(), 1);
  assert.is(task.outcome, 3);
});

test('rule 11: g.cancel() ends the group without an error; a body that it cut short gives undefined', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    made(function* (): Co<unknown> {
      const result = yield* group(function* (g): Co<string> {
        g.spawn(slowToEnd(log, 'child', 0));
        g.spawn(
          made(function* (): Co<void> {
            yield* sleep(5);
            g.cancel('enough');
            log.push(`cancelled: ${g.cancelled}, ${g.cancelCalled}, ${g.reason}`);
          }),
        );
        yield* sleep(100);
        return 'not reached';
      });
      // Outside of it nothing is cancelled.
      yield* pass();
      return [result];
    }),
  );
  world.settle();
  world.advance(5);
  world.advance(0);
  assert.equal([task.status, task.outcome], ['done', [undefined]]);
  assert.equal(log, ['cancelled: true, true, enough', 'child: explicit, enough', 'child ends']);
});

test('rules 4, 13: a body that has completed, or does so before its next trap, keeps its result', () => {
  const world = new World();
  const log: string[] = [];
  let open: Group | undefined;
  const before = world.kernel.spawn(
    group(function* (g): Co<string> {
      g.spawn(slowToEnd(log, 'a', 0));
      yield* pass();
      g.cancel('by the body');
      return 'kept';
    }),
  );
  const after = world.kernel.spawn(
    group(function* (g): Co<string> {
      open = g;
      g.spawn(slowToEnd(log, 'b', 0));
      yield* pass();
      return 'kept too';
    }),
  );
  const cut = world.kernel.spawn(
    group(function* (g): Co<string> {
      g.cancel();
      yield* pass();
      return 'not reached';
    }),
  );
  world.settle();
  world.advance(0);
  open?.cancel('from outside');
  world.settle();
  world.advance(0);
  assert.equal([before.outcome, after.outcome, cut.outcome], ['kept', 'kept too', undefined]);
  assert.equal(log, ['a: explicit, by the body', 'a ends', 'b: explicit, from outside', 'b ends']);
});

test('rule 10: with { cleanup: ms } shields inside do not protect for longer', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(slowToEnd(log, 'endless', 500));
      yield* sleep(1);
      g.cancel('enough', { cleanup: 20 });
      yield* cleanup(1_000, sleep(500));
    }),
  );
  world.settle();
  world.advance(1);
  world.advance(19);
  assert.is(task.status, 'parked');
  world.advance(1);
  assert.is(task.status, 'done');
  assert.equal(log, ['endless: explicit, enough']);
  assert.is(world.kernel.timers.size, 0);
});

test('rule 11: the cancel of an inner group ends there, one of an outer group passes the inner ones', () => {
  for (const [which, expected] of [
    ['inner', ['after the inner group', 'after the outer group']],
    ['outer', ['after the outer group']],
  ] as const) {
    const world = new World();
    const log: string[] = [];
    const task = world.kernel.spawn(
      made(function* (): Co<void> {
        yield* group(function* (outer): Co<void> {
          yield* group(function* (inner): Co<void> {
            inner.spawn(sleep(Number.POSITIVE_INFINITY));
            yield* sleep(1);
            (which === 'inner' ? inner : outer).cancel();
            yield* pass();
          });
          log.push('after the inner group');
        });
        log.push('after the outer group');
      }),
    );
    world.settle();
    world.advance(1);
    assert.equal(log, expected);
    assert.is(task.status, 'done');
  }
});

test('rules 11, 28: of two cancels the outermost is thrown at the end of the group, also one that came while it waited', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    made(function* (): Co<void> {
      yield* group(function* (g): Co<void> {
        g.spawn(slowToEnd(log, 'child', 5));
        g.cancel('inner');
        yield* pass();
      });
      log.push('not reached');
    }),
  );
  world.settle();
  task.cancel('outer');
  world.advance(5);
  assert.is(task.status, 'cancelled');
  assert.is((task.outcome as CancelError).reason, 'outer');
  assert.equal(log, ['child: explicit, inner', 'child ends']);
});

test('rule 11: a cancel from before a shield that a body throws in it is not swallowed', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    made(function* (): Co<void> {
      try {
        yield* sleep(10);
      } catch (error) {
        yield* cleanup(
          100,
          group(function* (): Co<never> {
            yield* pass();
            throw error;
          }),
        );
        log.push('not reached');
      }
    }),
  );
  world.settle();
  task.cancel('once');
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.is((task.outcome as CancelError).reason, 'once');
  assert.equal(log, []);
});

test('rule 4: under a deadline a completed body keeps its result, and its tasks are cut', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    failAfter(
      10,
      group(function* (g): Co<string> {
        g.spawn(slowToEnd(log, 'child', 5));
        return 'kept';
      }),
    ),
  );
  world.settle();
  world.advance(10);
  assert.is(task.status, 'parked');
  world.advance(5);
  assert.equal([task.status, task.outcome], ['done', 'kept']);
  assert.equal(log, ['child: deadline, TimeoutError: it took longer than 10 ms', 'child ends']);
});

test('rules 11, 14: a body that is cut by a deadline, a scope or its task waits for the others and passes the cancel on', () => {
  const ways: Record<string, [(body: Co<unknown>) => Co<unknown>, (task: Task<unknown>) => unknown[]]> = {
    failAfter: [
      function* (body) {
        return yield* failAfter(10, body);
      },
      ({ status, outcome }) => [status, outcome instanceof TimeoutError],
    ],
    cancelScope: [
      function* (body) {
        return ['scope', yield* cancelScope(body, { timeout: 10 })];
      },
      ({ status, outcome }) => [status, outcome],
    ],
    deadline: [
      function* (body) {
        using _ = deadline(10);
        return yield* body;
      },
      ({ status, outcome }) => [status, outcome instanceof TimeoutError],
    ],
    'the task': [
      function* (body) {
        yield* group(function* (g): Co<void> {
          const task = g.spawn(body);
          yield* sleep(10);
          task.cancel();
        });
        return 'no failure';
      },
      ({ status, outcome }) => [status, outcome],
    ],
  };
  const expected: Record<string, unknown[]> = {
    failAfter: ['failed', true],
    cancelScope: ['done', ['scope', undefined]],
    deadline: ['failed', true],
    'the task': ['done', 'no failure'],
  };
  for (const [way, [around, facts]] of Object.entries(ways)) {
    const world = new World();
    const log: string[] = [];
    const body = made(function* (): Co<void> {
      yield* group(function* (g): Co<void> {
        g.spawn(child(log, 'child', 100));
        yield* sleep(100);
      });
      log.push('not reached');
    });
    const task = world.kernel.spawn(around(body));
    world.settle();
    world.advance(10);
    assert.equal(log, ['child starts', 'child ends'], way);
    // A deadline for the rest of a task's own block has nobody around it for whom it would be a cancel.
    assert.equal(facts(task), expected[way], way);
    assert.is(world.kernel.timers.size, 0);
  }
});

test('rule 26: a group can have a deadline of its own, which can be moved', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      g.expireAfter(5);
      g.spawn(slowToEnd(log, 'child', 0));
      yield* sleep(2);
      g.expireAfter(10);
      assert.is(g.remaining, 10);
      yield* sleep(100);
    }),
  );
  world.settle();
  world.advance(2);
  world.advance(9);
  assert.equal(log, []);
  world.advance(1);
  world.advance(0);
  assert.equal([task.status, task.outcome], ['done', undefined]);
  assert.equal(log, ['child: deadline, TimeoutError: it took longer than 10 ms', 'child ends']);
});

test('rule 16: a join gives the result, and the error that says that the other was cancelled, which is no failure of it', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<unknown[]> {
      const number = g.spawn(
        made(function* (): Co<number> {
          yield* sleep(2);
          return 20;
        }),
      );
      const text: Task<string> = g.spawn(child([], 'text', 1), { name: 'named' });
      const cancelled = g.spawn(sleep(100), { name: 'the other' });
      const results: unknown[] = [(yield* number.join()) + 1, (yield* text.join()).length, text.name];
      cancelled.cancel();
      try {
        yield* cancelled.join();
      } catch (error) {
        assert.instance(error, TaskCancelledError);
        results.push(String(error));
      }
      // Neither the group nor the body is cancelled.
      yield* pass();
      return results;
    }),
  );
  world.settle();
  world.advance(2);
  assert.equal(task.outcome, [21, 4, 'named', 'TaskCancelledError: task 4 (the other) was cancelled']);
});

test('rule 17: tasks start in the order of their spawns, and not before the next trap of the spawner', () => {
  inOrder();
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      for (const name of ['a', 'b', 'c']) g.spawn(child(log, name, 0));
      log.push('spawned');
      yield;
      log.push('next');
    }),
  );
  world.settle();
  world.advance(0);
  assert.equal(log.slice(0, 5), ['spawned', 'a starts', 'b starts', 'c starts', 'next']);
  assert.is(task.status, 'done');
});

test('rule 20: spawning into a finished group throws, and makes no task', () => {
  const world = new World();
  let open: Group | undefined;
  world.kernel.spawn(
    group(function* (g): Co<void> {
      open = g;
    }),
  );
  world.settle();
  assert.throws(
    () => open?.spawn(sleep(1)),
    (error: unknown) => error instanceof MisuseError && /has ended/.test(error.message),
  );
  assert.is(world.kernel.tasks.size, 0);
  assert.is(open?.size, 0);
});

test('rules 5, 20: a task that is spawned into a cancelled group runs to its first trap', () => {
  const world = new World();
  const log: string[] = [];
  world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(child(log, 'before', 1));
      g.cancel();
      g.spawn(child(log, 'after', 1));
      g.spawn(
        made(function* (): Co<void> {
          log.push('no trap');
        }),
      );
    }),
  );
  world.settle();
  for (const name of ['before', 'after']) assert.ok(log.indexOf(`${name} starts`) < log.indexOf(`${name} ends`));
  equalInAnyOrder(log, ['before starts', 'before ends', 'after starts', 'after ends', 'no trap']);
  assert.is(world.kernel.tasks.size, 0);
  assert.equal(world.failures, []);
});

test('{ signal } cancels the group: aborted before, or meanwhile; afterwards nothing listens', () => {
  for (const early of [true, false]) {
    const world = new World();
    const log: string[] = [];
    const controller = new AbortController();
    if (early) controller.abort('gone');
    const task = world.kernel.spawn(
      group(
        function* (g): Co<void> {
          g.spawn(slowToEnd(log, 'child', 0));
          log.push('the body starts');
          yield* sleep(100);
          log.push('not reached');
        },
        { signal: controller.signal },
      ),
    );
    world.settle();
    if (!early) controller.abort('gone');
    world.settle();
    world.advance(0);
    assert.equal(log, ['the body starts', 'child: abort, gone', 'child ends']);
    assert.equal([task.status, task.outcome], ['done', undefined]);
  }
  const world = new World();
  const controller = new AbortController();
  let open: Group | undefined;
  world.kernel.spawn(
    group(
      function* (g): Co<void> {
        open = g;
      },
      { signal: controller.signal },
    ),
  );
  world.settle();
  controller.abort();
  assert.not(open?.cancelled);
});

test('scopes and locals that a body forgot to leave are left, with their deadlines', () => {
  const world = new World();
  const local = new Local('initial');
  const task = world.kernel.spawn(
    made(function* (): Co<string> {
      yield* group(function* (g): Co<void> {
        g.spawn(sleep(1));
        deadline(5);
        local.set('of the body');
        // A task carries on what holds where it was spawned.
        const seen = g.spawn(
          made(function* (): Co<string> {
            return local.get();
          }),
        );
        assert.is(yield* seen.join(), 'of the body');
      });
      yield* sleep(10);
      return local.get();
    }),
  );
  world.settle();
  world.advance(1);
  assert.is(world.kernel.timers.size, 1);
  world.advance(10);
  assert.equal([task.status, task.outcome], ['done', 'initial']);
});

test('a group that its body leaves by hand is an error, and nothing of it runs on', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    made(function* (): Co<void> {
      try {
        yield* group(function* (g): Co<void> {
          g[Symbol.dispose]();
          assert.throws(() => g.spawn(child(log, 'late', 1)), /has ended/);
        });
      } catch (error) {
        log.push((error as MisuseError).code);
      }
      yield* pass();
      log.push('goes on');
    }),
  );
  world.settle();
  assert.equal(log, ['ERR_GENLOOP_MISUSE', 'goes on']);
  assert.is(task.status, 'done');
  assert.is(task.scope, task);
});

test('a wrong policy, a wrong signal, and a body that is none throw a TypeError at the group', () => {
  const queue = new Queue<number>();
  const wrong: [unknown, object][] = [
    [() => queue.take(), { onError: 'ignore' }],
    [() => queue.take(), { signal: 5 }],
    [() => {}, {}],
    [() => 5, {}],
    [async () => {}, {}],
  ];
  for (const [body, options] of wrong) {
    const world = new World();
    const task = world.kernel.spawn(
      made(function* (): Co<unknown> {
        try {
          return yield* group(body as never, options);
        } catch (error) {
          return error;
        }
      }),
    );
    world.settle();
    assert.instance(task.outcome, TypeError);
    assert.is(task.scope, task);
  }
  assert.is(queue.takers.length, 0);
});

test('what is no task, or belongs to one already, cannot be spawned, and the group goes on', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<number> {
      const body = sleep(1)[Symbol.iterator]() as Co<void>;
      const owned = child([], 'owned', 1);
      g.spawn(owned);
      assert.throws(() => g.spawn(owned), /already belongs to a task/);
      assert.throws(() => g.spawn(5 as never), /a task is a generator/);
      assert.throws(() => g.spawn(body, { signal: 5 as never }), /AbortSignal/);
      return g.size;
    }),
  );
  world.settle();
  world.advance(1);
  assert.equal([task.status, task.outcome], ['done', 1]);
});

test.run();
