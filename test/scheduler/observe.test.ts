/** Who looks on in all schedulers of a thread, and which schedulers run in it. This file stands for `observe.ts` and `running.ts`. */

import { type Co, type Observer, pass, sleep } from 'genloop/kernel';
import type { BackendName } from 'genloop/os';
import { currentScheduler, currentTask, until } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { observe } from '../../src/scheduler/observe.ts';
import { runningSchedulers } from '../../src/scheduler/running.ts';
import { SETS } from '../support/backends.ts';
import { Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('looking on');

/** An observer that writes down which tasks it sees begin. */
function witness(name: string, log: string[]): Observer {
  return { spawned: (task) => void log.push(`${name} sees ${task.name}`) };
}

function* nothing(): Co<void> {}

/** A scheduler that can be a guest, whatever backend the environment names. */
function watchable(): Scheduler {
  return new Scheduler({ backend: SETS[0]?.name as BackendName });
}

test('each that looks on is told, in schedulers before and after, until it is disposed; the others go on', () => {
  const log: string[] = [];
  const told = (scheduler: Scheduler, name: string): string[] => {
    scheduler.spawn(
      (function* (): Co<void> {
        scheduler.spawn(nothing(), { name });
        yield;
      })(),
      { name: 'main' },
    );
    scheduler.runSync();
    return log.splice(0).filter((line) => line.endsWith(name));
  };
  const before = new Scheduler();
  assert.equal(told(before, 'a'), []);
  const one = observe(witness('one', log));
  assert.equal(told(before, 'b'), ['one sees b']);
  const two = observe(witness('two', log));
  assert.equal(told(new Scheduler(), 'c'), ['one sees c', 'two sees c']);
  one[Symbol.dispose]();
  assert.equal(told(before, 'd'), ['two sees d']);
  // Twice is once.
  one[Symbol.dispose]();
  two[Symbol.dispose]();
  assert.equal(told(before, 'e'), []);
  assert.equal(told(new Scheduler(), 'f'), []);
});

test('a scheduler runs from its first step to the end of its last task, in each drive', async () => {
  const scheduler = watchable();
  const seen: Scheduler[][] = [];
  const look = function* (): Co<void> {
    seen.push(runningSchedulers());
    yield* pass();
    yield* sleep(0);
    seen.push(runningSchedulers());
  };
  scheduler.spawn(look());
  assert.equal(runningSchedulers(), []);
  scheduler.runSync();
  assert.equal(runningSchedulers(), []);
  scheduler.spawn(look());
  await scheduler.run();
  assert.equal(runningSchedulers(), []);
  assert.is(seen.length, 4);
  for (const running of seen) {
    assert.is(running.length, 1);
    assert.is(running[0], scheduler);
  }
});

/** Opens when so many have passed. */
function gate(count: number): { open: Promise<void>; pass: () => void } {
  let left = count;
  let release: () => void = () => {};
  const open = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    open,
    pass: () => {
      if (--left === 0) release();
    },
  };
}

test('schedulers that run side by side are told in the order in which they began', async () => {
  const [first, second] = [watchable(), watchable()];
  const seen: Scheduler[][] = [];
  // Both are there before one looks, and until both have looked.
  const begun = gate(2);
  const looked = gate(2);
  for (const scheduler of [first, second]) {
    scheduler.spawn(
      (function* (): Co<void> {
        begun.pass();
        yield* until(begun.open);
        seen.push(runningSchedulers());
        looked.pass();
        yield* until(looked.open);
      })(),
    );
  }
  await Promise.all([first.run(), second.run()]);
  assert.is(seen.length, 2);
  for (const running of seen) {
    assert.is(running.length, 2);
    assert.is(running[0], first);
    assert.is(running[1], second);
  }
});

test('outside of a step there is no scheduler and no task, and both say so', () => {
  for (const ask of [currentScheduler, currentTask]) {
    assert.throws(ask, (error: { code: string; message: string }) => {
      return (
        error.code === 'ERR_GENLOOP_MISUSE' && error.message === 'no task is running here; call it from inside a task'
      );
    });
  }
});

test.run();
