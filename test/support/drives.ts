/** The ways to drive a scheduler, as a table: each with every backend that can do it. */

import type { Co, Op } from 'genloop/kernel';
import { type BackendName, constants, poll, realSys, type Sys } from 'genloop/os';
import type { SchedulerOptions } from 'genloop/scheduler';
import { SUBJECTS } from './backends.ts';
import { Scheduler } from './seeded.ts';
import { Opened } from './situations.ts';
import type { Suite } from './suite.ts';
import { inside } from './systems.ts';

// Which backend is asked for is the table's business, and a guest cannot have any: here the variable is not heard.
delete process.env.GENLOOP_BACKEND;

/** One row of the table. */
export interface Setup {
  /** `'blocking, epoll'`. */
  readonly title: string;
  readonly drive: 'blocking' | 'guest' | 'embedded';
  readonly backend: BackendName;
  readonly sys: Sys;
  /** A scheduler with this backend. */
  make(options?: SchedulerOptions): Scheduler;
  /** Drives it until its tasks have ended; throws what the drive throws. */
  run(scheduler: Scheduler): Promise<void>;
}

const DRIVES = {
  async blocking(scheduler: Scheduler): Promise<void> {
    scheduler.runSync();
  },
  guest: (scheduler: Scheduler): Promise<void> => scheduler.run(),
  async embedded(scheduler: Scheduler): Promise<void> {
    // The smallest loop of one's own: it knows nothing of the scheduler but its descriptor.
    while (scheduler.turn()) poll([[scheduler.fd, constants.POLLIN as number]]);
  },
};

function setup(drive: Setup['drive'], { title, name, sys }: (typeof SUBJECTS)[number]): Setup {
  return {
    title: `${drive}, ${title}`,
    drive,
    backend: name,
    sys,
    make: (options) => new Scheduler({ backend: name, sys, ...options }),
    run: DRIVES[drive],
  };
}

/** Every backend blocks; those whose set has a descriptor that others can watch also live in loops that are not theirs. */
export const SETUPS: readonly Setup[] = SUBJECTS.flatMap((subject) => {
  const watchable = subject.sys === realSys() && (subject.name === 'epoll' || subject.name === 'kqueue');
  return [setup('blocking', subject), ...(watchable ? [setup('guest', subject), setup('embedded', subject)] : [])];
});

/** Adds a test for each row, or for those of some drives. */
export function overSetups(
  test: Suite,
  name: string,
  body: (setup: Setup) => void | Promise<void>,
  drives: readonly Setup['drive'][] = ['blocking', 'guest', 'embedded'],
): void {
  for (const row of SETUPS) {
    if (drives.includes(row.drive)) test(`${name} (${row.title})`, () => body(row));
  }
}

/** What adds tests over every setup, each with a place for what it opens; it is all closed afterwards. */
export function eachSetup(
  test: Suite,
): (name: string, body: (setup: Setup, opened: Opened) => void | Promise<void>, drives?: Setup['drive'][]) => void {
  return (name, body, drives) =>
    overSetups(
      test,
      name,
      async (setup) => {
        const opened = new Opened();
        try {
          await inside(setup.sys, () => body(setup, opened));
        } finally {
          opened.close();
        }
      },
      drives,
    );
}

/** A task that does one operation; its result. */
export function* once<T>(operation: Op<T>): Co<T> {
  return yield* operation;
}

/** What a run threw, or `undefined`. */
export async function thrownBy(run: Promise<unknown>): Promise<unknown> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return error;
  }
}
