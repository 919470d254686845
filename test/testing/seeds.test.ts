import { AssertionError } from 'node:assert';
import { type Co, DeadlockError, group, pass, routine, sleep } from 'genloop';
import { eachSeed, SEED_VARIABLE, SeedError, SimulationError, simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { runTest } from '../support/seeded.ts';
import { inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';

const test = suite('testing: eachSeed');
let variable: string | undefined;

test.before.each(() => {
  variable = process.env[SEED_VARIABLE];
  delete process.env[SEED_VARIABLE];
});

test.after.each(() => {
  if (variable === undefined) delete process.env[SEED_VARIABLE];
  else process.env[SEED_VARIABLE] = variable;
});

function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** A bug that first in, first out hides: the reader comes before the writer in some orders. */
function* racy(): Co<void> {
  let value: string | undefined;
  yield* group(function* (g) {
    g.spawn(
      (function* (): Co<void> {
        value = 'written';
        yield* pass();
      })(),
    );
    g.spawn(
      (function* (): Co<void> {
        if (value === undefined) throw new Error('read before it was written');
        yield* pass();
      })(),
    );
  });
}

test('the body gets the seeds one after the other, from 1 on', () => {
  const seeds: number[] = [];
  assert.is(
    eachSeed(5, (seed) => void seeds.push(seed)),
    undefined,
  );
  assert.equal(seeds, [1, 2, 3, 4, 5]);
});

test('a generator that it returns is run with the seed, and so is an operation', () => {
  const orders = new Set<string>();
  eachSeed(30, function* (seed): Co<void> {
    const log: number[] = [];
    yield* group(function* (g) {
      for (let n = 0; n < 5; n++)
        g.spawn(
          routine(function* (): Co<void> {
            log.push(n);
          })(),
        );
    });
    orders.add(log.join(''));
    assert.ok(seed > 0);
  });
  assert.ok(orders.size > 20);
  const error = thrownBy(() => eachSeed(1, () => sleep(Number.POSITIVE_INFINITY))) as SeedError;
  assert.instance(error.cause, DeadlockError);
});

test('an order that breaks the program is found, and its seed brings it again', () => {
  // Nothing is wrong with it in the usual one.
  inOrder();
  runTest(racy);
  const error = thrownBy(() => eachSeed(100, racy)) as SeedError;
  assert.instance(error, SeedError);
  assert.is(error.name, 'SeedError');
  assert.is(error.code, 'ERR_GENLOOP_SEED');
  assert.ok(error.seed >= 1 && error.seed <= 100);
  assert.is(
    error.message,
    `with seed ${error.seed} (GENLOOP_SEED=${error.seed} runs it alone): read before it was written`,
  );
  assert.is((error.cause as Error).message, 'read before it was written');

  const again = thrownBy(() => eachSeed(100, racy, { seed: error.seed })) as SeedError;
  assert.is(again.seed, error.seed);
  process.env[SEED_VARIABLE] = String(error.seed);
  assert.is((thrownBy(() => eachSeed(100, racy)) as SeedError).seed, error.seed);
});

test('GENLOOP_SEED runs that seed alone, and the option wins', () => {
  const seeds: number[] = [];
  process.env[SEED_VARIABLE] = '4294967295';
  eachSeed(10, (seed) => void seeds.push(seed));
  eachSeed(10, (seed) => void seeds.push(seed), { seed: 0 });
  process.env[SEED_VARIABLE] = '';
  eachSeed(1, (seed) => void seeds.push(seed));
  assert.equal(seeds, [4294967295, 0, 1]);
});

test('what is no seed and no count is refused', () => {
  const never = (): never => assert.unreachable() as never;
  for (const text of ['x', '-1', '1.5', '4294967296', '1e3']) {
    process.env[SEED_VARIABLE] = text;
    assert.throws(
      () => eachSeed(1, never),
      (error: Error) => error instanceof RangeError && /GENLOOP_SEED/.test(error.message),
    );
  }
  for (const count of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => eachSeed(count, never), /^count must be a positive integer, not /);
  }
  assert.throws(
    () => eachSeed(1, never, { seed: 0.5 }),
    /^a seed \(also GENLOOP_SEED\) is an integer from 0 to 4294967295, not 0.5$/,
  );
});

test('test runners can still show what was compared', () => {
  const cause = new AssertionError({ message: 'not the same', actual: 1, expected: 2, operator: 'strictEqual' });
  const error = thrownBy(() =>
    eachSeed(1, () => {
      throw cause;
    }),
  ) as Error & Pick<AssertionError, 'actual' | 'expected' | 'operator'>;
  assert.is(error.cause, cause);
  assert.equal([error.actual, error.expected, error.operator], [1, 2, 'strictEqual']);
  assert.not('details' in error);
});

test('what is no error is told, too', () => {
  const error = thrownBy(() =>
    eachSeed(1, () => {
      // biome-ignore lint/style/useThrowOnlyError: what others throw is not for us to choose.
      throw 'a string';
    }),
  ) as SeedError;
  assert.match(error.message, /^with seed 1 \(.*\): a string$/);
  assert.is(error.cause, 'a string');
});

test('promises are waited for, one after the other', async () => {
  const log: string[] = [];
  await eachSeed(3, async (seed) => {
    log.push(`begin ${seed}`);
    await Promise.resolve();
    log.push(`end ${seed}`);
  });
  assert.equal(log, ['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
  const seeds: number[] = [];
  const error: unknown = await eachSeed(5, async (seed) => {
    seeds.push(seed);
    await Promise.resolve();
    if (seed === 3) throw new Error('the third');
  }).catch((reason) => reason);
  assert.match((error as SeedError).message, /^with seed 3 \(.*\): the third$/);
  assert.equal(seeds, [1, 2, 3]);
});

test('a body that throws after it has returned promises before is told with its own seed', async () => {
  const error: unknown = await eachSeed(5, (seed): Promise<void> => {
    if (seed === 2) throw new Error('at once');
    return Promise.resolve();
  }).catch((reason) => reason);
  assert.match((error as SeedError).message, /^with seed 2 \(.*\): at once$/);
});

test('an asynchronous generator, which nobody would run, is refused', () => {
  const error = thrownBy(() => eachSeed(1, async function* () {})) as SeedError;
  assert.match(error.message, /async generator; use a plain generator function/);
});

test('the error of a simulation with the same seed is told by its own words, and the seed once', () => {
  const error = thrownBy(() =>
    eachSeed(5, (seed) =>
      simulate(seed, function* (): Co<void> {
        yield* pass();
        if (seed === 4) throw new RangeError('seat 1 was sold twice');
      }),
    ),
  ) as SeedError;
  assert.is(error.message, 'with seed 4 (GENLOOP_SEED=4 runs it alone): seat 1 was sold twice');
  assert.instance(error.cause, SimulationError);

  const other = thrownBy(() =>
    eachSeed(1, () =>
      simulate(9, function* (): Co<void> {
        yield* pass();
        throw new RangeError('seat 1 was sold twice');
      }),
    ),
  ) as SeedError;
  assert.match(other.message, /^with seed 1 \(.*\): simulate\(9, …\) failed, and will again with this seed: seat 1/);
});

test.run();
