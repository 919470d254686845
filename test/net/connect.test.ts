/** Connecting: what comes of it in every drive, what the errors say, and that nothing is left open on any path. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Co,
  failAfter,
  group,
  type Op,
  pass,
  ReadWait,
  Socket,
  type SystemError,
  sleep,
  WriteWait,
} from 'genloop';
import {
  ConnectError,
  connect,
  type Resolver,
  type TcpConnectOptions,
  TcpStream,
  type UnixConnectOptions,
  UnixStream,
} from 'genloop/net';
import { realSys, type Sys } from 'genloop/os';
import {
  eachFailure,
  failing,
  SimulatedSystem,
  type SimulateOptions,
  simulate,
  type TracedCall,
  traced,
  waitAllBlocked,
} from 'genloop/testing';
import * as assert from 'uvu/assert';
import { SUBJECTS, type Subject } from '../support/backends.ts';
import { eachSetup, once, type Setup, thrownBy } from '../support/drives.ts';
import { runTest, Scheduler } from '../support/seeded.ts';
import { Opened } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const test = suite('connect');
const each = eachSetup(test);
/** An address of this machine that no other test uses. */
const OWN_HOST = '127.91.82.73';

async function outcome<T>({ make, run }: Setup, body: Co<T>): Promise<T> {
  using scheduler = make();
  const task = scheduler.spawn(body);
  await run(scheduler);
  return task.promise;
}

/** A port of 127.0.0.1 at which nobody listens, and which nobody else can get. */
function refusing(opened: Opened): number {
  return opened.keep(Socket.tcp({ port: 0 })).localAddress.port;
}

function pathIn(opened: Opened): string {
  const folder = mkdtempSync(join(tmpdir(), 'genloop-connect-'));
  opened.later(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'socket');
}

function* accepted(listener: Socket): Co<Socket> {
  for (;;) {
    yield new ReadWait(listener);
    const socket = listener.accept();
    if (socket !== undefined) return socket;
  }
}

/** Says something through a stream, and gives what the other end has heard. */
function* said(stream: TcpStream | UnixStream, listener: Socket): Co<string> {
  using server = yield* accepted(listener);
  yield* stream.write('hello');
  yield new ReadWait(server);
  return String(server.recv());
}

each('a TCP connection is a stream, whose addresses are those that were meant', async (setup, opened) => {
  const listener = opened.keep(Socket.listener());
  const { port } = listener.localAddress;
  for (const host of [undefined, '127.0.0.1', 'localhost', '127.1']) {
    await outcome(
      setup,
      (function* (): Co<void> {
        using stream = yield* connect(host === undefined ? { port } : { host, port });
        assert.instance(stream, TcpStream);
        assert.equal([stream.remoteAddress.address, stream.remoteAddress.port], ['127.0.0.1', port]);
        assert.is(stream.socket.getOption('IPPROTO_TCP', 'TCP_NODELAY') > 0, true);
        assert.is(yield* said(stream, listener), 'hello');
      })(),
    );
  }
});

each('a Unix socket is connected to by its path', async (setup, opened) => {
  const path = pathIn(opened);
  const listener = opened.keep(Socket.listener({ path }));
  await outcome(
    setup,
    (function* (): Co<void> {
      using stream = yield* connect({ path });
      assert.instance(stream, UnixStream);
      assert.is(stream.remoteAddress.address, path);
      assert.is(yield* said(stream, listener), 'hello');
    })(),
  );
});

each('one that is refused says so once, with address and port', async (setup, opened) => {
  const port = refusing(opened);
  const error = (await thrownBy(outcome(setup, once(connect({ port }))))) as SystemError;
  const { name, code, syscall, address, errno } = error;
  assert.equal(
    [name, code, syscall, address, error.port],
    ['SystemError', 'ECONNREFUSED', 'connect', '127.0.0.1', port],
  );
  assert.is(errno, -constant('ECONNREFUSED'));
  assert.is(error.message, `connect ECONNREFUSED: connection refused 127.0.0.1:${port}`);
});

each('a host that refuses at all its addresses tells of each', async (setup, opened) => {
  const port = refusing(opened);
  const error = (await thrownBy(outcome(setup, once(connect({ host: 'localhost', port }))))) as ConnectError;
  assert.instance(error, ConnectError);
  assert.equal([error.code, error.host, error.port], ['ECONNREFUSED', 'localhost', port]);
  // A machine without IPv6 says so instead.
  assert.equal(
    error.errors.map(({ address }) => address ?? '::1'),
    ['127.0.0.1', '::1'],
  );
});

each('a path without a socket, and one to which nobody listens, say so', async (setup, opened) => {
  const path = pathIn(opened);
  const missing = (await thrownBy(outcome(setup, once(connect({ path }))))) as SystemError;
  assert.equal([missing.code, missing.syscall, missing.path], ['ENOENT', 'connect', path]);
  Socket.unix({ path }).close();
  const stale = (await thrownBy(outcome(setup, once(connect({ path }))))) as SystemError;
  assert.equal([stale.code, stale.path], ['ECONNREFUSED', path]);
  assert.is(stale.message, `connect ECONNREFUSED: connection refused '${path}'`);
});

each('our own address and port can be chosen', async (setup, opened) => {
  const listener = opened.keep(Socket.listener({ host: OWN_HOST, port: 0 }));
  const { port } = listener.localAddress;
  await outcome(
    setup,
    (function* (): Co<void> {
      using stream = yield* connect({ host: OWN_HOST, port, localAddress: '127.91.82.74' });
      using server = yield* accepted(listener);
      assert.is(server.remoteAddress?.address, '127.91.82.74');
      const localPort = stream.localAddress.port;
      stream.close();
      yield new ReadWait(server);
      server.close();
      // The port may be had again at once, though the connection before has just ended there.
      using second = yield* connect({ host: OWN_HOST, port, localAddress: '127.91.82.74', localPort });
      using again = yield* accepted(listener);
      assert.equal([second.localAddress.port, again.remoteAddress?.port], [localPort, localPort]);
      using third = yield* connect({ host: OWN_HOST, port, localPort: 0 });
      assert.is(third.remoteAddress.port, port);
    })(),
  );
});

each('an address of ours that is none is an error of bind', async (setup, opened) => {
  const port = refusing(opened);
  const error = (await thrownBy(outcome(setup, once(connect({ port, localAddress: '192.0.2.1' }))))) as SystemError;
  assert.equal([error.code, error.syscall, error.address], ['EADDRNOTAVAIL', 'bind', '192.0.2.1']);
});

each('rule 38: a connection to oneself is detected and refused', async (setup, opened) => {
  const nobody = opened.keep(Socket.tcp({ host: OWN_HOST, port: 0 }));
  const { port } = nobody.localAddress;
  nobody.close();
  const options = { host: OWN_HOST, port, localAddress: OWN_HOST, localPort: port };
  const error = (await thrownBy(outcome(setup, once(connect(options))))) as SystemError;
  assert.equal([error.code, error.address, error.port], ['ECONNREFUSED', OWN_HOST, port]);
  assert.match(
    error.message,
    /\(nobody listens there: the socket had got that very port for itself, and met itself\)$/,
  );
});

function overBackends(name: string, body: (subject: Subject) => void): void {
  for (const subject of SUBJECTS) test(`${name} (${subject.title})`, () => body(subject));
}

overBackends(
  'rule 38: an interrupted connect is not repeated: it goes on, and SO_ERROR tells what came of it',
  ({ name, sys }) => {
    const opened = new Opened();
    const listener = opened.keep(Socket.listener());
    const { port } = listener.localAddress;
    const closed = refusing(opened);
    const interrupted = failing(sys, 'connect', [1, 2], 'EINTR');
    const scheduler = new Scheduler({ sys: interrupted, backend: name });
    scheduler.spawn(
      (function* (): Co<void> {
        const stream = yield* connect({ port });
        assert.is(stream.remoteAddress.port, port);
        stream.close();
        try {
          yield* connect({ port: closed });
          assert.unreachable();
        } catch (error) {
          assert.is((error as SystemError).code, 'ECONNREFUSED');
        }
      })(),
    );
    scheduler.runSync();
    assert.equal([interrupted.attempts, interrupted.failures], [2, 2]);
    opened.close();
  },
);

overBackends(
  'rule 38: one that was interrupted before it did anything fails, and does not wait for ever',
  ({ name, sys }) => {
    const opened = new Opened();
    const path = pathIn(opened);
    opened.keep(Socket.listener({ path }));
    const never = overriding(sys, { connect: () => -constant('EINTR') });
    for (const operation of [connect({ port: refusing(opened) }), connect({ path })]) {
      const scheduler = new Scheduler({ sys: never, backend: name });
      const task = scheduler.spawn(once(operation as Op<unknown>));
      assert.throws(
        () => scheduler.runSync(),
        (error: SystemError) => error.code === 'ENOTCONN' && error.syscall === 'connect',
      );
      assert.is(task.status, 'failed');
    }
    opened.close();
  },
);

test('whatever the system says of a connect comes with address and port, and the socket is closed', () => {
  for (const errno of [
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EADDRNOTAVAIL',
    'EACCES',
    'EPERM',
    'EAGAIN',
    'ENOBUFS',
  ]) {
    const wrap = (system: Sys): Sys => failing(system, 'connect', 1, errno);
    const { code, syscall, address, port } = failureOf({ host: '::1', port: 80 }, { wrap });
    assert.equal([code, syscall, address, port], [errno, 'connect', '::1', 80]);
  }
});

overBackends('a socket that was announced as writable for nothing is waited for again', ({ name, sys }) => {
  const opened = new Opened();
  const { port } = opened.keep(Socket.listener()).localAddress;
  const doubtful = failing(sys, 'getpeername', 1, 'ENOTCONN');
  const scheduler = new Scheduler({ sys: doubtful, backend: name });
  const task = scheduler.spawn(once(connect({ port })));
  scheduler.runSync();
  (task.outcome as TcpStream).close();
  assert.equal([doubtful.attempts, doubtful.failures], [2, 1]);
  opened.close();
});

test('rule 37: the error of a connect is taken from the socket once, and kept', () => {
  const opened = new Opened();
  const port = refusing(opened);
  const asked: TracedCall[] = [];
  const sys = traced(realSys(), (call) => {
    if (call.call === 'getsockopt' && call.inputs[2] === constant('SO_ERROR')) asked.push(call);
  });
  const scheduler = new Scheduler({ sys });
  const task = scheduler.spawn(once(connect({ port })));
  assert.throws(() => scheduler.runSync(), /ECONNREFUSED/);
  assert.is((task.outcome as SystemError).code, 'ECONNREFUSED');
  assert.is(asked.length, 1);
  opened.close();
});

const UNIX_SYSTEMS: readonly (readonly [string, () => Sys])[] = [
  ['real', realSys],
  ['simulated', () => new SimulatedSystem()],
];

for (const [title, make] of UNIX_SYSTEMS) {
  test(`a Unix listener whose queue is full is waited for, with pauses that grow (${title})`, () => {
    const opened = new Opened();
    const path = pathIn(opened);
    let refusals = 0;
    const sys = make();
    const counted = traced(sys, ({ call, result }) => {
      if (call === 'connect' && result === -constant('EAGAIN')) refusals++;
    });
    runTest(
      function* (clock): Co<void> {
        using listener = Socket.listener({ path, backlog: 0 });
        using _first = yield* connect({ path });
        // As many as there is room for, and one more.
        const full: Socket[] = [];
        yield* group(function* (g): Co<void> {
          for (;;) {
            const socket = Socket.unix();
            full.push(socket);
            try {
              socket.connect({ path });
            } catch {
              break;
            }
          }
          const before = refusals;
          const waiting = g.spawn(connect({ path }));
          yield* waitAllBlocked();
          assert.equal([waiting.status, refusals - before], ['parked', 1]);
          const start = clock.now;
          // 1, 2, 4, 8, …: as if the listener were busy for a second.
          while (clock.now - start < 1_000) yield* waitAllBlockedAfter(100);
          assert.ok(refusals - before < 25, `${refusals - before} questions`);
          assert.is(waiting.status, 'parked');
          for (const socket of full) socket.close();
          const servers: Socket[] = [];
          while (!waiting.ended) {
            const server = listener.accept();
            if (server !== undefined) servers.push(server);
            yield* waitAllBlockedAfter(100);
          }
          const stream = yield* waiting.join();
          stream.close();
          for (const server of servers) server.close();
        });
      },
      { sys: counted },
    );
    opened.close();
  });
}

/** What a connect throws in a simulated world, in which port 80 and a Unix name are listened to. Nothing of it may be left. */
function failureOf(options: TcpConnectOptions | UnixConnectOptions, world: SimulateOptions = {}): SystemError {
  return simulate(
    1,
    function* (): Co<SystemError> {
      using _tcp = Socket.listener({ port: 80 });
      using _unix = Socket.listener({ path: '\0here' });
      try {
        const stream = yield* connect(options as TcpConnectOptions);
        stream.close();
      } catch (error) {
        return error as SystemError;
      }
      throw new Error('it was connected');
    },
    world,
  );
}

function* waitAllBlockedAfter(ms: number): Co<void> {
  yield sleep(ms);
  yield* waitAllBlocked();
}

test('what is no place to connect to is refused at once, and the message says what to do', () => {
  for (const [options, message] of [
    [undefined, /connect takes an object like \{ host, port \} or \{ path \}, not undefined/],
    ['localhost:80', /connect takes an object/],
    [{}, /port must be an integer from 1 to 65535, not undefined/],
    [{ port: 0 }, /port must be an integer from 1 to 65535, not 0/],
    [{ port: 65_536 }, /not 65536/],
    [{ port: 80.5 }, /not 80\.5/],
    [{ port: '80' }, /not the text '80'/],
    [{ port: 80, host: '' }, /host is empty; leave it out for 127\.0\.0\.1/],
    [{ port: 80, host: 7 }, /host must be a string, not 7/],
    [{ port: 80, family: 4 }, /family must be 'IPv4' or 'IPv6', not '4'/],
    [{ port: 80, localPort: -1 }, /localPort must be an integer from 0 to 65535, not -1/],
    [{ port: 80, localAddress: 1 }, /localAddress must be a string, not 1/],
    [{ port: 80, attemptDelay: -1 }, /attemptDelay takes a number of milliseconds from 0 on, not -1/],
    [{ port: 80, attemptDelay: '250' }, /attemptDelay takes a number of milliseconds, not 250/],
    [{ port: 80, resolve: 'dns' }, /resolve must be a function that gives the addresses of a host, not dns/],
    [{ path: '' }, /path is empty/],
    [{ path: null }, /path must be a string, not null/],
  ] as const) {
    assert.throws(() => connect(options as never), message);
  }
});

test('what only the system can tell is refused when it is yielded, and nothing is opened', () => {
  for (const [options, message] of [
    [{ path: `/tmp/${'long'.repeat(40)}` }, /^connect ENAMETOOLONG: .* \(a Unix socket path holds about 100 bytes/],
    [{ path: 'a\0b' }, /^connect EINVAL: .* \(a path cannot hold a NUL character\)/],
    [{ port: 80, localAddress: 'localhost' }, /'localhost' is not a numeric IPv4 or IPv6 address/],
    [
      { port: 80, localAddress: '::1', family: 'IPv4' },
      /localAddress is IPv6, and family says IPv4: no address fits both/,
    ],
    [{ port: 80, localAddress: '::1', host: '127.0.0.1' }, /^getaddrinfo ENOTFOUND/],
    [{ port: 80, host: 'http://example.org' }, /is no host/],
  ] as const) {
    assert.match(failureOf(options as TcpConnectOptions).message, message);
  }
});

test('what another resolver gives has to be addresses, and is never taken for this machine', () => {
  for (const [found, message] of [
    [undefined, /resolve must give an array of addresses, not undefined/],
    ['10.0.0.1', /resolve must give an array of addresses, not 10\.0\.0\.1/],
    [['10.0.0.1'], /resolve must give addresses like .*, not "10\.0\.0\.1"/],
    [[{ family: 4, address: '10.0.0.1' }], /not {"family":4,"address":"10\.0\.0\.1"}/],
    [[{ family: 'IPv4' }], /not {"family":"IPv4"}/],
    [[null], /not null/],
  ] as const) {
    const answer = (): Co<never> =>
      (function* () {
        return found as never;
      })();
    const error: unknown = failureOf({ host: 'db', port: 80, resolve: answer });
    assert.instance(error, TypeError);
    assert.match((error as Error).message, message);
  }
});

test('another resolver may be asked, and what it says is what is tried', () => {
  const asked: unknown[] = [];
  const names =
    (addresses: string[]): Resolver =>
    (host, options) => {
      asked.push([host, options]);
      return (function* () {
        yield* pass();
        return addresses.map((address) => ({
          family: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const),
          address,
        }));
      })();
    };
  simulate(1, function* (): Co<void> {
    using listener = Socket.listener({ port: 80 });
    using stream = yield* connect({ host: 'db', port: 80, resolve: names(['127.0.0.1']) });
    assert.is(stream.remoteAddress.address, '127.0.0.1');
    using _server = yield* accepted(listener);
    // It may say more than it was asked for.
    using second = yield* connect({ host: 'db', port: 80, family: 'IPv4', resolve: names(['::1', '127.0.0.1']) });
    assert.is(second.remoteAddress.address, '127.0.0.1');
    using _other = yield* accepted(listener);
    try {
      yield* connect({ host: 'db', port: 80, resolve: names([]) });
      assert.unreachable();
    } catch (error) {
      assert.equal([(error as SystemError).code, (error as SystemError).hostname], ['ENOTFOUND', 'db']);
    }
  });
  assert.equal(asked, [
    ['db', {}],
    ['db', { family: 'IPv4' }],
    ['db', {}],
  ]);
});

test('options for the stream reach it, and a connect can be yielded again', () => {
  simulate(1, function* (): Co<void> {
    using _listener = Socket.listener({ port: 80 });
    const operation = connect({ port: 80, stream: { noDelay: false } });
    for (let n = 0; n < 2; n++) {
      using stream = yield* operation;
      assert.is(stream.socket.getOption('IPPROTO_TCP', 'TCP_NODELAY'), 0);
    }
    using quick = yield* connect({ port: 80 });
    assert.ok(quick.socket.getOption('IPPROTO_TCP', 'TCP_NODELAY') > 0);
  });
});

test('a connect that is done at once, as on the BSDs, is connected, or is not, without a wait', () => {
  const done = (system: SimulatedSystem): Sys =>
    overriding(system, {
      // Without latency the simulated handshake has ended by now.
      connect: (fd, address) => (system.connect(fd, address) === -constant('EINPROGRESS') ? 0 : -constant('EINVAL')),
    });
  simulate(
    1,
    function* (): Co<void> {
      using _listener = Socket.listener({ port: 80 });
      using stream = yield* connect({ port: 80 });
      assert.is(stream.remoteAddress.port, 80);
      // The first has nobody behind it: what SO_ERROR says counts, and the next is tried at once.
      using second = yield* connect({ host: 'localhost', port: 80, resolve: backwards });
      assert.is(second.remoteAddress.address, '127.0.0.1');
    },
    { wrap: done },
  );
});

const backwards: Resolver = () =>
  (function* () {
    return [
      { family: 'IPv6' as const, address: '::1' },
      { family: 'IPv4' as const, address: '127.0.0.1' },
    ];
  })();

test('a port of ours alone can be chosen, in each family', () => {
  simulate(1, function* (): Co<void> {
    for (const host of ['127.0.0.1', '::1']) {
      using listener = Socket.listener({ host, port: 80 });
      using stream = yield* connect({ host, port: 80, localPort: 4_000 });
      using server = yield* accepted(listener);
      assert.equal([stream.localAddress.port, server.remoteAddress?.port], [4_000, 4_000]);
    }
  });
});

test('what cannot be known of a socket is the error of its connect', () => {
  const wrap = (system: Sys): Sys => failing(system, 'getpeername', 1, 'ENOBUFS');
  const { code, port } = failureOf({ port: 80 }, { wrap });
  assert.equal([code, port], ['ENOBUFS', 80]);
});

test('what is no error of the system is thrown as it is, and closes what was open', () => {
  const bug = new Error('a bug');
  const wrap = (system: SimulatedSystem): Sys =>
    overriding(system, {
      getpeername: () => {
        throw bug;
      },
    });
  assert.is(failureOf({ port: 80 }, { wrap }), bug as unknown as SystemError);
});

test('a stream that cannot be set up closes its socket', () => {
  for (const where of [{ port: 80 }, { path: '\0here' }]) {
    const options = { ...where, stream: { sendBuffer: -1 } } as TcpConnectOptions;
    assert.instance(failureOf(options), RangeError);
  }
});

test('a deadline around it ends it, with nothing left open', () => {
  const at = simulate(1, function* (system): Co<number> {
    system.partition('127.0.0.1', '127.0.0.1', Number.POSITIVE_INFINITY);
    try {
      yield* failAfter(5_000, connect({ port: 80 }));
      assert.unreachable();
    } catch (error) {
      assert.is((error as Error).name, 'TimeoutError');
    }
    return system.now();
  });
  assert.is(at, 5_000);
});

/** A server and a client, which is all that takes part. */
function* exchange(open: () => Socket, client: (listener: Socket) => Op<TcpStream> | Op<UnixStream>): Co<void> {
  using listener = open();
  yield* group(function* (g): Co<void> {
    g.spawn(
      (function* (): Co<void> {
        using server = yield* accepted(listener);
        yield new WriteWait(server);
        server.send('hello');
      })(),
      { daemon: true },
    );
    using stream = yield* client(listener) as Op<TcpStream>;
    assert.is(String(yield* stream.read()), 'hello');
  });
}

for (const [title, make] of UNIX_SYSTEMS) {
  test(`whatever call fails on the way, it ends and leaves nothing open (${title})`, () => {
    const opened = new Opened();
    const sys = make();
    const tcp = (): Co<void> =>
      exchange(
        () => Socket.listener(),
        (listener) => connect({ host: '127.1', port: listener.localAddress.port, localAddress: '127.0.0.1' }),
      );
    let n = 0;
    const unix = (): Co<void> => {
      const path = `\0genloop-connect-${process.pid}-${title}-${n++}`;
      return exchange(
        () => Socket.listener({ path }),
        () => connect({ path }),
      );
    };
    const programs = title === 'real' ? [tcp, unix] : [simulatedTcp, unix];
    for (const program of programs) {
      const { problems, runs } = eachFailure(program, { sys, backend: 'epoll' });
      assert.equal(problems, []);
      const refused = runs.filter(({ call, errno }) => call === 'connect' && errno === 'ECONNREFUSED');
      assert.ok(refused.length > 0 && refused.every(({ systemError }) => systemError?.code === 'ECONNREFUSED'));
    }
    inside(sys, () => opened.close());
  });
}

function simulatedTcp(): Co<void> {
  return exchange(
    () => Socket.listener(),
    (listener) => connect({ host: 'localhost', port: listener.localAddress.port, localAddress: '127.0.0.1' }),
  );
}

test.run();
