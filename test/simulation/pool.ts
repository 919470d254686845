/** Many seeds on all processors: threads that take their share from a common counter, and write the states that they see into a common field. */

import type { ReceiveMode, SendMode } from 'genloop/poller';
import { StateField } from './states.ts';
import type { Violation } from './witness.ts';
import { workInThread } from './work.ts';

/** Seeds that a thread takes at once: some tenths of a second. */
export const SHARE = 500;
/** 32 MiB of bits: half full at 190 million states. */
const FIELD_LOG = 28;
/** So many violations are kept; one is enough to know that something is wrong. */
export const MOST_FOUND = 20;

const THREAD = new URL('thread.ts', import.meta.url);

/** A seed that breaks an invariant. */
export interface Found {
  readonly seed: number;
  readonly violation: Violation;
}

/** What a thread is told. */
export interface Order {
  readonly first: number;
  readonly count: number;
  /** When to stop, as `Date.now()` tells it, wherever that is. */
  readonly until: number;
  readonly next: SharedArrayBuffer;
  readonly field: SharedArrayBuffer;
}

/** What a thread has done. */
export interface Report {
  readonly programs: number;
  readonly steps: number;
  /** How many programs had streams, by who received for parked readers. */
  readonly streams: Readonly<Record<ReceiveMode, number>>;
  /** And by who sent short writes, and how many of these programs left any to be sent with others. */
  readonly sent: Readonly<Record<SendMode | 'left', number>>;
  readonly found: readonly Found[];
}

/** What all have done. */
export interface Summary extends Report {
  readonly states: number;
  readonly seconds: number;
  /** Of processor time, all threads together. */
  readonly busySeconds: number;
}

/** Runs seeds from `first` on, for so many minutes at most. Rejects if a thread dies. */
export async function runSeeds(
  first: number,
  count: number,
  jobs: number,
  minutes: number = Number.POSITIVE_INFINITY,
): Promise<Summary> {
  const busy = process.cpuUsage();
  const began = performance.now();
  const field = new StateField(FIELD_LOG);
  const next = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const until = Date.now() + minutes * 60_000;
  const order: Order = { first, count, until, next, field: field.words.buffer as SharedArrayBuffer };
  const threads = Math.max(1, Math.min(jobs, Math.ceil(count / SHARE)));
  const reports = await Promise.all(Array.from({ length: threads }, () => workInThread<Report>(THREAD, order)));
  const found = reports.flatMap((report) => report.found).sort((one, other) => one.seed - other.seed);
  const { user, system } = process.cpuUsage(busy);
  return {
    programs: reports.reduce((sum, { programs }) => sum + programs, 0),
    steps: reports.reduce((sum, { steps }) => sum + steps, 0),
    streams: {
      wait: reports.reduce((sum, { streams }) => sum + streams.wait, 0),
      task: reports.reduce((sum, { streams }) => sum + streams.task, 0),
    },
    sent: {
      round: reports.reduce((sum, { sent }) => sum + sent.round, 0),
      task: reports.reduce((sum, { sent }) => sum + sent.task, 0),
      left: reports.reduce((sum, { sent }) => sum + sent.left, 0),
    },
    found,
    states: field.count,
    seconds: (performance.now() - began) / 1000,
    busySeconds: (user + system) / 1e6,
  };
}
