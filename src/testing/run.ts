/** A main task in virtual time: what most tests need. */

import { isOp, MisuseError, type Spawnable } from '../kernel/index.ts';
import { activeScheduler } from '../scheduler/active.ts';
import type { Scheduler, SchedulerOptions } from '../scheduler/index.ts';
import { VirtualClock, type VirtualClockOptions } from './clock.ts';

/** A main task, or a function that gets the clock and makes it (the task then has its name). */
export type TestMain<T> = Spawnable<T> | ((clock: VirtualClock) => Spawnable<T>);

/** Options of {@link runTest}: those of a scheduler, and those of its clock. */
export interface TestOptions extends Omit<SchedulerOptions, 'sys'>, VirtualClockOptions {}

const FOREVER = -1;

/**
 * Runs a main task and everything that it spawns in virtual time, and returns main's result once all have ended: no
 * real time passes, sleeps and timeouts included. There are no descriptors unless `sys` brings them; promises and
 * Node's timers stand still meanwhile.
 *
 * Throws what the run throws: the first failure of any task, `DeadlockError` when nothing can happen any more, a
 * cancel.
 *
 * @example
 * test('a slow answer is given up after a minute', () => {
 *   runTest(function* main(clock) {
 *     const answer = yield* moveOnAfter(60_000, sleep(3_600_000), 'given up');
 *     assert.equal([answer, clock.now], ['given up', 60_000]);
 *   });
 * });
 */
export function runTest<T>(main: TestMain<T>, options: TestOptions = {}): T {
  if (activeScheduler() !== null) {
    throw new MisuseError('runTest was called from inside a task; yield a subroutine, or spawn another task');
  }
  const { start, sys, grace, ...rest } = options;
  const clock = new VirtualClock(options);
  using scheduler = clock.scheduler(rest);
  const body = typeof main === 'function' ? main(clock) : main;
  const name = typeof main === 'function' && !isOp(body) ? main.name : '';
  const task = scheduler.spawn(body, name === '' ? {} : { name });
  drive(scheduler);
  if (task.ending === 'done') return task.outcome as T;
  throw task.outcome;
}

/**
 * As `runSync`, but for what a blocked thread has to listen to: this one never sleeps, and there may be no addon to
 * ask.
 */
function drive(scheduler: Scheduler): void {
  while (scheduler.size > 0) {
    if (scheduler.stuck) scheduler.breakDeadlock();
    scheduler.round(FOREVER);
  }
  scheduler.settle();
}
