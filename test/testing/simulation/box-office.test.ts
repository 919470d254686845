/** The example of docs/simulation.md: that its mistake is found as the page says, and that the page shows these very lines. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSync } from 'genloop';
import { eachSeed, SeedError, type SimulateOptions, simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { NODE, Program, ROOT } from '../../examples/program.ts';
import { suite } from '../../support/suite.ts';
import { BoxOffice, CarefulBoxOffice, evening } from './box-office.ts';

const test = suite('simulation: the page for users');
const PAGE = join(ROOT, 'docs/simulation.md');
const NAMES = ['Ann', 'Bob', 'Cem', 'Dot', 'Eve'];
const OPTIONS: SimulateOptions = { faults: { shortWrites: 0.2, delay: { probability: 0.5, most: 20 } } };

/** Three seats for five visitors. */
function sellsEachSeatOnce(seed: number, office: BoxOffice, options?: SimulateOptions): void {
  const answers = simulate(seed, evening(office, NAMES), options);
  assert.equal(answers.sort(), ['seat 1', 'seat 2', 'seat 3', 'sold out', 'sold out']);
}

/** What it throws. */
function failure(run: () => void): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  return assert.unreachable('the mistake was not found') as never;
}

test('on the real system, and in a simulation without faults, the mistake does not show in any order', () => {
  assert.equal(runSync(() => evening(new BoxOffice(3), NAMES)).sort()[2], 'seat 3');
  eachSeed(300, (seed) => sellsEachSeatOnce(seed, new BoxOffice(3)));
});

test('with short writes it does, and the seed repeats it to the letter', () => {
  const first = failure(() => eachSeed(300, (seed) => sellsEachSeatOnce(seed, new BoxOffice(3), OPTIONS)));
  assert.instance(first, SeedError);
  const { seed } = first as SeedError;
  assert.ok(first.message.startsWith(`with seed ${seed} (GENLOOP_SEED=${seed} runs it alone): Expected values`));
  const again = failure(() => eachSeed(1, (only) => sellsEachSeatOnce(only, new BoxOffice(3), OPTIONS), { seed }));
  assert.is(again.message, first.message);
});

test('the server without the mistake sells each seat once, whatever happens', () => {
  eachSeed(1_000, (seed) => sellsEachSeatOnce(seed, new CarefulBoxOffice(3), OPTIONS));
});

test('the test of the page fails under node:test, and shows what was sold', async () => {
  const [node, ...args] = NODE as [string, ...string[]];
  const file = join(ROOT, 'test/testing/simulation/box-office-test.ts');
  await using program = new Program([node, ...args, '--test', '--test-reporter=tap', file]);
  const { stdout, code } = await program.ended();
  const page = readFileSync(PAGE, 'utf8');
  const shown = /^with seed \d+ .*$/m.exec(page)?.[0] as string;
  assert.ok(stdout.includes(shown), `the page shows '${shown}', and the test says\n${stdout}`);
  assert.is(code, 1);
});

test('every program on the page is a part of the files that these tests run', () => {
  const page = readFileSync(PAGE, 'utf8');
  const here = ['box-office.ts', 'box-office-test.ts'].map((name) =>
    readFileSync(join(ROOT, 'test/testing/simulation', name), 'utf8'),
  );
  const programs = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code as string);
  assert.ok(programs.length >= 4);
  for (const code of programs)
    assert.ok(
      here.some((file) => file.includes(code.trim())),
      `not in the files:\n${code}`,
    );
});

test.run();
