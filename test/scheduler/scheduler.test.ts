/** The scheduler, over every drive and backend: first of all what the textbook's scheduler gets wrong. */

import { type Co, InternalError, MisuseError, type Op, routine, sleep, type Task } from 'genloop/kernel';
import { constants, poll, realSys, type Socket } from 'genloop/os';
import { availableBackends } from 'genloop/poller';
import { currentScheduler, currentTask, ReadWait, WriteWait } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { eachSetup, once, thrownBy } from '../support/drives.ts';
import { openDescriptors } from '../support/leaks.ts';
import { immediate, Queue, Scripted, stubborn } from '../support/operations.ts';
import { Scheduler } from '../support/seeded.ts';
import { equalInAnyOrder, inOrder } from '../support/seeds.ts';
import { connection, Opened, pairOf } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('scheduler');
const each = eachSetup(test);

function* run(body: () => void, ms: number = 1): Co<void> {
  yield* sleep(ms);
  body();
}

function* cleaningUp(log: string[], name: string, wait: Op<unknown>): Co<void> {
  try {
    yield* wait;
    log.push(`${name} completed`);
  } finally {
    log.push(`${name} cleaned up`);
  }
}

const FOREVER = sleep(Number.POSITIVE_INFINITY);

// -- the holes of the textbook ------------------------------------------------------------------------------------------

each(
  'textbook: an exception in one task ends the others only with their clean-up, and comes out as it is',
  async (setup, opened) => {
    const [one] = pairOf(opened);
    const scheduler = setup.make();
    const log: string[] = [];
    const error = new Error('mine');
    scheduler.spawn(cleaningUp(log, 'sleeper', FOREVER));
    scheduler.spawn(cleaningUp(log, 'reader', new ReadWait(one)));
    scheduler.spawn(
      run(() => {
        throw error;
      }),
    );
    assert.is(await thrownBy(setup.run(scheduler)), error);
    equalInAnyOrder(log, ['sleeper cleaned up', 'reader cleaned up']);
    assert.is(scheduler.size, 0);
  },
);

each('textbook: an isolated exception is reported with the name of its task, and the others go on', async (setup) => {
  const reports: unknown[][] = [];
  const { error: original } = console;
  console.error = (...args: unknown[]) => reports.push(args);
  try {
    const scheduler = setup.make({ onError: 'isolate' });
    const error = new Error('mine');
    const other = scheduler.spawn(run(() => {}, 3));
    scheduler.spawn(
      run(() => {
        throw error;
      }),
      { name: 'culprit' },
    );
    await setup.run(scheduler);
    assert.is(other.status, 'done');
    assert.is(reports.length, 1);
    assert.match(String(reports[0]?.[0]), 'task 2 (culprit) failed');
    assert.is(reports[0]?.[1], error);
  } finally {
    console.error = original;
  }
});

each('textbook: a second waiter does not replace the first', async (setup, opened) => {
  const [one, other] = pairOf(opened);
  const scheduler = setup.make({ onError: () => {} });
  const first = scheduler.spawn(once(new ReadWait(one)));
  const second = scheduler.spawn(once(new ReadWait(one)));
  scheduler.spawn(run(() => other.send('x')));
  await setup.run(scheduler);
  equalInAnyOrder([first.status, second.status], ['done', 'failed']);
});

each('textbook: a cancelled task is gone at once, and not when its descriptor fires', async (setup, opened) => {
  const [one] = pairOf(opened);
  const scheduler = setup.make();
  const reader = scheduler.spawn(once(new ReadWait(one)));
  scheduler.spawn(run(() => reader.cancel()));
  await setup.run(scheduler);
  assert.is(reader.status, 'cancelled');
});

each('textbook: a join gives the result, and the error', async (setup) => {
  const error = new Error('mine');
  const scheduler = setup.make({ onError: () => {} });
  const good = scheduler.spawn(
    (function* (): Co<number> {
      yield* sleep(1);
      return 42;
    })(),
  );
  const bad = scheduler.spawn(
    run(() => {
      throw error;
    }),
  );
  const joiner = scheduler.spawn(
    (function* (): Co<unknown[]> {
      const result = yield* good.join();
      try {
        yield* bad.join();
      } catch (caught) {
        return [result, caught];
      }
      return [];
    })(),
  );
  await setup.run(scheduler);
  assert.is((joiner.outcome as unknown[])[0], 42);
  assert.is((joiner.outcome as unknown[])[1], error);
});

each('textbook: a closed descriptor does not hang its waiter', async (setup, opened) => {
  const [one] = pairOf(opened);
  const scheduler = setup.make();
  scheduler.spawn(once(new ReadWait(one)));
  scheduler.spawn(run(() => one.close()));
  assert.is(((await thrownBy(setup.run(scheduler))) as { code: string }).code, 'ERR_GENLOOP_CLOSED');
});

each('textbook, rule 40: I/O does not wait until nothing is ready', async (setup, opened) => {
  const [one, other] = pairOf(opened);
  other.send('x');
  const scheduler = setup.make();
  let over = false;
  for (const trap of [() => undefined, () => immediate(1)]) {
    scheduler.spawn(
      (function* (): Co<void> {
        while (!over) yield trap();
      })(),
    );
  }
  scheduler.spawn(
    (function* (): Co<void> {
      yield* new ReadWait(one);
      over = true;
    })(),
  );
  await setup.run(scheduler);
  assert.ok(over);
});

each('textbook, rule 40: there is time, and a storm of yields does not starve it', async (setup) => {
  const scheduler = setup.make();
  let over = false;
  scheduler.spawn(
    (function* (): Co<void> {
      while (!over) yield;
    })(),
  );
  scheduler.spawn(
    run(() => {
      over = true;
    }, 2.5),
  );
  await setup.run(scheduler);
  assert.ok(over);
});

each('textbook: a subroutine can return an operation, and wait for one', async (setup, opened) => {
  const [one, other] = pairOf(opened);
  const readable = (socket: Socket): Op<number> => new ReadWait(socket);
  const receive = routine(function* (socket: Socket): Co<string> {
    yield* readable(socket);
    return String(socket.recv());
  });
  const scheduler = setup.make();
  const task = scheduler.spawn(once(receive(one)));
  scheduler.spawn(run(() => other.send('through a subroutine')));
  await setup.run(scheduler);
  assert.is(task.outcome, 'through a subroutine');
});

// -- tasks over descriptors ---------------------------------------------------------------------------------------------

each('echo between tasks over TCP: every byte comes back, in order', async (setup, opened) => {
  const { client, server } = connection(opened);
  const scheduler = setup.make();
  const size = 300_000;
  const sent = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31) & 0xff));
  const sendAll = routine(function* (socket: Socket, data: Uint8Array): Co<void> {
    for (let at = 0; at < data.length; ) {
      const count = socket.send(data, at);
      if (count === undefined) yield* new WriteWait(socket);
      else at += count;
    }
  });
  scheduler.spawn(
    (function* (): Co<void> {
      for (;;) {
        yield new ReadWait(server);
        const data = server.recv(8192);
        if (data === undefined) continue;
        if (data.length === 0) break;
        yield* sendAll(server, data);
      }
      server.shutdown('write');
    })(),
    { name: 'server' },
  );
  const received: Buffer[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      yield* sendAll(client, sent);
      client.shutdown('write');
    })(),
  );
  scheduler.spawn(
    (function* (): Co<void> {
      for (;;) {
        yield new ReadWait(client);
        const data = client.recv();
        if (data?.length === 0) return;
        if (data !== undefined) received.push(data);
      }
    })(),
  );
  await setup.run(scheduler);
  assert.ok(Buffer.concat(received).equals(sent));
});

each(
  'rule 39: the same program makes the same order in every run; a seed makes another, always the same',
  async (setup, opened) => {
    inOrder();
    const orderOf = async (seed?: number): Promise<string> => {
      const scheduler = setup.make(seed === undefined ? {} : { seed });
      const log: string[] = [];
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        const [one, other] = pairOf(opened);
        scheduler.spawn(
          (function* (): Co<void> {
            for (let step = 0; step < 3; step++) {
              log.push(name + step);
              yield;
            }
            other.send('x');
            yield* new ReadWait(one);
          })(),
        );
      }
      await setup.run(scheduler);
      return log.join(' ');
    };
    const plain = await orderOf();
    assert.is(plain, 'a0 b0 c0 d0 e0 a1 b1 c1 d1 e1 a2 b2 c2 d2 e2');
    assert.is(await orderOf(), plain);
    const seeded = await orderOf(7);
    assert.is.not(seeded, plain);
    assert.is(await orderOf(7), seeded);
    assert.is.not(await orderOf(8), seeded);
  },
);

each('rule 25: fractions count, and no overflow makes a long sleep short', async (setup) => {
  const scheduler = setup.make();
  const log: string[] = [];
  const long = [2 ** 31 - 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.POSITIVE_INFINITY].map(
    (ms) => scheduler.spawn(cleaningUp(log, String(ms), sleep(ms))),
  );
  scheduler.spawn(
    run(() => {
      assert.ok(long.every((task) => task.status === 'parked'));
      for (const task of long) task.cancel();
    }, 0.5),
  );
  await setup.run(scheduler);
  assert.is(log.filter((line) => line.endsWith('cleaned up')).length, long.length);
  assert.is(scheduler.kernel.timers.size, 0);
});

each('rule 25: only long sleeps, cancelled from a timer of their own kind, do not spin', async (setup) => {
  const scheduler = setup.make();
  const long = scheduler.spawn(once(sleep(Number.MAX_VALUE)));
  scheduler.spawn(run(() => long.cancel(), 20));
  await setup.run(scheduler);
  assert.ok(scheduler.counters.waits < 20, `${scheduler.counters.waits} waits`);
});

// -- failures ---------------------------------------------------------------------------------------------------------

each('rule 21: the first failure comes out as it is, joined or not, once all tasks have ended', async (setup) => {
  const scheduler = setup.make();
  const first = new Error('first');
  const log: string[] = [];
  const failing = scheduler.spawn(
    run(() => {
      throw first;
    }),
  );
  scheduler.spawn(
    (function* (): Co<void> {
      try {
        yield* failing.join();
      } catch {
        // Catching it here does not undo the cancel of the others.
        log.push('joined');
      }
    })(),
  );
  scheduler.spawn(
    (function* (): Co<void> {
      try {
        yield* FOREVER;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is the case
        throw new Error('second');
      }
    })(),
  );
  scheduler.spawn(cleaningUp(log, 'last', FOREVER));
  assert.is(await thrownBy(setup.run(scheduler)), first);
  equalInAnyOrder(log, ['joined', 'last cleaned up']);
  assert.is(scheduler.size, 0);
});

each('rule 21: a function gets every failure with its task, and what it throws ends the run', async (setup) => {
  const seen: string[] = [];
  const log: string[] = [];
  const scheduler = setup.make({
    onError: (error, task) => {
      seen.push(`${task.name}: ${(error as Error).message}`);
      if (task.name === 'b') throw new Error('enough');
    },
  });
  for (const [name, ms] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    scheduler.spawn(
      run(() => {
        throw new Error('mine');
      }, ms),
      { name },
    );
  }
  scheduler.spawn(cleaningUp(log, 'other', FOREVER));
  assert.match(String(await thrownBy(setup.run(scheduler))), 'enough');
  equalInAnyOrder(seen, ['a: mine', 'b: mine']);
  assert.equal(log, ['other cleaned up']);
});

each('rule 21: onError may spawn, cancel and look around', async (setup) => {
  const log: string[] = [];
  const scheduler = setup.make({
    onError: () => {
      scheduler.spawn(run(() => log.push('spawned')));
      sleeper.cancel();
    },
  });
  const sleeper = scheduler.spawn(once(FOREVER));
  scheduler.spawn(
    run(() => {
      throw new Error('mine');
    }),
  );
  await setup.run(scheduler);
  assert.equal(log, ['spawned']);
});

each('rule 20: what a finally spawns while all are cancelled sees the cancel at its first trap', async (setup) => {
  const scheduler = setup.make();
  const log: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      try {
        yield* FOREVER;
      } finally {
        scheduler.spawn(
          (function* (): Co<void> {
            log.push('started');
            yield* cleaningUp(log, 'late', FOREVER);
          })(),
        );
      }
    })(),
  );
  scheduler.spawn(run(() => scheduler.cancel('over')));
  const error = (await thrownBy(setup.run(scheduler))) as { source: string; reason: unknown };
  assert.equal([error.source, error.reason], ['explicit', 'over']);
  assert.equal(log, ['started', 'late cleaned up']);
});

each(
  'scheduler.cancel() before the run: every task runs to its first trap, and the run throws the cancel',
  async (setup) => {
    const scheduler = setup.make();
    const log: string[] = [];
    scheduler.spawn(cleaningUp(log, 'a', FOREVER));
    scheduler.cancel('early');
    scheduler.cancel('later');
    scheduler.spawn(cleaningUp(log, 'b', FOREVER));
    const error = (await thrownBy(setup.run(scheduler))) as { code: string; reason: unknown };
    assert.equal([error.code, error.reason], ['ABORT_ERR', 'early']);
    equalInAnyOrder(log, ['a cleaned up', 'b cleaned up']);
  },
);

each('scheduler.cancel() without tasks does nothing, and an error in clean-up wins over the cancel', async (setup) => {
  const scheduler = setup.make();
  scheduler.cancel();
  await setup.run(scheduler);
  const error = new Error('in clean-up');
  scheduler.spawn(
    (function* (): Co<void> {
      try {
        yield* FOREVER;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is the case
        throw error;
      }
    })(),
  );
  scheduler.spawn(run(() => scheduler.cancel()));
  assert.is(await thrownBy(setup.run(scheduler)), error);
});

each('cancelling one task, or all but oneself, is no failure of the run', async (setup) => {
  const scheduler = setup.make();
  const task = scheduler.spawn(once(FOREVER));
  scheduler.spawn(run(() => task.cancel()));
  await setup.run(scheduler);
  assert.is(task.status, 'cancelled');
});

// -- an internal error --------------------------------------------------------------------------------------------------

each(
  'rule 24: a bug in the kernel comes out as an internal error; no task code runs, no descriptor is left',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const before = openDescriptors().size;
    const bug = new Error('bug');
    const scheduler = setup.make();
    const log: string[] = [];
    const queue = new Queue<number>();
    const parked = scheduler.spawn(cleaningUp(log, 'queue', queue.take()));
    const reading = scheduler.spawn(cleaningUp(log, 'reader', new ReadWait(one)));
    scheduler.spawn(cleaningUp(log, 'sleeper', sleep(60_000)));
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        scheduler.poller.wait = () => {
          throw bug;
        };
        yield* sleep(1);
        log.push('never');
      })(),
    );
    const error = (await thrownBy(setup.run(scheduler))) as InternalError;
    assert.instance(error, InternalError);
    assert.is(error.cause, bug);
    other.send('x');
    queue.put(1);
    parked.cancel();
    reading.cancel();
    assert.equal(log, []);
    assert.is(openDescriptors().size, before);
    // Nor in the next run of the same scheduler.
    const next = scheduler.spawn(run(() => log.push('next')));
    await setup.run(scheduler);
    assert.is(next.status, 'done');
    assert.equal(log, ['next']);
  },
);

// -- reentrancy, several schedulers -------------------------------------------------------------------------------------------

each('rule 45: a step may not enter run, runSync or turn, of its own scheduler or another', async (setup) => {
  const scheduler = setup.make();
  const codes: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      for (const other of [scheduler, new Scheduler({ backend: setup.backend, sys: setup.sys })]) {
        for (const verb of ['run', 'runSync', 'turn'] as const) {
          try {
            void other[verb]();
          } catch (error) {
            codes.push((error as MisuseError).code);
          }
        }
      }
      yield;
    })(),
  );
  await setup.run(scheduler);
  assert.equal(codes, Array(6).fill('ERR_GENLOOP_MISUSE'));
});

each('currentScheduler and currentTask are those of the step, and nothing outside of one', async (setup) => {
  const scheduler = setup.make();
  const task: Task<unknown> = scheduler.spawn(
    (function* (): Co<unknown[]> {
      const before = [currentScheduler(), currentTask()];
      yield* sleep(1);
      return [...before, currentScheduler(), currentTask()];
    })(),
  );
  await setup.run(scheduler);
  assert.ok((task.outcome as unknown[]).every((value, i) => value === (i % 2 === 0 ? scheduler : task)));
  for (const ask of [currentScheduler, currentTask]) {
    assert.throws(ask, (error: unknown) => error instanceof MisuseError);
  }
  assert.is(scheduler.currentTask, null);
});

each('between two steps there is a current scheduler, and no current task', async (setup) => {
  const scheduler = setup.make();
  const seen: unknown[] = [];
  const operation = new Scripted<void>({
    park: (waker) => {
      waker.kernel.timers.set(0, () => {
        seen.push(currentScheduler());
        assert.throws(currentTask, /no task is running/);
        waker.wake();
      });
    },
  });
  scheduler.spawn(once(operation));
  await setup.run(scheduler);
  assert.ok(seen.length === 1 && seen[0] === scheduler);
});

each('a scheduler runs again after its end, after a failure and after a cancel', async (setup, opened) => {
  const [one, other] = pairOf(opened);
  const scheduler = setup.make();
  for (const [end, expected] of [
    [() => {}, undefined],
    [
      () => {
        throw new Error('mine');
      },
      'Error: mine',
    ],
    [() => scheduler.cancel('over'), 'AbortError: the task was cancelled: over'],
    [() => {}, undefined],
  ] as const) {
    const reader = scheduler.spawn(once(new ReadWait(one)));
    other.send('x');
    scheduler.spawn(run(end));
    const error = await thrownBy(setup.run(scheduler));
    assert.is(error === undefined ? undefined : String(error), expected);
    assert.is(reader.status, 'done');
    one.recv();
  }
});

each('a run without tasks ends at once', async (setup) => {
  const scheduler = setup.make();
  await setup.run(scheduler);
  assert.equal([scheduler.size, scheduler.counters.waits], [0, 0]);
});

each('a task that spawns tasks that spawn tasks: the run ends with the last of them', async (setup) => {
  const scheduler = setup.make();
  let ended = 0;
  const grow = function* (depth: number): Co<void> {
    yield* sleep(0.1);
    if (depth > 0) for (let i = 0; i < 2; i++) scheduler.spawn(grow(depth - 1));
    ended++;
  };
  scheduler.spawn(grow(6));
  await setup.run(scheduler);
  assert.is(ended, 127);
});

each('two schedulers on one descriptor: BusyError names the other', async (setup, opened) => {
  const [one] = pairOf(opened);
  using holder = new Scheduler({ backend: setup.backend, sys: setup.sys });
  const held = holder.spawn(once(new ReadWait(one)));
  holder.turn();
  const scheduler = setup.make();
  scheduler.spawn(once(new ReadWait(one)));
  const error = (await thrownBy(setup.run(scheduler))) as { code: string; message: string };
  assert.is(error.code, 'ERR_GENLOOP_BUSY');
  assert.match(error.message, holder.name);
  assert.is(held.status, 'parked');
  holder.close();
  // Let go of, it can be waited for elsewhere.
  const [reader, other] = pairOf(opened);
  const next = scheduler.spawn(once(new ReadWait(reader)));
  other.send('x');
  await setup.run(scheduler);
  assert.is(next.status, 'done');
});

// -- deadlock ----------------------------------------------------------------------------------------------------------

each(
  'rule 44: a deadlock names each task, what it waits for and where; finally blocks run; then it can run again',
  async (setup) => {
    const scheduler = setup.make();
    const log: string[] = [];
    const queue = new Queue<number>();
    const first = scheduler.spawn(cleaningUp(log, 'first', queue.take()), { name: 'taker' });
    scheduler.spawn(cleaningUp(log, 'second', first.join()), { name: 'joiner' });
    const error = (await thrownBy(setup.run(scheduler))) as { code: string; message: string; tasks: unknown[] };
    assert.is(error.code, 'ERR_GENLOOP_DEADLOCK');
    assert.match(error.message, /task 1 \(taker\) waits for an item of the queue at .*scheduler\.test\.ts:\d+/);
    assert.match(error.message, /task 2 \(joiner\) waits for the end of task 1 \(taker\) at .*scheduler\.test\.ts:\d+/);
    assert.is(error.tasks.length, 2);
    equalInAnyOrder(log, ['first cleaned up', 'second cleaned up']);
    const next = scheduler.spawn(run(() => {}));
    await setup.run(scheduler);
    assert.is(next.status, 'done');
  },
  ['blocking'],
);

each(
  'rule 44: a deadlock of operations that cannot be stopped ends as well, without the code of those tasks',
  async (setup) => {
    const scheduler = setup.make();
    const log: string[] = [];
    const operation = stubborn<void>();
    const task = scheduler.spawn(cleaningUp(log, 'stubborn', operation));
    scheduler.spawn(cleaningUp(log, 'other', FOREVER));
    assert.is(((await thrownBy(setup.run(scheduler))) as { code: string }).code, 'ERR_GENLOOP_DEADLOCK');
    assert.equal(log, ['other cleaned up']);
    assert.is(task.status, 'failed');
    assert.is(operation.waker.wake(), false);
  },
  ['blocking'],
);

each(
  'rule 44: an error in clean-up does not hide the deadlock, and a task that waits for I/O or time is none',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const scheduler = setup.make();
    const queue = new Queue<number>();
    scheduler.spawn(
      (function* (): Co<void> {
        try {
          yield* queue.take();
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: that is the case
          throw new Error('in clean-up');
        }
      })(),
    );
    const reader = scheduler.spawn(once(new ReadWait(one)));
    scheduler.spawn(run(() => other.send('x'), 5));
    assert.is(((await thrownBy(setup.run(scheduler))) as { code: string }).code, 'ERR_GENLOOP_DEADLOCK');
    assert.is(reader.status, 'done');
  },
  ['blocking'],
);

// -- options, embedding -------------------------------------------------------------------------------------------------

test('options that cannot be are refused in the constructor', () => {
  assert.throws(
    () => new Scheduler({ onError: 'ignore' as never }),
    (error: unknown) =>
      error instanceof TypeError && /'cancel', 'isolate' or a function, not ignore/.test(error.message),
  );
  assert.throws(
    () => new Scheduler({ backend: 'iocp' as never }),
    (error: unknown) =>
      error instanceof RangeError && availableBackends(realSys()).every((name) => error.message.includes(name)),
  );
});

test('an unknown GENLOOP_BACKEND lists the names, and an option wins over the variable', () => {
  const before = process.env.GENLOOP_BACKEND;
  try {
    process.env.GENLOOP_BACKEND = 'iocp';
    assert.throws(
      () => new Scheduler(),
      (error: unknown) => /'iocp' \(from GENLOOP_BACKEND\).*poll.*select/.test(String(error)),
    );
    assert.is(new Scheduler({ backend: 'poll' }).backendName, 'poll');
    process.env.GENLOOP_BACKEND = 'select';
    assert.is(new Scheduler().backendName, 'select');
    process.env.GENLOOP_BACKEND = '';
    assert.is(new Scheduler().backendName, availableBackends(realSys())[0]);
  } finally {
    if (before === undefined) delete process.env.GENLOOP_BACKEND;
    else process.env.GENLOOP_BACKEND = before;
  }
});

for (const backend of ['poll', 'select'] as const) {
  test(`run() and fd refuse ${backend} by name, and runSync works`, () => {
    const scheduler = new Scheduler({ backend });
    const task = scheduler.spawn(once(sleep(1)));
    for (const ask of [() => void scheduler.run(), () => scheduler.fd]) {
      assert.throws(
        ask,
        (error: unknown) => error instanceof MisuseError && new RegExp(`'${backend}'.*runSync`).test(error.message),
      );
    }
    scheduler.runSync();
    assert.is(task.status, 'done');
  });
}

test('a scheduler that nobody drives opens nothing', () => {
  const before = openDescriptors().size;
  const scheduler = new Scheduler();
  scheduler.spawn(once(sleep(1)));
  assert.is(scheduler.deadline, 0);
  assert.equal(scheduler.ready.length, 1);
  assert.is(openDescriptors().size, before);
  scheduler.close();
});

test('embedding: deadline tells the time left, undefined without timers, 0 when somebody is ready', () => {
  let now = 1000;
  const scheduler = new Scheduler({ sys: overriding(realSys(), { now: () => now }) });
  assert.is(scheduler.deadline, undefined);
  const task = scheduler.spawn(once(sleep(50)));
  assert.is(scheduler.deadline, 0);
  assert.is(scheduler.turn(), true);
  assert.is(scheduler.deadline, 50);
  now += 20.5;
  assert.is(scheduler.deadline, 29.5);
  now += 100;
  assert.is(scheduler.deadline, 0);
  assert.is(scheduler.turn(), false);
  assert.is(scheduler.deadline, undefined);
  assert.is(task.status, 'done');
});

test('embedding: turn without waiting never blocks, and opens no set while nothing needs one', () => {
  const before = openDescriptors().size;
  const scheduler = new Scheduler();
  scheduler.spawn(once(sleep(60_000)));
  for (let i = 0; i < 10; i++) assert.ok(scheduler.turn());
  assert.is(openDescriptors().size, before);
  scheduler.cancel();
  assert.throws(() => scheduler.turn(), /cancelled/);
});

test('embedding: fd is readable while somebody is ready, quiet while nobody is, and readable again at the deadline', () => {
  using scheduler = new Scheduler();
  const task = scheduler.spawn(once(sleep(2)));
  const readable = (timeout: number): boolean => poll([[scheduler.fd, constants.POLLIN as number]], timeout).length > 0;
  assert.ok(readable(10_000));
  scheduler.turn();
  scheduler.turn();
  while (scheduler.size > 0) {
    assert.ok(readable(10_000));
    scheduler.turn();
  }
  assert.is(task.status, 'done');
});

test('embedding, then runSync: an alarm that has rung does not make the blocking drive spin', () => {
  const scheduler = new Scheduler();
  scheduler.spawn(once(sleep(1)));
  scheduler.spawn(once(sleep(60)));
  scheduler.turn();
  poll([[scheduler.fd, constants.POLLIN as number]]);
  scheduler.runSync();
  assert.ok(scheduler.counters.waits < 30, `${scheduler.counters.waits} waits`);
});

test('counters are those of this run, then of the last, and a copy', () => {
  const scheduler = new Scheduler();
  assert.equal(scheduler.counters, { waits: 0, events: 0, stale: 0, spurious: 0, controls: 0, rebuilds: 0 });
  scheduler.spawn(once(sleep(1)));
  scheduler.runSync();
  const { counters } = scheduler;
  assert.ok(counters.waits > 0);
  counters.waits = -1;
  assert.ok(scheduler.counters.waits > 0);
});

test('close twice is fine, and wakes who waits', () => {
  const opened = new Opened();
  const [one] = pairOf(opened);
  const scheduler = new Scheduler({ onError: () => {} });
  const task = scheduler.spawn(once(new ReadWait(one)));
  scheduler.turn();
  scheduler.close();
  scheduler.close();
  while (scheduler.turn());
  assert.is((task.outcome as { code: string }).code, 'ERR_GENLOOP_CLOSED');
  opened.close();
});

each(
  'rule 40: readiness is asked for after 64 steps at most, or twice that in a turn: no descriptor starves among busy tasks',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const scheduler = setup.make();
    const perQuestion = new Map<number, number>();
    let over = false;
    for (let i = 0; i < 3; i++) {
      scheduler.spawn(
        (function* (): Co<void> {
          while (!over) {
            const { waits } = scheduler.counters;
            perQuestion.set(waits, (perQuestion.get(waits) ?? 0) + 1);
            yield;
          }
        })(),
      );
    }
    let rounds = 0;
    scheduler.spawn(
      (function* (): Co<void> {
        for (; rounds < 10; rounds++) {
          other.send('x');
          yield* new ReadWait(one);
          one.recv();
        }
        over = true;
      })(),
    );
    await setup.run(scheduler);
    assert.is(rounds, 10);
    const limit = setup.drive === 'blocking' ? 64 : 128;
    assert.ok(perQuestion.size >= 10, `asked ${perQuestion.size} times`);
    for (const [waits, steps] of perQuestion) assert.ok(steps <= limit, `${steps} steps after question ${waits}`);
  },
);

test.run();
