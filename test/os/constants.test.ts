/** The numbers of the system's headers. */

import { constants as nodeConstants } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { constants, realSys } from 'genloop/os';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';

const test = suite('constants');

test('agree with those that Node has', () => {
  const theirs: Record<string, number> = { ...nodeConstants, ...osConstants.errno, ...osConstants.signals };
  let common = 0;
  for (const [name, value] of Object.entries(theirs)) {
    // libuv has its own ideas of O_ flags that a system lacks.
    if (!(name in constants) || name.startsWith('UV_')) continue;
    common++;
    assert.is(constants[name], value, name);
  }
  assert.ok(common > 100);
});

test('are looked up in the current system at each use', () => {
  const other = overriding(realSys(), { constants: { SO_STRANGE: 7 } });
  assert.is(constants.SO_STRANGE, undefined);
  inside(other, () => {
    assert.is(constants.SO_STRANGE, 7);
    assert.is(constants.AF_INET, undefined);
    assert.equal(Object.keys(constants), ['SO_STRANGE']);
    assert.is('SO_STRANGE' in constants, true);
  });
  assert.is('SO_STRANGE' in constants, false);
});

test('a name that this system lacks is absent, in every way of asking', () => {
  assert.is(constants.EPOLLNONSENSE, undefined);
  assert.is('EPOLLNONSENSE' in constants, false);
  assert.is(Object.getOwnPropertyDescriptor(constants, 'EPOLLNONSENSE'), undefined);
  assert.is(Object.hasOwn(constants, 'AF_INET'), true);
  assert.equal({ ...constants }.AF_INET, constants.AF_INET);
});

test('cannot be set', () => {
  assert.throws(() => {
    (constants as Record<string, number>).AF_INET = 5;
  }, /AF_INET/);
});

test('are all integers', () => {
  for (const [name, value] of Object.entries(constants)) assert.ok(Number.isSafeInteger(value), name);
});

test.run();
