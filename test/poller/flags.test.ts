/** The portable flags. */

import { poll, realSys, Socket } from 'genloop/os';
import { ALARM, Readiness, readinessNames } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';

const test = suite('readiness flags');

test('are those of poll(2) on this system, so that poll and epoll need no translation', () => {
  for (const [name, value] of Object.entries(Readiness)) {
    // The BSDs have no POLLRDHUP; there it comes from kqueue.
    assert.is(realSys().constants[`POLL${name}`] ?? value, value, name);
  }
});

test('are spelled for messages', () => {
  assert.is(readinessNames(0), '0');
  assert.is(readinessNames(Readiness.IN | Readiness.HUP), 'IN|HUP');
  assert.is(readinessNames(ALARM), 'ERR|HUP|NVAL');
});

test('name what poll says', () => {
  using one = Socket.tcp();
  const [event] = poll([[one, Readiness.OUT]], 0);
  assert.is(readinessNames(event?.events ?? 0), 'OUT|HUP');
});

test.run();
