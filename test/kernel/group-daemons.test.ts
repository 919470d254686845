import * as assert from 'uvu/assert';
import { type Co, errorsOf, group, sleep } from '../../src/kernel/index.ts';
import { slowToEnd as daemon } from '../support/cancelling.ts';
import { equalInAnyOrder, isSeeded } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('group daemons');

test('rule 19: daemons end with their group, when all others have ended, and their clean-up is waited for', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<string> {
      g.spawn(daemon(log, 'daemon', 5), { daemon: true });
      g.spawn(sleep(10));
      assert.is(g.size, 2);
      return 'result';
    }),
  );
  world.settle();
  world.advance(9);
  assert.equal(log, []);
  world.advance(1);
  assert.equal(log, ['daemon: shutdown, its group has ended']);
  assert.is(task.status, 'parked');
  world.advance(5);
  assert.equal([task.status, task.outcome], ['done', 'result']);
  assert.is(log.at(-1), 'daemon ends');
});

test('rule 19: a group with daemons alone ends as soon as its body does, and several end together', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      for (const name of ['a', 'b', 'c']) g.spawn(daemon(log, name), { daemon: true });
      yield* sleep(1);
    }),
  );
  world.settle();
  world.advance(1);
  world.advance(0);
  const why = 'shutdown, its group has ended';
  equalInAnyOrder(log.splice(0, 3), [`a: ${why}`, `b: ${why}`, `c: ${why}`]);
  equalInAnyOrder(log, ['a ends', 'b ends', 'c ends']);
  assert.is(task.status, 'done');
});

test('rule 19: a daemon that ends by itself is no end of the group', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<number> {
      const short = g.spawn(sleep(1), { daemon: true });
      yield* short.join();
      yield* sleep(5);
      return g.size;
    }),
  );
  world.settle();
  world.advance(1);
  assert.is(task.status, 'parked');
  world.advance(5);
  assert.equal([task.status, task.outcome], ['done', 0]);
});

test('rule 19: the error of a daemon counts, while the group runs and while it shuts down', () => {
  for (const late of [false, true]) {
    const world = new World();
    const log: string[] = [];
    const error = new Error('of the daemon');
    const task = world.kernel.spawn(
      group(function* (g): Co<string> {
        g.spawn(daemon(log, 'other'), { daemon: true });
        g.spawn(
          made(function* (): Co<void> {
            try {
              yield* sleep(late ? 100 : 1);
            } finally {
              // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
              throw error;
            }
          }),
          { daemon: true },
        );
        yield* sleep(5);
        return 'result';
      }),
    );
    world.settle();
    world.advance(1);
    world.advance(4);
    world.advance(0);
    assert.equal([task.status, task.outcome], ['failed', error]);
    // The group's own cancel is the outer one: it comes in the place of the shutdown if that was not seen yet.
    const reasons = late ? ['shutdown, its group has ended', `sibling, ${error}`] : [`sibling, ${error}`];
    const why = isSeeded() ? reasons.find((reason) => log[0] === `other: ${reason}`) : reasons[0];
    assert.equal(log, [`other: ${why}`, 'other ends']);
  }
});

test('rule 19: errors of several daemons that shut down all come out', () => {
  const world = new World();
  const errors = [new Error('first'), new Error('second')];
  const thrown: Error[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      for (const error of errors) {
        g.spawn(
          made(function* (): Co<void> {
            try {
              yield* sleep(100);
            } finally {
              thrown.push(error);
              // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
              throw error;
            }
          }),
          { daemon: true },
        );
      }
      yield* sleep(1);
    }),
  );
  world.settle();
  world.advance(1);
  equalInAnyOrder(thrown, errors);
  assert.is(task.outcome, thrown[0]);
  assert.equal(errorsOf(task.outcome), thrown);
});

test('rule 19: a daemon is cancelled like the others when the group is', () => {
  const world = new World();
  const log: string[] = [];
  world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(daemon(log, 'daemon'), { daemon: true });
      yield* sleep(1);
      g.cancel('enough');
    }),
  );
  world.settle();
  world.advance(1);
  world.advance(0);
  assert.equal(log, ['daemon: explicit, enough', 'daemon ends']);
  assert.is(world.kernel.tasks.size, 0);
});

test('rule 19: what a daemon spawns in its clean-up: a task is waited for, a daemon sees the shutdown at its first trap', () => {
  const world = new World();
  const log: string[] = [];
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      g.spawn(
        made(function* (): Co<void> {
          try {
            yield* sleep(Number.POSITIVE_INFINITY);
          } finally {
            g.spawn(daemon(log, 'second daemon'), { daemon: true });
            g.spawn(
              made(function* (): Co<void> {
                yield* sleep(5);
                log.push('the task is done');
              }),
            );
            // The group is open again as long as that task runs.
            g.spawn(daemon(log, 'third daemon'), { daemon: true });
          }
        }),
        { daemon: true },
      );
      yield* sleep(1);
    }),
  );
  world.settle();
  world.advance(1);
  world.advance(0);
  const why = 'shutdown, its group has ended';
  assert.equal(log, [`second daemon: ${why}`, 'second daemon ends']);
  assert.is(task.status, 'parked');
  world.advance(5);
  world.advance(0);
  assert.equal(log.slice(2), ['the task is done', `third daemon: ${why}`, 'third daemon ends']);
  assert.is(task.status, 'done');
});

test('rule 16: the result of a daemon can be joined as that of any other', () => {
  const world = new World();
  const task = world.kernel.spawn(
    group(function* (g): Co<unknown> {
      const answer = g.spawn(
        made(function* (): Co<number> {
          yield* sleep(1);
          return 42;
        }),
        { daemon: true, name: 'answer' },
      );
      return [answer.name, yield* answer.join()];
    }),
  );
  world.settle();
  world.advance(1);
  assert.equal(task.outcome, ['answer', 42]);
});

test.run();
