/**
 * The same test in many orders. A scheduler steps ready tasks first in, first out; a program that only works in that
 * order is found by others. Each is drawn from a seed, and comes again with it.
 */

import { isOp, type Spawnable } from '../kernel/index.ts';
import { runTest, type TestMain } from './run.ts';
import { SimulationError } from './simulation/errors.ts';

/** The environment variable that names the one seed to run. */
export const SEED_VARIABLE = 'GENLOOP_SEED' as const;

const LARGEST_SEED = 0xffff_ffff;

/** Options of {@link eachSeed}. */
export interface EachSeedOptions {
  /** Runs this seed alone. */
  seed?: number;
}

/** A test failed with a certain seed. What it threw is the `cause`. `code` is `'ERR_GENLOOP_SEED'`. */
export class SeedError extends Error {
  override readonly name = 'SeedError' as const;
  readonly code = 'ERR_GENLOOP_SEED' as const;
  readonly seed: number;

  /** @internal */
  constructor(seed: number, cause: unknown) {
    // A simulation's own error names the seed as well.
    const root = cause instanceof SimulationError && cause.seed === seed ? cause.cause : cause;
    const what = root instanceof Error ? root.message : String(root);
    super(`with seed ${seed} (${SEED_VARIABLE}=${seed} runs it alone): ${what}`, { cause });
    this.seed = seed;
    if (!(cause instanceof Error)) return;
    // What test runners make their comparison of.
    for (const key of ['actual', 'expected', 'operator', 'details'] as const) {
      if (key in cause) Object.defineProperty(this, key, { value: (cause as unknown as Record<string, unknown>)[key] });
    }
  }
}

/**
 * Calls `body` with the seeds 1 to `count`, one after the other. What it returns, if it can be a main task, is run by
 * `runTest` with that seed; a promise is waited for, and then the result is a promise too. The first failure ends it
 * with a {@link SeedError} that tells the seed. To run a single one again, set `GENLOOP_SEED` or give the option, which
 * wins.
 *
 * Throws `RangeError` for a count that is no positive integer, or a seed that is no integer from 0 to 2³² − 1.
 *
 * @example
 * test('the order in which tasks run does not matter', () => {
 *   eachSeed(100, function* (seed) {
 *     …
 *   });
 * });
 */
export function eachSeed(
  count: number,
  body: (seed: number) => Promise<unknown>,
  options?: EachSeedOptions,
): Promise<void>;
export function eachSeed(count: number, body: (seed: number) => unknown, options?: EachSeedOptions): void;
export function eachSeed(
  count: number,
  body: (seed: number) => unknown,
  options: EachSeedOptions = {},
): void | Promise<void> {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`count must be a positive integer, not ${count}`);
  const alone = options.seed ?? seedOfEnvironment();
  if (alone !== undefined) checkSeed(alone);
  return from(alone ?? 1, alone ?? count, body);
}

function from(first: number, last: number, body: (seed: number) => unknown): void | Promise<void> {
  for (let seed = first; seed <= last; seed++) {
    const result = attempt(seed, body);
    if (isThenable(result)) {
      return Promise.resolve(result).then(
        () => from(seed + 1, last, body),
        (error) => {
          throw new SeedError(seed, error);
        },
      );
    }
  }
}

function attempt(seed: number, body: (seed: number) => unknown): unknown {
  try {
    const result = body(seed);
    return isSpawnable(result) ? runTest(result as TestMain<unknown>, { seed }) : result;
  } catch (error) {
    throw new SeedError(seed, error);
  }
}

function seedOfEnvironment(): number | undefined {
  const text = globalThis.process?.env?.[SEED_VARIABLE] ?? '';
  if (text === '') return undefined;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function checkSeed(seed: number): void {
  if (Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED) return;
  throw new RangeError(`a seed (also ${SEED_VARIABLE}) is an integer from 0 to ${LARGEST_SEED}, not ${seed}`);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** A generator that nobody runs would be a test that never fails; an asynchronous one is refused by the run. */
function isSpawnable(value: unknown): value is Spawnable<unknown> {
  return isOp(value) || /Generator\]$/.test(Object.prototype.toString.call(value));
}
