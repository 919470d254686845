/**
 * Seeded orders for whole suites: with GENLOOP_TEST_SEEDS=1000 each test runs once in the usual order, and then a thousand times with its ready
 * tasks stepped in an order drawn from a seed (`npm run test:seeds`). What holds must hold in any order; a test whose very subject is the
 * order says so by `inOrder()`.
 */

import { appendFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../src/scheduler/random.ts';

/** For a test whose own size takes the time of hundreds: so many seeded orders are enough. */
const ORDERS_OF_A_LARGE_TEST = 3;

const seeds = Number(process.env.GENLOOP_TEST_SEEDS ?? 0);
/** The order in which a test runs now; 0 is the usual one. */
let seed = 0;
/** How many seeds the test that runs wants at most. */
let limit = seeds;
/** Whether the test that runs has made anything that has an order. */
let asked = false;

/** What `npm run test:seeds` adds up over all processes, and says at its end. */
export interface OrdersRun {
  /** Tests that ran in all orders. */
  all: number;
  /** Tests that ran in fewer, because they are large. */
  large: number;
  /** Tests about the usual order, which ran in that one only, and such as draw their orders themselves. */
  usual: number;
  /** Tests without tasks in this process: no order plays a part. They ran once. */
  none: number;
  /** How often a test was run, the usual order included. */
  runs: number;
}

const count: OrdersRun = { all: 0, large: 0, usual: 0, none: 0, runs: 0 };
const countFile: string | undefined = process.env.GENLOOP_TEST_ORDERS;
if (countFile !== undefined) process.on('exit', () => appendFileSync(countFile, `${JSON.stringify(count)}\n`));

/** Runs a test's body under each seed. A failure names its seed. */
export async function underSeeds(body: () => void | Promise<void>): Promise<void> {
  limit = seeds;
  asked = false;
  try {
    for (seed = 0; seed <= limit && (seed === 0 || asked); seed++) {
      count.runs++;
      await body();
    }
  } catch (error) {
    if (seed > 0 && error instanceof Error) error.message += ` (in the order of seed ${seed})`;
    throw error;
  } finally {
    seed = 0;
  }
  count[limit === 0 && seeds > 0 ? 'usual' : !asked ? 'none' : limit < seeds ? 'large' : 'all']++;
}

/** The order is what this test is about: it runs in the usual one only. To be called first. */
export function inOrder(): void {
  limit = 0;
}

/** For a test that goes through seeds of its own, and so runs once: how many it takes, at least `count`. To be called first. */
export function ownOrders(count: number): number {
  limit = 0;
  return Math.max(count, seeds);
}

/** This test takes long (a hundred thousand tasks, a copy of the package): it runs in a few orders only. To be called first. */
export function inFewOrders(): void {
  limit = Math.min(seeds, ORDERS_OF_A_LARGE_TEST);
}

/** Whether this is a seeded order, and not the usual one. */
export function isSeeded(): boolean {
  return seed > 0 && limit > 0;
}

/** The seed of the current order, for whatever makes tasks; `undefined` for the usual one. */
export function currentSeed(): number | undefined {
  asked = true;
  return isSeeded() ? seed : undefined;
}

/** Random numbers of the current seed; `undefined` for the usual order. */
export function seededOrder(): (() => number) | undefined {
  const current = currentSeed();
  return current === undefined ? undefined : seededRandom(current);
}

/** Asserts that a list is this one: in the usual order just as it stands, in a seeded one in whichever order. */
export function equalInAnyOrder(actual: readonly unknown[], expected: readonly unknown[], message?: string): void {
  const as = (list: readonly unknown[]): unknown[] => (isSeeded() ? sorted(list) : [...list]);
  assert.equal(as(actual), as(expected), message);
}

function sorted(list: readonly unknown[]): unknown[] {
  // `sort` would put undefined last, whatever is compared.
  return list
    .map((item) => ({ key: String(item), item }))
    .sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
    .map(({ item }) => item);
}
