/** Listeners: who waits gets connections in turn, none is lost, and a close is heard. */

import { type Co, group, type Op, Scheduler as PlainScheduler, select, sleep } from 'genloop';
import { listen, TcpListener, TcpStream } from 'genloop/net';
import { ClosedError, realSys, Socket, type Sys, SystemError } from 'genloop/os';
import { BusyError } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { eachSetup, once, thrownBy } from '../support/drives.ts';
import { Queue, Scripted } from '../support/operations.ts';
import { runSync, Scheduler } from '../support/seeded.ts';
import { holding, type Opened, resetOnClose, thrown } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';
import { connectedTo, untilWaiting } from './clients.ts';

const test = suite('listeners');
const each = eachSetup(test);

function opened(place: Opened, options?: Parameters<typeof TcpListener.open>[0]): TcpListener {
  return place.keep(TcpListener.open(options));
}

/** The port of the client behind a stream. */
function portOf(stream: TcpStream): number {
  return stream.remoteAddress.port;
}

/** A task's body that accepts one, notes whose it is, and closes it. */
function* acceptOne(listener: TcpListener, log: [unknown, number][], who: unknown): Co<void> {
  using stream = yield* listener.accept();
  log.push([who, portOf(stream)]);
}

test(
  'it listens on 127.0.0.1 and a port that the kernel chooses, and still knows it when it is closed',
  holding((place) => {
    const listener = opened(place);
    assert.is(listener.address.address, '127.0.0.1');
    assert.ok(listener.port > 0);
    assert.is(listener.port, listener.socket.localAddress.port);
    assert.is.not(listener.socket.getOption('SOL_SOCKET', 'SO_REUSEADDR'), 0);
    assert.is(listener.closed, false);
    const name = `TcpListener 127.0.0.1:${listener.port}`;
    assert.is(String(listener), name);
    listener.close();
    listener.close();
    assert.is(listener.closed, true);
    assert.is(String(listener), name);
  }),
);

each(
  'listen gives a listener, accept a stream that sends small writes at once unless told not to',
  async (setup, place) => {
    for (const [options, expected] of [
      [{}, true],
      [{ stream: { noDelay: false } }, false],
    ] as const) {
      const scheduler = setup.make();
      const task = scheduler.spawn(
        (function* (): Co<void> {
          using listener = yield* listen(options);
          const client = connectedTo(place, listener.address);
          using accepted = yield* listener.accept();
          assert.instance(accepted, TcpStream);
          assert.is(portOf(accepted), client.localAddress.port);
          assert.is(accepted.socket.getOption('IPPROTO_TCP', 'TCP_NODELAY') !== 0, expected);
          client.send('hello');
          assert.is(String(yield* accepted.read()), 'hello');
        })(),
      );
      await setup.run(scheduler);
      assert.is(task.status, 'done');
    }
  },
);

each('listen takes a name as well, and listens on its first address', async (setup, place) => {
  const scheduler = setup.make();
  const task = scheduler.spawn(
    (function* (): Co<string[]> {
      const hosts: string[] = [];
      for (const host of ['localhost', '127.0.0.1']) {
        using listener = yield* listen({ host });
        connectedTo(place, listener.address);
        hosts.push(listener.address.address);
      }
      return hosts;
    })(),
  );
  await setup.run(scheduler);
  assert.equal(task.outcome, ['127.0.0.1', '127.0.0.1']);
});

each('its streams have the options that are given for them', async (setup, place) => {
  const stream = { keepAlive: { idle: 30_000, count: 3 }, sendBuffer: 20_000, receiveBuffer: 10_000 };
  const listener = opened(place, { stream });
  connectedTo(place, listener.address);
  const scheduler = setup.make();
  scheduler.spawn(
    (function* (): Co<void> {
      using accepted = yield* listener.accept();
      const { socket } = accepted;
      assert.is.not(socket.getOption('SOL_SOCKET', 'SO_KEEPALIVE'), 0);
      assert.is(socket.getOption('IPPROTO_TCP', 'TCP_KEEPCNT'), 3);
      assert.is.not(socket.getOption('IPPROTO_TCP', 'TCP_NODELAY'), 0);
      const doubled = process.platform === 'linux' ? 2 : 1;
      assert.is(socket.getOption('SOL_SOCKET', 'SO_SNDBUF'), doubled * 20_000);
      assert.is(socket.getOption('SOL_SOCKET', 'SO_RCVBUF'), doubled * 10_000);
    })(),
  );
  await setup.run(scheduler);
});

each('rule 31: accept queues its waiters, first come first served', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  const log: [unknown, number][] = [];
  const clients: Socket[] = [];
  scheduler.spawn(
    group(function* (g): Co<void> {
      for (const who of ['first', 'second', 'third']) yield* untilWaiting(g.spawn(acceptOne(listener, log, who)));
      for (let n = 0; n < 3; n++) clients.push(connectedTo(place, listener.address));
    }),
  );
  await setup.run(scheduler);
  const ports = clients.map(({ localAddress }) => localAddress.port);
  const inTurn = log.sort((one, other) => ports.indexOf(one[1]) - ports.indexOf(other[1])).map(([who]) => who);
  assert.equal(inTurn, ['first', 'second', 'third']);
});

each('rule 4: a waiter that is cancelled takes no connection with it, whenever that happens', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  const log: [unknown, number][] = [];
  let client: Socket | undefined;
  scheduler.spawn(
    group(function* (g): Co<void> {
      const early = g.spawn(acceptOne(listener, log, 'early'));
      yield* untilWaiting(early);
      const late = g.spawn(acceptOne(listener, log, 'late'));
      yield* untilWaiting(late);
      const staying = g.spawn(acceptOne(listener, log, 'the next'));
      yield* untilWaiting(staying);
      early.cancel();
      client = connectedTo(place, listener.address);
      // It is there, and nobody has asked for readiness yet.
      late.cancel();
      yield* staying.join();
    }),
  );
  await setup.run(scheduler);
  assert.equal(log, [['the next', client?.localAddress.port]]);
});

each('rule 36: when its last waiter has gone it waits no more, and a new wait works', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  const log: [unknown, number][] = [];
  scheduler.spawn(
    group(function* (g): Co<void> {
      const leaving = g.spawn(acceptOne(listener, log, 'nobody'));
      yield* untilWaiting(leaving);
      assert.is(listener.arrivals.waiting, 1);
      assert.is(scheduler.poller.waiting, 1);
      leaving.cancel();
      yield* untilWaiting(leaving);
      assert.is(listener.arrivals.waiting, 0);
      assert.is(scheduler.poller.waiting, 0);
      connectedTo(place, listener.address);
      yield* acceptOne(listener, log, 'somebody');
    }),
  );
  await setup.run(scheduler);
  assert.is(log[0]?.[0], 'somebody');
});

each('rule 4: what a select with another outcome would have accepted goes to the next', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  const queue = new Queue<string>();
  const log: [unknown, number][] = [];
  let got: unknown;
  scheduler.spawn(
    group(function* (g): Co<void> {
      const choosing = g.spawn(
        (function* (): Co<void> {
          got = yield* select({ connection: listener.accept(), item: queue.take() });
        })(),
      );
      yield* untilWaiting(choosing);
      connectedTo(place, listener.address);
      queue.put('an item');
      yield* choosing.join();
      yield* acceptOne(listener, log, 'the next');
    }),
  );
  await setup.run(scheduler);
  assert.equal(got, { key: 'item', value: 'an item' });
  assert.is(log.length, 1);
});

/** Parks an accept as an operation of a user's may, whose waker refuses whatever comes. */
function refusing(accept: Op<TcpStream>): Scripted<never> {
  return new Scripted<never>({
    park: ({ kernel }) => {
      const refuse = (): boolean => false;
      accept.park({ kernel, state: undefined, wake: refuse, fail: refuse });
    },
  });
}

each(
  'rule 4: what nobody takes any more is kept for whoever comes, or closed with the listener',
  async (setup, place) => {
    const listener = opened(place);
    const scheduler = setup.make();
    const log: [unknown, number][] = [];
    const clients: Socket[] = [];
    scheduler.spawn(
      group(function* (g): Co<void> {
        for (const round of ['kept', 'closed']) {
          const refuser = g.spawn(once(refusing(listener.accept())));
          yield* untilWaiting(refuser);
          clients.push(connectedTo(place, listener.address));
          // Until it is taken from the kernel, and refused.
          while (listener.arrivals.waiting > 0) yield* sleep(0);
          refuser.cancel();
          if (round === 'kept') yield* acceptOne(listener, log, 'whoever comes');
        }
        listener.close();
      }),
    );
    await setup.run(scheduler);
    assert.equal(log, [['whoever comes', clients[0]?.localAddress.port]]);
    // The end, and no reset: it had been accepted.
    assert.is(clients[1]?.recv()?.length, 0);
  },
);

each('a burst is accepted without a question for readiness for each', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  const CLIENTS = 50;
  scheduler.spawn(
    (function* (): Co<void> {
      for (let n = 0; n < CLIENTS; n++) connectedTo(place, listener.address);
      for (let n = 0; n < CLIENTS; n++) place.keep(yield* listener.accept());
    })(),
  );
  await setup.run(scheduler);
  // One for the first; and a step completes 32 at most.
  assert.ok(scheduler.counters.waits <= 4, `${scheduler.counters.waits} waits`);
});

each(
  'rule 32: closing wakes all who wait with ClosedError, and accept throws it from then on',
  async (setup, place) => {
    const listener = opened(place);
    const scheduler = setup.make();
    const errors: unknown[] = [];
    function* waiting(): Co<void> {
      try {
        yield* listener.accept();
      } catch (error) {
        errors.push(error);
      }
    }
    scheduler.spawn(
      group(function* (g): Co<void> {
        yield* untilWaiting(g.spawn(waiting()), g.spawn(waiting()));
        listener.close();
        yield* waiting();
      }),
    );
    await setup.run(scheduler);
    for (const error of errors) assert.instance(error, ClosedError);
    assert.equal(errors.map((error) => (error as Error).message).sort(), [
      `${listener} has been closed`,
      `${listener} was closed while a task waited for a connection`,
      `${listener} was closed while a task waited for a connection`,
    ]);
  },
);

each('the close of its socket behind its back is heard too', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  scheduler.spawn(
    group(function* (g): Co<void> {
      yield* untilWaiting(g.spawn(once(listener.accept())));
      listener.socket.close();
    }),
  );
  assert.instance(await thrownBy(setup.run(scheduler)), ClosedError);
});

each('rule 37: a client that has reset is accepted, says who it was, and its read fails once', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  const client = connectedTo(place, listener.address);
  const { port } = client.localAddress;
  resetOnClose(client).close();
  let code: unknown;
  scheduler.spawn(
    (function* (): Co<void> {
      using stream = yield* listener.accept();
      assert.is(portOf(stream), port);
      try {
        yield* stream.read();
      } catch (error) {
        code = (error as SystemError).code;
      }
      assert.is(yield* stream.read(), null);
    })(),
  );
  await setup.run(scheduler);
  assert.is(code, 'ECONNRESET');
});

/** The real system, but for what `accept` says as long as there are errnos left. */
function failingAccept(errnos: string[]): { sys: Sys; asked: () => number } {
  const real = realSys();
  let asked = 0;
  const sys = overriding(real, {
    accept: (fd, slot) => {
      asked++;
      const code = errnos.shift();
      return code === undefined ? real.accept(fd, slot) : -(real.constants[code] as number);
    },
  });
  return { sys, asked: () => asked };
}

const GONE = [
  ...['ECONNABORTED', 'EPERM', 'EPROTO', 'ENOPROTOOPT', 'EOPNOTSUPP', 'ETIMEDOUT', 'ECONNRESET', 'ECONNREFUSED'],
  ...['ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENONET', 'ESOCKTNOSUPPORT', 'EPROTONOSUPPORT'],
].filter((code) => code in realSys().constants);

test(
  'connections that are gone before they are accepted are skipped, whatever the kernel says of them',
  holding((place) => {
    const { sys, asked } = failingAccept([...GONE]);
    const log: [unknown, number][] = [];
    inside(sys, () => {
      const listener = opened(place);
      connectedTo(place, listener.address);
      const scheduler = new Scheduler({ sys });
      scheduler.spawn(acceptOne(listener, log, 'served'));
      scheduler.runSync();
      assert.is(log.length, 1);
      assert.is(listener.arrivals.skipped, GONE.length);
      assert.is(asked(), GONE.length + 1);
    });
  }),
);

test(
  'at most 64 of them are skipped before others get their turn',
  holding((place) => {
    const { sys, asked } = failingAccept(Array.from({ length: 1000 }, () => 'ECONNABORTED'));
    const log: [unknown, number][] = [];
    inside(sys, () => {
      const listener = opened(place);
      connectedTo(place, listener.address);
      const scheduler = new Scheduler({ sys });
      const accepting = scheduler.spawn(acceptOne(listener, log, 'served'));
      const rounds: number[] = [];
      scheduler.spawn(
        (function* (): Co<void> {
          while (!accepting.ended) {
            const before = asked();
            yield* sleep(0);
            rounds.push(asked() - before);
          }
        })(),
      );
      scheduler.runSync();
      assert.is(log.length, 1);
      assert.is(listener.arrivals.skipped, 1000);
      assert.ok(rounds.length >= 15 && Math.max(...rounds) <= 64, rounds.join());
    });
  }),
);

for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']) {
  test(
    `${code} is thrown, and the connection is accepted by whoever asks next`,
    holding((place) => {
      const { sys } = failingAccept([code]);
      const log: [unknown, number][] = [];
      let thrownCode: string | undefined;
      inside(sys, () => {
        const listener = opened(place);
        connectedTo(place, listener.address);
        const scheduler = new Scheduler({ sys });
        scheduler.spawn(
          (function* (): Co<void> {
            try {
              yield* listener.accept();
            } catch (error) {
              thrownCode = (error as SystemError).code;
            }
            yield* acceptOne(listener, log, 'served');
          })(),
        );
        scheduler.runSync();
      });
      assert.is(thrownCode, code);
      assert.is(log.length, 1);
    }),
  );
}

test(
  'a socket that cannot be set up is closed, and counts as gone',
  holding((place) => {
    const real = realSys();
    let refused = 0;
    const sys = overriding(real, {
      platform: 'darwin',
      // As macOS answers where the peer has reset.
      setsockopt: (fd, level, name, value) => {
        if (name !== real.constants.TCP_NODELAY || refused++ > 0) return real.setsockopt(fd, level, name, value);
        return -(real.constants.EINVAL as number);
      },
    });
    const log: [unknown, number][] = [];
    inside(sys, () => {
      const listener = opened(place);
      const clients = [connectedTo(place, listener.address), connectedTo(place, listener.address)];
      const scheduler = new Scheduler({ sys });
      scheduler.spawn(acceptOne(listener, log, 'served'));
      scheduler.runSync();
      assert.equal(log, [['served', clients[1]?.localAddress.port]]);
      assert.is(listener.arrivals.skipped, 1);
    });
  }),
);

test(
  'tasks of two schedulers cannot wait for one listener, and the first is undisturbed',
  holding((place) => {
    const listener = opened(place);
    using one = new PlainScheduler();
    const log: [unknown, number][] = [];
    const waiting = one.spawn(acceptOne(listener, log, 'first'));
    one.turn();
    assert.is(waiting.waitsFor, `a connection to ${listener}`);
    const other = new Scheduler();
    other.spawn(acceptOne(listener, log, 'second'));
    const error: unknown = thrown(() => other.runSync());
    assert.instance(error, BusyError);
    assert.match(
      (error as Error).message,
      /^tasks of another scheduler already wait for connections to TcpListener 127/,
    );
    connectedTo(place, listener.address);
    while (one.turn());
    assert.equal(
      log.map(([who]) => who),
      ['first'],
    );
  }),
);

test(
  'a scheduler that is closed fails those who wait, and another can go on with the listener',
  holding((place) => {
    const listener = opened(place);
    const one = new PlainScheduler();
    const log: [unknown, number][] = [];
    one.spawn(acceptOne(listener, log, 'first'));
    one.turn();
    one.close();
    const error: unknown = thrown(() => {
      while (one.turn());
    });
    assert.instance(error, ClosedError);
    connectedTo(place, listener.address);
    const other = new Scheduler();
    other.spawn(acceptOne(listener, log, 'second'));
    other.runSync();
    assert.equal(
      log.map(([who]) => who),
      ['second'],
    );
  }),
);

test(
  'an address in use, a foreign one, a name and what is no port give errors that say what to do, and leave nothing open',
  holding((place) => {
    const { port } = opened(place);
    const taken = thrown(() => TcpListener.open({ port }));
    assert.is(taken.code, 'EADDRINUSE');
    assert.is(taken.port, port);
    assert.match(
      taken.message,
      /127\.0\.0\.1:\d+ \(somebody listens there already: end that program, or choose another/,
    );
    assert.match(thrown(() => TcpListener.open({ port, reusePort: true })).message, /all who share a port need it/);
    const foreign = thrown(() => TcpListener.open({ host: '203.0.113.1' }));
    assert.match(foreign.message, /EADDRNOTAVAIL.*203\.0\.113\.1.*0\.0\.0\.0 or ::/);
    const named: unknown = thrown(() => TcpListener.open({ host: 'localhost' }));
    assert.instance(named, TypeError);
    const high: unknown = thrown(() => TcpListener.open({ port: 65536 }));
    assert.instance(high, RangeError);
  }),
);

test('a bare port is refused, and a path that is undefined is none', () => {
  const object = /takes an object like \{ port: 15000 \} or \{ path \}, not 8080/;
  // It would listen to any port.
  assert.match(thrown(() => TcpListener.open(8080 as never)).message, object);
  assert.match(thrown(() => runSync(listen(8080 as never))).message, object);
  runSync(function* (): Co<void> {
    using listener = yield* listen({ port: 0, path: undefined });
    assert.instance(listener, TcpListener);
  });
});

test(
  'several listeners share a port with reusePort, and every connection is one of theirs',
  holding((place) => {
    const first = opened(place, { reusePort: true });
    const both = [first, opened(place, { reusePort: true, port: first.port })];
    const CLIENTS = 64;
    const served = new Map<TcpListener, number>(both.map((listener) => [listener, 0]));
    const total = (): number => [...served.values()].reduce((sum, count) => sum + count);
    function* serving(listener: TcpListener): Co<void> {
      for (;;) {
        using _ = yield* listener.accept();
        served.set(listener, (served.get(listener) as number) + 1);
      }
    }
    const scheduler = new Scheduler();
    const tasks = both.map((listener) => scheduler.spawn(serving(listener)));
    for (let n = 0; n < CLIENTS; n++) connectedTo(place, first.address);
    scheduler.spawn(
      (function* (): Co<void> {
        while (total() < CLIENTS) yield* sleep(0);
        for (const task of tasks) task.cancel();
      })(),
    );
    scheduler.runSync();
    assert.is(total(), CLIENTS);
    // The kernel draws by a hash of the addresses: that one of two gets none of 64 does not happen.
    for (const count of served.values()) assert.ok(count > 0, [...served.values()].join());
  }),
);

test(
  'on :: it takes IPv4 as well, unless it is told not to',
  holding((place) => {
    let both: TcpListener;
    try {
      both = opened(place, { host: '::' });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      notRun(`listeners on IPv6: ${error.message}`);
      return;
    }
    const { port } = both;
    assert.is(both.address.family, 'IPv6');
    assert.is(String(both), `TcpListener [::]:${port}`);
    assert.is(both.socket.getOption('IPPROTO_IPV6', 'IPV6_V6ONLY'), 0);
    const only = opened(place, { host: '::', ipv6Only: true });
    assert.is.not(only.socket.getOption('IPPROTO_IPV6', 'IPV6_V6ONLY'), 0);
    place.keep(Socket.tcp()).connect({ port });
    const scheduler = new Scheduler();
    const task = scheduler.spawn(
      (function* (): Co<string> {
        using stream = yield* both.accept();
        return stream.remoteAddress.address;
      })(),
    );
    scheduler.runSync();
    assert.is(task.outcome, '::ffff:127.0.0.1');
  }),
);

test(
  'a socket that listens already is taken over',
  holding((place) => {
    const listener = place.keep(TcpListener.adopt(Socket.listener()));
    const client = connectedTo(place, listener.address);
    const scheduler = new Scheduler();
    const log: [unknown, number][] = [];
    scheduler.spawn(acceptOne(listener, log, 'served'));
    scheduler.runSync();
    assert.equal(log, [['served', client.localAddress.port]]);
  }),
);

test.run();
