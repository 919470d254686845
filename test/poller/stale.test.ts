/** When a stale event is answered with a new kernel set. */

import { realSys, type Sys } from 'genloop/os';
import * as assert from 'uvu/assert';
import { StaleEvents } from '../../src/poller/stale.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('stale events');

/** A system whose clock stands where the test puts it. */
function clock(): { sys: Sys; at: (ms: number) => Sys } {
  let now = 0;
  const sys = overriding(realSys(), { now: () => now });
  return {
    sys,
    at: (ms) => {
      now = ms;
      return sys;
    },
  };
}

test('nothing, or one event in one wait, or the same one with a wait between: no new set', () => {
  const { sys } = clock();
  const stale = new StaleEvents();
  assert.is(stale.review(sys), false);
  stale.add(5, 31);
  assert.is(stale.review(sys), false);
  assert.is(stale.review(sys), false);
  stale.add(5, 31);
  assert.is(stale.review(sys), false);
});

test('the same event in two waits in a row: a new set, also if others come between', () => {
  const { sys } = clock();
  const stale = new StaleEvents();
  for (const fd of [4, 5, 6]) stale.add(fd, 31);
  assert.is(stale.review(sys), false);
  for (const fd of [7, 5, 8]) stale.add(fd, 31);
  assert.is(stale.review(sys), true);
});

test('another number, or another generation of the same one, is another event', () => {
  for (const [fd, generation] of [
    [6, 31],
    [5, 32],
    [5, -31],
    [4, 31 + 2 ** 30],
  ] as const) {
    const { sys } = clock();
    const stale = new StaleEvents();
    stale.add(5, 31);
    stale.review(sys);
    stale.add(fd, generation);
    assert.is(stale.review(sys), false, `${fd}, ${generation}`);
  }
});

test('once a second at most, and what was seen before the new set does not count against it', () => {
  const { at } = clock();
  const stale = new StaleEvents();
  const seen = (ms: number): boolean => {
    stale.add(5, 31);
    return stale.review(at(ms));
  };
  assert.equal([seen(0), seen(1)], [false, true]);
  assert.equal([seen(2), seen(500), seen(1000)], [false, false, false]);
  assert.is(seen(1001), true);
  assert.equal([seen(9000), seen(9001)], [false, true]);
});

test.run();
