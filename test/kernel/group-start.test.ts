import * as assert from 'uvu/assert';
import {
  type CancelError,
  type Co,
  cleanup,
  failAfter,
  type Group,
  group,
  MisuseError,
  Op,
  PENDING,
  pass,
  routine,
  sleep,
  TaskCancelledError,
  TimeoutError,
  type Waker,
} from '../../src/kernel/index.ts';
import { Queue, select } from '../support/operations.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('group start');

type Ready<T> = (value: T) => void;

/** Is ready after some time, and then serves until it is cancelled. */
function server(log: string[], ms: number = 5): (ready: Ready<number>) => Co<void> {
  return function* server(ready): Co<void> {
    log.push('starts');
    try {
      yield* sleep(ms);
      ready(8080);
      yield* sleep(Number.POSITIVE_INFINITY);
    } catch (error) {
      const { source, reason } = error as CancelError;
      log.push(`${source}, ${reason}`);
      throw error;
    } finally {
      yield* cleanup(1_000, sleep(3));
      log.push('ends');
    }
  };
}

const ABANDONED = 'explicit, whoever started it does not wait any more';

test('rule 18: start gives what the task said when it was ready, and the task goes on', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      const port: number = yield* g.start(server(log));
      log.push(`port ${port}, ${g.size} task`);
      yield* sleep(5);
      g.cancel('enough');
    }),
  );
  world.settle();
  assert.is(task.waitsFor, 'a task that starts');
  world.advance(5);
  assert.equal(log, ['starts', 'port 8080, 1 task']);
  world.advance(5);
  world.advance(3);
  assert.equal(log.slice(2), ['explicit, enough', 'ends']);
  assert.is(task.status, 'done');
});

test('rule 18: the task is called as its function, or as the options say, and may be a daemon or a routine', () => {
  const world = new World();
  const names: string[] = [];
  const say = routine(function* said(ready: Ready<string>): Co<void> {
    ready('routine');
    yield* sleep(Number.POSITIVE_INFINITY);
  });
  const task = world.kernel.spawn(
    group(function* (g): Co<unknown[]> {
      const named = function* listen(ready: Ready<number>): Co<void> {
        names.push([...world.kernel.tasks].at(-1)?.name ?? '');
        ready(1);
      };
      const results: unknown[] = [
        yield* g.start(named),
        yield* g.start(named, { name: 'given' }),
        yield* g.start(
          [
            function* (ready: Ready<number>): Co<void> {
              names.push([...world.kernel.tasks].at(-1)?.name ?? '');
              ready(3);
            },
          ][0] as (ready: Ready<number>) => Co<void>,
        ),
        yield* g.start((ready: Ready<string>) => say(ready), { daemon: true }),
      ];
      return results;
    }),
  );
  world.settle();
  assert.equal([task.status, task.outcome], ['done', [1, 1, 3, 'routine']]);
  assert.equal(names, ['listen', 'given', 'task']);
});

test('rule 18: a function that is ready at once, before there is a task, has been ready', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<unknown> {
      const value = yield* g.start((ready: Ready<string>) => {
        ready('at once');
        return sleep(5);
      });
      return [value, g.size];
    }),
  );
  world.settle();
  world.advance(5);
  assert.equal([task.status, task.outcome], ['done', ['at once', 1]]);
});

test('rule 18: an error before ready belongs to the caller, and does not fail the group', () => {
  const world = new World();
  const error = new Error('port in use');
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<string> {
      g.spawn(server(log)(() => {}));
      try {
        yield* g.start(function* (): Co<void> {
          yield* sleep(1);
          throw error;
        });
      } catch (raised) {
        assert.is(raised, error);
      }
      yield* sleep(1);
      assert.not(g.cancelled);
      g.cancel();
      return 'goes on';
    }),
  );
  world.settle();
  for (let i = 0; i < 5; i++) world.advance(1);
  assert.equal([task.status, task.outcome], ['done', 'goes on']);
  assert.equal(world.failures, []);
});

test('rule 18: what the function throws before there is a task is thrown at the start; so is the end of the group', () => {
  const world = new World();
  const error = new Error('at once');
  let open: Group | undefined;
  world.kernel.spawn(
    group(function* (g): Co<void> {
      open = g;
    }),
  );
  world.settle();
  const task = world.kernel.spawn(
    group(function* (g): Co<unknown[]> {
      const caught: unknown[] = [];
      for (const start of [
        () =>
          g.start(() => {
            throw error;
          }),
        () => g.start(() => 5 as never),
        () => (open as Group).start(server([])),
      ]) {
        try {
          yield* start() as Op<unknown>;
        } catch (raised) {
          caught.push(raised);
        }
      }
      assert.is(g.size, 0);
      return caught;
    }),
  );
  world.settle();
  const [thrown, notATask, late] = task.outcome as unknown[];
  assert.is(thrown, error);
  assert.instance(notATask, TypeError);
  assert.instance(late, MisuseError);
});

test('rule 18: an error after ready is the failure of a task like others', () => {
  const world = new World();
  const error = new Error('later');
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      yield* g.start(function* (ready: Ready<void>): Co<void> {
        ready();
        yield* sleep(1);
        throw error;
      });
      yield* sleep(100);
    }),
  );
  world.settle();
  world.advance(1);
  assert.equal([task.status, task.outcome], ['failed', error]);
});

test('rule 18: a task that ends without having been ready, and one that is cancelled before, are errors of the start', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<string[]> {
      const caught: string[] = [];
      for (const body of [
        function* silent(): Co<void> {
          yield* sleep(0);
        },
        function* cancelled(): Co<void> {
          yield* sleep(100);
        },
      ]) {
        try {
          yield* g.start(body);
        } catch (error) {
          assert.is(error instanceof MisuseError, body.name === 'silent');
          assert.is(error instanceof TaskCancelledError, body.name === 'cancelled');
          caught.push((error as Error).message);
        }
      }
      return caught;
    }),
  );
  world.settle();
  world.advance(0);
  [...world.kernel.tasks].at(-1)?.cancel();
  world.settle();
  assert.equal(task.outcome, [
    'task 2 (silent) ended without having called ready()',
    'task 3 (cancelled) was cancelled',
  ]);
});

test('rule 18: ready twice, or after the end, is an error there; the first value stays', () => {
  const world = new World();
  let kept: Ready<number> = () => {};
  const task = world.kernel.spawn(
    group(function* (g): Co<number> {
      const value = yield* g.start(function* (ready: Ready<number>): Co<void> {
        ready(1);
        assert.throws(() => ready(2), /called twice/);
      });
      try {
        yield* g.start(function* (ready: Ready<number>): Co<void> {
          kept = ready;
        });
      } catch {
        assert.throws(() => kept(3), /after the end/);
      }
      return value;
    }),
  );
  world.settle();
  assert.equal([task.status, task.outcome], ['done', 1]);
});

test('rule 18: a cancel of whoever started it ends the task, whose end is waited for', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<string> {
      try {
        yield* failAfter(2, g.start(server(log)));
        return 'not reached';
      } catch (error) {
        log.push(`caught, ${g.size} left`);
        assert.instance(error, TimeoutError);
        return 'timed out';
      }
    }),
  );
  world.settle();
  world.advance(2);
  assert.equal(log, ['starts', ABANDONED]);
  world.advance(3);
  assert.equal(log.slice(2), ['ends', 'caught, 0 left']);
  assert.equal([task.status, task.outcome], ['done', 'timed out']);
});

test('rules 12, 18: an error in the clean-up of an abandoned task replaces the cancel of whoever started it', () => {
  const world = new World();
  const error = new Error('of the clean-up');
  const task = world.kernel.spawn(
    group(function* (g): Co<unknown> {
      try {
        yield* failAfter(
          2,
          g.start(function* (): Co<void> {
            try {
              yield* sleep(5);
            } finally {
              // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
              throw error;
            }
          }),
        );
        return 'not reached';
      } catch (raised) {
        return raised;
      }
    }),
  );
  world.settle();
  world.advance(2);
  assert.equal([task.status, task.outcome], ['done', error]);
});

test('rules 4, 18: an abandoned task that is ready all the same hands over its value, and the cancel comes at the next trap', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      const value = yield* g.start(function* (ready: Ready<string>): Co<void> {
        try {
          yield* sleep(100);
        } catch {
          ready('after all');
        }
      });
      log.push(value);
      yield* pass();
      log.push('not reached');
    }),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.equal(log, ['after all']);
  assert.is(task.status, 'cancelled');
});

test('rule 18: when the group is cancelled before ready, whoever started it sees that cancel, and an outsider an error', () => {
  const world = new World();
  const log: string[] = [];
  let open: Group | undefined;
  const task = world.kernel.spawn(
    made(function* (): Co<unknown> {
      return [
        yield* group(function* (g): Co<string> {
          open = g;
          yield* g.start(server(log));
          return 'not reached';
        }),
      ];
    }),
  );
  world.settle();
  const outsider = world.kernel.spawn((open as Group).start(server([])));
  world.settle();
  open?.cancel('all');
  world.settle();
  world.advance(3);
  assert.equal(log, ['starts', 'explicit, all', 'ends']);
  assert.equal([task.status, task.outcome], ['done', [undefined]]);
  assert.instance(outsider.outcome, TaskCancelledError);
});

test('rules 5, 18: a start in a cancelled group runs the task to its first trap; until there it can be ready', () => {
  const world = new World();
  const log: string[] = [];
  let open: Group | undefined;
  world.kernel.spawn(
    group(function* (g): Co<void> {
      open = g;
      yield* cleanup(100, sleep(50));
    }),
  );
  world.settle();
  open?.cancel();
  const ready = world.kernel.spawn(
    (open as Group).start(function* (say: Ready<number>): Co<void> {
      say(1);
      yield* sleep(1);
      log.push('not reached');
    }),
  );
  const late = world.kernel.spawn(
    (open as Group).start(function* (say: Ready<number>): Co<void> {
      log.push('starts');
      yield* sleep(1);
      say(1);
    }),
  );
  world.settle();
  assert.equal([ready.status, ready.outcome], ['done', 1]);
  assert.instance(late.outcome, TaskCancelledError);
  assert.equal(log, ['starts']);
  world.advance(50);
  assert.is(world.kernel.tasks.size, 0);
});

test('rules 6, 18: a start that loses a select ends its task; a start that wins ends the others', () => {
  const world = new World();
  const log: string[] = [];
  const queue = new Queue<string>();
  const task = world.kernel.spawn(
    group(function* (g): Co<unknown> {
      const lost = yield* select(g.start(server(log)), sleep(2));
      const won = yield* select(g.start(server([], 1), { daemon: true }), queue.take());
      assert.is(queue.takers.length, 0);
      return [lost, won];
    }),
  );
  world.settle();
  world.advance(2);
  assert.equal(log, ['starts', ABANDONED]);
  world.advance(1);
  world.advance(3);
  world.advance(3);
  assert.equal(
    [task.status, task.outcome],
    [
      'done',
      [
        [1, undefined],
        [0, 8080],
      ],
    ],
  );
  assert.is(log.at(-1), 'ends');
});

test("rules 18, 21: the failure of a start that has lost is the group's: nothing fails in silence", () => {
  const world = new World();
  const error = new Error('of the clean-up');
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      yield* select(
        g.start(function* (): Co<void> {
          try {
            yield* sleep(100);
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
            throw error;
          }
        }),
        sleep(1),
      );
      yield* sleep(100);
    }),
  );
  world.settle();
  world.advance(1);
  assert.equal([task.status, task.outcome], ['failed', error]);
});

test('rules 5, 18: a start that loses while its function runs ends its task at the first trap', () => {
  const world = new World();
  const log: string[] = [];
  const queue = new Queue<string>();
  const task = world.kernel.spawn(
    group((g) =>
      select(
        queue.take(),
        g.start((ready: Ready<number>) => {
          queue.put('first');
          return server(log)(ready);
        }),
      ),
    ),
  );
  world.settle();
  world.advance(3);
  assert.equal([task.status, task.outcome], ['done', [0, 'first']]);
  assert.equal(log, ['starts', ABANDONED, 'ends']);
});

test('rule 18: a start that is abandoned without a reason ends with an error that says so', () => {
  /** Aborts what it is made of, as soon as it waits, and goes on waiting for it. */
  class Impatient extends Op<unknown> {
    private readonly inner: Op<unknown>;
    constructor(inner: Op<unknown>) {
      super();
      this.inner = inner;
    }
    override try(): typeof PENDING {
      return PENDING;
    }
    override park(waker: Waker<unknown>): void {
      this.inner.park(waker);
      assert.not(this.inner.abort(waker));
    }
    override abort(): boolean {
      return false;
    }
    override describe(): string {
      return 'an impatient operation';
    }
  }
  for (const body of [
    () => sleep(5),
    function* (): Co<void> {
      try {
        yield* sleep(5);
      } catch {
        // It is not told to anybody that it was ready.
      }
    },
  ]) {
    const world = new World();
    const task = world.kernel.spawn(group((g) => new Impatient(g.start(body))));
    world.settle();
    assert.instance(task.outcome, TaskCancelledError);
  }
});

test.run();
