/** What subscribers of the diagnostics channels hear, and that nobody is asked where there are none. */

import diagnostics from 'node:diagnostics_channel';
import { type Co, cancelScope, pass, sleep } from 'genloop/kernel';
import { CHANNELS, type TaskMessage } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { currentObserver } from '../../src/scheduler/observe.ts';
import { Scheduler } from '../support/seeded.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';

const test = suite('diagnostics channels');

/** What is heard of named tasks while `body` runs. */
function heard(names: (keyof typeof CHANNELS)[], body: () => void): string[] {
  const lines: string[] = [];
  const listeners = names.map((name) => {
    const listener = (message: unknown): void => {
      const { task, operation, scope } = message as TaskMessage;
      const what = operation === undefined ? '' : ` ${operation.describe()}`;
      lines.push(`${name} ${task?.name ?? 'root'}${what}${scope === undefined ? '' : ` ${String(scope.reason)}`}`);
    };
    diagnostics.subscribe(CHANNELS[name], listener);
    return () => diagnostics.unsubscribe(CHANNELS[name], listener);
  });
  try {
    body();
  } finally {
    for (const unsubscribe of listeners) unsubscribe();
  }
  return lines;
}

function* napping(): Co<void> {
  yield* sleep(0);
  yield* pass();
}

test('tell the whole life of a task, in its order', () => {
  const lines = heard(['spawn', 'start', 'park', 'resume', 'exit'], () => {
    const scheduler = new Scheduler();
    scheduler.spawn(napping(), { name: 'nap' });
    scheduler.runSync();
  });
  assert.equal(lines, ['spawn nap', 'start nap', 'park nap sleep(0)', 'resume nap', 'resume nap', 'exit nap']);
});

test('tell a cancel, of a task, of a block in it, and of the run', () => {
  const lines = heard(['cancel', 'exit'], () => {
    const scheduler = new Scheduler();
    const other = scheduler.spawn(sleep(Number.POSITIVE_INFINITY), { name: 'other' });
    scheduler.spawn(
      (function* (): Co<void> {
        yield* cancelScope(function* (scope): Co<void> {
          scope.cancel('block');
          yield* pass();
        });
        other.cancel('task');
        yield* pass();
        scheduler.cancel('run');
        yield* pass();
      })(),
      { name: 'main' },
    );
    assert.throws(() => scheduler.runSync(), /run/);
  });
  equalInAnyOrder(lines, ['cancel main block', 'cancel other task', 'exit other', 'cancel root run', 'exit main']);
});

test('each channel by itself is enough', () => {
  for (const name of ['spawn', 'start', 'park', 'resume', 'exit'] as const) {
    const lines = heard([name], () => {
      const scheduler = new Scheduler();
      scheduler.spawn(napping(), { name: 'nap' });
      scheduler.runSync();
    });
    assert.ok(lines.length >= 1, name);
    assert.ok(
      // A task whose spawn was not heard is one that goes on, for all that a subscriber can know.
      lines.every((line) => line.startsWith(name)),
      lines.join(),
    );
  }
});

test('cost nothing while nobody listens: the kernel has nobody to tell', () => {
  assert.is(currentObserver(), null);
  const scheduler = new Scheduler();
  scheduler.spawn(napping());
  assert.is(scheduler.kernel.observer, null);
  scheduler.runSync();
  const lines = heard(['exit'], () => assert.is.not(currentObserver(), null));
  assert.equal(lines, []);
  assert.is(currentObserver(), null);
});

test.run();
