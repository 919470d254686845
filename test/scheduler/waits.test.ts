import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Co, Kernel, type Op, sleep, type Task } from 'genloop/kernel';
import { constants, type Descriptor, Epoll, EventFd, open, pipe, Socket } from 'genloop/os';
import { BusyError, Readiness } from 'genloop/poller';
import { PriorityWait, ReadWait, WriteWait } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { eachSetup, once, thrownBy } from '../support/drives.ts';
import { Queue, select } from '../support/operations.ts';
import { equalInAnyOrder, isSeeded } from '../support/seeds.ts';
import { connection, fifo, fill, type Opened, pairOf } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('waits');
const each = eachSetup(test);
const { IN, OUT, HUP, PRI } = Readiness;

interface Waitable {
  reader: Descriptor;
  /** Makes the reader ready. */
  feed(): void;
}

const READABLE: Record<string, (opened: Opened) => Waitable | undefined> = {
  'a TCP socket': (opened) => {
    const { client, server } = connection(opened);
    return { reader: client, feed: () => server.send('x') };
  },
  'a listener': (opened) => {
    const listener = opened.keep(Socket.listener());
    return { reader: listener, feed: () => opened.keep(Socket.tcp()).connect(listener.localAddress) };
  },
  'a UDP socket': (opened) => {
    const socket = opened.keep(Socket.udp({ port: 0 }));
    return { reader: socket, feed: () => opened.keep(Socket.udp()).sendTo('x', socket.localAddress) };
  },
  'a Unix socket': (opened) => {
    const [one, other] = pairOf(opened);
    return { reader: one, feed: () => other.send('x') };
  },
  'a pipe': (opened) => {
    const { reader, writer } = pipe();
    opened.keep(reader);
    opened.keep(writer);
    return { reader, feed: () => writer.write('x') };
  },
  'a FIFO': (opened) => {
    const path = fifo(opened);
    const reader = opened.keep(open(path));
    const writer = opened.keep(open(path, 'w'));
    return { reader, feed: () => writer.write('x') };
  },
  'a terminal': (opened) => {
    if (!existsSync('/dev/ptmx')) return undefined;
    const master = opened.keep(open('/dev/ptmx', 'r+'));
    const number = new Int32Array(1);
    // TIOCSPTLCK with 0 unlocks the other side, TIOCGPTN tells its number.
    master.ioctl(0x40045431, new Uint8Array(number.buffer));
    master.ioctl(0x80045430, new Uint8Array(number.buffer));
    const terminal = opened.keep(open(`/dev/pts/${number[0]}`, 'r+'));
    return { reader: terminal, feed: () => master.write('line\n') };
  },
  'an eventfd': (opened) => {
    const counter = opened.keep(EventFd.create());
    return { reader: counter, feed: () => counter.signal() };
  },
  "another poller's descriptor": (opened) => {
    const set = opened.keep(Epoll.create());
    const [one, other] = pairOf(opened);
    set.add(one, constants.EPOLLIN as number);
    return { reader: set, feed: () => other.send('x') };
  },
};

for (const [what, make] of Object.entries(READABLE)) {
  const linuxOnly = what === 'a terminal' || what === 'an eventfd' || what.startsWith('another');
  if (linuxOnly && process.platform !== 'linux') {
    notRun(`${what}: Linux only`);
    continue;
  }
  each(`ReadWait waits for ${what}, and not before it is ready`, async (setup, opened) => {
    const made = make(opened);
    if (made === undefined) return notRun(`${what}: there is none here`);
    const scheduler = setup.make();
    const order: string[] = [];
    let readiness = 0;
    scheduler.spawn(
      (function* (): Co<void> {
        readiness = yield* new ReadWait(made.reader);
        order.push('ready');
      })(),
    );
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(2);
        order.push('fed');
        made.feed();
      })(),
    );
    await setup.run(scheduler);
    assert.equal(order, ['fed', 'ready']);
    assert.is(readiness & IN, IN);
  });
}

each('ReadWait takes a descriptor, what has fileno() or fd, or a number', async (setup, opened) => {
  const scheduler = setup.make();
  const forms = [
    (socket: Socket) => socket,
    (socket: Socket) => ({ fileno: () => socket.fd }),
    (socket: Socket) => ({ fd: socket.fd }),
    (socket: Socket) => socket.fd,
  ];
  const tasks = forms.map((form) => {
    const [one, other] = pairOf(opened);
    other.send('x');
    return scheduler.spawn(once(new ReadWait(form(one))));
  });
  await setup.run(scheduler);
  for (const task of tasks) assert.is((task.outcome as number) & IN, IN);
});

each('WriteWait waits until a full socket has room, and is ready at once on an empty one', async (setup, opened) => {
  const [one, other] = pairOf(opened);
  const scheduler = setup.make();
  const order: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      assert.is((yield* new WriteWait(one)) & OUT, OUT);
      fill(one);
      order.push('full');
      yield* new WriteWait(one);
      order.push('room');
    })(),
  );
  scheduler.spawn(
    (function* (): Co<void> {
      while (order.length === 0) yield;
      yield* sleep(1);
      order.push('drain');
      while (other.recv() !== undefined);
    })(),
  );
  await setup.run(scheduler);
  assert.equal(order, ['full', 'drain', 'room']);
});

each('PriorityWait waits for urgent data, and plain data does not wake it', async (setup, opened) => {
  const { client, server } = connection(opened);
  const scheduler = setup.make();
  const order: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      assert.is((yield* new PriorityWait(client)) & PRI, PRI);
      order.push('urgent');
    })(),
  );
  scheduler.spawn(
    (function* (): Co<void> {
      server.send('plain');
      yield* new ReadWait(client);
      yield* sleep(1);
      order.push('plain');
      server.send('!', 0, 1, constants.MSG_OOB as number);
    })(),
  );
  await setup.run(scheduler);
  assert.equal(order, ['plain', 'urgent']);
});

each('a regular file gives one clear error on every backend', async (setup) => {
  const folder = mkdtempSync(join(tmpdir(), 'genloop-file-'));
  const path = join(folder, 'file');
  writeFileSync(path, 'text');
  const number = openSync(path, 'r');
  const file = open(path);
  try {
    for (const target of [file, number]) {
      const scheduler = setup.make();
      scheduler.spawn(once(new ReadWait(target)));
      const error = (await thrownBy(setup.run(scheduler))) as { code: string; message: string };
      assert.is(error.code, 'EPERM');
      assert.match(error.message, /regular files.*node:fs/);
    }
  } finally {
    closeSync(number);
    file.close();
    rmSync(folder, { recursive: true });
  }
});

each(
  'rule 31: a second reader gets BusyError at once, the first and the writer are undisturbed',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const scheduler = setup.make({ onError: () => {} });
    const first = scheduler.spawn(once(new ReadWait(one)));
    const second = scheduler.spawn(once(new ReadWait(one)));
    const byNumber = scheduler.spawn(once(new WriteWait(one)));
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        // Which of them comes first is decided by the order.
        const [waiting, refused] = isSeeded() && first.ended ? [second, first] : [first, second];
        assert.instance(refused.outcome, BusyError);
        assert.is((refused.outcome as BusyError).code, 'ERR_GENLOOP_BUSY');
        assert.is(waiting.status, 'parked');
        other.send('x');
      })(),
    );
    await setup.run(scheduler);
    equalInAnyOrder([first.status, second.status], ['done', 'failed']);
    assert.is(byNumber.status, 'done');
  },
);

each('rule 32: closing wakes reader and writer with ClosedError', async (setup, opened) => {
  const [one] = pairOf(opened);
  const scheduler = setup.make();
  const caught: string[] = [];
  const waiting = function* (wait: Op<number>): Co<void> {
    try {
      yield* wait;
    } catch (error) {
      caught.push((error as { code: string }).code);
    }
  };
  fill(one);
  scheduler.spawn(waiting(new ReadWait(one)));
  scheduler.spawn(waiting(new WriteWait(one)));
  scheduler.spawn(
    (function* (): Co<void> {
      yield* sleep(1);
      one.close();
      one.close();
    })(),
  );
  await setup.run(scheduler);
  assert.equal(caught, ['ERR_GENLOOP_CLOSED', 'ERR_GENLOOP_CLOSED']);
});

each(
  'rule 32: a reader woken in the same batch in which another task closes it has its readiness, and finds it closed',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const [two, third] = pairOf(opened);
    const scheduler = setup.make();
    const seen: string[] = [];
    scheduler.spawn(
      (function* (): Co<void> {
        yield* new ReadWait(two);
        // The reader of `one` is ready as well: both came in one wait.
        one.close();
      })(),
    );
    scheduler.spawn(
      (function* (): Co<void> {
        const readiness = yield* new ReadWait(one);
        seen.push(`ready ${readiness & IN}`);
        try {
          one.recv();
        } catch (error) {
          seen.push((error as { code: string }).code);
        }
      })(),
    );
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        third.send('x');
        other.send('x');
      })(),
    );
    await setup.run(scheduler);
    // In a seeded order the reader may have its turn before the close.
    if (!isSeeded() || seen.length > 1) assert.equal(seen, ['ready 1', 'ERR_GENLOOP_CLOSED']);
    else assert.equal(seen, ['ready 1']);
  },
);

each('rule 33: waiting for what is closed throws ClosedError where it is written', async (setup, opened) => {
  const [one] = pairOf(opened);
  one.close();
  for (const Wait of [ReadWait, WriteWait, PriorityWait]) {
    assert.throws(
      () => new Wait(one),
      (error: unknown) => (error as { code: string }).code === 'ERR_GENLOOP_CLOSED',
    );
  }
  const [two] = pairOf(opened);
  const wait = new ReadWait(two);
  two.close();
  const scheduler = setup.make();
  scheduler.spawn(once(wait));
  assert.is(((await thrownBy(setup.run(scheduler))) as { code: string }).code, 'ERR_GENLOOP_CLOSED');
});

each('rule 34: a hang-up wakes everyone who waits on the descriptor', async (setup, opened) => {
  const { client, server } = connection(opened);
  const scheduler = setup.make();
  client.shutdown('write');
  const reader = scheduler.spawn(once(new ReadWait(client)));
  const urgent = scheduler.spawn(once(new PriorityWait(client)));
  scheduler.spawn(
    (function* (): Co<void> {
      yield* sleep(1);
      server.close();
    })(),
  );
  // select tells a hang-up as readable only: its priority waiter hears nothing of it.
  const deaf = setup.backend === 'select' || setup.sys.platform !== 'linux';
  scheduler.spawn(
    (function* (): Co<void> {
      yield* reader.join();
      yield* sleep(1);
      if (deaf) urgent.cancel();
    })(),
  );
  await setup.run(scheduler);
  assert.is(reader.status, 'done');
  if (!deaf && setup.backend !== 'kqueue') {
    assert.is((reader.outcome as number) & HUP, HUP);
    assert.is(urgent.status, 'done');
  }
});

each('rule 36: a cancelled wait is deregistered: data wakes nobody, and a new wait works', async (setup, opened) => {
  const [one, other] = pairOf(opened);
  const scheduler = setup.make();
  const log: string[] = [];
  const first = scheduler.spawn(
    (function* (): Co<void> {
      try {
        yield* new ReadWait(one);
        log.push('never');
      } finally {
        log.push('cancelled');
      }
    })(),
  );
  scheduler.spawn(
    (function* (): Co<void> {
      yield* sleep(1);
      first.cancel();
      assert.is(scheduler.poller.waiting, 0);
      other.send('x');
      yield* sleep(1);
      yield* new ReadWait(one);
      log.push(`read ${one.recv()}`);
    })(),
  );
  await setup.run(scheduler);
  assert.equal(log, ['cancelled', 'read x']);
});

each(
  'rule 4: woken by data and cancelled in the same batch, a wait hands over its readiness',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const [two, third] = pairOf(opened);
    const scheduler = setup.make();
    const log: string[] = [];
    function* canceller(): Co<void> {
      yield* new ReadWait(two);
      reader.cancel();
    }
    // Spawned first, so that it is told first.
    scheduler.spawn(canceller());
    const reader = scheduler.spawn(
      (function* (): Co<void> {
        yield* new ReadWait(one);
        log.push(`${one.recv()}`);
        yield;
        log.push('never');
      })(),
    );
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        third.send('x');
        other.send('data');
      })(),
    );
    await setup.run(scheduler);
    // In a seeded order the reader may have all its turns before the cancel.
    if (!isSeeded() || reader.status === 'cancelled') assert.equal([log, reader.status], [['data'], 'cancelled']);
    else assert.equal([log, reader.status], [['data', 'never'], 'done']);
  },
);

each(
  'a select over data, time and a queue: each can win, nothing is lost, nobody is left waiting',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const queue = new Queue<string>();
    const scheduler = setup.make();
    const results: unknown[] = [];
    const clean = (): void => {
      assert.is(scheduler.poller.waiting, 0);
      assert.is(queue.takers.length, 0);
    };
    const branches = (ms: number): Op<unknown>[] => [new ReadWait(one), sleep(ms), queue.take()];
    const main = scheduler.spawn(
      (function* (): Co<void> {
        const [timed] = yield* select(...branches(1));
        results.push(timed);
        clean();
        scheduler.spawn(
          (function* (): Co<void> {
            other.send('x');
          })(),
        );
        const [read] = yield* select(...branches(60_000));
        results.push(read, String(one.recv()));
        clean();
        scheduler.spawn(
          (function* (): Co<void> {
            queue.put('item');
            queue.put('kept');
          })(),
        );
        results.push(yield* select(...branches(60_000)));
        clean();
        assert.equal(queue.items, ['kept']);
      })(),
    );
    await setup.run(scheduler);
    assert.is(main.status, 'done');
    assert.equal(results, [1, 0, 'x', [2, 'item']]);
  },
);

each(
  'a select over data and a queue, both ready before its step: one outcome, and the other stays',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const [bell, ringer] = pairOf(opened);
    const queue = new Queue<string>();
    const scheduler = setup.make();
    // The first to be told of a batch puts an item into the queue; the select's own event is in the same batch.
    scheduler.spawn(
      (function* (): Co<void> {
        yield* new ReadWait(bell);
        queue.put('item');
      })(),
    );
    const task = scheduler.spawn(once(select(new ReadWait(one), queue.take(), sleep(60_000))));
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        ringer.send('x');
        other.send('data');
      })(),
    );
    await setup.run(scheduler);
    const [index] = task.outcome as [number, unknown];
    assert.is(index === 0 ? queue.items.length : String(one.recv()), index === 0 ? 1 : 'data');
    assert.is(queue.takers.length, 0);
  },
);

each(
  'a select cancelled while parked leaves no waiter, and one with a busy descriptor fails and leaves none',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    const queue = new Queue<string>();
    const scheduler = setup.make({ onError: () => {} });
    let cancelled = scheduler.spawn(once(select(queue.take(), new ReadWait(one), sleep(60_000))));
    let busy = scheduler.spawn(once(select(queue.take(), sleep(60_000), new ReadWait(one))));
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        // Which of them comes first is decided by the order.
        if (isSeeded() && cancelled.ended) [cancelled, busy] = [busy, cancelled];
        assert.instance(busy.outcome, BusyError);
        assert.equal([scheduler.poller.waiting, queue.takers.length], [1, 1]);
        cancelled.cancel();
        assert.equal([scheduler.poller.waiting, queue.takers.length], [0, 0]);
        other.send('kept');
        yield* new ReadWait(one);
        assert.is(String(one.recv()), 'kept');
      })(),
    );
    await setup.run(scheduler);
    assert.is(cancelled.status, 'cancelled');
  },
);

each(
  'a task abandons its wait when its scheduler lets go, and the descriptor serves the next scheduler',
  async (setup, opened) => {
    const [one, other] = pairOf(opened);
    for (let round = 0; round < 2; round++) {
      const scheduler = setup.make();
      const task = scheduler.spawn(once(new ReadWait(one)));
      scheduler.spawn(
        (function* (): Co<void> {
          yield* sleep(1);
          other.send('x');
        })(),
      );
      await setup.run(scheduler);
      assert.is(task.status, 'done');
      one.recv();
    }
  },
);

test('bad arguments throw in the constructor, and outside a run a wait is inert', () => {
  for (const wrong of [-1, 1.5, Number.NaN, null, undefined, 'x', {}, { fd: 'x' }, { fd: -1 }]) {
    for (const Wait of [ReadWait, WriteWait, PriorityWait]) {
      assert.throws(
        () => new Wait(wrong as never),
        (error: unknown) => error instanceof TypeError,
      );
    }
  }
  assert.is(new ReadWait(5).describe(), 'ReadWait(descriptor 5)');
  assert.is(new WriteWait({ fd: 6 }).describe(), 'WriteWait(Object)');
  assert.match(new PriorityWait({ fd: 6, toString: () => 'my thing' } as never).describe(), /PriorityWait\(my thing\)/);
});

test('a kernel without a poller says that a Scheduler is needed', () => {
  const failures: unknown[] = [];
  const kernel = new Kernel({
    host: { now: () => 0, random: () => 0 },
    onFailure: (_task, error) => failures.push(error),
  });
  kernel.spawn(once(new ReadWait(0)));
  kernel.run(10);
  assert.is((failures[0] as { code: string }).code, 'ERR_GENLOOP_MISUSE');
  assert.match(String(failures[0]), /Scheduler/);
});

each(
  'rule 33: a task that holds a descriptor by `using` closes it on every path; closing twice is fine',
  async (setup) => {
    const scheduler = setup.make({ onError: () => {} });
    const held: Socket[] = [];
    const holding = function* (end: 'return' | 'throw' | 'cancel'): Co<void> {
      const [one, other] = Socket.pair();
      using _one = one;
      using _other = other;
      held.push(one, other);
      yield* sleep(1);
      if (end === 'throw') throw new Error('mine');
      if (end === 'cancel') yield* new ReadWait(one);
    };
    const tasks = (['return', 'throw', 'cancel'] as const).map((end) => scheduler.spawn(holding(end), { name: end }));
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(3);
        (tasks[2] as Task<void>).cancel();
      })(),
    );
    await setup.run(scheduler);
    assert.equal(
      tasks.map(({ ending }) => ending),
      ['done', 'failed', 'cancelled'],
    );
    assert.is(held.length, 6);
    for (const socket of held) {
      assert.ok(socket.closed);
      socket.close();
      for (const use of [
        () => socket.fileno(),
        () => socket.recv(),
        () => socket.send('x'),
        () => new ReadWait(socket),
      ]) {
        assert.throws(use, (error: unknown) => (error as { code: string }).code === 'ERR_GENLOOP_CLOSED');
      }
    }
  },
);

test.run();
