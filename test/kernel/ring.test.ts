import * as assert from 'uvu/assert';
import { Ring } from '../../src/kernel/ring.ts';
import { suite } from '../support/suite.ts';

const test = suite('ring');

test('rule 39: what goes in first comes out first, also across growth and the end of the array', () => {
  const ring = new Ring<number>();
  const model: number[] = [];
  let next = 0;
  // Three in, two out: it grows while its head stands in the middle.
  for (let round = 0; round < 500; round++) {
    for (let i = 0; i < 3; i++) {
      ring.push(next);
      model.push(next++);
    }
    for (let i = 0; i < 2; i++) assert.is(ring.shift(), model.shift());
  }
  assert.is(ring.length, model.length);
  assert.equal(ring.toArray(), model);
  while (model.length > 0) assert.is(ring.shift(), model.shift());
  assert.is(ring.length, 0);
});

test('an empty ring gives undefined, and stays usable', () => {
  const ring = new Ring<string>();
  assert.is(ring.shift(), undefined);
  assert.equal(ring.toArray(), []);
  ring.push('a');
  assert.is(ring.shift(), 'a');
  assert.is(ring.shift(), undefined);
});

test('promote swaps an item with the front, and nothing else', () => {
  const ring = new Ring<number>();
  for (const item of [0, 1, 2, 3]) ring.push(item);
  ring.promote(2);
  assert.equal(ring.toArray(), [2, 1, 0, 3]);
  ring.promote(0);
  assert.equal(ring.toArray(), [2, 1, 0, 3]);
});

test('clear forgets everything', () => {
  const ring = new Ring<number>();
  for (let item = 0; item < 100; item++) ring.push(item);
  ring.clear();
  assert.is(ring.length, 0);
  assert.is(ring.shift(), undefined);
  ring.push(7);
  assert.equal(ring.toArray(), [7]);
});

test.run();
