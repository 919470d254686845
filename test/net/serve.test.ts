/** Serving: a handler for each connection, isolated from the others, and closed on every path. */

import {
  type CancelError,
  type Co,
  currentTask,
  failAfter,
  type Group,
  group,
  pass,
  race,
  routine,
  sleep,
  type Task,
} from 'genloop';
import {
  type Listener,
  listen,
  type ServeOptions,
  type Server,
  serve,
  TcpListener,
  TcpStream,
  type UnixStream,
} from 'genloop/net';
import { ClosedError, type SocketAddress } from 'genloop/os';
import * as assert from 'uvu/assert';
import { eachSetup, type Setup, thrownBy } from '../support/drives.ts';
import { runSync } from '../support/seeded.ts';
import { type Opened, resetOnClose, thrown } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { connectedTo, unixClient, unixListener, until, untilWaiting } from './clients.ts';
import { spoken } from './spoken.ts';

const test = suite('serve');
const each = eachSetup(test);

function opened(place: Opened): TcpListener {
  return place.keep(TcpListener.open());
}

function* echo(client: TcpStream): Co<void> {
  for (;;) {
    const data = yield* client.read();
    if (data === null) return;
    yield* client.write(data);
  }
}

/** A client of the same scheduler. */
function clientOf(place: Opened, server: { address: SocketAddress }): TcpStream {
  return place.keep(new TcpStream(connectedTo(place, server.address)));
}

/** Runs a server, and beside it a body that gets it; then stops it. */
async function beside<S extends TcpStream>(
  setup: Setup,
  listeners: Listener<S> | readonly Listener<S>[],
  handler: (stream: S, server: Server<S>) => Co<void>,
  options: ServeOptions<S>,
  body: (server: Server<S>, g: Group) => Co<void>,
): Promise<void> {
  const scheduler = setup.make();
  scheduler.spawn(
    group(function* (g): Co<void> {
      const server = yield* g.start(serve(listeners, handler, options));
      yield* body(server, g);
      server.stop({ grace: 0 });
    }),
  );
  await setup.run(scheduler);
}

each(
  'a task has its stream entrusted while it runs; a handle of it that is kept does not keep the stream',
  async (setup, place) => {
    const tasks: Task<unknown>[] = [];
    const seen: boolean[] = [];
    await beside(
      setup,
      opened(place),
      function* (client) {
        const task = currentTask();
        tasks.push(task);
        yield* client.read(1);
        seen.push(task.entrusted === client);
        if (seen.length === 2) throw new Error('on purpose');
      },
      {
        onError(error, stream) {
          seen.push(tasks[1]?.entrusted === stream && !stream.closed && (error as Error).message === 'on purpose');
        },
      },
      function* (server): Co<void> {
        for (const ended of [1, 2]) {
          const client = clientOf(place, server);
          yield* client.write('x');
          assert.is(yield* client.read(), null);
          yield* until(() => server.counters.active === 0);
          assert.is(server.counters.accepted, ended);
        }
        assert.equal(
          tasks.map(({ entrusted }) => entrusted),
          [undefined, undefined],
        );
        assert.equal(seen, [true, true, true]);
      },
    );
  },
);

each(
  'each connection gets a handler of its own, and its stream is closed when that has ended',
  async (setup, place) => {
    const streams: TcpStream[] = [];
    function* answer(client: TcpStream): Co<void> {
      streams.push(client);
      yield* echo(client);
      yield* client.write('goodbye');
    }
    await beside(setup, opened(place), answer, {}, function* (server): Co<void> {
      const clients = ['one', 'two', 'three'].map((name) => ({ name, client: clientOf(place, server) }));
      for (const { name, client } of clients) yield* client.write(name);
      for (const { name, client } of clients) assert.is(String(yield* client.read()), name);
      assert.equal(server.counters, { accepted: 3, active: 3, rejected: 0, errors: 0, pauses: 0 });
      for (const { client } of clients) {
        client.end();
        assert.is(String(yield* client.read()), 'goodbye');
        assert.is(yield* client.read(), null);
      }
      yield* until(() => server.counters.active === 0);
      assert.ok(streams.every(({ closed }) => closed));
      assert.equal(server.counters, { accepted: 3, active: 0, rejected: 0, errors: 0, pauses: 0 });
    });
  },
);

each('rule 22: a handler that fails ends its own connection, and is reported', async (setup, place) => {
  const seen: [unknown, boolean, boolean][] = [];
  const failure = new Error('a bug');
  function* risky(client: TcpStream): Co<void> {
    const data = String(yield* client.read());
    if (data === 'fail') throw failure;
    yield* client.write(data);
    yield* echo(client);
  }
  let running: unknown;
  const options: ServeOptions<TcpStream> = {
    onError: (error, stream, server) => seen.push([error, stream.closed, server === running]),
  };
  await beside(setup, opened(place), risky, options, function* (server): Co<void> {
    running = server;
    const other = clientOf(place, server);
    yield* other.write('hello');
    assert.is(String(yield* other.read()), 'hello');
    const unlucky = clientOf(place, server);
    yield* unlucky.write('fail');
    assert.is(yield* unlucky.read(), null);
    yield* other.write('still here?');
    assert.is(String(yield* other.read()), 'still here?');
    const next = clientOf(place, server);
    yield* next.write('me too');
    assert.is(String(yield* next.read()), 'me too');
    assert.equal(server.counters, { accepted: 3, active: 2, rejected: 0, errors: 1, pauses: 0 });
  });
  assert.equal(seen, [[failure, false, true]]);
});

each('rule 22: a client that resets is its own failure, before and after it was heard', async (setup, place) => {
  const codes: unknown[] = [];
  const options: ServeOptions<TcpStream> = { onError: (error) => codes.push((error as { code: string }).code) };
  await beside(setup, opened(place), echo, options, function* (server): Co<void> {
    // Not accepted yet.
    resetOnClose(connectedTo(place, server.address)).close();
    const heard = clientOf(place, server);
    yield* heard.write('hello');
    assert.is(String(yield* heard.read()), 'hello');
    resetOnClose(heard.socket);
    heard.close();
    yield* until(() => server.counters.errors === 2);
    const next = clientOf(place, server);
    yield* next.write('still here?');
    assert.is(String(yield* next.read()), 'still here?');
  });
  assert.equal(codes, ['ECONNRESET', 'ECONNRESET']);
});

each('without a hook a failure is told on standard error, a broken connection in a line', async (setup, place) => {
  const failure = new Error('a bug');
  function* failing(client: TcpStream): Co<void> {
    if ((yield* client.read()) !== null) throw failure;
  }
  const peers: string[] = [];
  const told = await spoken(() =>
    beside(setup, opened(place), failing, {}, function* (server): Co<void> {
      const buggy = clientOf(place, server);
      const reset = connectedTo(place, server.address);
      peers.push(`${buggy.localAddress}`, `${reset.localAddress}`);
      yield* buggy.write('x');
      assert.is(yield* buggy.read(), null);
      resetOnClose(reset).close();
      yield* until(() => server.counters.errors === 2);
      assert.is(String(server), `server on ${server.address}`);
    }),
  );
  assert.is(told.length, 2);
  const [[sentence, error], [line, nothing]] = told as [[string, unknown], [string, unknown]];
  assert.match(sentence, /^genloop: server on 127\.0\.0\.1:\d+: the connection from 127\.0\.0\.1:\d+ failed:$/);
  assert.ok(sentence.includes(`from ${peers[0]} `));
  assert.is(error, failure);
  assert.match(line, /: recv ECONNRESET: connection reset by peer$/);
  assert.ok(line.includes(`from ${peers[1]} `));
  assert.is(nothing, undefined);
});

each('a hook that fails is reported as well, and the server goes on', async (setup, place) => {
  const raised = new Error('the hook');
  const options: ServeOptions<TcpStream> = {
    onError: () => {
      throw raised;
    },
  };
  function* failing(client: TcpStream): Co<void> {
    if ((yield* client.read()) !== null) throw new Error('a bug');
  }
  const told = await spoken(() =>
    beside(setup, opened(place), failing, options, function* (server): Co<void> {
      for (let n = 0; n < 2; n++) {
        const client = clientOf(place, server);
        yield* client.write('x');
        assert.is(yield* client.read(), null);
      }
    }),
  );
  assert.equal(
    told.map(([, error]) => error),
    [raised, raised],
  );
  assert.match(String(told[0]?.[0]), /^genloop: server on .*: onError failed:$/);
});

each('what is no task, or throws before it is one, is such a failure too', async (setup, place) => {
  const errors: unknown[] = [];
  const options: ServeOptions<TcpStream> = { onError: (error) => errors.push(error) };
  const bug = new Error('at once');
  const handlers = [
    () => {
      throw bug;
    },
    () => 'no task',
    async () => {},
  ];
  for (const handler of handlers) {
    await beside(setup, opened(place), handler as never, options, function* (server): Co<void> {
      const client = clientOf(place, server);
      assert.is(yield* client.read(), null);
      assert.equal(server.counters, { accepted: 1, active: 0, rejected: 0, errors: 1, pauses: 0 });
    });
  }
  assert.is(errors[0], bug);
  assert.match((errors[1] as Error).message, /a task is a generator or an operation/);
  assert.match((errors[2] as Error).message, /a promise/);
});

each('a handler that is cancelled is no failure, and its stream is closed after its clean-up', async (setup, place) => {
  const log: string[] = [];
  let task: Task<unknown> | undefined;
  function* endless(client: TcpStream): Co<void> {
    task = currentTask();
    try {
      yield* client.read();
    } finally {
      log.push(`clean-up, the stream is ${client.closed ? 'closed' : 'open'}`);
    }
  }
  await beside(setup, opened(place), endless, {}, function* (server): Co<void> {
    const client = clientOf(place, server);
    yield* until(() => task !== undefined);
    yield* untilWaiting(task as Task<unknown>);
    task?.cancel();
    assert.is(yield* client.read(), null);
    assert.is(server.counters.errors, 0);
  });
  assert.equal(log, ['clean-up, the stream is open']);
});

each('at its limit it accepts nobody, and goes on with the next as soon as one ends', async (setup, place) => {
  const LIMIT = 3;
  const CLIENTS = 10;
  let most = 0;
  function* counted(client: TcpStream, server: Server<TcpStream>): Co<void> {
    most = Math.max(most, server.counters.active);
    yield* client.write('welcome');
    yield* client.read();
  }
  const options = { maxConnections: LIMIT };
  await beside(setup, opened(place), counted, options, function* (server): Co<void> {
    const waiting = Array.from({ length: CLIENTS }, () => clientOf(place, server));
    for (let served = 0; served < CLIENTS; served++) {
      const client = waiting.shift() as TcpStream;
      assert.is(String(yield* client.read()), 'welcome');
      yield* until(() => server.counters.active === Math.min(LIMIT, CLIENTS - served));
      client.close();
    }
    assert.is(server.counters.accepted, CLIENTS);
  });
  assert.is(most, LIMIT);
});

each('a limit is one for all listeners together, and is never exceeded', async (setup, place) => {
  let most = 0;
  function* counted(client: TcpStream, server: Server<TcpStream>): Co<void> {
    most = Math.max(most, server.counters.active);
    yield* pass();
    yield* client.write('welcome');
  }
  const options = { maxConnections: 1 };
  await beside(setup, [opened(place), opened(place)], counted, options, function* (server): Co<void> {
    assert.is(server.addresses.length, 2);
    assert.is(server.address, server.addresses[0]);
    const clients = [0, 1, 0, 1, 1].map((n) => clientOf(place, { address: server.addresses[n] as SocketAddress }));
    for (const client of clients) assert.is(String(yield* client.read()), 'welcome');
  });
  assert.is(most, 1);
});

each('TCP and Unix sockets can be served together', async (setup, place) => {
  const listeners = [opened(place), unixListener(place)];
  const scheduler = setup.make();
  function* greet(client: TcpStream | UnixStream): Co<void> {
    yield* client.write('welcome');
  }
  scheduler.spawn(
    group(function* (g): Co<void> {
      const server = yield* g.start(serve<TcpStream | UnixStream>(listeners, greet));
      const [tcp, unix] = server.addresses as [SocketAddress, SocketAddress];
      assert.is(String(yield* clientOf(place, { address: tcp }).read()), 'welcome');
      assert.is(String(yield* unixClient(place, { address: unix }).read()), 'welcome');
      server.stop({ grace: 0 });
      yield* server.ended();
      assert.ok(listeners.every(({ closed }) => closed));
    }),
  );
  await setup.run(scheduler);
});

each(
  'it can be yielded, spawned, run, and given to a block; it returns when it has been stopped',
  async (setup, place) => {
    const stopAtOnce = { onReady: (server: { stop(): void }) => server.stop() };
    const forms: ((listener: TcpListener) => Co<void>)[] = [
      function* (listener) {
        yield serve(listener, echo, stopAtOnce);
      },
      function* (listener) {
        assert.is(yield* serve(listener, echo, stopAtOnce), undefined);
      },
      function* (listener) {
        yield* group(function* (g): Co<void> {
          const task = g.spawn(serve(listener, echo, stopAtOnce));
          assert.is(task.name, 'serve');
          yield* task.join();
        });
      },
      function* (listener) {
        yield* failAfter(60_000, serve(listener, echo, stopAtOnce));
      },
      function* (listener) {
        yield* race([serve(listener, echo, stopAtOnce), sleep(Number.POSITIVE_INFINITY)]);
      },
    ];
    for (const form of forms) {
      const listener = opened(place);
      const scheduler = setup.make();
      scheduler.spawn(form(listener));
      await setup.run(scheduler);
      assert.ok(listener.closed);
    }
  },
);

test('run takes it as it is', () => {
  using listener = TcpListener.open();
  let ready = 0;
  runSync(
    serve(listener, echo, {
      onReady: (server) => {
        ready++;
        server.stop();
      },
    }),
  );
  assert.is(ready, 1);
  assert.ok(listener.closed);
});

each('a routine is a handler as well, and names its tasks, if nothing else does', async (setup, place) => {
  const names: string[] = [];
  const named = routine(function* session(client: TcpStream): Co<void> {
    names.push(currentTask().name);
    yield* client.write('x');
  });
  const plain = function* (client: TcpStream): Co<void> {
    yield* named(client);
  };
  for (const [handler, options] of [
    [named, {}],
    [plain, { name: 'visitor', asyncContext: false }],
    [(client: TcpStream) => plain(client), {}],
  ] as const) {
    await beside(setup, opened(place), handler as never, options, function* (server): Co<void> {
      assert.is(String(yield* clientOf(place, server).read()), 'x');
    });
  }
  assert.equal(names, ['session', 'visitor', 'connection']);
});

each(
  'a listener that fails by itself ends the server, and its error comes out when all has ended',
  async (setup, place) => {
    if (process.platform !== 'linux') return;
    const log: string[] = [];
    function* waiting(client: TcpStream): Co<void> {
      try {
        yield* client.write('welcome');
        yield* client.read();
      } catch (error) {
        log.push(`cancelled: ${(error as CancelError).source}`);
        throw error;
      }
    }
    const listener = opened(place);
    const scheduler = setup.make();
    scheduler.spawn(
      group(function* (g): Co<void> {
        const server = yield* g.start(serve(listener, waiting));
        assert.is(String(yield* clientOf(place, server).read()), 'welcome');
        // The kernel stops listening: accept says EINVAL from now on.
        listener.socket.shutdown('both');
      }),
    );
    const error = (await thrownBy(setup.run(scheduler))) as { code: string; syscall: string };
    assert.is(error.code, 'EINVAL');
    assert.is(error.syscall, 'accept');
    assert.equal(log, ['cancelled: sibling']);
    assert.ok(listener.closed);
  },
);

each(
  'a listener that somebody closes ends the accepting, and the connections go on to their end',
  async (setup, place) => {
    const listener = opened(place);
    const scheduler = setup.make();
    scheduler.spawn(
      group(function* (g): Co<void> {
        const server = yield* g.start(serve(listener, echo));
        const client = clientOf(place, server);
        yield* client.write('one');
        assert.is(String(yield* client.read()), 'one');
        listener.close();
        yield* client.write('two');
        assert.is(String(yield* client.read()), 'two');
        client.end();
        assert.is(yield* client.read(), null);
        yield* server.ended();
        assert.is(server.stopping, true);
      }),
    );
    await setup.run(scheduler);
  },
);

each('a cancel from outside ends the connections with their clean-up, and closes all', async (setup, place) => {
  const listener = opened(place);
  const scheduler = setup.make();
  const log: unknown[] = [];
  const clients: TcpStream[] = [];
  function* holding(client: TcpStream): Co<void> {
    try {
      yield* client.read();
    } finally {
      log.push('clean-up');
    }
  }
  scheduler.spawn(
    group(function* (g): Co<void> {
      let server: Server<TcpStream> | undefined;
      const onReady = (running: Server<TcpStream>): void => {
        server = running;
      };
      const task = g.spawn(serve(listener, holding, { onReady }));
      clients.push(clientOf(place, listener), clientOf(place, listener));
      yield* until(() => server?.counters.active === 2);
      task.cancel('enough');
      for (const client of clients) assert.is(yield* client.read(), null);
      yield* until(() => task.ended);
      assert.is(task.status, 'cancelled');
    }),
  );
  await setup.run(scheduler);
  assert.ok(listener.closed);
  assert.equal(log, ['clean-up', 'clean-up']);
});

test('what cannot be served is refused where it is written', () => {
  using listener = TcpListener.open();
  const refusals: [unknown, RegExp, () => unknown][] = [
    ['MisuseError', /at least one listener/, () => serve([], echo)],
    ['TypeError', /was a `yield\*` before `listen` forgotten/, () => serve(listen() as never, echo)],
    ['TypeError', /the handler must be a generator function/, () => serve(listener, undefined as never)],
    ['TypeError', /onError must be a function/, () => serve(listener, echo, { onError: 'isolate' as never })],
    [
      'RangeError',
      /maxConnections must be a whole number from 1 on, not 0/,
      () => serve(listener, echo, { maxConnections: 0 }),
    ],
    ['RangeError', /from 1 on, not 1\.5/, () => serve(listener, echo, { maxConnections: 1.5 })],
    ['RangeError', /grace takes a number of milliseconds from 0 on/, () => serve(listener, echo, { grace: -1 })],
  ];
  for (const [name, message, call] of refusals) {
    const error = thrown(call) as Error;
    assert.is(error.name, name);
    assert.match(error.message, message);
  }
  assert.is(listener.closed, false);
  serve(listener, echo, { maxConnections: Number.POSITIVE_INFINITY });
  listener.close();
  const closed: unknown = thrown(() => runSync(serve(listener, echo)));
  assert.instance(closed, ClosedError);
  assert.match((closed as Error).message, /has been closed, and cannot be served/);
  // On every path the listeners are closed: the others of the same server, too.
  using other = TcpListener.open();
  assert.instance(thrown(() => runSync(serve([other, listener], echo))) as unknown, ClosedError);
  assert.ok(other.closed);
});

test.run();
