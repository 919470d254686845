/** The same under plain uvu: one test that passes, and three that are to fail; `runners.test.ts` starts them. */

import { type Co, group, sleep } from 'genloop';
import { assertNoCheckpoint, eachSeed, runTest, Sequencer } from 'genloop/testing';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

test('an hour passes', () => {
  runTest(function* (clock): Co<void> {
    yield sleep(3_600_000);
    assert.is(clock.now, 3_600_000);
  });
});

test('to fail: a seed', () => {
  eachSeed(5, (seed) => assert.is(seed < 3, true));
});

test('to fail: a checkpoint', () => {
  runTest(assertNoCheckpoint(sleep(1)));
});

test('to fail: a sequence', () => {
  runTest(function* main(): Co<void> {
    const sequencer = new Sequencer();
    yield* group(function* (g) {
      g.spawn(sequencer.at(0), { name: 'one' });
      g.spawn(sequencer.at(0), { name: 'two' });
    });
  });
});

test.run();
