/** Which backends there are, and how one is chosen. */

import { BACKEND_NAMES, type Backend, realSys } from 'genloop/os';
import { availableBackends, BACKEND_VARIABLE, chooseBackend, openBackend } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { withKqueue } from '../support/kqueue-over-poll.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const sys = realSys();
const test = suite('backends');

function withVariable(value: string | undefined, body: () => void): void {
  const before = process.env[BACKEND_VARIABLE];
  if (value === undefined) delete process.env[BACKEND_VARIABLE];
  else process.env[BACKEND_VARIABLE] = value;
  try {
    body();
  } finally {
    if (before === undefined) delete process.env[BACKEND_VARIABLE];
    else process.env[BACKEND_VARIABLE] = before;
  }
}

test('those that the system has are listed best first, and poll and select are everywhere', () => {
  const available = availableBackends(sys);
  assert.equal(
    available,
    BACKEND_NAMES.filter((name) => available.includes(name)),
  );
  assert.ok(available.includes('poll') && available.includes('select'));
  assert.is(available.includes('epoll'), process.platform === 'linux');
  assert.equal(availableBackends(overriding(sys, { constants: {} })), ['poll', 'select']);
  assert.ok(availableBackends(withKqueue(sys)).includes('kqueue'));
});

test('the best is the default', () => {
  withVariable(undefined, () => assert.is(chooseBackend(sys), availableBackends(sys)[0]));
  withVariable('', () => assert.is(chooseBackend(sys), availableBackends(sys)[0]));
});

test('the environment variable chooses, and the option goes before it', () => {
  withVariable('select', () => {
    assert.is(chooseBackend(sys), 'select');
    assert.is(chooseBackend(sys, 'poll'), 'poll');
  });
});

test('an unknown name is refused with the list of the valid ones, and where it came from', () => {
  const names = availableBackends(sys).join(', ');
  withVariable('iocp', () => {
    assert.throws(
      () => chooseBackend(sys),
      (error: Error) =>
        error instanceof RangeError &&
        error.message.includes(`'iocp' (from ${BACKEND_VARIABLE})`) &&
        error.message.endsWith(names),
    );
  });
  for (const wrong of ['', 'EPOLL', 'toString', '__proto__']) {
    assert.throws(() => chooseBackend(sys, wrong), /no backend '.*' on .*; there are: /);
  }
});

test('a system that brings its own backend is asked for it', () => {
  const own = { name: 'poll' } as Backend;
  assert.is(openBackend(overriding(sys, { backend: () => own }), 'poll'), own);
});

test('each goes by its name', () => {
  for (const name of availableBackends(sys)) {
    const backend = openBackend(sys, name);
    assert.is(backend.name, name);
    assert.is(backend.fd >= 0, name === 'epoll' || name === 'kqueue');
    backend.close();
  }
});

test.run();
