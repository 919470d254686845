/** What streams promise, over a transport that does what the test says. */

import {
  type CancelError,
  type Co,
  failAfter,
  group,
  type Op,
  pass,
  select,
  sleep,
  type Task,
  type Waker,
} from 'genloop/kernel';
import { Stream } from 'genloop/net';
import * as assert from 'uvu/assert';
import { runTest } from '../support/seeded.ts';
import { inOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { Scripted } from './scripted.ts';

const test = suite('streams');

function scripted(): { transport: Scripted; stream: Stream } {
  const transport = new Scripted();
  return { transport, stream: new Stream(transport) };
}

function* refusal(body: Op<unknown>): Co<Error & { code?: string; bytesWritten?: number }> {
  try {
    yield body;
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('nothing was thrown');
}

/** Lets these come as far as they can. */
function* untilParked(...tasks: Task<unknown>[]): Co<void> {
  while (tasks.some((task) => task.status !== 'parked' && !task.ended)) yield* pass();
}

/** What `yield*` gives, or throws: where the task itself receives, when its turn has come. */
function* inStep(operation: Op<unknown>): Co<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return error;
  }
}

test('a read waits first, receives once a wake, and tries first only after one that filled its buffer', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      const one = tasks.spawn(stream.read());
      yield* untilParked(one);
      assert.is(transport.receives, 0);
      transport.come('one');
      assert.is(String(yield* one.join()), 'one');
      assert.is(transport.receives, 1);
      const two = tasks.spawn(stream.read());
      yield* untilParked(two);
      assert.is(transport.receives, 1, 'a short read has taken all there was');
      transport.come(new Uint8Array(65_536), 'more');
      assert.is((yield* two.join())?.length, 65_536);
      assert.is(transport.receives, 2);
      assert.is(String(yield* stream.read()), 'more');
      assert.equal([transport.receives, transport.waiting[0]], [3, 0]);
    });
  });
});

test('a wake with nothing behind it waits again', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(stream.readView());
      for (let round = 0; round < 3; round++) {
        yield* untilParked(reading);
        transport.come();
        yield* pass();
      }
      yield* untilParked(reading);
      assert.is(transport.receives, 3);
      transport.come('now');
      assert.is(String(yield* reading.join()), 'now');
    });
  });
});

test('rule 31: a second reader and a second writer are refused at once; the first go on, and do not know of each other', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(stream.readLine());
      const writing = tasks.spawn(stream.write('abc'));
      yield* untilParked(reading, writing);
      const second = yield* refusal(stream.read());
      assert.equal([second.name, second.code], ['BusyError', 'ERR_GENLOOP_BUSY']);
      assert.match(second.message, 'another task already reads from a stream of a test');
      assert.is((yield* refusal(stream.readView())).code, 'ERR_GENLOOP_BUSY');
      assert.is((yield* refusal(select([stream.peek(1)]))).code, 'ERR_GENLOOP_BUSY');
      assert.is((yield* refusal(stream.write('x'))).code, 'ERR_GENLOOP_BUSY');
      assert.throws(() => stream.end(), /another task still writes/);
      transport.come('li', 'ne\n');
      transport.come();
      assert.is(yield* reading.join(), 'line');
      transport.allow(2);
      transport.allow(5);
      yield* writing.join();
      assert.is(transport.text, 'abc');
    });
  });
});

test('rule 31: between the wake and the step of a reader nobody else takes what came', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(stream.read());
      yield* untilParked(reading);
      transport.come('for the first');
      // In the same step, so the reader has been woken and has not run.
      assert.is((yield* refusal(stream.read())).code, 'ERR_GENLOOP_BUSY');
      assert.is(String(yield* reading.join()), 'for the first');
    });
  });
});

test('rule 32: a close wakes the reader and the writer with ClosedError, and their waits are undone', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(refusal(stream.readView()));
      const writing = tasks.spawn(refusal(stream.write('abc')));
      yield* untilParked(reading, writing);
      stream.close();
      assert.equal(transport.waiting, [0, 0]);
      for (const task of [reading, writing]) {
        const error = yield* task.join();
        assert.equal(
          [error.code, error.message],
          ['ERR_GENLOOP_CLOSED', 'a stream of a test was closed while a task waited for it'],
        );
      }
      assert.is(transport.closed, 1);
      stream.close();
      stream[Symbol.dispose]();
      assert.is(transport.closed, 1);
    });
  });
});

test('rule 32: a reader that was woken, and whose stream is closed before its turn comes, does not touch it', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(inStep(stream.read()));
      yield* untilParked(reading);
      transport.come('too late');
      stream.close();
      assert.is(((yield* reading.join()) as { code?: string }).code, 'ERR_GENLOOP_CLOSED');
      assert.is(transport.receives, 0);
    });
  });
});

test('rule 33: use after the close is a ClosedError, of every operation', () => {
  const { stream } = scripted();
  runTest(function* () {
    stream.close();
    const reads = [stream.read(), stream.readView(), stream.readInto(new Uint8Array(1)), stream.readExactly(0)];
    const buffered = [
      stream.readLine(),
      stream.readUntil('x'),
      stream.skipUntil('x'),
      stream.readAll(),
      stream.peek(1),
    ];
    for (const operation of [...reads, ...buffered, stream.write('x'), stream.writev([])]) {
      assert.is((yield* refusal(operation)).code, 'ERR_GENLOOP_CLOSED');
    }
    assert.throws(
      () => stream.end(),
      (error: { code?: string }) => error.code === 'ERR_GENLOOP_CLOSED',
    );
  });
});

test('rule 35: a write that is cancelled before any of it has gone leaves the stream as it was', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    const error = yield* refusal(failAfter(5, stream.write('abc')));
    assert.equal([error.code, error.bytesWritten], ['ERR_GENLOOP_TIMEOUT', 0]);
    assert.equal(transport.waiting, [0, 0]);
    transport.room.push(3);
    yield* stream.write('def');
    assert.is(transport.text, 'def');
  });
});

test('rule 35: a write that is cancelled in its middle says how many bytes went, and no write comes after it', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      let caught: (CancelError & { bytesWritten?: number }) | null = null;
      const writing = tasks.spawn(
        (function* (): Co<void> {
          try {
            yield* stream.write('abcdef');
          } catch (error) {
            caught = error as CancelError;
            throw error;
          }
        })(),
      );
      yield* untilParked(writing);
      transport.allow(2, 2);
      assert.is(transport.text, 'abcd');
      writing.cancel();
      yield* pass();
      while (!writing.ended) yield* pass();
      assert.is((caught as { bytesWritten?: number } | null)?.bytesWritten, 4);
      assert.is(stream.bytesWritten, 4);
      for (const next of [stream.write('x'), stream.write(''), stream.writev(['y'])]) {
        const error = yield* refusal(next);
        assert.equal([error.code, error.bytesWritten], ['ERR_GENLOOP_PARTIAL_WRITE', 4]);
        assert.match(error.message, 'an earlier one was cancelled after 4 of 6 bytes');
      }
      // The other direction goes on.
      transport.incoming.push('still here');
      const reading = tasks.spawn(stream.read());
      yield* untilParked(reading);
      transport.come();
      assert.is(String(yield* reading.join()), 'still here');
    });
  });
});

test('rule 35: of several writes that one cancel ends, each catches it with its own number', () => {
  const caught: unknown[] = [];
  const all = [1, 2, 3].map((room) => ({ room, ...scripted() }));
  runTest(function* () {
    yield* refusal(
      failAfter(
        5,
        group(function* (tasks) {
          for (const { room, stream, transport } of all) {
            transport.room.push(room);
            tasks.spawn(
              (function* (): Co<void> {
                try {
                  yield* stream.write('abcdef');
                } catch (error) {
                  caught.push([room, (error as { bytesWritten?: number }).bytesWritten]);
                  throw error;
                }
              })(),
            );
          }
          yield* sleep(10);
        }),
      ),
    );
  });
  assert.equal(
    caught.sort(),
    [1, 2, 3].map((room) => [room, room]),
  );
});

test('rule 35: a write that has begun and loses a choice is cut off too, whether it was parked or not', () => {
  const ready = sleep(0);
  for (const parked of [false, true]) {
    const { transport, stream } = scripted();
    transport.room.push(2);
    runTest(function* () {
      const won = yield* select(parked ? [stream.write('abcd'), sleep(5)] : [stream.write('abcd'), ready]);
      assert.is(won.key, 1);
      assert.equal(transport.waiting, [0, 0]);
      assert.is((yield* refusal(stream.write('x'))).code, 'ERR_GENLOOP_PARTIAL_WRITE');
    });
    assert.is(transport.text, 'ab');
  }
});

test('rule 35: a write that has begun and is refused a wait is cut off too, at its first wait or at a later one', () => {
  const noMemory = Object.assign(new Error('no memory for a wait'), { code: 'ENOMEM' });
  for (const granted of [0, 1]) {
    const { transport, stream } = scripted();
    const ready = transport.writable();
    const { park } = ready;
    let waits = 0;
    ready.park = (waker) => {
      if (waits++ === granted) throw noMemory;
      park.call(ready, waker);
    };
    transport.writable = () => ready;
    transport.room.push(2);
    runTest(function* () {
      yield* group(function* (tasks) {
        const writing = tasks.spawn(refusal(stream.write('abcdef')));
        yield* untilParked(writing);
        if (granted === 1) transport.allow(2);
        const error = yield* writing.join();
        assert.is(error, noMemory);
        assert.is(error.bytesWritten, 2 + 2 * granted);
      });
      assert.is((yield* refusal(stream.write('x'))).code, 'ERR_GENLOOP_PARTIAL_WRITE');
    });
    assert.is(transport.text, granted === 0 ? 'ab' : 'abcd');
  }
});

test('rule 37: data comes first, then the error, once, and then the end; it stays to be asked for', () => {
  const { transport, stream } = scripted();
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(stream.readExactly(3));
      yield* untilParked(reading);
      transport.come(new Uint8Array(65_536).fill(65), reset);
      assert.is(String(yield* reading.join()), 'AAA');
      assert.is(stream.failure, null);
      assert.is((yield* stream.read())?.length, 65_533);
      assert.is(yield* refusal(stream.read()), reset);
      assert.is(yield* stream.read(), null);
      assert.is(yield* stream.readLine(), null);
      assert.is(stream.failure, reset);
      // What a write would find is only what follows from it.
      transport.room.push(Object.assign(new Error('pipe'), { code: 'EPIPE' }));
      assert.is(yield* refusal(stream.write('x')), reset);
      assert.is(yield* refusal(stream.write('x')), reset);
      assert.is(transport.sends, 1);
    });
  });
});

test('rule 37: an error that a write has found is the reader’s too, after the data and in place of the end', () => {
  const { transport, stream } = scripted();
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  runTest(function* () {
    transport.room.push(2, reset);
    const found = yield* refusal(stream.write('abcd'));
    assert.is(found, reset);
    assert.is(found.bytesWritten, 2);
    yield* group(function* (tasks) {
      const reading = tasks.spawn(stream.read());
      yield* untilParked(reading);
      transport.come('data', 'END');
      assert.is(String(yield* reading.join()), 'data');
      const next = tasks.spawn(refusal(stream.read()));
      yield* untilParked(next);
      transport.come();
      assert.is(yield* next.join(), reset);
      assert.is(yield* stream.read(), null);
    });
  });
});

test('an EPIPE is the writer’s alone: the reader reads to the end', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    transport.room.push(Object.assign(new Error('pipe'), { code: 'EPIPE' }));
    assert.is((yield* refusal(stream.write('x'))).code, 'EPIPE');
    yield* group(function* (tasks) {
      const reading = tasks.spawn(stream.readAll());
      yield* untilParked(reading);
      transport.come('rest');
      yield* pass();
      yield* untilParked(reading);
      transport.come('END');
      assert.is(String(yield* reading.join()), 'rest');
    });
    assert.is(stream.failure, null);
  });
});

test('a broken connection in the middle of a line throws its error, and leaves what had come', () => {
  const { transport, stream } = scripted();
  const reset = new Error('reset');
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(refusal(stream.readLine()));
      yield* untilParked(reading);
      transport.come('half a li');
      yield* pass();
      yield* untilParked(reading);
      transport.come(reset);
      assert.is(yield* reading.join(), reset);
      assert.is(String(yield* stream.read()), 'half a li');
      assert.is(yield* stream.read(), null);
    });
  });
});

test('rule 40: reads that never have to wait let others run after 256 KiB', () => {
  // A random order may pick the same task many times.
  inOrder();
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      let largest = 0;
      let burst = 0;
      const counting = tasks.spawn(
        (function* (): Co<void> {
          for (;;) {
            burst = 0;
            yield* pass();
          }
        })(),
      );
      const moved = (count: number): void => {
        burst += count;
        largest = Math.max(largest, burst);
      };
      const block = new Uint8Array(65_536);
      for (let n = 0; n < 200; n++) transport.incoming.push(block);
      const waking = tasks.spawn(stream.read());
      yield* untilParked(waking);
      transport.come();
      yield* waking.join();
      burst = 0;
      for (let n = 0; n < 150; n++) moved((yield* stream.readView())?.length ?? 0);
      counting.cancel();
      assert.ok(largest <= 262_144, `${largest} bytes in one go`);
    });
  });
});

test('what is delivered is read without a call, and stays if the reader is gone', () => {
  const { transport, stream } = scripted();
  const slab = Buffer.from('....delivered....again');
  runTest(function* () {
    yield* group(function* (tasks) {
      const receiver = transport.receiver;
      if (receiver === null) throw new Error('no receiver');
      const reading = tasks.spawn(stream.readView());
      yield* untilParked(reading);
      receiver.deliver(slab, 4, 9, false);
      transport.come();
      assert.is(String(yield* reading.join()), 'delivered');
      const cancelled = tasks.spawn(stream.read());
      yield* untilParked(cancelled);
      receiver.deliver(slab, 17, 5, false);
      cancelled.cancel();
      while (!cancelled.ended) yield* pass();
      receiver.keep();
      slab.fill(0);
      assert.is(String(yield* stream.read()), 'again');
      assert.is(transport.receives, 0);
      receiver.end();
      assert.is(yield* stream.read(), null);
      assert.equal([stream.bytesRead, transport.receives], [14, 0]);
    });
  });
});

test('what is delivered in several pieces, and a failure after them, comes in this order', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    const { receiver } = transport;
    if (receiver === null) throw new Error('no receiver');
    const slab = Buffer.from('abc');
    receiver.deliver(slab, 0, 2, true);
    receiver.deliver(slab, 2, 1, false);
    slab.fill(0x2e);
    const failure = new Error('it broke');
    receiver.fail(failure);
    assert.is(String(yield* stream.read(2)), 'ab');
    assert.is(String(yield* stream.read(2)), 'c');
    assert.is(yield* refusal(stream.read()), failure);
    assert.is(yield* stream.read(), null);
  });
});

test('a result that is refused in a choice goes back to where it was', () => {
  const reads = (stream: Stream): Op<unknown>[] => [
    stream.read(),
    stream.readView(),
    stream.readLine(),
    stream.readUntil('\n'),
    stream.readExactly(5),
    stream.readInto(new Uint8Array(5)),
  ];
  for (let index = 0; index < 6; index++) {
    const { transport, stream } = scripted();
    runTest(function* () {
      const probe: { kernel?: Waker<unknown>['kernel'] } = {};
      const read = reads(stream)[index] as Op<unknown>;
      yield* group(function* (tasks) {
        // Somebody whose wait was decided elsewhere, and who has not said so.
        const other = tasks.spawn(sleep(1));
        probe.kernel = other.kernel;
        let refused = 0;
        const refuse = (): boolean => {
          refused++;
          return false;
        };
        read.park({ kernel: other.kernel, state: undefined, wake: refuse, fail: refuse });
        transport.come('line\nrest');
        assert.is(refused, 1);
        assert.is(String(yield* stream.readExactly(9)), 'line\nrest');
      });
    });
  }
});

test('an error that nobody heard in a choice is told to the next', () => {
  const { transport, stream } = scripted();
  const reset = new Error('reset');
  runTest(function* () {
    yield* group(function* (tasks) {
      const other = tasks.spawn(sleep(1));
      const refuse = (): boolean => false;
      stream.read().park({ kernel: other.kernel, state: undefined, wake: refuse, fail: refuse });
      transport.come(reset);
      assert.is(yield* refusal(stream.read()), reset);
    });
  });
});

test('readInto receives in the buffer itself, and says null at the end', () => {
  const { transport, stream } = scripted();
  const buffer = new Uint8Array(8).fill(46);
  runTest(function* () {
    yield* group(function* (tasks) {
      const reading = tasks.spawn(
        (function* (): Co<number | null> {
          return yield* stream.readInto(buffer, 2, 3);
        })(),
      );
      yield* untilParked(reading);
      transport.come('abcdef');
      assert.is(yield* reading.join(), 3);
      assert.is(String.fromCharCode(...buffer), '..abc...');
      assert.is(yield* stream.readInto(buffer), 3);
      transport.incoming.push('END');
      const last = tasks.spawn(stream.readInto(buffer));
      yield* untilParked(last);
      transport.come();
      assert.is(yield* last.join(), null);
    });
  });
});

test('arguments that are none are refused where they are given, with what would be right', () => {
  const { stream } = scripted();
  const refused = (call: () => unknown, message: RegExp): void => {
    assert.throws(call, (error: Error) => message.test(error.message) && /Type|Range/.test(error.name));
  };
  for (const max of [0, -1, 1.5, Number.NaN]) refused(() => stream.read(max), /max must be a whole number of bytes/);
  refused(() => stream.readInto('x' as never), /readInto takes a Uint8Array/);
  refused(() => stream.readInto(new Uint8Array(4), 5), /offset must be a place in the buffer of 4 bytes, not 5/);
  refused(() => stream.readInto(new Uint8Array(4), 2, 3), /3 bytes from 2 on do not fit into a buffer of 4 bytes/);
  refused(() => stream.readInto(new Uint8Array(0)), /length must be/);
  for (const size of [-1, 0.5, Number.POSITIVE_INFINITY]) refused(() => stream.readExactly(size), /size must be/);
  refused(() => stream.peek(0), /size must be/);
  for (const limit of [0, -5, Number.NaN]) {
    refused(() => stream.readLine({ limit }), /limit must be/);
    refused(() => stream.readUntil('x', { limit }), /limit must be/);
    refused(() => stream.readAll({ limit }), /limit must be/);
    refused(() => stream.lines({ limit }).next(), /limit must be/);
  }
  refused(() => stream.readUntil(''), /a delimiter has at least one byte/);
  refused(() => stream.skipUntil(7 as never), /a delimiter is a string or a Uint8Array/);
  for (const data of [null, undefined, 5, {}]) refused(() => stream.write(data as never), /data must be a string or/);
});

test('operations and streams say what they are', () => {
  const { stream } = scripted();
  assert.is(String(stream), 'a stream of a test');
  assert.is(stream.read().describe(), 'a read from a stream of a test');
  assert.is(stream.write('äb').describe(), 'a write of 3 bytes to a stream of a test');
});

test('a write can be yielded again, and writes again; by two tasks at once the second is refused', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    const write = stream.write('ab');
    transport.room.push(9, 9);
    yield* write;
    yield* write;
    assert.is(transport.text, 'abab');
    yield* group(function* (tasks) {
      const first = tasks.spawn(write);
      yield* untilParked(first);
      assert.is((yield* refusal(write)).code, 'ERR_GENLOOP_BUSY');
      transport.allow(9);
      yield* first.join();
    });
    assert.is(transport.text, 'ababab');
  });
});

test('a large write goes on by itself as there is room, without a step of its task', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    yield* group(function* (tasks) {
      let steps = 0;
      const writing = tasks.spawn(
        (function* (): Co<void> {
          yield* stream.write(new Uint8Array(100));
          steps++;
        })(),
      );
      yield* untilParked(writing);
      for (let round = 0; round < 9; round++) transport.allow(10);
      assert.equal([steps, writing.status, stream.bytesWritten], [0, 'parked', 90]);
      transport.allow(10);
      yield* writing.join();
      assert.equal([steps, stream.bytesWritten], [1, 100]);
    });
  });
});

test('after end() nothing is written, and end() is told to the transport once', () => {
  const { transport, stream } = scripted();
  runTest(function* () {
    stream.end();
    stream.end();
    assert.is(transport.ended, 1);
    const error = yield* refusal(stream.write('x'));
    assert.equal([error.name, error.code], ['EndedError', 'ERR_GENLOOP_ENDED']);
  });
});

test.run();
