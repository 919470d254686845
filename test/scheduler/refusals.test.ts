/** What a scheduler refuses to be asked for, in words: which verb, why, and what to do instead. */

import { type Co, sleep } from 'genloop/kernel';
import type { BackendName } from 'genloop/os';
import * as assert from 'uvu/assert';
import { SETS } from '../support/backends.ts';
import { Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('refusals of a scheduler');

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.is((error as { code: string }).code, 'ERR_GENLOOP_MISUSE');
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

const VERBS = {
  run: (scheduler: Scheduler): unknown => scheduler.run(),
  runSync: (scheduler: Scheduler): unknown => scheduler.runSync(),
  turn: (scheduler: Scheduler): unknown => scheduler.turn(),
};

test('no drive starts inside a task', () => {
  const scheduler = new Scheduler();
  const told: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      for (const act of Object.values(VERBS))
        told.push(
          messageOf(() => act(scheduler)),
          messageOf(() => act(new Scheduler())),
        );
    })(),
  );
  scheduler.runSync();
  assert.equal(
    told,
    Object.keys(VERBS).flatMap((verb) =>
      Array(2).fill(`${verb} was called from inside a task; spawn another task, or yield a subroutine`),
    ),
  );
});

test('one that runs is not run again', async () => {
  const scheduler = new Scheduler({ backend: SETS[0]?.name as BackendName });
  const task = scheduler.spawn(sleep(60_000));
  const end = scheduler.run();
  for (const [verb, act] of Object.entries(VERBS)) {
    assert.is(
      messageOf(() => act(scheduler)),
      `${verb}: this scheduler is already running`,
    );
  }
  task.cancel();
  await end;
});

test('a backend without a descriptor is none for a loop that watches one', () => {
  for (const backend of ['poll', 'select'] as const) {
    const scheduler = new Scheduler({ backend });
    for (const [verb, act] of [
      ['run()', () => scheduler.run()],
      ['fd', () => scheduler.fd],
    ] as const) {
      assert.is(
        messageOf(act),
        `${verb} needs a backend with a descriptor of its own (epoll, kqueue), not '${backend}'; use runSync() or turn()`,
      );
    }
  }
});

test('a close inside a blocking run is refused, and the run goes on', () => {
  const scheduler = new Scheduler();
  let told = '';
  const task = scheduler.spawn(
    (function* (): Co<string> {
      told = messageOf(() => scheduler.close());
      yield* sleep(0);
      return 'went on';
    })(),
  );
  scheduler.runSync();
  assert.is(told, 'close was called during runSync(), which closes by itself; use cancel()');
  assert.is(task.outcome, 'went on');
});

test('each has a name of its own, in the order in which they were made', () => {
  const [one, other] = [new Scheduler().name, new Scheduler().name];
  assert.match(one, /^scheduler \d+$/);
  assert.is(other, `scheduler ${Number(one.slice('scheduler '.length)) + 1}`);
});

test.run();
