/** The alarm: the set's own descriptor becomes readable at a time, for a loop that watches it. */

import { EventFd, poll, type Sys } from 'genloop/os';
import { Poller, Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { PATIENCE, Recorder, SETS, withPoller } from '../support/backends.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';

const { IN } = Readiness;

/** Milliseconds: far enough that it does not ring while the test looks at it. */
const FAR = 3_600_000;
const SOON = 20;

/** Waits as a foreign loop would, by the descriptor. When it became readable. */
function rings(poller: Poller, sys: Sys): number {
  assert.is(poll([[poller.fd, IN]], PATIENCE).length, 1, 'it rings');
  return sys.now();
}

const isSilent = (poller: Poller): boolean => poll([[poller.fd, IN]], 0).length === 0;

for (const subject of SETS) {
  const test = suite(`the alarm of ${subject.title}`);

  test(
    'never rings early, and ends the wait',
    withPoller(subject, ({ poller, sys }) => {
      for (const delay of [0, 0.5, 1, 7.3, SOON]) {
        const deadline = sys.now() + delay;
        poller.alarm(deadline);
        assert.ok(rings(poller, sys) >= deadline);
        poller.wait(0);
        assert.is(poller.waiting, 0);
      }
    }),
  );

  test(
    'rings for a deadline that has passed',
    withPoller(subject, ({ poller, sys }) => {
      poller.alarm(sys.now() - 1000);
      rings(poller, sys);
      poller.wait(0);
      poller.alarm(0);
      rings(poller, sys);
    }),
  );

  test(
    'moves to an earlier time, and not to a later one',
    withPoller(subject, ({ poller, sys }) => {
      poller.alarm(sys.now() + FAR);
      const deadline = sys.now() + SOON;
      poller.alarm(deadline);
      poller.alarm(deadline + FAR);
      assert.ok(rings(poller, sys) >= deadline);
    }),
  );

  test(
    'is set again after it has rung, and is silent in between',
    withPoller(subject, ({ poller, sys }) => {
      for (let round = 0; round < 3; round++) {
        const deadline = sys.now() + SOON;
        poller.alarm(deadline);
        assert.ok(rings(poller, sys) >= deadline, `round ${round}`);
        poller.wait(0);
        poller.alarm(sys.now() + FAR);
        assert.ok(isSilent(poller));
        poller.wait(0);
        assert.ok(isSilent(poller));
      }
    }),
  );

  test(
    'is disarmed by Infinity once it has rung, and never set by it',
    withPoller(subject, ({ poller, sys }) => {
      poller.alarm(Number.POSITIVE_INFINITY);
      assert.is(poller.counters.controls, 0);
      assert.ok(isSilent(poller));
      poller.alarm(sys.now());
      rings(poller, sys);
      poller.wait(0);
      poller.alarm(Number.POSITIVE_INFINITY);
      assert.ok(isSilent(poller));
    }),
  );

  test('costs nothing while it need not move', () => {
    let sets = 0;
    const sys = overriding(subject.sys, {
      timerfdSet: (fd, deadline) => {
        sets++;
        return subject.sys.timerfdSet(fd, deadline);
      },
      kevent: (kq, changes, count, events, timeout) => {
        sets += count;
        return subject.sys.kevent(kq, changes, count, events, timeout);
      },
    });
    inside(sys, () => {
      using poller = new Poller(sys, subject.name);
      for (let later = 0; later < 100; later++) poller.alarm(sys.now() + FAR + later);
    });
    assert.is(sets, 1);
  });

  test(
    'rings beside descriptors that are ready, and wakes nobody by itself',
    withPoller(subject, ({ poller, sys, keep }) => {
      const counter = keep(EventFd.create(0));
      const waiter = new Recorder();
      poller.park(counter, IN, waiter);
      poller.alarm(sys.now());
      rings(poller, sys);
      poller.wait(0);
      assert.is(waiter.told, 0);
      counter.signal();
      poller.wait(0);
      assert.equal(waiter.flags, [IN]);
    }),
  );

  test.run();
}
