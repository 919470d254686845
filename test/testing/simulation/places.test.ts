/** Who opened what is left open: noted for the first descriptors of a process, and not for those of a hundred thousand runs. */

import { type Co, pass } from 'genloop/kernel';
import { Socket } from 'genloop/os';
import { LeakError, SimulatedSystem, SimulationError, simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.ts';

const test = suite('simulated: places of descriptors');
/** As `table.ts` has it. */
const MOST_PLACES = 10_000;

function leakOf(program: () => Co<unknown>): LeakError {
  try {
    simulate(1, program);
  } catch (error) {
    assert.instance(error, SimulationError);
    const { cause } = error as SimulationError;
    assert.instance(cause, LeakError);
    return cause as LeakError;
  }
  throw new Error('nothing was left open');
}

function* leavePair(): Co<void> {
  Socket.pair();
  yield* pass();
}

test('both ends of a pair have the place that opened them', () => {
  const { descriptors, message } = leakOf(leavePair);
  assert.equal(
    descriptors.map(({ call, frames }) => [call, /leavePair.*places\.test\.ts/.test(String(frames[0]))]),
    [
      ['socketpair', true],
      ['socketpair', true],
    ],
  );
  assert.not.match(message, /run this one alone/);
});

test('after ten thousand descriptors a leak is told without its lines, and how to see them', () => {
  const system = new SimulatedSystem();
  const pair = new Int32Array(2);
  for (let opened = 0; opened < MOST_PLACES; opened++) {
    system.pipe(pair);
    system.close(pair[0] as number);
    system.close(pair[1] as number);
  }
  const { descriptors, message } = leakOf(leavePair);
  assert.equal(
    descriptors.map(({ kind, frames }) => [kind, frames]),
    [
      ['Unix stream socket', []],
      ['Unix stream socket', []],
    ],
  );
  assert.match(message, /did not close:\n {2}descriptor \d+, a Unix stream socket, opened by socketpair\n/);
  assert.match(message, /run this one alone$/);
});

test.run();
