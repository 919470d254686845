/** Debug mode: what it finds, what it says, and what it leaves in peace. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { all, type Co, group, isCancelled, pass, routine, sleep, type Task } from 'genloop/kernel';
import * as assert from 'uvu/assert';
import { observers } from '../../src/kernel/index.ts';
import { Debug } from '../../src/scheduler/debug.ts';
import { trimmed, userFrames } from '../../src/scheduler/stack.ts';
import { NODE, Program, ROOT } from '../examples/program.ts';
import { turn } from '../support/leaks.ts';
import { Scheduler } from '../support/seeded.ts';
import { isSeeded } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';

const test = suite('debug mode');
const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Runs tasks in debug mode. The warnings, and what the run threw. */
function debugged(
  spawn: (scheduler: Scheduler) => void,
  limit: number = NO_LIMIT,
): { warnings: string[]; error: unknown } {
  const warnings: string[] = [];
  const debug = new Debug(limit, (code, message) => warnings.push(`${code}: ${message}`));
  const scheduler = new Scheduler();
  try {
    // What the environment variable does for a whole process.
    const { kernel } = scheduler;
    Object.defineProperty(kernel, 'observer', { get: () => debug, set: () => {} });
    spawn(scheduler);
    scheduler.runSync();
    return { warnings, error: undefined };
  } catch (error) {
    return { warnings, error };
  } finally {
    debug.close();
  }
}

test('rule 3: a task that swallowed its cancel and completed is told, with the place of its spawn', () => {
  const { warnings } = debugged((scheduler) => {
    const task = scheduler.spawn(
      (function* (): Co<string> {
        try {
          yield* sleep(NO_LIMIT);
        } catch {
          // What rule 3 is about.
        }
        return 'done';
      })(),
      { name: 'greedy' },
    );
    task.cancel('enough');
  });
  assert.is(warnings.length, 1);
  assert.match(warnings[0] as string, /^GENLOOP_SWALLOWED_CANCEL: task 1 \(greedy\) was cancelled, caught the cancel/);
  assert.match(warnings[0] as string, /debug\.test\.ts:\d+/);
});

test('rule 3: a task that passes its cancel on, or that never saw it, is left in peace', () => {
  const { warnings } = debugged((scheduler) => {
    const polite = scheduler.spawn(
      (function* (): Co<void> {
        try {
          yield* sleep(NO_LIMIT);
        } catch (error) {
          if (isCancelled(error)) throw error;
        }
      })(),
    );
    polite.cancel();
    const quick = scheduler.spawn(
      (function* (): Co<string> {
        return 'at once';
      })(),
    );
    quick.cancel();
  });
  assert.equal(warnings, []);
});

test('rule 9: a cancel has a stack in debug mode, which says who asked for it', () => {
  const stacks: (string | undefined)[] = [];
  const cancelled = (): Co<void> =>
    (function* (): Co<void> {
      try {
        yield* sleep(NO_LIMIT);
      } catch (error) {
        stacks.push((error as Error).stack);
        throw error;
      }
    })();
  function whoAsked(task: Task<unknown>): void {
    task.cancel();
  }
  const spawn = (scheduler: Scheduler): void => {
    scheduler.spawn(
      (function* (): Co<void> {
        const task = scheduler.spawn(cancelled());
        yield* pass();
        yield* pass();
        whoAsked(task);
      })(),
    );
  };
  debugged(spawn);
  const plain = new Scheduler();
  spawn(plain);
  plain.runSync();
  assert.is(stacks.length, 2);
  assert.match(stacks[0] as string, /at whoAsked \(.*debug\.test\.ts:\d+/);
  assert.not.match(stacks[1] as string, 'at ');
});

test('rule 47: a step that takes longer than the limit is told with the name of its task', () => {
  const { warnings } = debugged((scheduler) => {
    scheduler.spawn(pass(), { name: 'any' });
  }, -1);
  assert.ok(warnings.length >= 2);
  for (const line of warnings) assert.match(line, /^GENLOOP_LONG_STEP: task 1 \(any\) held the thread for \d+ ms/);
  assert.equal(debugged((scheduler) => scheduler.spawn(pass())).warnings, []);
});

test('rule 44: tasks that wait for each other in a circle are told when the circle closes', () => {
  const tasks: Task<unknown>[] = [];
  function* joining(of: number): Co<void> {
    yield* (tasks[of] as Task<unknown>).join();
  }
  const { warnings, error } = debugged((scheduler) => {
    for (const [at, of] of [1, 2, 0, 0].entries()) tasks.push(scheduler.spawn(joining(of), { name: `t${at}` }) as Task);
  });
  // The one that closes it is named first: in the usual order the third.
  const circles = [2, 0, 1].map((closing) => {
    const named = [0, 1, 2, 3].map((step) => `task ${((closing + step) % 3) + 1} (t${(closing + step) % 3})`);
    return `GENLOOP_CYCLE: ${named.join(', which waits for ')}: none of them can ever go on`;
  });
  assert.equal(warnings, [isSeeded() ? circles.find((circle) => circle === warnings[0]) : circles[0]]);
  assert.is((error as { code?: string }).code, 'ERR_GENLOOP_DEADLOCK');
});

test("an error's stack shows the user's frames down to the place of the spawn, and none of the library", () => {
  const inner = routine(function* inner(): Co<void> {
    yield* pass();
    throw new Error('in the depth');
  });
  const outer = routine(function* outer(): Co<void> {
    yield* inner();
  });
  const { error } = debugged((scheduler) => {
    scheduler.spawn(
      group(function* body(g): Co<void> {
        g.spawn(outer(), { name: 'child' });
      }),
      { name: 'main' },
    );
  });
  const { stack } = error as Error;
  const lines = (stack ?? '').split('\n');
  assert.is(lines[0], 'Error: in the depth');
  assert.match(lines[1] as string, /inner .*debug\.test\.ts/);
  assert.match(lines[2] as string, /at .*debug\.test\.ts:\d+$/);
  assert.match(lines[3] as string, /--- task \d+ \(child\) was spawned/);
  assert.match(lines[4] as string, /body .*debug\.test\.ts/);
  assert.match(lines[5] as string, /--- task \d+ \(main\) was spawned/);
  assert.match(lines[6] as string, /debug\.test\.ts/);
  assert.not.match(stack as string, /src[/\\](?:kernel|scheduler)/);
  assert.not.match(stack as string, /Generator\.(?:next|throw)/);
});

test('errors without a stack, and what is no error, stay as they are', () => {
  for (const thrown of ['text', undefined, Object.assign(new Error('bare'), { stack: undefined })]) {
    const { error, warnings } = debugged((scheduler) => {
      scheduler.spawn(
        (function* (): Co<void> {
          throw thrown;
        })(),
      );
    });
    assert.is(error, thrown);
    assert.equal(warnings, []);
  }
  assert.is(trimmed(Object.assign(new Error('x'), { stack: 'Error: x' })), 'Error: x');
  assert.equal(userFrames(undefined), []);
});

test('rule 3: an operation that is made and never yielded is told once it is collected; one that is yielded is not', async () => {
  await using program = new Program(
    [...NODE.slice(0, 1), '--expose-gc', ...NODE.slice(1), `${ROOT}/test/scheduler/debug-program.ts`],
    {
      env: { GENLOOP_DEBUG: '1' },
    },
  );
  const { stderr, code } = await program.ended();
  assert.is(code, 0, stderr);
  assert.match(
    stderr,
    /\[GENLOOP_NOT_YIELDED\] GenloopWarning: an operation \(Sleep\) was made at .*debug-program\.ts:\d+/,
  );
  assert.is(stderr.split('GENLOOP_NOT_YIELDED').length, 2, stderr);
});

/** Runs `body` with a clock that it sets. */
function withClock(body: (set: (ms: number) => void) => void): void {
  const { now } = performance;
  let time = 1_000_000;
  performance.now = () => time;
  try {
    body((ms) => {
      time = ms;
    });
  } finally {
    performance.now = now;
  }
}

test('rule 47: a step that takes longer than the limit is told, with its time; one that takes just as long is not', () => {
  for (const [took, told] of [
    [49.4, []],
    [50, []],
    [
      70.4,
      [
        'GENLOOP_LONG_STEP: task 1 (main) held the thread for 70 ms in one step; let others run with `yield`, or compute ' +
          'in a worker',
      ],
    ],
  ] as const) {
    withClock((set) => {
      const { warnings } = debugged((scheduler) => {
        scheduler.spawn(
          (function* (): Co<void> {
            yield* pass();
            set(performance.now() + took);
            yield* pass();
          })(),
          { name: 'main' },
        );
      }, 50);
      assert.equal(warnings, told);
    });
  }
});

test('rule 3: what is made and never yielded is told when it is collected, with its kind and its place', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const told: string[] = [];
  const debug = new Debug(NO_LIMIT, (code, message) => told.push(`${code}: ${message}`));
  try {
    const scheduler = new Scheduler();
    Object.defineProperty(scheduler.kernel, 'observer', { get: () => debug, set: () => {} });
    scheduler.spawn(
      (function* (): Co<void> {
        sleep(1);
        yield* sleep(0);
        yield sleep(0);
      })(),
    );
    // Spawned is used, too.
    scheduler.spawn(sleep(0));
    scheduler.runSync();
    // A few rounds more than the first needs: there must not be a second one.
    for (let round = 0, more = 5; round < 1000 && more > 0; round++) {
      if (told.length > 0) more--;
      gc();
      await turn();
    }
  } finally {
    debug.close();
  }
  assert.is(told.length, 1, told.join('\n'));
  assert.match(
    told[0] as string,
    /^GENLOOP_NOT_YIELDED: an operation \(\w+\) was made at .*debug\.test\.ts:\d+:\d+\)? and never yielded: `yield\*` is missing, or the operation is not needed$/,
  );
});

test('several look on at once', () => {
  const heard: string[] = [];
  assert.is(observers([]), null);
  const one = { spawned: () => heard.push('one') };
  assert.is(observers([one as never]), one as never);
  const both = observers([
    one as never,
    {},
    { ended: () => heard.push('ended'), spawned: () => heard.push('two') } as never,
  ]);
  const scheduler = new Scheduler();
  Object.defineProperty(scheduler.kernel, 'observer', { get: () => both, set: () => {} });
  const task = scheduler.spawn(sleep(NO_LIMIT));
  task.cancel();
  scheduler.spawn(
    (function* (): Co<void> {
      task.cancel();
      yield* pass();
      throw new Error('the end');
    })(),
  );
  assert.throws(() => scheduler.runSync(), /the end/);
  assert.equal(heard, ['one', 'two', 'one', 'two', 'ended', 'ended']);
});

/** A task that catches its cancel and completes. */
function* greedy(): Co<string> {
  try {
    yield* sleep(NO_LIMIT);
  } catch {
    // What rule 3 is about.
  }
  return 'done';
}

test('a warning is one of the process, with its code, and is told once for each place', async () => {
  const heard: string[] = [];
  const listener = (warning: Error & { code?: string }): void => {
    heard.push([warning.name, warning.code, /task \d+ \(\w+\)/.exec(warning.message)?.[0]].join(' '));
  };
  process.on('warning', listener);
  const debug = new Debug(NO_LIMIT);
  try {
    for (const name of ['first', 'first', 'second', 'first']) {
      const scheduler = new Scheduler();
      Object.defineProperty(scheduler.kernel, 'observer', { get: () => debug, set: () => {} });
      scheduler.spawn(greedy(), { name }).cancel();
      scheduler.runSync();
    }
    // Node tells them after the code that runs.
    await turn();
  } finally {
    debug.close();
    process.off('warning', listener);
  }
  assert.equal(heard, [
    'GenloopWarning GENLOOP_SWALLOWED_CANCEL task 1 (first)',
    'GenloopWarning GENLOOP_SWALLOWED_CANCEL task 1 (second)',
  ]);
});

test('rule 3: a swallowed cancel of a task that the library has spawned is told without a place', () => {
  const { warnings } = debugged((scheduler) => {
    const main = scheduler.spawn(all([greedy()]), { name: 'main' });
    scheduler.spawn(
      (function* (): Co<void> {
        yield* pass();
        main.cancel();
      })(),
    );
  });
  assert.equal(warnings, [
    'GENLOOP_SWALLOWED_CANCEL: task 3 (task) was cancelled, caught the cancel, and went on to its end; ' +
      'rethrow what isCancelled() says is one',
  ]);
});

test('rule 47: GENLOOP_DEBUG_STEP_MS is the limit of a step, in milliseconds; what is no number of them is refused', async () => {
  const source = `
    import { run } from 'genloop';
    await run(function* main() {
      for (const end = performance.now() + 60; performance.now() < end; );
      yield;
    });`;
  for (const [limit, long] of [
    ['0', true],
    ['0.001', true],
    ['', true],
    ['3600000', false],
    ['Infinity', false],
  ] as const) {
    await using program = new Program([...NODE, '--input-type=module', '-e', source], {
      env: { GENLOOP_DEBUG: '1', GENLOOP_DEBUG_STEP_MS: limit },
    });
    const { code, stderr } = await program.ended();
    assert.is(code, 0, stderr);
    assert.is(
      /\[GENLOOP_LONG_STEP\] GenloopWarning: task 1 \(main\) held the thread/.test(stderr),
      long,
      `'${limit}': ${stderr}`,
    );
  }
  for (const limit of ['-1', 'NaN', 'soon']) {
    await using program = new Program([...NODE, '--input-type=module', '-e', source], {
      env: { GENLOOP_DEBUG: '1', GENLOOP_DEBUG_STEP_MS: limit },
    });
    const { code, stderr } = await program.ended();
    assert.is(code, 1, stderr);
    assert.match(
      stderr,
      `RangeError: GENLOOP_DEBUG_STEP_MS must be a number of milliseconds from 0 on, not '${limit}'`,
    );
  }
});

test.run();
