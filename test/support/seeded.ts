/**
 * What makes schedulers, in the order of the current seed (`seeds.ts`): a test takes these from here instead of from the package. What gives a
 * seed of its own keeps it.
 */

import type { SchedulerOptions } from 'genloop/scheduler';
import { type Main, Scheduler as RealScheduler, run as realRun, runSync as realRunSync } from 'genloop/scheduler';
import {
  VirtualClock as RealVirtualClock,
  runTest as realRunTest,
  type TestMain,
  type TestOptions,
} from 'genloop/testing';
import { currentSeed } from './seeds.ts';

function seeded<T extends SchedulerOptions>(options: T | undefined): T | undefined {
  const seed = currentSeed();
  return seed === undefined ? options : ({ seed, ...options } as T);
}

/** A scheduler in the current order. */
export class Scheduler extends RealScheduler {
  constructor(options?: SchedulerOptions) {
    super(seeded(options));
  }
}

/** `run` in the current order. */
export function run<T>(main: Main<T>, options?: SchedulerOptions): Promise<T> {
  return realRun(main, seeded(options));
}

/** `runSync` in the current order. */
export function runSync<T>(main: Main<T>, options?: SchedulerOptions): T {
  return realRunSync(main, seeded(options));
}

/** A virtual clock whose schedulers step in the current order. */
export class VirtualClock extends RealVirtualClock {
  override scheduler(options?: Omit<SchedulerOptions, 'sys'>): RealScheduler {
    return super.scheduler(seeded(options));
  }
}

/** `runTest` in the current order. */
export function runTest<T>(main: TestMain<T>, options?: TestOptions): T {
  return realRunTest(main, seeded(options));
}
