/**
 * The simulated system against the real one: the same random programs on both, over epoll, poll and select, and all that a program can see
 * compared: what each operation returns or with which errno it fails, and after each of them the flags and the readable bytes of every
 * descriptor. GENLOOP_DIFFERENTIAL=10000 runs so many programs, GENLOOP_DIFFERENTIAL_FROM=1 begins with this seed.
 *
 * The simulated run comes first. The real kernel delivers what goes over the loopback when it gets to it, so each observation there is
 * repeated until it is the expected one; only one that stays different for long is a difference.
 *
 * What the two do differently, and the programs leave out: how many bytes fit into a socket (the kernel counts its own bookkeeping; of a
 * pipe it is exact), the order of the rows of a wait (of which only fairness is promised), the numbers of ports and descriptors, edge
 * triggering, and a TIME_WAIT, which the simulated system does not have.
 */

import { type BackendName, realSys } from 'genloop/os';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { notRun, suite } from '../../support/suite.ts';
import { execute, type Transcript } from './machine.ts';
import { type Operation, programOf, textOf } from './programs.ts';

const COUNT = Number(process.env.GENLOOP_DIFFERENTIAL ?? 300);
const FROM = Number(process.env.GENLOOP_DIFFERENTIAL_FROM ?? 1);
/** A socket of the real kernel has so much. */
const BUFFER = 212_992;
/** How long the kernel may take to deliver something, in milliseconds. Reached only by a difference. */
const PATIENCE = 2_000;
const NAMES: readonly BackendName[] = ['epoll', 'poll', 'select'];

const test = suite('simulation: against the real kernel');

if (process.platform !== 'linux') notRun('the comparison of the simulated system with this kernel: it simulates Linux');
for (const backend of process.platform === 'linux' ? NAMES : []) {
  test(`${COUNT} random programs see no difference, by ${backend}`, () => {
    for (let seed = FROM; seed < FROM + COUNT; seed++) compare(seed, backend);
  });
}

function compare(seed: number, backend: BackendName): void {
  const program = programOf(seed);
  const system = new SimulatedSystem({ seed, sendBuffer: BUFFER, receiveBuffer: BUFFER });
  const expected = execute(program, { sys: system, backend }, (look) => look());
  assert.equal(system.descriptors, [], 'the simulated run closes everything');
  const actual = execute(program, { sys: realSys(), backend }, (look, line) => {
    const wanted = expected[line];
    const end = performance.now() + PATIENCE;
    for (;;) {
      const seen = look();
      if (seen === wanted || performance.now() > end) return seen;
    }
  });
  report(seed, program, expected, actual);
}

function report(seed: number, program: readonly Operation[], expected: Transcript, actual: Transcript): void {
  const at = expected.findIndex((line, index) => line !== actual[index]);
  if (at < 0) return;
  const what = at % 2 === 0 ? 'result' : 'readiness afterwards';
  throw new Error(
    `seed ${seed}, operation ${Math.floor(at / 2)}, its ${what}:\n` +
      `  simulated: ${expected[at]}\n  real:      ${actual[at]}\n${textOf(program.slice(0, Math.floor(at / 2) + 1))}`,
  );
}

test.run();
