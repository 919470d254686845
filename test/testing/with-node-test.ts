/** Tests of a program of tasks under `node --test`; `runners.test.ts` starts them. The last one is to fail. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Co, group, moveOnAfter, pass, sleep } from 'genloop';
import { assertCheckpoint, eachSeed, runTest, Sequencer, waitAllBlocked } from 'genloop/testing';

function* answer(): Co<string> {
  yield sleep(3_600_000);
  return 'too late';
}

test('a slow answer is given up after a minute', () => {
  runTest(function* main(clock): Co<void> {
    assert.equal(yield* moveOnAfter(60_000, answer(), 'given up'), 'given up');
    assert.equal(clock.now, 60_000);
  });
});

test('a sequence holds in every order', () => {
  eachSeed(20, function* (): Co<void> {
    const sequencer = new Sequencer();
    const log: number[] = [];
    function* step(n: number): Co<void> {
      yield* sequencer.at(n);
      log.push(n);
    }
    yield* group(function* (g) {
      for (const n of [2, 0, 1]) g.spawn(step(n));
      yield* waitAllBlocked();
    });
    assert.deepEqual(log, [0, 1, 2]);
  });
});

test('a checkpoint is asserted', () => {
  runTest(assertCheckpoint(pass()));
});

test('an asynchronous test waits for its seeds', async () => {
  const seeds: number[] = [];
  await eachSeed(3, async (seed) => void seeds.push(seed));
  assert.deepEqual(seeds, [1, 2, 3]);
});

test('to fail: a body without a checkpoint', () => {
  runTest(assertCheckpoint(function* (): Co<void> {}));
});
