/** What `genloop/kernel` does by itself, without a scheduler. See `checks.ts`. */

import {
  type Co,
  every,
  failAfter,
  group,
  Kernel,
  moveOnAfter,
  pass,
  type Spawnable,
  select,
  sleep,
  type Task,
  TimeoutError,
} from 'genloop/kernel';
import { same } from './expect.ts';

/** A kernel and nothing else, in a time of its own. Runs a task to its end. */
function alone<T>(main: Spawnable<T>): { task: Task<T>; now: number } {
  let now = 0;
  const kernel = new Kernel({ host: { now: () => now, random: () => 0 }, onFailure: () => {} });
  const task = kernel.spawn(main);
  while (!task.ended) {
    if (kernel.run(10) > 0) continue;
    if (kernel.timers.next === Number.POSITIVE_INFINITY) throw new Error('nothing can happen any more');
    now = kernel.timers.next;
    kernel.timers.fire(now);
  }
  return { task, now };
}

/** By their names. One that fails throws. */
export const KERNEL_CHECKS: Readonly<Record<string, () => void | Promise<void>>> = {
  'kernel: tasks take turns, and a join gives the result': () => {
    const log: string[] = [];
    function* counting(name: string): Co<string> {
      for (const n of [1, 2]) {
        log.push(`${name}${n}`);
        yield* pass();
      }
      return name;
    }
    const { task } = alone(
      group(function* (g): Co<string[]> {
        const [a, b] = [g.spawn(counting('a')), g.spawn(counting('b'))];
        return [yield* b.join(), yield* a.join()];
      }),
    );
    same(
      [task.outcome, log],
      [
        ['b', 'a'],
        ['a1', 'b1', 'a2', 'b2'],
      ],
    );
  },

  'kernel: the failure of one task ends the others of its group, and their clean-up runs': () => {
    const log: string[] = [];
    const { task } = alone(
      (function* (): Co<void> {
        yield* group(function* (g) {
          g.spawn(
            (function* (): Co<void> {
              try {
                yield* sleep(1_000);
              } finally {
                log.push('cleaned up');
              }
            })(),
          );
          yield* sleep(1);
          throw new Error('no');
        });
      })(),
    );
    same([task.ending, String(task.outcome), log], ['failed', 'Error: no', ['cleaned up']]);
  },

  'kernel: timeouts, in the time of the host': () => {
    const { task, now } = alone(
      (function* (): Co<unknown> {
        const given = yield* moveOnAfter(5_000, sleep(60_000), 'given up');
        try {
          yield* failAfter(2_000, sleep(60_000));
        } catch (error) {
          return [given, error instanceof TimeoutError, (error as TimeoutError).ms];
        }
        return 'no timeout';
      })(),
    );
    same([task.outcome, now], [['given up', true, 2_000], 7_000]);
  },

  'kernel: select takes one of several': () => {
    const { task, now } = alone(
      (function* (): Co<unknown> {
        const first = yield* select({ late: sleep(20), soon: sleep(10) });
        const ticks: number[] = [];
        const ticking = every(5);
        while (ticks.length < 2) {
          yield* ticking;
          ticks.push(1);
        }
        return [first.key, ticks.length];
      })(),
    );
    same([task.outcome, now], [['soon', 2], 20]);
  },

  'kernel: in real time, turned by timers of the host': async () => {
    const started = performance.now();
    const kernel = new Kernel({ host: { now: () => performance.now(), random: Math.random }, onFailure: () => {} });
    const task = kernel.spawn(failAfter(20, sleep(60_000)));
    const turn = (): void => {
      kernel.timers.fire(performance.now());
      kernel.run(100);
      if (!task.ended) setTimeout(turn, Math.max(0, kernel.timers.next - performance.now()));
    };
    turn();
    const error = await task.promise.then(
      () => null,
      (reason: unknown) => reason,
    );
    same([error instanceof TimeoutError, performance.now() - started >= 20], [true, true]);
  },
};
