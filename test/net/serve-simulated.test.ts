/** A server of `serve` and its clients, in a world that does its worst. */

import { type Co, failAfter, group, Socket, SystemError, sleep, WriteWait } from 'genloop';
import { idle, listen, type ServeOptions, type ServerCounters, serve, TcpStream } from 'genloop/net';
import { eachSeed, type Faults, simulate } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { resetOnClose } from '../support/situations.ts';
import { suite } from '../support/suite.ts';

const test = suite('serve, simulated');
const TEXT = 'all that is sent comes back. '.repeat(40);
const [OFFICE, FIELD] = ['10.0.0.1', '10.0.0.2'] as const;
const FAULTS: Faults = {
  shortReads: 0.2,
  shortWrites: 0.2,
  spurious: 0.1,
  delay: { probability: 0.5, most: 30 },
  partition: { between: [OFFICE, FIELD], probability: 0.005, most: 2_000 },
};
const WORLD = { hosts: [OFFICE, FIELD], sendBuffer: 2_000 };

interface Place {
  readonly host: string;
  readonly port: number;
}

function* echo(client: TcpStream): Co<void> {
  for (let data = yield* idle(client.readView()); data !== null; data = yield* idle(client.readView())) {
    yield* client.write(data);
  }
}

/** Connects, or says why not. */
function* connected(to: Place, socket: Socket): Co<string | null> {
  try {
    socket.connect(to);
    yield new WriteWait(socket);
    return socket.error()?.code ?? null;
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
}

/** One that says all of it, hears all of it, and goes politely. */
function* polite(to: Place, given: Socket): Co<string> {
  using socket = given;
  assert.is(yield* connected(to, socket), null);
  const stream = new TcpStream(socket);
  let heard = '';
  yield* group(function* (g): Co<void> {
    g.spawn(stream.write(TEXT));
    while (heard.length < TEXT.length) heard += yield* stream.read();
  });
  assert.is(heard, TEXT);
  return 'heard';
}

/** One that breaks off in the middle. */
function* rude(to: Place, given: Socket): Co<string> {
  using socket = resetOnClose(given);
  if ((yield* connected(to, socket)) === null) socket.send(TEXT);
  yield* sleep(20);
  return 'gone';
}

/** A server, and whoever comes; it is stopped when they have gone. */
function* crowd(options: ServeOptions<TcpStream>): Co<ServerCounters> {
  return yield* group(function* (g): Co<ServerCounters> {
    const server = yield* g.start(serve(yield* listen({ host: OFFICE }), echo, options));
    const to = { host: server.address.address, port: server.address.port };
    // All of them before anybody connects: what is left of the descriptors is the server's.
    const sockets = Array.from({ length: 6 }, () => Socket.tcp({ host: FIELD }));
    const visits = sockets.map((socket, n) => g.spawn(n % 3 === 2 ? rude(to, socket) : polite(to, socket)));
    for (const visit of visits) yield* visit.join();
    server.stop({ grace: 60_000 });
    yield* server.ended();
    return server.counters;
  });
}

const quiet = { onError: () => {}, onPause: () => {} };

test('everybody is served, whatever happens to some', () => {
  eachSeed(60, (seed) => {
    const counters = simulate(seed, () => crowd(quiet), { ...WORLD, faults: FAULTS });
    assert.is(counters.active, 0);
    assert.ok(counters.accepted + counters.rejected >= 4, `${counters.accepted}`);
    // The two that break off are the only ones that may fail.
    assert.ok(counters.errors <= 2);
  });
});

test('at its limit everybody is served, two at a time', () => {
  eachSeed(30, (seed) => {
    const counters = simulate(seed, () => crowd({ ...quiet, maxConnections: 2 }), { ...WORLD, faults: FAULTS });
    assert.is(counters.active, 0);
  });
});

test('with too few descriptors it pauses, and serves everybody', () => {
  let pauses = 0;
  eachSeed(30, (seed) => {
    const counters = simulate(seed, () => crowd(quiet), { ...WORLD, descriptors: 12 });
    assert.is(counters.active, 0);
    pauses += counters.pauses;
  });
  assert.ok(pauses >= 15, `${pauses} pauses`);
});

test('whenever it is stopped, it ends; what a client has begun is finished, or it sees an end', () => {
  const outcomes = new Map<string, number>();
  /** One that asks for small things one after the other, until it is told that this is all. */
  function* regular(to: Place): Co<string> {
    using socket = Socket.tcp({ host: FIELD });
    const refusal = yield* connected(to, socket);
    if (refusal !== null) return refusal;
    const stream = new TcpStream(socket);
    try {
      for (;;) {
        yield* stream.write('again');
        for (let heard = ''; heard !== 'again'; ) {
          const data = yield* stream.read();
          if (data === null) return heard === '' ? 'end' : `half an answer: ${heard}`;
          heard += data;
        }
      }
    } catch (error) {
      if (error instanceof SystemError) return error.code;
      throw error;
    }
  }
  eachSeed(80, (seed) => {
    const ends = simulate(
      seed,
      function* (): Co<string[]> {
        return yield* group(function* (g): Co<string[]> {
          const server = yield* g.start(serve(yield* listen({ host: OFFICE }), echo, quiet));
          const to = { host: server.address.address, port: server.address.port };
          const visits = Array.from({ length: 4 }, () => g.spawn(regular(to)));
          yield* sleep(seed);
          server.stop({ grace: 120_000 });
          yield* failAfter(130_000, server.ended());
          assert.is(server.counters.active, 0);
          assert.is(server.counters.errors, 0);
          const all: string[] = [];
          for (const visit of visits) all.push(yield* visit.join());
          return all;
        });
      },
      { ...WORLD, faults: { delay: { probability: 0.5, most: 30 }, shortReads: 0.2 } },
    );
    for (const end of ends) outcomes.set(end, (outcomes.get(end) ?? 0) + 1);
  });
  // Asked after the server's end of the stream: that is heard as a reset, and is no half an answer either.
  for (const end of outcomes.keys()) assert.ok(['end', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(end), end);
  assert.ok((outcomes.get('end') ?? 0) > 0);
});

test.run();
