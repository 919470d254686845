/** Rule 23: the two levels of a server's end. What is under way is finished, what idles is cut, and nobody is reset by the close. */

import {
  type CancelError,
  type Co,
  currentTask,
  failAfter,
  type Group,
  group,
  routine,
  select,
  sleep,
  TimeoutError,
} from 'genloop';
import {
  idle,
  type ServeOptions,
  type Server,
  serve,
  TcpListener,
  TcpStream,
  type UnixListener,
  type UnixStream,
} from 'genloop/net';
import { poll, realSys, Socket, type SystemError } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { eachSetup } from '../support/drives.ts';
import { Queue } from '../support/operations.ts';
import { VirtualClock } from '../support/seeded.ts';
import { holding, Opened, thrown } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';
import { connectedTo, everythingFrom, unixClient, unixListener, until, untilWaiting } from './clients.ts';

const test = suite('serve: stopping');
const each = eachSetup(test);

interface Bench {
  readonly clock: VirtualClock;
  readonly listener: UnixListener;
  readonly server: Server<UnixStream>;
  readonly g: Group;
  client(): UnixStream;
}

type SessionHandler = (client: UnixStream, server: Server<UnixStream>) => Co<void>;

/** A server on a Unix socket in virtual time, and a body beside it, which has to stop it. */
function withServer(
  handler: SessionHandler,
  body: (bench: Bench) => Co<void>,
  options: ServeOptions<UnixStream> = {},
): void {
  const clock = new VirtualClock({ sys: realSys() });
  const place = new Opened();
  try {
    inside(clock.sys, () => {
      const scheduler = clock.scheduler();
      const listener = unixListener(place);
      scheduler.spawn(
        group(function* (g): Co<void> {
          const server = yield* g.start(serve(listener, handler, options));
          const client = (): UnixStream => unixClient(place, server);
          yield* body({ clock, listener, server, g, client });
          yield* server.ended();
        }),
      );
      scheduler.runSync();
      assert.ok(listener.closed);
    });
  } finally {
    place.close();
  }
}

/** Answers requests one after the other, each after some time; between them it idles. */
function* session(client: UnixStream): Co<void> {
  for (;;) {
    const request = yield* idle(client.read());
    if (request === null) return;
    yield* sleep(100);
    yield* client.write(`answer to ${request}`);
  }
}

function* asks(client: UnixStream, text: string): Co<void> {
  yield* client.write(text);
  assert.is(String(yield* client.read()), `answer to ${text}`);
}

test('rule 23: an idle wait is cut at once, what is under way is finished, and then its idle wait is cut', () => {
  withServer(session, function* ({ clock, server, client, listener }): Co<void> {
    const [idler, busy] = [client(), client()];
    yield* asks(idler, 'one');
    yield* busy.write('two');
    yield* sleep(50);
    const stopped = clock.now;
    server.stop({ grace: 10_000 });
    assert.ok(listener.closed);
    assert.ok(server.stopping);
    assert.is(yield* idler.read(), null);
    assert.is(clock.now, stopped);
    assert.is(server.counters.active, 1);
    assert.is(String(yield* busy.read()), 'answer to two');
    assert.is(clock.now, stopped + 50);
    assert.is(yield* busy.read(), null);
    yield* server.ended();
    assert.is(clock.now, stopped + 50);
    assert.equal(server.counters, { accepted: 2, active: 0, rejected: 0, errors: 0, pauses: 0 });
  });
});

test('rule 23: a wait that is not marked is left alone until the grace is over, and then all is cancelled', () => {
  const ends: unknown[] = [];
  function* unmarked(client: UnixStream): Co<void> {
    try {
      yield* client.read();
    } catch (error) {
      ends.push((error as CancelError).source, (error as CancelError).reason);
      throw error;
    }
  }
  withServer(unmarked, function* ({ clock, server, client }): Co<void> {
    const one = client();
    yield* until(() => server.counters.active === 1);
    server.stop({ grace: 3000 });
    assert.is(yield* one.read(), null);
    assert.is(clock.now, 3000);
  });
  assert.equal(ends, ['shutdown', 'the server was stopped']);
});

test('rule 23: what has been asked by then is answered, although nobody has read it yet', () => {
  withServer(session, function* ({ server, client }): Co<void> {
    const [old, fresh] = [client(), client()];
    yield* asks(old, 'one');
    yield* asks(fresh, 'one');
    yield* old.write('two');
    server.stop({ grace: 10_000 });
    assert.is(String(yield* old.read()), 'answer to two');
    assert.is(yield* old.read(), null);
    assert.is(yield* fresh.read(), null);
  });
});

test('rule 23: who has connected by then is accepted, and answered if it has asked', () => {
  withServer(session, function* ({ clock, server, client }): Co<void> {
    const clients = Array.from({ length: 5 }, client);
    for (const [n, one] of clients.entries()) if (n > 0) yield* one.write(`${n}`);
    assert.is(server.counters.accepted, 0);
    server.stop({ grace: 10_000 });
    assert.is(server.counters.accepted, 5);
    for (const [n, one] of clients.entries()) {
      if (n > 0) assert.is(String(yield* one.read()), `answer to ${n}`);
      assert.is(yield* one.read(), null);
    }
    assert.is(clock.now, 100);
  });
});

test('rule 23: at its limit it accepts them one after the other, as long as the grace lasts', () => {
  const options = { maxConnections: 2 };
  withServer(
    session,
    function* ({ clock, server, client, listener }): Co<void> {
      const clients = Array.from({ length: 7 }, client);
      for (const one of clients) yield* one.write('it');
      server.stop({ grace: 250 });
      const late = thrown(() => client()) as unknown as SystemError;
      assert.ok(['ECONNREFUSED', 'ENOENT'].includes(late.code), late.code);
      for (const one of clients.slice(0, 4)) assert.is(String(yield* one.read()), 'answer to it');
      assert.is(clock.now, 200);
      assert.is(listener.closed, false);
      yield* server.ended();
      assert.is(clock.now, 250);
      // Two were under way, and one was never accepted.
      assert.is(server.counters.accepted, 6);
    },
    options,
  );
});

test('an idle wait is cut in a task of the handler, in a select, and in a subroutine', () => {
  const log: string[] = [];
  const nothing = new Queue<string>();
  const readingTwice = routine(function* readTwice(client: UnixStream): Co<void> {
    yield* client.read();
    yield* client.read();
  });
  function* noting(what: string, body: Co<void>): Co<void> {
    try {
      yield* body;
      log.push(`${what}: done`);
    } catch (error) {
      log.push(`${what}: ${(error as CancelError).source}`);
      throw error;
    }
  }
  const kinds: Record<string, SessionHandler> = {
    *task(client) {
      yield* group(function* (g): Co<void> {
        g.spawn(noting('a task', idle(client.read())[Symbol.iterator]() as unknown as Co<void>));
        g.spawn(noting('another task', sleep(500)[Symbol.iterator]() as Co<void>));
      });
    },
    *select(client) {
      yield* select({ item: nothing.take(), request: idle(client.read()) });
    },
    *subroutine(client) {
      yield* idle(readingTwice(client));
    },
    *generator(client) {
      yield* idle(readingTwice(client)[Symbol.iterator]() as Co<void>);
    },
    *ended(client) {
      // The wait is over that was marked, and this one is not.
      yield* idle(client.read());
      yield* sleep(500);
    },
  };
  for (const [kind, handler] of Object.entries(kinds)) {
    withServer(
      (client, server) => noting(kind, handler(client, server)),
      function* ({ clock, server, client }): Co<void> {
        const one = client();
        if (kind !== 'task') yield* one.write('x');
        if (kind === 'select') {
          assert.is(yield* one.read(), null);
          yield* until(() => server.counters.active === 0);
          client();
        }
        yield* until(() => server.counters.active === 1);
        yield* sleep(1);
        server.stop({ grace: 10_000 });
        yield* server.ended();
        log.push(`${clock.now}`);
      },
    );
  }
  assert.equal(log, [
    ...['a task: shutdown', 'another task: done', 'task: done', '500'],
    ...['select: done', 'select: shutdown', '1'],
    ...['subroutine: shutdown', '1'],
    ...['generator: shutdown', '1'],
    ...['ended: done', '500'],
  ]);
});

test('outside of a server idle changes nothing', () => {
  const clock = new VirtualClock();
  const scheduler = clock.scheduler();
  const task = scheduler.spawn(
    (function* (): Co<unknown> {
      const wait = idle(sleep(10));
      assert.is(wait.describe(), 'sleep(10), idle');
      yield wait;
      const first = yield* select({ marked: idle(sleep(10)), other: sleep(20) });
      const queue = new Queue<number>();
      queue.put(7);
      const item = yield* idle(queue.take());
      try {
        yield* failAfter(5, idle(queue.take()));
      } catch (error) {
        return [first.key, item, error instanceof TimeoutError, queue.takers.length];
      }
      return 'no timeout';
    })(),
  );
  scheduler.runSync();
  assert.equal(task.outcome, ['marked', 7, true, 0]);
  assert.is(clock.now, 25);
});

test('of several stops the nearest end holds; after the end a stop does nothing', () => {
  function* stuck(): Co<void> {
    yield* sleep(Number.POSITIVE_INFINITY);
  }
  for (const [graces, end] of [
    [[Number.POSITIVE_INFINITY, 5000, 1000, 2000], 1000],
    [[2000, 0], 0],
    [[undefined], 5000],
  ] as const) {
    withServer(stuck, function* ({ clock, server, client }): Co<void> {
      client();
      for (const grace of graces) server.stop(grace === undefined ? undefined : { grace });
      const waiting = server.ended();
      assert.match(waiting.describe(), /^the end of the server on /);
      yield waiting;
      assert.is(clock.now, end);
      server.stop();
      yield waiting;
      assert.is(clock.now, end);
    });
  }
});

test('without an end of the grace it waits as long as it takes', () => {
  function* long(): Co<void> {
    yield* sleep(3_600_000);
  }
  withServer(long, function* ({ clock, server, client }): Co<void> {
    client();
    server.stop({ grace: Number.POSITIVE_INFINITY });
    yield* server.ended();
    assert.is(clock.now, 3_600_000);
  });
});

test('what is no grace is refused, and nothing has happened', () => {
  withServer(session, function* ({ server }): Co<void> {
    for (const grace of [-1, Number.NaN]) assert.instance(thrown(() => server.stop({ grace })) as unknown, RangeError);
    assert.instance(thrown(() => server.stop({ grace: '1' as never })) as unknown, TypeError);
    assert.is(server.stopping, false);
    server.stop();
  });
});

test('a wait for the end can be cancelled', () => {
  withServer(session, function* ({ server, g }): Co<void> {
    const waiting = g.spawn(server.ended());
    yield* untilWaiting(waiting);
    waiting.cancel();
    yield* untilWaiting(waiting);
    assert.is(waiting.status, 'cancelled');
    server.stop();
  });
});

test('with a grace, a cancel from outside is a stop, and whoever cancelled hears it when all is done', () => {
  const clock = new VirtualClock({ sys: realSys() });
  inside(clock.sys, () => {
    for (const cancel of ['the task', 'a deadline', 'another’s failure'] as const) {
      const place = new Opened();
      const began = clock.now;
      const listener = unixListener(place);
      const answers: string[] = [];
      const scheduler = clock.scheduler();
      const failure = new Error('elsewhere');
      let error: unknown;
      const main = scheduler.spawn(
        group(function* (g): Co<void> {
          const serving = serve(listener, session, { grace: 1000 });
          const task = g.spawn(cancel === 'a deadline' ? failAfter(50, serving) : serving);
          const one = unixClient(place, listener);
          scheduler.spawn(
            (function* (): Co<void> {
              yield* one.write('it');
              for (let data = yield* one.read(); data !== null; data = yield* one.read()) answers.push(String(data));
            })(),
          );
          yield* sleep(50);
          if (cancel === 'the task') task.cancel();
          if (cancel === 'another’s failure') throw failure;
          try {
            yield* task.join();
          } catch (raised) {
            error = raised;
            if (cancel === 'a deadline') throw raised;
          }
        }),
      );
      const outcome: unknown = cancel === 'the task' ? scheduler.runSync() : thrown(() => scheduler.runSync());
      assert.equal(answers, ['answer to it'], cancel);
      assert.is(clock.now - began, 100, cancel);
      assert.ok(listener.closed);
      if (cancel === 'the task') assert.is((error as { code: string }).code, 'ERR_GENLOOP_CANCELLED');
      if (cancel === 'a deadline') assert.instance(outcome, TimeoutError);
      if (cancel === 'another’s failure') assert.is(outcome, failure);
      assert.is(main.ended, true);
      place.close();
    }
  });
});

test('with a grace, a server that is cancelled before it began takes in who has connected, and ends', () => {
  const clock = new VirtualClock({ sys: realSys() });
  const place = new Opened();
  inside(clock.sys, () => {
    const listener = unixListener(place);
    const scheduler = clock.scheduler();
    let accepted = 0;
    function* patient(client: UnixStream): Co<void> {
      accepted++;
      yield* client.read();
    }
    scheduler.spawn(
      group(function* (g): Co<void> {
        unixClient(place, listener);
        // A spawned task always starts (rule 5): this one with the cancel in force already.
        g.spawn(serve(listener, patient, { grace: 1000 })).cancel();
      }),
    );
    scheduler.runSync();
    assert.is(accepted, 1);
    assert.is(clock.now, 1000);
    assert.ok(listener.closed);
  });
  place.close();
});

each('a stop can come from a handler, and from a callback of Node’s', async (setup, place) => {
  const scheduler = setup.make();
  const listener = place.keep(TcpListener.open());
  function* obedient(client: TcpStream, server: Server<TcpStream>): Co<void> {
    yield* client.read();
    server.stop({ grace: 60_000 });
    assert.ok(listener.closed);
    yield* client.write('as you say');
    assert.ok(currentTask().status === 'running');
  }
  scheduler.spawn(
    group(function* (g): Co<void> {
      yield* g.start(serve(listener, obedient));
      using client = new TcpStream(connectedTo(place, listener.address));
      yield* client.write('stop');
      assert.is(String(yield* client.read()), 'as you say');
      assert.is(yield* client.read(), null);
    }),
  );
  await setup.run(scheduler);
  if (setup.drive !== 'guest') return;
  const other = setup.make();
  const onReady = (server: Server<TcpStream>): void => void setImmediate(() => server.stop());
  other.spawn(serve(place.keep(TcpListener.open()), obedient, { onReady }));
  await setup.run(other);
});

test(
  'rule 23: no connection that a client believes to have is reset by the close of a TCP listener',
  holding((place) => {
    if (process.platform !== 'linux') {
      notRun('the door of a TCP listener: it can be shut on Linux only');
      return;
    }
    const real = realSys();
    const { EAGAIN } = real.constants as { EAGAIN: number };
    for (const host of ['127.0.0.1', '::1']) {
      let last: Socket | undefined;
      let knocks = false;
      let address: TcpListener['address'] | undefined;
      const sys = overriding(real, {
        // The worst moment: the queue has just been found empty, and the close comes next.
        accept: (fd, slot) => {
          const result = real.accept(fd, slot);
          if (result === -EAGAIN && knocks && last === undefined) {
            last = inside(real, () => place.keep(Socket.tcp({ family: host === '::1' ? 'IPv6' : 'IPv4' })));
            last.connect(address as TcpListener['address']);
          }
          return result;
        },
      });
      const clients: Socket[] = [];
      const clock = new VirtualClock({ sys });
      inside(clock.sys, () => {
        let listener: TcpListener;
        try {
          listener = place.keep(TcpListener.open({ host }));
        } catch (error) {
          notRun(`the door of a TCP listener on ${host}: ${(error as Error).message}`);
          return;
        }
        address = listener.address;
        for (let n = 0; n < 10; n++) clients.push(connectedTo(place, listener.address));
        function* greet(client: TcpStream): Co<void> {
          yield* client.write('welcome');
        }
        const onReady = (server: Server<TcpStream>): void => {
          knocks = true;
          server.stop();
        };
        const scheduler = clock.scheduler();
        scheduler.spawn(serve(listener, greet, { onReady }));
        scheduler.runSync();
      });
      for (const client of clients) assert.is(everythingFrom(client), 'welcome');
      if (last === undefined) continue;
      // It was never told that it has a connection: its first packet is as good as lost, and will be sent again.
      assert.equal(poll([[last, Readiness.OUT]], 0), []);
    }
  }),
);

test.run();
