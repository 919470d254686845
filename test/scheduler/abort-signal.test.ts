/**
 * An `AbortSignal` from outside, at every entry: what it cancels, what comes out, and that nothing hears it afterwards.
 */

import { getEventListeners } from 'node:events';
import { CancelError, type Co, isCancelled, sleep } from 'genloop/kernel';
import { type SchedulerOptions, wasInterrupted } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { until } from '../../src/scheduler/promises.ts';
import { thrownBy } from '../support/drives.ts';
import { turn } from '../support/leaks.ts';
import { run, runSync, Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('abort signal');

type Main = () => Co<unknown>;

/** Every entry that takes a signal, as a table. */
const ENTRIES = {
  run: (main: Main, options: SchedulerOptions): Promise<unknown> => run(main, options),
  runSync: async (main: Main, options: SchedulerOptions): Promise<unknown> => runSync(main, options),
  'Scheduler.run': async (main: Main, options: SchedulerOptions): Promise<unknown> => {
    const scheduler = new Scheduler(options);
    const task = scheduler.spawn(main());
    await scheduler.run();
    return task.outcome;
  },
  'Scheduler.runSync': async (main: Main, options: SchedulerOptions): Promise<unknown> => {
    const scheduler = new Scheduler(options);
    const task = scheduler.spawn(main());
    scheduler.runSync();
    return task.outcome;
  },
  'Scheduler.turn': async (main: Main, options: SchedulerOptions): Promise<unknown> => {
    const scheduler = new Scheduler(options);
    const task = scheduler.spawn(main());
    while (scheduler.turn()) await turn();
    return task.outcome;
  },
};

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

/** Is the cancel of this reason, and no interruption; and the process goes on as if nothing had been. */
function checkCancel(error: unknown, reason: unknown): void {
  assert.instance(error, CancelError);
  assert.is((error as CancelError).source, 'abort');
  assert.is((error as CancelError).reason, reason);
  assert.ok(isCancelled(error));
  assert.not(wasInterrupted(error));
  assert.is(process.exitCode, undefined);
}

for (const [name, entry] of Object.entries(ENTRIES)) {
  test(`${name}: aborted before, the task runs to its first trap, and the run throws the cancel with the reason`, async () => {
    const reason = new Error('not wanted');
    const signal = AbortSignal.abort(reason);
    const log: string[] = [];
    const error = await thrownBy(
      entry(
        function* main(): Co<void> {
          try {
            log.push('began');
            yield* sleep(60_000);
            log.push('went on');
          } finally {
            log.push('cleaned up');
          }
        },
        { signal },
      ),
    );
    checkCancel(error, reason);
    assert.equal(log, ['began', 'cleaned up']);
    assert.is(listeners(signal), 0);
  });

  test(`${name}: aborted during the run, by a task, it cancels all, and nothing hears the signal afterwards`, async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let caught: unknown;
    let heard = 0;
    const error = await thrownBy(
      entry(
        function* main(): Co<void> {
          heard = listeners(signal);
          yield* sleep(1);
          controller.abort('enough');
          try {
            yield* sleep(60_000);
          } catch (cancel) {
            caught = cancel;
            throw cancel;
          }
        },
        { signal },
      ),
    );
    checkCancel(error, 'enough');
    assert.is(caught, error);
    assert.is(heard, 1);
    assert.is(listeners(signal), 0);
  });

  test(`${name}: aborted after the run, it does nothing`, async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const main = function* main(): Co<string> {
      yield* sleep(1);
      return 'result';
    };
    assert.is(await entry(main, { signal }), 'result');
    assert.is(listeners(signal), 0);
    controller.abort('too late');
    assert.is(process.exitCode, undefined);
  });

  test(`${name}: nothing hears the signal after a failure either`, async () => {
    const { signal } = new AbortController();
    const mine = new Error('mine');
    const main = function* main(): Co<void> {
      yield* sleep(1);
      throw mine;
    };
    assert.is(await thrownBy(entry(main, { signal })), mine);
    assert.is(listeners(signal), 0);
  });

  test(`${name}: what is no signal is refused`, async () => {
    const error = await thrownBy((async () => entry(function* main(): Co<void> {}, { signal: {} as never }))());
    assert.instance(error, TypeError);
    assert.match((error as Error).message, /AbortSignal/);
  });
}

test('run: aborted from a callback of Node while tasks wait for promises and time', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let inner!: AbortSignal;
  const promise = run(
    function* main(): Co<void> {
      yield* until(
        (given) =>
          new Promise((_, reject) => {
            inner = given;
            given.addEventListener('abort', () => setImmediate(reject, given.reason));
          }),
      );
    },
    { signal },
  );
  await turn();
  await turn();
  controller.abort('from outside');
  const error = await thrownBy(promise);
  checkCancel(error, 'from outside');
  assert.is(inner.reason, error);
  assert.is(listeners(signal), 0);
});

test('a task that swallows the cancel and completes: the run still throws it, since its signal was aborted', async () => {
  const signal = AbortSignal.abort('enough');
  const scheduler = new Scheduler({ signal });
  const task = scheduler.spawn(
    (function* (): Co<string> {
      try {
        yield* sleep(1);
      } catch {
        return 'swallowed';
      }
      return 'slept';
    })(),
  );
  checkCancel(await thrownBy(scheduler.run()), 'enough');
  assert.is(task.outcome, 'swallowed');
});

test('a signal counts for the first run of a scheduler, and not for the next', async () => {
  const controller = new AbortController();
  const scheduler = new Scheduler({ signal: controller.signal });
  scheduler.spawn(sleep(0));
  await scheduler.run();
  controller.abort();
  const task = scheduler.spawn(sleep(0));
  await scheduler.run();
  assert.is(task.status, 'done');
});

test('many runs with one signal leave nothing at it, and no warning', async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listener);
  const { signal } = new AbortController();
  for (let i = 0; i < 30; i++) {
    await run(() => sleep(0), { signal });
    runSync(() => sleep(0), { signal });
  }
  await turn();
  process.off('warning', listener);
  assert.equal(warnings, []);
  assert.is(listeners(signal), 0);
});

test.run();
