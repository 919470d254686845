/**
 * What has to work where there is no Node and no addon. Compiled, and loaded by a page of Chromium and by an empty context of V8: so
 * nothing here may know of either, and there is no assertion library but these few lines.
 */

import {
  type Co,
  currentScheduler,
  onSignal,
  ReadWait,
  run,
  runSync,
  Scheduler,
  Socket,
  SystemError,
  WriteWait,
} from 'genloop';
import { formatPs, ps, startTrace } from 'genloop/inspect';
import {
  DeadlockError,
  every,
  failAfter,
  group,
  Kernel,
  moveOnAfter,
  pass,
  type Spawnable,
  select,
  sleep,
  type Task,
  TimeoutError,
} from 'genloop/kernel';
import { realSys, type Sys } from 'genloop/os';
import {
  assertNoCheckpoint,
  eachSeed,
  failing,
  formatCall,
  recorded,
  replayed,
  runTest,
  SeedError,
  SimulatedSystem,
  SimulationError,
  SysLog,
  simulate,
  traced,
  VirtualClock,
} from 'genloop/testing';
import { echoServer } from '../../examples/servers/echo.ts';

/** Fails unless both have the same JSON. */
function same(actual: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`got ${one}, not ${other}`);
}

function matches(text: string, pattern: RegExp): void {
  if (!pattern.test(text)) throw new Error(`${pattern} is not in ${text}`);
}

/** What a call throws. Fails unless it throws an `Error`. */
function thrown<E extends Error & { code?: string }>(body: () => unknown): E {
  try {
    body();
  } catch (error) {
    if (error instanceof Error) return error as E;
    throw new Error(`it threw ${String(error)}`);
  }
  throw new Error('it threw nothing');
}

/** A kernel and nothing else, in a time of its own. Runs a task to its end. */
function alone<T>(main: Spawnable<T>): { task: Task<T>; now: number } {
  let now = 0;
  const kernel = new Kernel({ host: { now: () => now, random: () => 0 }, onFailure: () => {} });
  const task = kernel.spawn(main);
  while (!task.ended) {
    if (kernel.run(10) > 0) continue;
    if (kernel.timers.next === Number.POSITIVE_INFINITY) throw new Error('nothing can happen any more');
    now = kernel.timers.next;
    kernel.timers.fire(now);
  }
  return { task, now };
}

/** Sends each word once the one before has come back. What came back. */
function* talk(server: Socket, words: readonly string[]): Co<string[]> {
  const heard: string[] = [];
  using socket = Socket.tcp();
  socket.connect(server.localAddress);
  yield new WriteWait(socket);
  for (const word of words) {
    const bytes = new TextEncoder().encode(word);
    for (let sent = 0; sent < bytes.length; ) {
      yield new WriteWait(socket);
      sent += socket.send(bytes, sent) ?? 0;
    }
    const back: number[] = [];
    while (back.length < bytes.length) {
      yield new ReadWait(socket);
      back.push(...(socket.recv(100) ?? []));
    }
    heard.push(new TextDecoder().decode(Uint8Array.from(back)));
  }
  return heard;
}

/** A server and two clients. What each client heard, and what the server said. */
function* echoed(): Co<unknown> {
  const said: string[] = [];
  const listener = Socket.listener();
  const server = currentScheduler().spawn(
    echoServer(listener, (line) => said.push(line.replace(/:\d+/, ''))),
    { name: 'server' },
  );
  const heard = yield* group(function* (g) {
    return [g.spawn(talk(listener, ['Grüße', 'adieu'])), g.spawn(talk(listener, ['hello']))];
  });
  // Both ends have been seen before the server goes.
  while (said.length < 4) yield* sleep(1);
  server.cancel();
  return [heard.map((task) => task.outcome), said.sort()];
}

const ECHOED = [
  [['Grüße', 'adieu'], ['hello']],
  ['127.0.0.1 connected', '127.0.0.1 connected', '127.0.0.1 ended', '127.0.0.1 ended'],
];

/** A pair of sockets on a system, and what one end says to the other. */
function overPair(sys: Sys): string {
  const heard: string[] = [];
  using scheduler = new Scheduler({ sys, backend: 'poll' });
  scheduler.spawn(
    (function* (): Co<void> {
      const [near, far] = Socket.pair();
      using _near = near;
      using _far = far;
      near.send('one\n');
      yield new ReadWait(far);
      heard.push(String(far.recv(100)));
    })(),
  );
  scheduler.runSync();
  return heard.join();
}

/** By their names. One that fails throws. */
const CHECKS: Readonly<Record<string, () => void | Promise<void>>> = {
  'there is no Node here': () => {
    const globals = globalThis as Record<string, unknown>;
    same([typeof globals.process, typeof globals.Buffer, typeof globals.setImmediate], Array(3).fill('undefined'));
  },

  'kernel: tasks take turns, and a join gives the result': () => {
    const log: string[] = [];
    function* counting(name: string): Co<string> {
      for (const n of [1, 2]) {
        log.push(`${name}${n}`);
        yield* pass();
      }
      return name;
    }
    const { task } = alone(
      group(function* (g): Co<string[]> {
        const [a, b] = [g.spawn(counting('a')), g.spawn(counting('b'))];
        return [yield* b.join(), yield* a.join()];
      }),
    );
    same(
      [task.outcome, log],
      [
        ['b', 'a'],
        ['a1', 'b1', 'a2', 'b2'],
      ],
    );
  },

  'kernel: the failure of one task ends the others of its group, and their clean-up runs': () => {
    const log: string[] = [];
    const { task } = alone(
      (function* (): Co<void> {
        yield* group(function* (g) {
          g.spawn(
            (function* (): Co<void> {
              try {
                yield* sleep(1_000);
              } finally {
                log.push('cleaned up');
              }
            })(),
          );
          yield* sleep(1);
          throw new Error('no');
        });
      })(),
    );
    same([task.ending, String(task.outcome), log], ['failed', 'Error: no', ['cleaned up']]);
  },

  'kernel: timeouts, in the time of the host': () => {
    const { task, now } = alone(
      (function* (): Co<unknown> {
        const given = yield* moveOnAfter(5_000, sleep(60_000), 'given up');
        try {
          yield* failAfter(2_000, sleep(60_000));
        } catch (error) {
          return [given, error instanceof TimeoutError, (error as TimeoutError).ms];
        }
        return 'no timeout';
      })(),
    );
    same([task.outcome, now], [['given up', true, 2_000], 7_000]);
  },

  'kernel: select takes one of several': () => {
    const { task, now } = alone(
      (function* (): Co<unknown> {
        const first = yield* select({ late: sleep(20), soon: sleep(10) });
        const ticks: number[] = [];
        const ticking = every(5);
        while (ticks.length < 2) {
          yield* ticking;
          ticks.push(1);
        }
        return [first.key, ticks.length];
      })(),
    );
    same([task.outcome, now], [['soon', 2], 20]);
  },

  'kernel: in real time, turned by timers of the host': async () => {
    const started = performance.now();
    const kernel = new Kernel({ host: { now: () => performance.now(), random: Math.random }, onFailure: () => {} });
    const task = kernel.spawn(failAfter(20, sleep(60_000)));
    const turn = (): void => {
      kernel.timers.fire(performance.now());
      kernel.run(100);
      if (!task.ended) setTimeout(turn, Math.max(0, kernel.timers.next - performance.now()));
    };
    turn();
    const error = await task.promise.then(
      () => null,
      (reason: unknown) => reason,
    );
    same([error instanceof TimeoutError, performance.now() - started >= 20], [true, true]);
  },

  'VirtualClock: an hour passes in runSync, in no time': () => {
    const clock = new VirtualClock();
    using scheduler = clock.scheduler();
    const log: number[] = [];
    for (const ms of [3_600_000, 60_000]) {
      scheduler.spawn(
        (function* (): Co<void> {
          yield* sleep(ms);
          log.push(clock.now);
        })(),
      );
    }
    scheduler.runSync();
    same(log, [60_000, 3_600_000]);
  },

  'VirtualClock: what waits for ever is a deadlock, and it says who': () => {
    const error = thrown<DeadlockError>(() =>
      runTest(function* waiter(): Co<void> {
        yield* sleep(Number.POSITIVE_INFINITY);
      }),
    );
    same([error instanceof DeadlockError, error.code], [true, 'ERR_GENLOOP_DEADLOCK']);
    matches(error.message, /waiter.*sleep/s);
  },

  'eachSeed: all seeds are tried, in different orders, and a failure names its seed': () => {
    const orders = new Set<string>();
    function* inSomeOrder(): Co<void> {
      const log: number[] = [];
      yield* group(function* (g) {
        for (const n of [1, 2, 3]) {
          g.spawn(
            (function* (): Co<void> {
              log.push(n);
            })(),
          );
        }
      });
      orders.add(log.join());
    }
    eachSeed(50, () => inSomeOrder());
    same(orders.size, 6);
    const error = thrown<SeedError>(() =>
      eachSeed(5, (seed) => {
        if (seed === 3) throw new Error('the third');
      }),
    );
    same([error instanceof SeedError, error.seed], [true, 3]);
  },

  'eachSeed: waits for promises': async () => {
    const seeds: number[] = [];
    await eachSeed(3, async (seed) => void seeds.push(seed));
    same(seeds, [1, 2, 3]);
  },

  'a failed assertion says what was expected': () => {
    const error = thrown<Error & { code?: string; operator?: string; actual?: string; expected?: string }>(() =>
      runTest(assertNoCheckpoint(sleep(1))),
    );
    const { name, code, operator, actual, expected } = error;
    same(
      [name, code, operator, actual, expected],
      ['AssertionError', 'ERR_ASSERTION', 'assertNoCheckpoint', '1 trap', 'no trap'],
    );
  },

  'simulate: the echo server of the examples and its clients': () => {
    for (const backend of ['epoll', 'poll', 'select'] as const) {
      for (let seed = 1; seed <= 10; seed++) same(simulate(seed, echoed, { backend }), ECHOED);
    }
  },

  'simulate: with short reads and writes, delays and wake-ups for nothing': () => {
    const faults = { shortReads: 0.5, shortWrites: 0.5, spurious: 0.3, delay: { probability: 0.5, most: 100 } };
    for (let seed = 1; seed <= 30; seed++) same(simulate(seed, echoed, { faults, latency: 1 }), ECHOED);
  },

  'simulate: an errno at some call is an error of the system, and names the seed': () => {
    const faults = { errors: [{ call: 'recv', code: 'ECONNRESET', probability: 1 }] } as const;
    const error = thrown<SimulationError>(() => simulate(7, echoed, { faults }));
    same([error instanceof SimulationError, error.seed], [true, 7]);
    matches(String(error.message), /ECONNRESET|hang/);
  },

  'failing: the call fails as often as was said': () => {
    const sys = failing(new SimulatedSystem(), 'send', 1, 'EPIPE');
    const error = thrown<SystemError>(() => overPair(sys));
    same([error instanceof SystemError, error.code, error.syscall, sys.failures], [true, 'EPIPE', 'send', 1]);
  },

  'traced: each call is told': () => {
    const lines: string[] = [];
    same(overPair(traced(new SimulatedSystem(), (call) => lines.push(formatCall(call)))), 'one\n');
    matches(lines.join('\n'), /^send\(\d+, 4 bytes.*\) = 4$/m);
    matches(lines.join('\n'), /^recv\(\d+, \d+ bytes.*\) = 4/m);
  },

  'recorded: what happened is replayed, from text': () => {
    const { sys, log } = recorded(new SimulatedSystem());
    same(overPair(sys), 'one\n');
    const again = replayed(SysLog.parse(log.toString()));
    same(overPair(again), 'one\n');
  },

  'bytes: sent as UTF-8, received as bytes of your own that say their text': () => {
    using scheduler = new Scheduler({ sys: new SimulatedSystem() });
    let received: Uint8Array | undefined;
    let large: Uint8Array | undefined;
    scheduler.spawn(
      (function* (): Co<void> {
        const [near, far] = Socket.pair();
        using _near = near;
        using _far = far;
        near.send('\ufeffé→😀');
        received = far.recv();
        near.send(new Uint8Array(10).fill(65));
        large = far.recv(100_000);
      })(),
    );
    scheduler.runSync();
    same([received instanceof Uint8Array, received?.length, String(received)], [true, 12, '\ufeffé→😀']);
    same([large?.length, String(large?.subarray(8))], [10, 'AA']);
  },

  'inspect: the table of tasks, and a trace into a function': () => {
    const clock = new VirtualClock();
    using scheduler = clock.scheduler();
    let table = '';
    const pieces: string[] = [];
    {
      using _ = startTrace({ sink: (piece) => void pieces.push(piece) });
      scheduler.spawn(sleep(1_000), { name: 'sleeper' });
      scheduler.spawn(
        (function* (): Co<void> {
          yield* sleep(1);
          table = formatPs(ps());
        })(),
      );
      scheduler.runSync();
    }
    matches(table, /sleeper.*sleep/);
    matches(JSON.stringify(JSON.parse(pieces.join(''))), /sleeper/);
  },

  'what a browser has not says so': async () => {
    same(thrown(() => realSys()).code, 'ERR_GENLOOP_NO_ADDON');
    same(thrown(() => runSync(sleep(1))).code, 'ERR_GENLOOP_NO_ADDON');
    same(thrown(() => new Scheduler({ sys: new SimulatedSystem() }).run()).code, 'ERR_GENLOOP_NO_HOST');
    const refused = await run(sleep(1), { sys: new SimulatedSystem() }).catch((error: unknown) => error);
    same((refused as { code?: string }).code, 'ERR_GENLOOP_NO_HOST');
    same(thrown(() => onSignal('SIGHUP', () => {})).name, 'TypeError');
  },
};

/** The names of all checks, in their order. */
export const names: readonly string[] = Object.keys(CHECKS);

/** Runs them all: a line for each, `ok: name` or `failed: name: why`. */
export async function report(): Promise<string[]> {
  const lines: string[] = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      await check();
      lines.push(`ok: ${name}`);
    } catch (error) {
      lines.push(`failed: ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return lines;
}
