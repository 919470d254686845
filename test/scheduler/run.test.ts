import { CancelError, type Co, routine, sleep } from 'genloop/kernel';
import { currentScheduler, currentTask, type SchedulerOptions, wasInterrupted } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { thrownBy } from '../support/drives.ts';
import { run, runSync } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('run');

type Main = Parameters<typeof run>[0];

/** Both drives, as one table: each gives a promise. */
const DRIVES = {
  run: (main: Main, options?: SchedulerOptions): Promise<unknown> => run(main, options),
  runSync: async (main: Main, options?: SchedulerOptions): Promise<unknown> => runSync(main, options),
};

for (const [name, drive] of Object.entries(DRIVES)) {
  test(`${name} takes a generator function, a generator, a routine and a routine's call; its result is main's`, async () => {
    const body = function* body(): Co<string> {
      yield* sleep(1);
      return currentTask().name;
    };
    const asRoutine = routine(body);
    const anonymous = [
      function* (): Co<string> {
        return currentTask().name;
      },
    ][0] as () => Co<string>;
    assert.is(await drive(body), 'body');
    assert.is(await drive(body()), 'task');
    assert.is(await drive(asRoutine as never), 'body');
    assert.is(await drive(asRoutine()), 'body');
    assert.is(await drive(() => body()), 'task');
    assert.is(await drive(anonymous), 'task');
  });

  test(`${name} gives the result of main after all that it spawned has ended`, async () => {
    const log: string[] = [];
    const result = await drive(function* (): Co<string> {
      currentScheduler().spawn(
        (function* (): Co<void> {
          yield* sleep(3);
          log.push('spawned ended');
        })(),
      );
      log.push('main ended');
      return 'result';
    });
    assert.is(result, 'result');
    assert.equal(log, ['main ended', 'spawned ended']);
  });

  test(`${name} throws the very error of main, or of what main spawned`, async () => {
    const error = new Error('mine');
    const failing = function* (): Co<void> {
      yield* sleep(1);
      throw error;
    };
    assert.is(await thrownBy(drive(failing)), error);
    const spawning = function* (): Co<void> {
      currentScheduler().spawn(failing());
      yield* sleep(60_000);
    };
    assert.is(await thrownBy(drive(spawning)), error);
    // Whatever the policy: the result of main is what was asked for.
    assert.is(await thrownBy(drive(failing, { onError: () => {} })), error);
  });

  test(`${name} of a main that was cancelled throws its cancel`, async () => {
    const error = await thrownBy(
      drive(function* (): Co<void> {
        currentTask().cancel('enough');
        yield;
      }),
    );
    assert.instance(error, CancelError);
    assert.is((error as CancelError).reason, 'enough');
    assert.not(wasInterrupted(error));
  });

  test(`${name} refuses what is no task, and what throws before it is one`, async () => {
    for (const wrong of [undefined, null, 5, {}, () => 5, () => undefined, () => function* () {}]) {
      assert.instance(await thrownBy(drive(wrong as never)), TypeError);
    }
    const error = new Error('mine');
    assert.is(
      await thrownBy(
        drive(() => {
          throw error;
        }),
      ),
      error,
    );
    assert.instance(await thrownBy(drive(function* (): Co<void> {}, { backend: 'iocp' as never })), RangeError);
  });

  test(`${name} listens to signals only while it runs`, async () => {
    const before = process.listenerCount('SIGINT');
    const counts: number[] = [];
    await drive(function* (): Co<void> {
      counts.push(process.listenerCount('SIGINT') - before);
      yield;
    });
    assert.equal(counts, [name === 'run' ? 1 : 0]);
    assert.is(process.listenerCount('SIGINT'), before);
    await thrownBy(drive(5 as never));
    assert.is(process.listenerCount('SIGINT'), before);
  });
}

test('rule 17: run has returned before main takes its first step', async () => {
  let stepped = false;
  const promise = run(function* (): Co<void> {
    stepped = true;
  });
  assert.not(stepped);
  await promise;
  assert.ok(stepped);
});

test('run refuses a backend without a descriptor by a rejection, and stops listening', async () => {
  const before = process.listenerCount('SIGINT');
  for (const backend of ['poll', 'select'] as const) {
    assert.match(String(await thrownBy(run(function* (): Co<void> {}, { backend }))), `'${backend}'`);
  }
  assert.is(process.listenerCount('SIGINT'), before);
});

test('rule 45: run and runSync inside a step are refused', async () => {
  const codes: unknown[] = [];
  let refused: Promise<unknown> | undefined;
  await run(function* (): Co<void> {
    try {
      runSync(function* (): Co<void> {});
    } catch (error) {
      codes.push((error as { code: string }).code);
    }
    refused = thrownBy(run(function* (): Co<void> {}));
    yield;
  });
  codes.push(((await refused) as { code: string }).code);
  assert.equal(codes, ['ERR_GENLOOP_MISUSE', 'ERR_GENLOOP_MISUSE']);
});

test('wasInterrupted knows the cancel of a signal, and nothing else', () => {
  assert.ok(wasInterrupted(new CancelError('signal', 'SIGINT')));
  // Also that of another copy of the library.
  assert.ok(wasInterrupted(Object.assign(new Error('x'), { code: 'ABORT_ERR', source: 'signal' })));
  const others = [new CancelError('explicit', 'x'), new Error('x'), undefined, null, 5, { source: 'signal' }];
  for (const other of [...others, Object.assign(new Error('x'), { code: 'ABORT_ERR' })]) {
    assert.not(wasInterrupted(other));
  }
});

test.run();
