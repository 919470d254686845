/**
 * What has to work where there is no Node and no addon. Compiled, and loaded by a page of Chromium and by an empty context of V8: so
 * nothing here may know of either.
 */

import {
  type Co,
  connect,
  currentScheduler,
  type Handler,
  listen,
  onSignal,
  ReadWait,
  run,
  runSync,
  Scheduler,
  Socket,
  SystemError,
  serve,
  type TcpStream,
  WriteWait,
} from 'genloop';
import { formatPs, ps, startTrace } from 'genloop/inspect';
import { DeadlockError, group, sleep } from 'genloop/kernel';
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
import { matches, same, thrown } from './expect.ts';
import { KERNEL_CHECKS } from './kernel-checks.ts';

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

/** What a server of streams answers. Of the large part nothing is copied on its way to the system. */
function* served(): Co<[string | null, number | undefined]> {
  const answer: Handler<TcpStream> = function* (client): Co<void> {
    const line = yield* client.readLine();
    yield* client.writev([`you said ${line}`, '\n', new Uint8Array(5000)]);
  };
  return yield* group(function* (g): Co<[string | null, number | undefined]> {
    const server = yield* g.start(serve(yield* listen({ port: 0 }), answer));
    using client = yield* connect({ port: server.address.port });
    yield* client.write('Grüße\n');
    const heard: [string | null, number | undefined] = [
      yield* client.readLine(),
      (yield* client.readExactly(5000))?.length,
    ];
    server.stop();
    return heard;
  });
}

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

  ...KERNEL_CHECKS,

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

  'simulate: a server and a client of the network layer': () => {
    const faults = { shortReads: 0.3, shortWrites: 0.3 };
    for (let seed = 1; seed <= 10; seed++) same(simulate(seed, served, { faults }), ['you said Grüße', 5000]);
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
