/**
 * Virtual time: a clock that stands still while tasks run and, where a scheduler would wait for a deadline, jumps
 * there. A test of an hour takes no time, its deadlines fire exactly and in their order, and it is the same in every
 * run.
 *
 * The clock is a system (`Sys`): the scheduler asks the time, and waits, through no other object. So it can stand in
 * front of the real system, where descriptors work as ever, or alone, where there are none and no addon is needed.
 */

import type { Sys } from '../os/index.ts';
import { Scheduler, type SchedulerOptions } from '../scheduler/index.ts';
import { jumping } from './jumping.ts';
import { nowhere } from './nowhere.ts';

/** How a {@link VirtualClock} is set up. */
export interface VirtualClockOptions {
  /** The time at which it starts, in milliseconds; default 0. */
  start?: number;
  /** The system whose descriptors shall work, for instance `realSys()`; default: none. */
  sys?: Sys;
  /**
   * For how many *real* milliseconds descriptors are waited for before the clock jumps; default 0: it jumps as soon as
   * nothing is ready. For a test whose other end is another thread or process, which needs real time to answer.
   */
  grace?: number;
}

/**
 * A clock that jumps to the next deadline when all tasks are blocked. For schedulers that are driven by `runSync()`,
 * which never sleep then, or by `turn()`, where {@link VirtualClock.advance} is yours to call. Node's loop keeps real
 * time: `run()` refuses the first deadline with a `MisuseError`.
 *
 * @example
 * const clock = new VirtualClock();
 * const scheduler = clock.scheduler();
 * scheduler.spawn(sleep(3_600_000));
 * scheduler.runSync();
 * clock.now;   // 3600000
 */
export class VirtualClock {
  /** The system with this clock, for `new Scheduler({ sys: clock.sys })`. */
  readonly sys: Sys;
  private readonly alone: boolean;
  private time: number;

  /** Throws `TypeError` or `RangeError` for what is no time. */
  constructor(options: VirtualClockOptions = {}) {
    const { start = 0, sys, grace = 0 } = options;
    checkTime('start', start, Number.NEGATIVE_INFINITY);
    checkTime('grace', grace, 0);
    this.time = start;
    this.alone = sys === undefined;
    this.sys = sys === undefined ? nowhere(this) : jumping(this, sys, grace);
  }

  /** The time, in milliseconds. */
  get now(): number {
    return this.time;
  }

  /**
   * Lets time pass, as if the step that runs had taken so long; what is due by then fires after it. To wait, `yield
   * sleep(ms)` instead. Throws `TypeError` or `RangeError` for what is no number of milliseconds from 0 on.
   */
  advance(ms: number): void {
    checkTime('advance', ms, 0);
    this.time += ms;
  }

  /**
   * A scheduler with this clock. Its options are those of `Scheduler`, which throws for a backend that there is not.
   */
  scheduler(options: Omit<SchedulerOptions, 'sys'> = {}): Scheduler {
    // Without descriptors no backend is better than another, and GENLOOP_BACKEND speaks of the real system.
    const backend = options.backend ?? (this.alone ? 'poll' : undefined);
    return new Scheduler({ ...options, ...(backend === undefined ? {} : { backend }), sys: this.sys });
  }
}

function checkTime(what: string, ms: number, least: number): void {
  if (typeof ms !== 'number') throw new TypeError(`${what} takes a number of milliseconds, not ${String(ms)}`);
  if (Number.isFinite(ms) && ms >= least) return;
  const from = least === 0 ? ' from 0 on' : '';
  throw new RangeError(`${what} takes a finite number of milliseconds${from}, not ${ms}`);
}
