/** Writes of several parts: over a transport that takes what the test says, and over those of the system. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Co, failAfter, group, type Op, pass, select, sleep, type Task } from 'genloop/kernel';
import { FdStream, Stream, UnixStream } from 'genloop/net';
import { pipe, realSys, Socket } from 'genloop/os';
import * as assert from 'uvu/assert';
import { lend } from '../../src/net/borrowed.ts';
import { runSync, runTest } from '../support/seeded.ts';
import { inOrder } from '../support/seeds.ts';
import { holding } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';
import { Gathering, Scripted } from './scripted.ts';

const test = suite('writev');

/** What a call takes at most. */
const MOST = 256;
const LARGE = 600;

function gathering(): { transport: Gathering; stream: Stream } {
  const transport = new Gathering();
  return { transport, stream: new Stream(transport) };
}

function part(length: number, fill: string): Buffer {
  return Buffer.alloc(length, fill);
}

/** Large ones, small ones side by side, empty ones, and text. */
function mixed(): (Uint8Array | string)[] {
  return [part(700, 'a'), '', part(512, 'b'), 'c', part(2, 'd'), new Uint8Array(0), 'é', part(900, 'f'), 'g'];
}

const WHOLE = Buffer.concat(mixed().map((one) => Buffer.from(one as string)));

function* refusal(body: Op<unknown>): Co<Error & { code?: string; bytesWritten?: number }> {
  try {
    yield body;
  } catch (error) {
    return error as Error & { code?: string; bytesWritten?: number };
  }
  throw new Error('nothing was thrown');
}

function* untilParked(...tasks: Task<unknown>[]): Co<void> {
  while (tasks.some((task) => task.status !== 'parked' && !task.ended)) yield* pass();
}

test('large parts are handed over as they are, and small neighbours as one, in one call', () => {
  const { transport, stream } = gathering();
  transport.room.push(Number.POSITIVE_INFINITY);
  runTest(function* () {
    yield* stream.writev(mixed());
  });
  assert.is(Buffer.compare(Buffer.from(transport.outgoing), WHOLE), 0);
  // a, b, 'cddé', f, g
  assert.equal(transport.gathered, [[5, 0]]);
  assert.is(stream.bytesWritten, WHOLE.length);
});

test('little in all is one piece, for which nothing is gathered, and nothing at all is a write of nothing', () => {
  const { transport, stream } = gathering();
  transport.room.push(9999, 9999);
  runTest(function* () {
    yield* stream.writev(['head ', part(1000, 'x'), part(1000, 'y')]);
    yield* stream.writev([]);
    yield* stream.writev(['', new Uint8Array(0)]);
  });
  assert.equal([transport.gathered, transport.sends, stream.bytesWritten], [[], 1, 2005]);
  assert.is(transport.text, `head ${'x'.repeat(1000)}${'y'.repeat(1000)}`);
});

test('a transport that does not gather is given one piece', () => {
  const transport = new Scripted();
  const stream = new Stream(transport);
  transport.room.push(1000, 9999);
  runTest(function* () {
    yield* stream.writev(mixed());
  });
  assert.is(Buffer.compare(Buffer.from(transport.outgoing), WHOLE), 0);
  assert.is(transport.sends, 2);
});

test('wherever a call stops, in a part or between two, the next goes on there', () => {
  for (let at = 1; at < WHOLE.length; at++) {
    const { transport, stream } = gathering();
    transport.room.push(at, Number.POSITIVE_INFINITY);
    runTest(function* () {
      yield* stream.writev(mixed());
    });
    assert.is(Buffer.compare(Buffer.from(transport.outgoing), WHOLE), 0, `stopped at ${at}`);
    assert.equal([transport.gathered.at(-1), stream.bytesWritten], [[5, at], WHOLE.length]);
  }
});

test('it goes on by itself as there is room for a byte, without a step of its task', () => {
  const { transport, stream } = gathering();
  runTest(function* () {
    yield* group(function* (tasks) {
      const writing = tasks.spawn(stream.writev(mixed()));
      yield* untilParked(writing);
      for (let at = 1; at < WHOLE.length; at++) transport.allow(1);
      assert.equal([writing.status, stream.bytesWritten], ['parked', WHOLE.length - 1]);
      transport.allow(1);
      yield* writing.join();
    });
  });
  assert.is(Buffer.compare(Buffer.from(transport.outgoing), WHOLE), 0);
});

test('of very many parts a call is given those that a system takes, and the same ones until they have gone', () => {
  const { transport, stream } = gathering();
  const parts = Array.from({ length: 2 * MOST + 3 }, (_, n) => part(LARGE, String.fromCharCode(65 + (n % 26))));
  const room = [1, MOST * LARGE - 1, MOST * LARGE - LARGE, LARGE, 100, 1, 9999];
  transport.room.push(...room);
  runTest(function* () {
    yield* stream.writev(parts);
  });
  assert.is(Buffer.compare(Buffer.from(transport.outgoing), Buffer.concat(parts)), 0);
  assert.equal(transport.gathered, [
    [MOST, 0],
    [MOST, 1],
    [MOST, 0],
    [MOST, MOST * LARGE - LARGE],
    [3, 0],
    [3, 100],
    [3, 101],
  ]);
});

test('it can be yielded again, also after one that took several windows', () => {
  const { transport, stream } = gathering();
  const parts = Array.from({ length: MOST + 1 }, () => part(LARGE, 'x'));
  const write = stream.writev(parts);
  runTest(function* () {
    for (let round = 1; round <= 2; round++) {
      transport.room.push(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      yield* write;
      assert.is(stream.bytesWritten, round * (MOST + 1) * LARGE);
    }
  });
  assert.equal(
    transport.gathered.map(([count]) => count),
    [MOST, 1, MOST, 1],
  );
});

test('one writer at a time, whether it writes a part or several', () => {
  const { transport, stream } = gathering();
  runTest(function* () {
    yield* group(function* (tasks) {
      const first = tasks.spawn(stream.writev(mixed()));
      yield* untilParked(first);
      for (const second of [stream.write('x'), stream.writev(['x']), stream.writev(mixed())]) {
        assert.is((yield* refusal(second)).code, 'ERR_GENLOOP_BUSY');
      }
      assert.throws(() => stream.end(), /another task still writes/);
      transport.allow(9999);
      yield* first.join();
    });
  });
  assert.is(Buffer.compare(Buffer.from(transport.outgoing), WHOLE), 0);
});

test('cancelled before its first byte it leaves the stream as it was, and in its middle it is the last', () => {
  const { transport, stream } = gathering();
  runTest(function* () {
    const before = yield* refusal(failAfter(5, stream.writev(mixed())));
    assert.equal([before.code, before.bytesWritten], ['ERR_GENLOOP_TIMEOUT', 0]);
    transport.room.push(705);
    const middle = yield* refusal(failAfter(5, stream.writev(mixed())));
    assert.equal([middle.code, middle.bytesWritten, stream.bytesWritten], ['ERR_GENLOOP_TIMEOUT', 705, 705]);
    assert.equal(transport.waiting, [0, 0]);
    for (const next of [stream.write('x'), stream.writev(mixed())]) {
      const error = yield* refusal(next);
      assert.equal([error.code, error.bytesWritten], ['ERR_GENLOOP_PARTIAL_WRITE', 705]);
      assert.match(error.message, `after 705 of ${WHOLE.length} bytes`);
    }
  });
});

test('begun in a choice that it loses, it is cut off', () => {
  const { transport, stream } = gathering();
  transport.room.push(3);
  runTest(function* () {
    assert.is((yield* select([stream.writev(mixed()), sleep(0)])).key, 1);
    assert.is((yield* refusal(stream.write('x'))).code, 'ERR_GENLOOP_PARTIAL_WRITE');
  });
  assert.is(transport.text, 'aaa');
});

test('parts that never have to wait let others run after 256 KiB', () => {
  inOrder();
  const { transport, stream } = gathering();
  const piece = 65_536;
  const parts = Array.from({ length: 16 }, () => new Uint8Array(piece));
  transport.room.push(...parts.map(() => piece));
  const seen: number[] = [];
  runTest(function* () {
    yield* group(function* (tasks) {
      const writing = tasks.spawn(stream.writev(parts));
      while (!writing.ended) {
        if (seen.at(-1) !== stream.bytesWritten) seen.push(stream.bytesWritten);
        yield* pass();
      }
    });
  });
  assert.equal(
    seen.filter((bytes) => bytes > 0 && bytes < 16 * piece),
    [1, 2, 3].map((bursts) => bursts * 262_144),
  );
});

test('an error in its middle says how many bytes had gone, and ends the writing', () => {
  const { transport, stream } = gathering();
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  transport.room.push(1300, reset);
  runTest(function* () {
    const error = yield* refusal(stream.writev(mixed()));
    assert.ok(error === reset);
    assert.is(error.bytesWritten, 1300);
    assert.ok((yield* refusal(stream.writev(mixed()))) === reset);
  });
});

test('parts that were lent are copied where the write has to wait, whether they have gone or not', () => {
  const { transport, stream } = gathering();
  const memory = Buffer.alloc(2000, 'l');
  lend(memory);
  transport.room.push(1500);
  runTest(function* () {
    yield* group(function* (tasks) {
      const parts = [memory.subarray(0, 1000), part(600, 'o'), memory.subarray(1000)];
      const writing = tasks.spawn(stream.writev(parts));
      yield* untilParked(writing);
      memory.fill('?');
      transport.allow(9999);
      yield* writing.join();
    });
  });
  assert.is(transport.text, `${'l'.repeat(1000)}${'o'.repeat(600)}${'l'.repeat(1000)}`);
});

test('small parts are taken when it is called, large ones when they go', () => {
  const { transport, stream } = gathering();
  const small = part(4, 's');
  const large = part(4000, 'L');
  const write = stream.writev([small, small, large]);
  small.fill('?');
  large.fill('l');
  transport.room.push(9999);
  runTest(function* () {
    yield* write;
  });
  assert.is(transport.text, `ssssssss${'l'.repeat(4000)}`);
});

test('arguments that are no parts are refused where they are given', () => {
  const { stream } = gathering();
  for (const parts of ['text', new Uint8Array(3), null, 7, { length: 0 }]) {
    assert.throws(() => stream.writev(parts as never), /writev takes an array of strings and Uint8Arrays/);
  }
  for (const one of [null, undefined, 5, {}, [1]]) {
    assert.throws(() => stream.writev(['x', one as never]), /data must be a string or a Uint8Array/);
  }
  assert.is(stream.writev(mixed()).describe(), `a write of ${WHOLE.length} bytes to a stream of a test`);
});

/** Which calls send, of a stream's writes. */
function callsOf(make: () => Stream, body: (stream: Stream) => Co<void>): string[] {
  const real = realSys();
  const calls: string[] = [];
  const noting =
    <Given extends unknown[]>(name: string, call: (...given: Given) => number) =>
    (...given: Given): number => {
      calls.push(name);
      return call(...given);
    };
  const { send, write, writev, sendmsg } = real;
  const sys = overriding(real, {
    send: noting('send', send),
    write: noting('write', write),
    writev: noting('writev', writev),
    sendmsg: noting('sendmsg', sendmsg),
  });
  using stream = inside(sys, make);
  runSync(() => body(stream));
  return calls;
}

function* oneOfEach(stream: Stream): Co<void> {
  yield* stream.write('x');
  yield* stream.writev(['a', 'b']);
  yield* stream.writev([part(1500, 'a'), part(1500, 'b')]);
}

test(
  'sockets gather by sendmsg, which raises no signal, and pipes by writev',
  holding((opened) => {
    const socket = (): Stream => {
      const [one, other] = Socket.pair();
      opened.keep(other);
      return new UnixStream(one);
    };
    assert.equal(callsOf(socket, oneOfEach), ['send', 'send', 'sendmsg']);
    const end = (): Stream => {
      const { reader, writer } = pipe();
      opened.keep(reader);
      return new FdStream(writer);
    };
    assert.equal(callsOf(end, oneOfEach), ['write', 'write', 'writev']);
  }),
);

test(
  'a descriptor that has to stay blocking is written to in pieces for which there surely is room',
  holding((opened) => {
    const { reader, writer } = pipe();
    opened.keep(reader);
    writer.nonBlocking = false;
    using stream = new FdStream({ reader, writer });
    runSync(function* () {
      yield* group(function* (tasks) {
        // More than a pipe holds: a call that took all of it would block the thread for ever.
        const parts = Array.from({ length: 100 }, (_, n) => part(1000 + n, 'p'));
        const size = Buffer.concat(parts).length;
        const writing = tasks.spawn(stream.writev(parts));
        const all = yield* stream.readExactly(size);
        assert.is(String(all), 'p'.repeat(size));
        yield* writing.join();
      });
    });
  }),
);

test(
  'memory that is given away before it has gone is an error, and no endless loop',
  holding((opened) => {
    const [one, other] = Socket.pair();
    opened.keep(other);
    const stream = opened.keep(new UnixStream(one));
    runSync(function* () {
      yield* group(function* (tasks) {
        const parts = [new Uint8Array(2_000_000), new Uint8Array(2_000_000)];
        const writing = tasks.spawn(refusal(stream.writev(parts)));
        yield* untilParked(writing);
        for (const { buffer } of parts) structuredClone(buffer, { transfer: [buffer] });
        const drain = tasks.spawn(new UnixStream(other).readAll());
        const error = yield* writing.join();
        assert.match(error.message, /offset is beyond|was given away before all of it had gone/);
        stream.close();
        assert.is((yield* drain.join()).length, error.bytesWritten);
      });
    });
  }),
);

test('a socket whose peer has gone says EPIPE and raises no SIGPIPE', () => {
  const file = fileURLToPath(new URL('sigpipe.ts', import.meta.url));
  const args = ['--conditions=genloop-source', '--import', import.meta.resolve('tsx'), file];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal([stdout, stderr], ['EPIPE EPIPE, signals: 0\n', '']);
});

test.run();
