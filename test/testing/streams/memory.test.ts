/** Streams in memory: room, pieces and breaks are as asked for. */

import { group, moveOnAfter } from 'genloop/kernel';
import type { Stream } from 'genloop/net';
import { type MemoryPairOptions, memoryPair } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { runTest } from '../../support/seeded.ts';
import { suite } from '../../support/suite.ts';

const test = suite('memoryPair');

/** The sizes in which a hundred bytes come. */
function pieces(options: MemoryPairOptions): number[] {
  return runTest(function* () {
    const [one, other] = memoryPair(options);
    const sizes: number[] = [];
    yield* one.write(new Uint8Array(100));
    one.end();
    for (let view = yield* other.readView(); view !== null; view = yield* other.readView()) sizes.push(view.length);
    return sizes;
  });
}

test('bytes come as they went, unless pieces are asked for', () => {
  assert.equal(pieces({}), [100]);
  assert.equal(pieces({ chunk: 40 }), [40, 40, 20]);
});

test('a seed decides the sizes of pieces, and again the same', () => {
  const first = pieces({ chunk: 30, seed: 1 });
  assert.ok(first.length > 4 && first.every((size) => size >= 1 && size <= 30));
  assert.equal(pieces({ chunk: 30, seed: 1 }), first);
  assert.not.equal(pieces({ chunk: 30, seed: 2 }), first);
});

test('a write waits where there is no room, and goes on as the other side reads', () => {
  runTest(function* () {
    const [one, other] = memoryPair({ capacity: 10 });
    yield* one.write(new Uint8Array(10));
    assert.is(yield* moveOnAfter(1000, one.write('x'), 'no room'), 'no room');
    yield* group(function* (tasks) {
      tasks.spawn(one.write('0123456789abc'));
      assert.is((yield* other.readExactly(10))?.length, 10);
      assert.is(String(yield* other.readExactly(13)), '0123456789abc');
    });
  });
});

test('each direction has its own room, and the ends have names', () => {
  runTest(function* () {
    const [one, other] = memoryPair({ capacity: 4 });
    yield* one.write('1234');
    yield* other.write('5678');
    assert.is(String(yield* one.read()), '5678');
    assert.is(String(yield* other.read()), '1234');
    assert.equal([String(one), String(other)], ['MemoryStream 1', 'MemoryStream 2']);
  });
});

test('a reset gives the other side what had come, then ECONNRESET as a system says it', () => {
  runTest(function* () {
    const [one, other] = memoryPair();
    yield* one.write('last');
    one.reset();
    assert.ok(one.closed);
    const raised = function* (stream: Stream): Generator<never, unknown, unknown> {
      try {
        yield* stream.read() as unknown as Generator<never, unknown, unknown>;
        return null;
      } catch (error) {
        return error;
      }
    };
    assert.is(String(yield* other.read()), 'last');
    const error = (yield* raised(other)) as { code: string; errno: number; syscall: string; message: string };
    assert.equal([error.code, error.errno, error.syscall], ['ECONNRESET', -104, 'recv']);
    assert.match(error.message, 'connection reset by peer');
    assert.is(yield* other.read(), null);
  });
});

test('what is no capacity, chunk or seed is refused', () => {
  const refused = (options: MemoryPairOptions, message: RegExp): void => {
    assert.throws(
      () => memoryPair(options),
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  };
  for (const count of [0, -1, 1.5, Number.NaN]) {
    refused({ capacity: count }, /capacity must be a whole number of bytes/);
    refused({ chunk: count }, /chunk must be a whole number of bytes/);
  }
  for (const seed of [-1, 0.5]) refused({ seed }, /seed must be a whole number/);
});

test.run();
