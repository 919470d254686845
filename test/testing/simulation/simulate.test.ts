/** Whole programs in the simulated world: unchanged, by seeds, and with an end that tells what is wrong. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Co,
  DeadlockError,
  failAfter,
  group,
  MisuseError,
  pass,
  ReadWait,
  routine,
  runSync,
  Socket,
  type Spawnable,
  sleep,
  TimeoutError,
  WriteWait,
} from 'genloop';
import { currentSys, pipe, realSys, type Sys } from 'genloop/os';
import { currentScheduler, currentTask } from 'genloop/scheduler';
import {
  HangError,
  LeakError,
  type SimulatedMain,
  SimulatedSystem,
  type SimulateOptions,
  SimulationError,
  simulate,
} from 'genloop/testing';
import * as assert from 'uvu/assert';
import { NODE, Program, ROOT } from '../../examples/program.ts';
import { suite } from '../../support/suite.ts';
import { overriding } from '../../support/systems.ts';

const test = suite('simulation: simulate');

/** An echo server for so many clients, as anybody would write it. */
function* echo(listener: Socket, clients: number): Co<void> {
  yield* group(function* (g) {
    for (let n = 0; n < clients; n++) {
      let client: Socket | undefined;
      while (client === undefined) {
        yield new ReadWait(listener);
        client = listener.accept();
      }
      g.spawn(answer(client));
    }
  });
}

function* answer(socket: Socket): Co<void> {
  using client = socket;
  for (;;) {
    yield new ReadWait(client);
    const data = client.recv(1_000);
    if (data === undefined) continue;
    if (data.length === 0) return;
    yield* sendAll(client, data);
  }
}

function* sendAll(socket: Socket, data: Uint8Array): Co<void> {
  for (let sent = 0; sent < data.length; ) {
    yield new WriteWait(socket);
    sent += socket.send(data, sent) ?? 0;
  }
}

function* ask(port: number, words: string): Co<string> {
  using socket = Socket.tcp();
  if (socket.connect({ port }) === undefined) {
    yield new WriteWait(socket);
    const error = socket.error();
    if (error !== null) throw error;
  }
  yield* sendAll(socket, Buffer.from(words));
  socket.shutdown('write');
  let heard = '';
  for (;;) {
    yield new ReadWait(socket);
    const data = socket.recv(100);
    if (data === undefined) continue;
    if (data.length === 0) return heard;
    heard += data;
  }
}

const WORDS = ['one', 'two words', 'three '.repeat(100)];

/** The server and its clients; what the clients heard. */
function* serverAndClients(): Co<string[]> {
  using listener = Socket.listener();
  const { port } = listener.localAddress;
  return yield* group(function* (g) {
    g.spawn(echo(listener, WORDS.length));
    const clients = WORDS.map((words) => g.spawn(ask(port, words)));
    const heard: string[] = [];
    for (const client of clients) heard.push(yield* client.join());
    return heard;
  });
}

/** What a simulation throws. */
function failing(program: SimulatedMain<unknown>, options?: SimulateOptions): SimulationError {
  try {
    simulate(7, program, options);
  } catch (error) {
    assert.instance(error, SimulationError);
    return error as SimulationError;
  }
  throw new Error('it did not fail');
}

test('runs a server and its clients unchanged, over each backend, whatever the network does', () => {
  for (const backend of ['epoll', 'poll', 'select'] as const) {
    for (let seed = 1; seed <= 60; seed++) {
      const heard = simulate(seed, serverAndClients, {
        backend,
        faults: {
          shortReads: 0.3,
          shortWrites: 0.3,
          spurious: 0.2,
          delay: { probability: 0.5, most: 200 },
          partition: { between: ['127.0.0.1', '127.0.0.1'], probability: 0.02, most: 3_000 },
        },
      });
      assert.equal(heard, WORDS, `seed ${seed}`);
    }
  }
});

test('the same program runs on the real system', () => {
  assert.equal(runSync(serverAndClients), WORDS);
});

test('the same seed makes the same run, another one another', () => {
  const run = (seed: number): string => {
    const log: unknown[] = [];
    simulate(
      seed,
      function* (system): Co<void> {
        using listener = Socket.listener();
        const { port } = listener.localAddress;
        yield* group(function* (g) {
          g.spawn(echo(listener, 5));
          for (let n = 0; n < 5; n++) {
            g.spawn(
              (function* (): Co<void> {
                yield* ask(port, `${n}`);
                log.push([n, system.now()]);
              })(),
            );
          }
        });
      },
      { faults: { delay: { probability: 0.8, most: 100 }, shortReads: 0.2 } },
    );
    return JSON.stringify(log);
  };
  assert.is(run(1), run(1));
  const runs = new Set(Array.from({ length: 20 }, (_, seed) => run(seed)));
  assert.is(runs.size, 20);
});

test('time is virtual: a day passes at once, and timeouts in it', () => {
  const DAY = 86_400_000;
  const result = simulate(1, function* (system): Co<number> {
    const { reader, writer } = pipe();
    using _reader = reader;
    using _writer = writer;
    let late = false;
    try {
      yield* failAfter(DAY, function* (): Co<void> {
        yield new ReadWait(reader);
      });
    } catch (error) {
      late = error instanceof TimeoutError;
    }
    assert.ok(late);
    yield sleep(DAY);
    return system.now();
  });
  assert.is(result, 2 * DAY);
});

test('time goes on while stale events, which wake nobody, end every wait at once', () => {
  const end = simulate(
    1,
    (system): Co<number> =>
      (function* (): Co<number> {
        const copies: number[] = [];
        for (let ghost = 0; ghost < 2; ghost++) {
          const [near, far] = Socket.pair();
          far.send('x');
          yield* new ReadWait(near);
          // Closed behind the library's back, while a copy keeps the file alive: its readiness is told on and on. For the
          // first of them the poller makes its set anew, and for the second not within the same second.
          copies.push(system.dup(near.fileno()));
          system.close(near.fileno());
          near.detach();
          far.close();
          yield* sleep(1);
        }
        yield* sleep(5);
        for (const copy of copies) system.close(copy);
        return system.now();
      })(),
  );
  assert.ok(end >= 7, String(end));
});

test('what a step opens, and what the function opens before the first step, belongs to the simulated system', () => {
  simulate(1, function main(system) {
    const outside = Socket.udp();
    assert.is(outside.sys, system);
    return (function* (): Co<void> {
      using _ = outside;
      using inner = Socket.udp();
      assert.is(inner.sys, currentSys());
      assert.is(currentScheduler().sys, system);
      assert.is(currentTask().name, 'main');
      yield* pass();
    })();
  });
  assert.is(currentSys(), realSys());
});

test('takes a generator, an operation and a routine', () => {
  const called = routine(serverAndClients);
  assert.equal(simulate(1, serverAndClients()), WORDS);
  assert.equal(simulate(1, called()), WORDS);
  assert.is(simulate(1, sleep(5)), undefined);
  assert.is(simulate(1, sleep(5), { start: 1_000, hosts: ['10.0.0.1'], asyncContext: false }), undefined);
});

test('a failure names the seed, and has what was thrown as its cause; what was compared is there as well', () => {
  const error = failing(function* (): Co<void> {
    yield sleep(1);
    assert.is(1, 2);
  });
  assert.is(error.seed, 7);
  assert.is(error.code, 'ERR_GENLOOP_SIMULATION');
  assert.match(error.message, /^simulate\(7, …\) failed, and will again with this seed: Expected/);
  assert.equal((error as unknown as { actual: number }).actual, 1);
  assert.is((error.cause as Error).name, 'Assertion');
});

test('a program that waits for what never comes is told which task waits for what, and cleans up', () => {
  let cleaned = false;
  const error = failing(function* main(): Co<void> {
    const [one, other] = Socket.pair();
    using _one = one;
    using _other = other;
    try {
      yield new ReadWait(one);
    } finally {
      cleaned = true;
    }
  });
  assert.instance(error.cause, HangError);
  assert.is((error.cause as HangError).code, 'ERR_GENLOOP_HANG');
  assert.is((error.cause as HangError).tasks.length, 1);
  assert.match(error.message, /it hangs: no descriptor can become ready/);
  assert.match(error.message, /task 1 \(main\) waits for ReadWait\(Socket \d+\) at .*simulate\.test\.ts:\d+/);
  assert.ok(cleaned);
});

test('tasks that wait for each other are a deadlock', () => {
  const error = failing(function* (): Co<void> {
    const self = currentTask();
    yield* group(function* (g) {
      g.spawn(waiting(self));
    });
  });
  assert.instance(error.cause, DeadlockError);
});

function* waiting(task: { join(): Spawnable<unknown> }): Co<void> {
  yield task.join() as never;
}

test('a descriptor that is left open is a failure that tells who opened it', () => {
  const error = failing(function* (): Co<string> {
    const leaky = Socket.udp({ port: 0 });
    yield* pass();
    return String(leaky);
  });
  assert.instance(error.cause, LeakError);
  const leak = error.cause as LeakError;
  assert.is(leak.code, 'ERR_GENLOOP_LEAK');
  assert.equal(
    leak.descriptors.map(({ kind, call }) => [kind, call]),
    [['UDP socket', 'socket']],
  );
  assert.match(
    error.message,
    /did not close:\n {2}descriptor \d+, a UDP socket, opened by socket\n +at .*simulate\.test\.ts/,
  );
});

test('a failure comes before a leak', () => {
  const error = failing(function* (): Co<void> {
    Socket.udp();
    yield* pass();
    throw new RangeError('first');
  });
  assert.instance(error.cause, RangeError);
});

test('calls fail where they are told to, also those of the poller', () => {
  const code = (error: SimulationError): unknown => (error.cause as { code?: unknown }).code;
  assert.is(
    code(failing(serverAndClients, { faults: { errors: [{ call: 'accept', code: 'EMFILE', nth: 2 }] } })),
    'EMFILE',
  );
  assert.is(
    code(failing(serverAndClients, { faults: { errors: [{ call: 'epollCtl', code: 'ENOSPC', nth: 3 }] } })),
    'ENOSPC',
  );
  const interrupted: SimulateOptions = { faults: { errors: [{ call: 'epollWait', code: 'EINTR', probability: 0.3 }] } };
  assert.equal(simulate(3, serverAndClients, interrupted), WORDS);
});

test('a wrapper around the system sees every call of the program, and the same ones with the same seed', () => {
  const trace = (seed: number): string => {
    const calls: string[] = [];
    const wrap = (system: SimulatedSystem): Sys => {
      const recv: Sys['recv'] = (...given) => {
        const result = system.recv(...given);
        calls.push(`recv ${given[0]} ${result}`);
        return result;
      };
      return overriding(system, { recv });
    };
    simulate(seed, serverAndClients, { wrap, faults: { shortReads: 0.5 } });
    return calls.join();
  };
  assert.match(trace(5), /recv \d+ \d+,/);
  assert.is(trace(5), trace(5));
  assert.is.not(trace(5), trace(6));
});

test('needs no addon', async () => {
  const [node, ...args] = NODE as [string, ...string[]];
  const program = `
    import { ReadWait, Socket } from 'genloop';
    import { simulate } from 'genloop/testing';
    const text = simulate(1, function* () {
      using listener = Socket.listener();
      using client = Socket.tcp();
      client.connect(listener.localAddress);
      client.send('without it');
      yield new ReadWait(listener);
      using server = listener.accept();
      yield new ReadWait(server);
      return String(server.recv());
    });
    console.log(text);
  `;
  const file = join(mkdtempSync(join(ROOT, 'build', 'simulate-')), 'program.ts');
  try {
    writeFileSync(file, program);
    await using run = new Program([node, ...args, file], { env: { GENLOOP_ADDON: '/nowhere/addon.node' } });
    const { stdout, stderr } = await run.ended();
    assert.is(stdout, 'without it\n', stderr);
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
});

test('what cannot be is refused before anything runs', () => {
  const program = (): Co<void> => assert.unreachable('it ran') as never;
  assert.throws(() => simulate(1.5, program), /a seed is an integer/);
  assert.throws(
    () => simulate(1, program, { backend: 'kqueue' }),
    /no backend 'kqueue' on simulated; there are: epoll, poll, select/,
  );
  const error = failing(function* (): Co<void> {
    yield* pass();
    simulate(2, program);
  });
  assert.instance(error.cause, MisuseError);
});

test("a system of one's own serves several schedulers, one after the other", () => {
  const system = new SimulatedSystem();
  assert.is(system.seed, 0);
  assert.equal(runSync(serverAndClients, { sys: system }), WORDS);
  assert.equal(runSync(serverAndClients, { sys: system }), WORDS);
  assert.equal(system.descriptors, []);
});

test.run();
