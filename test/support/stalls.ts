/**
 * A loaded machine, on demand: with GENLOOP_TEST_STALLS=<seed> the thread stands still for some milliseconds before a few of the system calls
 * that it makes, the reading of the clock among them, as if the kernel had let others run. A test that holds only as long as its steps
 * are quicker than its timers fails so in one run, and not on somebody's machine once in a hundred (`npm run test:stalls`).
 */

import { realSys } from 'genloop/os';
import { seededRandom } from '../../src/scheduler/random.ts';

/** The part of the calls that stall, as long as the test has stalls left. */
const PART = 0.15;
/** So many in a test: one in each call of a million would take hours. */
const STALLS = 12;
const LONGEST_MS = 12;

let left = 0;

/** The test that starts now may stall anew. */
export function renewStalls(): void {
  left = STALLS;
}

/** Makes this process stall, if the environment asks for it. */
export function stallIfAsked(): void {
  const seed = Number(process.env.GENLOOP_TEST_STALLS ?? 0);
  if (seed === 0) return;
  const sys = realSys() as unknown as Record<string, unknown>;
  const random = seededRandom(seed);
  const { now } = realSys();
  const stall = (): void => {
    if (left === 0 || random() >= PART) return;
    left--;
    const end = now() + random() * LONGEST_MS;
    while (now() < end);
  };
  for (const [name, call] of Object.entries(sys)) {
    if (typeof call !== 'function') continue;
    sys[name] = (...given: unknown[]): unknown => {
      stall();
      return call(...given);
    };
  }
}
