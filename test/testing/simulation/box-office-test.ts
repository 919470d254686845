/** The test of docs/simulation.md, as a user of node:test writes it. It fails, as the page says: run by `box-office.test.ts`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachSeed, simulate } from 'genloop/testing';
import { BoxOffice, evening } from './box-office.ts';

test('each seat is sold once, whatever the network does', () => {
  eachSeed(300, (seed) => {
    const answers = simulate(seed, evening(new BoxOffice(3), ['Ann', 'Bob', 'Cem', 'Dot', 'Eve']), {
      faults: { shortWrites: 0.2, delay: { probability: 0.5, most: 20 } },
    });
    assert.deepEqual(answers.sort(), ['seat 1', 'seat 2', 'seat 3', 'sold out', 'sold out']);
  });
});
