/** Groups under the drives: what a run cancels, what comes out of it, and what a deadlock says of them. */

import { CancelError, type Co, DeadlockError, errorsOf, type Group, group, sleep } from 'genloop/kernel';
import { until, wasInterrupted } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { eachSetup, thrownBy } from '../support/drives.ts';
import { Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('groups of a scheduler');
const over = eachSetup(test);

/** Waits for ever, and notes why it had to end. */
function* waiting(log: string[], name: string): Co<void> {
  try {
    yield* sleep(60_000);
  } catch (error) {
    const { source, reason } = error as CancelError;
    log.push(`${name}: ${source}, ${reason}`);
    throw error;
  } finally {
    log.push(`${name} ends`);
  }
}

function* fail(error: unknown): Co<never> {
  yield* sleep(0);
  throw error;
}

/** Groups in groups, which wait; when all of them do, `then` is called. */
function nested(log: string[], then: () => void): Co<void> {
  return (function* (): Co<void> {
    yield* group(function* (outer): Co<void> {
      outer.spawn(waiting(log, 'child'));
      outer.spawn(waiting(log, 'daemon'), { daemon: true });
      yield* group(function* (inner): Co<void> {
        inner.spawn(waiting(log, 'grandchild'));
        yield* sleep(0);
        then();
        yield* waiting(log, 'body');
      });
      log.push('not reached');
    });
  })();
}

over('rule 14: a run ends when the groups of its tasks have, with their result', async (setup) => {
  const scheduler = setup.make();
  const log: string[] = [];
  const task = scheduler.spawn(
    group(function* (g): Co<number> {
      for (const ms of [2, 1]) {
        g.spawn(
          (function* (): Co<void> {
            yield* sleep(ms);
            log.push(`after ${ms}`);
          })(),
        );
      }
      g.spawn(waiting(log, 'daemon'), { daemon: true });
      return g.size;
    }),
  );
  await setup.run(scheduler);
  assert.equal([task.status, task.outcome], ['done', 3]);
  // On a machine that was busy between the two starts the longer sleep ends first.
  assert.equal(log.splice(0, 2).sort(), ['after 1', 'after 2']);
  assert.equal(log, ['daemon: shutdown, its group has ended', 'daemon ends']);
});

for (const source of ['explicit', 'signal'] as const) {
  over(`scheduler.cancel reaches all tasks of all groups, and comes out of the run (${source})`, async (setup) => {
    const scheduler = setup.make();
    const log: string[] = [];
    const task = scheduler.spawn(nested(log, () => scheduler.cancel('x', source)));
    const error = await thrownBy(setup.run(scheduler));
    assert.instance(error, CancelError);
    assert.equal([(error as CancelError).source, (error as CancelError).reason], [source, 'x']);
    assert.is(task.status, 'cancelled');
    assert.is(task.outcome, error);
    const names = ['body', 'child', 'daemon', 'grandchild'];
    assert.equal(
      log.filter((line) => line.includes(':')).sort(),
      names.map((name) => `${name}: ${source}, x`),
    );
    assert.equal(
      log.filter((line) => line.endsWith('ends')).sort(),
      names.map((name) => `${name} ends`),
    );
    assert.is(scheduler.size, 0);
    assert.is(wasInterrupted(error), source === 'signal');
  });
}

over(
  'rule 21: a failure in a group that nobody catches comes out of the run as it is, and ends the others',
  async (setup) => {
    const scheduler = setup.make();
    const log: string[] = [];
    const [first, later] = [new Error('first'), new Error('later')];
    scheduler.spawn(waiting(log, 'elsewhere'));
    scheduler.spawn(
      group(function* (outer): Co<void> {
        outer.spawn(
          (function* (): Co<void> {
            try {
              yield* sleep(60_000);
            } finally {
              // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
              throw later;
            }
          })(),
        );
        yield* group((inner) => {
          inner.spawn(fail(first));
          return waiting(log, 'body');
        });
      }),
    );
    const error = await thrownBy(setup.run(scheduler));
    assert.is(error, first);
    assert.equal(errorsOf(error), [first, later]);
    assert.equal(log, [
      'body: sibling, Error: first',
      'body ends',
      'elsewhere: sibling, Error: first',
      'elsewhere ends',
    ]);
  },
);

over("rule 21: a failure that is caught around the group is nobody else's business", async (setup) => {
  const scheduler = setup.make();
  const error = new Error('caught');
  const task = scheduler.spawn(
    (function* (): Co<unknown> {
      try {
        yield* group((g) => {
          g.spawn(fail(error));
          return sleep(60_000);
        });
      } catch (raised) {
        yield* sleep(0);
        return raised;
      }
      return 'no error';
    })(),
  );
  await setup.run(scheduler);
  assert.is(task.outcome, error);
});

over(
  'rule 44: a deadlock names the child, and the parent that waits for the tasks of its group',
  async (setup) => {
    const scheduler = setup.make();
    const log: string[] = [];
    scheduler.spawn(
      group(function* (g): Co<void> {
        g.spawn(
          (function* (): Co<void> {
            try {
              yield* sleep(Number.POSITIVE_INFINITY);
            } finally {
              log.push('the child ends');
            }
          })(),
          { name: 'stuck' },
        );
      }),
      { name: 'parent' },
    );
    const error = (await thrownBy(setup.run(scheduler))) as DeadlockError;
    assert.instance(error, DeadlockError);
    assert.match(error.message, /task \d+ \(parent\) waits for the tasks of its group/);
    assert.match(error.message, /task \d+ \(stuck\) waits for sleep\(Infinity\)/);
    assert.equal(
      error.tasks.map(({ name }) => name),
      ['parent', 'stuck'],
    );
    assert.equal(log, ['the child ends']);
  },
  ['blocking'],
);

test('rule 44: as a guest it is decided when Node has nothing left to do, and says the same', async () => {
  await using child = new Program([
    ...NODE,
    '--input-type=module',
    '-e',
    `
    import { Scheduler } from 'genloop/scheduler';
    import { group, sleep } from 'genloop/kernel';
    const scheduler = new Scheduler();
    scheduler.spawn(group((g) => g.spawn(sleep(Infinity), { name: 'stuck' }).join()), { name: 'parent' });
    scheduler.spawn(group(function* (g) { g.spawn(sleep(Infinity), { name: 'child' }); }), { name: 'waiting' });
    scheduler.run().catch((error) => console.log(error.code, error.message));
    `,
  ]);
  const { code, stdout } = await child.ended();
  assert.is(code, 0);
  assert.match(stdout, /^ERR_GENLOOP_DEADLOCK/);
  assert.match(stdout, /task 1 \(parent\) waits for the end of task 3 \(stuck\)/);
  assert.match(stdout, /task 2 \(waiting\) waits for the tasks of its group/);
  assert.match(stdout, /task 4 \(child\) waits for sleep\(Infinity\)/);
});

test('rule 20: a group that a run has left open to callbacks takes tasks from them, until it has ended', async () => {
  const scheduler = new Scheduler();
  const log: string[] = [];
  let open: Group | undefined;
  scheduler.spawn(
    group(function* (g): Co<void> {
      open = g;
      const called = new Promise<void>((resolve) => {
        setImmediate(() => {
          g.spawn(
            (function* (): Co<void> {
              log.push('from a callback');
              yield* sleep(1);
              log.push('ends');
            })(),
          );
          resolve();
        });
      });
      // Until the callback has run, this keeps the group from ending.
      g.spawn(until(called));
    }),
  );
  await scheduler.run();
  assert.equal(log, ['from a callback', 'ends']);
  assert.throws(() => open?.spawn(sleep(1)), /has ended/);
});

test.run();
