/**
 * Seeded orders for whole suites: with GENLOOP_TEST_SEEDS=1000 each test runs once in the usual order, and then a thousand times with its ready
 * tasks stepped in an order drawn from a seed (`npm run test:seeds`). What holds must hold in any order; a test whose very subject is the
 * order says so by `inOrder()`.
 */

import { seededRandom } from '../../src/scheduler/random.ts';

const seeds = Number(process.env.GENLOOP_TEST_SEEDS ?? 0);
let seed = 0;
/** Whether the test that runs has asked for the usual order. */
let ordered = false;

/** Runs a test's body under each seed. A failure names its seed. */
export async function underSeeds(body: () => void | Promise<void>): Promise<void> {
  ordered = false;
  for (seed = 0; seed <= seeds && !ordered; seed++) {
    try {
      await body();
    } catch (error) {
      if (seed > 0 && error instanceof Error) error.message += ` (in the order of seed ${seed})`;
      throw error;
    }
  }
  seed = 0;
}

/** The order is what this test is about: it runs in the usual one only. To be called first. */
export function inOrder(): void {
  ordered = true;
}

/** Random numbers of the current seed; `undefined` for the usual order. */
export function seededOrder(): (() => number) | undefined {
  return seed === 0 || ordered ? undefined : seededRandom(seed);
}
