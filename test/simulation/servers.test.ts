/** The servers of the examples on the simulated system, with an errno at every call, and with everything that a network does. */

import { type Co, group, Socket } from 'genloop';
import { eachFailure, type FailureReport, SimulatedSystem, simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { echoServer } from '../../examples/servers/echo.ts';
import { echoClient, silently, times, title } from '../support/examined.ts';
import { suite } from '../support/suite.ts';

const test = suite('the servers in simulation');
const BACKENDS = ['epoll', 'poll', 'select'] as const;
const MESSAGE = 'hello, simulated world';
const CLIENTS = 3;
const ATTEMPTS = 20;
const SEEDS = 40;
const FAULTS = {
  shortReads: 0.4,
  shortWrites: 0.4,
  spurious: 0.2,
  delay: { probability: 0.5, most: 50 },
} as const;

function* echoes(clients: number): Co<string[]> {
  using listener = Socket.listener();
  const { port } = listener.localAddress;
  return yield* group(function* (g) {
    g.spawn(echoServer(listener, null), { daemon: true });
    const tasks = Array.from({ length: clients }, () => g.spawn(echoClient(port, MESSAGE)));
    const heard: string[] = [];
    for (const task of tasks) heard.push(yield* task.join());
    return heard;
  });
}

/** Each run ends, with nothing open; one that fails does so with a failed call, its own or one that follows from it. */
function checkReport(report: FailureReport): void {
  assert.equal(report.problems, []);
  for (const run of report.runs) {
    assert.ok(run.reached, `not reached: ${title(run)}`);
    assert.equal(run.leaked, [], title(run));
    if (run.outcome === 'completed') continue;
    assert.is(run.outcome, 'failed', title(run));
    assert.ok(run.systemError !== null, title(run));
  }
}

for (const backend of BACKENDS) {
  test(`the echo server ends, with nothing open, whichever call fails with whichever errno (${backend})`, () => {
    const report = silently(() => eachFailure(() => echoes(1), { sys: new SimulatedSystem(), backend, grace: 0 }));
    assert.equal(report.result, [MESSAGE]);
    assert.ok(report.runs.length >= 90, `${report.runs.length} runs`);
    checkReport(report);
  });

  test(`the time server ends, with nothing open, whichever call fails with whichever errno (${backend})`, () => {
    const report = silently(() =>
      eachFailure(() => times(1, ATTEMPTS), { sys: new SimulatedSystem(), backend, grace: 0 }),
    );
    assert.match(String(report.result), /\d\d:\d\d:\d\d/);
    assert.ok(report.runs.length >= 40, `${report.runs.length} runs`);
    checkReport(report);
  });

  test(`three clients hear all that they said, over a network that delays, splits and pretends, under ${SEEDS} seeds (${backend})`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const heard = simulate(seed, echoes(CLIENTS), { backend, faults: FAULTS });
      assert.equal(heard, new Array(CLIENTS).fill(MESSAGE), `seed ${seed}`);
    }
  });

  test(`three clients are told the time by datagrams that come late, or never, under ${SEEDS} seeds (${backend})`, () => {
    const partition = { between: ['127.0.0.1', '127.0.0.1'], probability: 0.2, most: 500 } as const;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const heard = simulate(seed, times(CLIENTS, ATTEMPTS), { backend, faults: { ...FAULTS, partition } });
      for (const answer of heard) assert.match(answer, /\d\d:\d\d:\d\d/, `seed ${seed}`);
    }
  });
}

test('a failing system call is repeated by its seed alone', () => {
  const faults = { errors: [{ call: 'recv', code: 'ECONNRESET', probability: 0.3 }] } as const;
  const outcomes = (seed: number): string => {
    try {
      return simulate(seed, echoes(CLIENTS), { faults }).join();
    } catch (error) {
      return String(error);
    }
  };
  const first = Array.from({ length: SEEDS }, (_, seed) => outcomes(seed));
  assert.equal(
    Array.from({ length: SEEDS }, (_, seed) => outcomes(seed)),
    first,
  );
  assert.ok(new Set(first).size > 1, 'some of them fail');
});

test.run();
