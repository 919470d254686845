/** Random programs under a witness (`test/simulation`), for mutants that get past all other tests. */

import * as assert from 'uvu/assert';
import { programOf } from '../simulation/draw.ts';
import { runProgram } from '../simulation/trial.ts';
import { suite } from '../support/suite.ts';

const test = suite('programs');
const SEEDS = 500;
/** In a test: the first one that fails ends the run. */
const SHARE = 100;

for (let first = 1; first <= SEEDS; first += SHARE) {
  test(`the random programs of the seeds from ${first} violate nothing`, () => {
    for (let seed = first; seed < first + SHARE; seed++) {
      const { violation } = runProgram(programOf(seed));
      assert.is(violation, null, `seed ${seed}: ${violation?.what}`);
    }
  });
}

test.run();
