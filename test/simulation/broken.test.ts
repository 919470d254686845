/** Broken kernels and pollers: that each can still be broken so, and that the simulation catches those that take it few seeds. */

import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { BREAKAGES } from './broken/breakages.ts';
import { hunt } from './broken/hunt.ts';
import type { Invariant } from './witness.ts';

const test = suite('broken kernels and pollers');
const LIMIT = 2000;

/** A few of each layer, and what shall catch them. */
const CAUGHT: Readonly<Record<string, Invariant>> = {
  'a wake is dropped while three others are ready': 'no wake lost',
  'a deadline is rounded down': 'never early',
  'a disarm is forgotten': 'no spinning',
  'select does not undo its first branch': 'no wake lost',
  'the generation is not compared: stale events are delivered': 'no needless wake',
  'a shield is ignored': 'shields hold',
  'the second reader of a wait is given the bytes of the first': 'bytes once, in order',
  'a task that was woken to read is a reader for ever': 'one reader, one writer',
  'a cancel does not send what was left before it': 'bytes once, in order',
  'the round does not send what was left': 'no wake lost',
};

test('there are at least twenty, with names of their own, and each exchanges what stands in the sources once', () => {
  assert.ok(BREAKAGES.length >= 20, `${BREAKAGES.length}`);
  assert.is(new Set(BREAKAGES.map(({ name }) => name)).size, BREAKAGES.length);
  for (const { name, file, find, replace } of BREAKAGES) {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    assert.is(source.split(find).length, 2, `"${name}": ${file} has to contain once: ${find}`);
    assert.is.not(find, replace, name);
  }
});

for (const [name, invariant] of Object.entries(CAUGHT)) {
  test(`it is caught when ${name}`, async () => {
    const breakage = BREAKAGES.find((each) => each.name === name);
    assert.ok(breakage !== undefined, `there is no "${name}"`);
    const { seed, invariant: found, program, size } = await hunt(breakage, LIMIT);
    assert.ok(seed !== null, `not within ${LIMIT} seeds`);
    assert.is(found, invariant);
    assert.ok(size <= 8, `the program that shows it has ${size} statements:\n${program}`);
  });
}

test('a library that is not broken is not caught', async () => {
  const { name, file, find } = BREAKAGES[0] as (typeof BREAKAGES)[number];
  const { seed, seeds } = await hunt({ name, file, find, replace: find }, 300);
  assert.is(seed, null);
  assert.is(seeds, 300);
});

test('what cannot be broken any more is refused, with what was looked for', async () => {
  let problem = '';
  try {
    await hunt({ name: 'gone', file: 'kernel/ring.ts', find: 'no such text', replace: '' }, 1);
  } catch (error) {
    problem = String(error);
  }
  assert.match(problem, /"gone": kernel\/ring\.ts has 0 places to break, not 1: no such text/);
});

test.run();
