/** src/testing/wrappers/each-failure.ts: an errno at every call, of the echo and the time server and of programs with mistakes. */

import { type Co, DeadlockError, group, pass, ReadWait, Socket, sleep, WaitQueue } from 'genloop';
import { EventFd, pipe, realSys, SystemError } from 'genloop/os';
import { availableBackends } from 'genloop/poller';
import { eachFailure, type FailureReport, type FailureRun, HangError, runTest } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { echoServer } from '../../../examples/servers/echo.ts';
import { callOf } from '../../../src/testing/wrappers/calls.ts';
import { echoClient, silently, times, title } from '../../support/examined.ts';
import { suite } from '../../support/suite.ts';

const test = suite('eachFailure');
const BACKENDS = availableBackends(realSys());
const MESSAGE = 'hello';
const ATTEMPTS = 5;

/** The echo server of the examples, one client, and what the server says of it. */
function* echoOnce(said: string[]): Co<string> {
  using listener = Socket.listener();
  const { port } = listener.localAddress;
  return yield* group(function* (g) {
    g.spawn(
      echoServer(listener, (line) => said.push(line)),
      { daemon: true },
    );
    return yield* g.spawn(echoClient(port, MESSAGE)).join();
  });
}

/** Whether the error names the call that failed, or one whose failure follows from it at the other end. */
function isNamed(run: FailureRun, consequences: readonly string[]): boolean {
  // Poll and select look by fstat at what they shall watch; what they refuse has their own name, as epoll's refusals have.
  if (run.call === 'fstat' && run.systemError?.code === run.errno) return true;
  const syscall = callOf(run.call).syscall ?? run.call;
  const error = run.systemError;
  return (
    error !== null &&
    ((error.syscall === syscall && error.code === run.errno) || consequences.includes(`${error.syscall} ${error.code}`))
  );
}

function checkReport(report: FailureReport, consequences: readonly string[]): void {
  assert.equal(report.problems, []);
  for (const run of report.runs) {
    assert.ok(run.reached, `not reached: ${title(run)}`);
    assert.ok(run.outcome === 'completed' || isNamed(run, consequences), title(run));
    assert.equal(run.leaked, [], title(run));
  }
}

for (const backend of BACKENDS) {
  test(`the echo server and its client, with an errno at every call: each run ends, typed and with nothing open (${backend})`, () => {
    const logs: string[][] = [];
    const report = silently(() =>
      eachFailure(
        () => {
          const said: string[] = [];
          logs.push(said);
          return echoOnce(said);
        },
        { backend },
      ),
    );
    assert.is(report.result, MESSAGE);
    assert.ok(report.runs.length >= 90, `${report.runs.length} runs`);
    assert.is(logs.length, report.runs.length + 1);
    // A server that gives its client up leaves unread data: the client hears of it as a reset, or as a broken pipe.
    checkReport(report, ['recv ECONNRESET', 'send ECONNRESET', 'send EPIPE', 'shutdown ENOTCONN']);
    report.runs.forEach((run, index) => {
      if (run.outcome !== 'completed' || run.result === MESSAGE) return;
      // The client got less than it sent: then the server has told why.
      const log = (logs[index + 1] as string[]).join('\n');
      assert.match(log, new RegExp(`failed: ${run.errno}$`), title(run));
    });
    const calls = new Set(report.runs.map(({ call }) => call));
    for (const call of [
      'socket',
      'bind',
      'listen',
      'accept',
      'connect',
      'recv',
      'send',
      'shutdown',
      'close',
    ] as const) {
      assert.ok(calls.has(call), `${call} never failed`);
    }
  });

  test(`the time server and its client, with an errno at every call: the answer comes, or the error (${backend})`, () => {
    const report = silently(() => eachFailure(() => times(1, ATTEMPTS), { backend }));
    assert.match(String(report.result), /^\w{3} \w{3} \d\d \d{4} /);
    assert.ok(report.runs.length >= 40, `${report.runs.length} runs`);
    checkReport(report, []);
    for (const run of report.runs) {
      if (run.outcome === 'completed') assert.match(String(run.result), /^\w{3} \w{3} \d\d \d{4} /, title(run));
    }
  });
}

test('a wait for which there is no memory is tried again, and the program does not notice', () => {
  const report = eachFailure(() => echoOnce([]), { backend: 'poll', calls: ['poll'], errnos: ['ENOMEM'] });
  assert.ok(report.runs.length > 1);
  for (const run of report.runs) assert.equal([run.outcome, run.result, run.leaked], ['completed', MESSAGE, []]);
});

test('a wait that the kernel refuses for good ends the run: all clean up, and its error says which call', () => {
  const report = eachFailure(() => echoOnce([]), { backend: 'poll', calls: ['poll'], errnos: ['EINVAL'] });
  assert.ok(report.runs.length > 1);
  for (const run of report.runs) {
    assert.is(run.outcome, 'failed');
    assert.instance(run.error, SystemError);
    assert.equal([run.systemError?.syscall, run.systemError?.code], ['poll', 'EINVAL']);
    assert.equal(run.leaked, [], title(run));
  }
});

test('the same in orders drawn from seeds', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const report = silently(() => eachFailure(() => echoOnce([]), { seed, calls: ['accept', 'recv', 'epollCtl'] }));
    assert.equal(report.problems, []);
  }
});

test('without failures it counts the calls of each kind', () => {
  const { counts, runs } = eachFailure(
    function* (): Co<void> {
      const { reader, writer } = pipe();
      reader.close();
      writer.close();
    },
    // Which has no kernel set that would be closed as well.
    { errnos: [], backend: 'poll' },
  );
  assert.equal([counts.get('pipe'), counts.get('close'), counts.get('recv')], [1, 2, undefined]);
  assert.equal(runs, []);
});

/** A program with a mistake: what it has opened before the failure stays open. */
function* leaking(): Co<void> {
  const first = EventFd.create();
  const second = EventFd.create();
  first.close();
  second.close();
}

test('a descriptor that is left open is reported with the call that opened it, and closed', () => {
  const report = eachFailure(leaking, { calls: ['eventfd'], errnos: ['EMFILE'] });
  assert.equal(
    report.runs.map(({ nth, outcome, leaked }) => [nth, outcome, leaked.map(({ call }) => call)]),
    [
      [1, 'failed', []],
      [2, 'failed', ['eventfd']],
    ],
  );
  assert.is(report.problems.length, 1);
  assert.match(
    report.problems[0] as string,
    /^with EMFILE at eventfd 2 the program left open descriptor \d+ \(of eventfd\)$/,
  );
  assert.is(report.runs[1]?.systemError?.code, 'EMFILE');
});

test('both ends of a pipe, and a duplicate, are descriptors too; what was given away is not', () => {
  const report = eachFailure(
    function* (): Co<void> {
      const { reader, writer } = pipe();
      const copy = reader.dup();
      realSys().close(copy.detach());
      EventFd.create().close();
      reader.close();
      writer.close();
    },
    { calls: ['eventfd', 'dup'], errnos: ['EMFILE'] },
  );
  assert.equal(
    report.runs.map(({ call, leaked }) => [call, leaked.map((descriptor) => descriptor.call)]),
    [
      ['eventfd', ['pipe', 'pipe']],
      ['dup', ['pipe', 'pipe']],
    ],
  );
});

/** A program with a mistake: a datagram that is lost is waited for, for ever. */
function* trusting(): Co<string> {
  const [near, far] = Socket.pair('SOCK_DGRAM');
  using _near = near;
  using _far = far;
  try {
    near.send('?');
  } catch {
    // It will do.
  }
  yield new ReadWait(far);
  return String(far.recv());
}

for (const backend of BACKENDS) {
  test(`a wait without end is found, and names who waits for what; the program is cancelled (${backend})`, () => {
    const report = eachFailure(trusting, { calls: ['send'], errnos: ['ENOBUFS'], backend });
    const [run] = report.runs as [FailureRun];
    assert.is(run.outcome, 'hung');
    assert.instance(run.error, HangError);
    assert.match((run.error as Error).message, /found nothing in 100 looks.*\n {2}task 1 \(main\) waits for .*Socket/s);
    assert.equal(run.leaked, [], 'and its `using` has closed');
    assert.match(report.problems[0] as string, /^with ENOBUFS at send 1 the program hung: /);
  });
}

/** A program with a mistake: whatever fails is tried again at once. */
function* stubborn(wait: () => Co<void>): Co<void> {
  const { reader, writer } = pipe();
  using _reader = reader;
  using _writer = writer;
  for (;;) {
    try {
      writer.write('x');
      break;
    } catch {
      for (let again = true; again; ) {
        yield* wait();
        again = reader.read(1) === undefined;
      }
    }
  }
}

function* atOnce(): Co<void> {}

function* later(): Co<void> {
  yield* pass();
}

function* muchLater(): Co<void> {
  yield sleep(1000);
}

test('a program that is busy for ever is found by its calls: in one step, over many, or asleep in between', () => {
  for (const wait of [atOnce, later, muchLater]) {
    const report = eachFailure(() => stubborn(wait), { calls: ['write'], errnos: ['EIO'], limit: 2000 });
    const [run] = report.runs as [FailureRun];
    assert.equal([run.outcome, run.leaked], ['hung', []], wait.name);
    assert.match((run.error as Error).message, /2000 calls/, wait.name);
  }
});

test('one that is busy without any call is found by its rounds', () => {
  const report = eachFailure(
    function* (): Co<void> {
      let failed = false;
      try {
        EventFd.create().close();
      } catch {
        failed = true;
      }
      while (failed) yield* pass();
    },
    { calls: ['eventfd'], errnos: ['EMFILE'], limit: 500 },
  );
  assert.equal(
    report.runs.map(({ outcome }) => outcome),
    ['hung'],
  );
});

test('a deadlock is a hang', () => {
  const report = eachFailure(
    function* (): Co<void> {
      const queue = new WaitQueue<void>();
      try {
        EventFd.create().close();
      } catch {
        yield* queue.wait();
      }
    },
    { calls: ['eventfd'], errnos: ['EMFILE'] },
  );
  assert.equal(
    report.runs.map(({ outcome, error }) => [outcome, error instanceof DeadlockError]),
    [['hung', true]],
  );
});

test('a call that is made less often this time is told as not reached', () => {
  let runs = 0;
  const report = eachFailure(
    function* (): Co<void> {
      if (runs++ === 0) EventFd.create().close();
    },
    { calls: ['eventfd'], errnos: ['EMFILE'] },
  );
  assert.equal(
    report.runs.map(({ reached, outcome }) => [reached, outcome]),
    [[false, 'completed']],
  );
});

test('errnos are chosen for each call, and what there is not is refused', () => {
  const asked: unknown[] = [];
  const report = eachFailure(leaking, {
    calls: ['eventfd'],
    errnos: (call, nth) => {
      asked.push([call, nth]);
      return nth === 1 ? ['EMFILE', 23] : [];
    },
  });
  assert.equal(asked, [
    ['eventfd', 1],
    ['eventfd', 2],
  ]);
  assert.equal(
    report.runs.map(({ errno }) => errno),
    ['EMFILE', '23'],
  );
  assert.throws(() => eachFailure(leaking, { calls: ['event' as 'eventfd'] }), /no call 'event'/);
  assert.throws(() => eachFailure(leaking, { errnos: ['EWRONG'] }), /an errno is a name/);
});

test('a program that fails, hangs or leaks by itself is told so at once', () => {
  const boom = new Error('boom');
  assert.throws(
    () =>
      eachFailure(function* (): Co<void> {
        throw boom;
      }),
    (error: unknown) => error === boom,
  );
  assert.throws(
    () =>
      eachFailure(function* (): Co<void> {
        EventFd.create();
      }),
    /left open descriptor \d+ \(of eventfd\), though no call failed/,
  );
  assert.throws(
    () =>
      eachFailure(function* (): Co<void> {
        using event = EventFd.create();
        yield new ReadWait(event);
      }),
    (error: unknown) => error instanceof HangError,
  );
  assert.throws(
    () =>
      runTest(function* (): Co<void> {
        eachFailure(leaking);
      }),
    /called from inside a task/,
  );
});

test.run();
