/** Checks: whatever is written arrives, all of it and in order, in whatever pieces. */

import { type Co, group, pass } from '../../kernel/index.ts';
import type { Stream } from '../../net/stream.ts';
import { seededRandom } from '../../scheduler/random.ts';
import type { CheckDefinition } from './conformance.ts';
import { equal, follows, holds, pattern, textOf } from './expect.ts';
import { bothWays, echoedViews } from './traffic.ts';

const LARGEST_PIECE = 10_000;
const TINY = 97;
/** So many that in any order somebody else gets a turn. */
const READS = 900;

function* writeAll(stream: Stream, bytes: Uint8Array, random: () => number): Co<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes.length - at, 1 + Math.floor(random() * LARGEST_PIECE));
    yield* stream.write(bytes.subarray(at, at + length));
    at += length;
  }
}

function* readAll(stream: Stream, expected: Uint8Array, random: () => number): Co<void> {
  const tiny = new Uint8Array(TINY);
  for (let at = 0; at < expected.length; ) {
    const length = 1 + Math.floor(random() * TINY);
    const offset = Math.floor(random() * (TINY - length + 1));
    const count = yield* stream.readInto(tiny, offset, length);
    if (count === null) throw new Error(`the stream ended after ${at} of ${expected.length} bytes`);
    holds(count >= 1 && count <= length, `readInto gave ${count} bytes for room for ${length}`);
    follows(tiny.subarray(offset, offset + count), at, expected, 'readInto');
    at += count;
  }
}

/** @internal */
export const bytesChecks: readonly CheckDefinition[] = [
  {
    name: 'many bytes arrive in order, both ways at once, in pieces of random sizes and through tiny buffers',
    *main(one, other, { size, seed }) {
      const random = seededRandom(seed);
      const there = pattern(size, 1);
      const back = pattern(size, 100);
      yield* bothWays(
        [one, other],
        [there, back],
        (stream, bytes) => writeAll(stream, bytes, random),
        (stream, expected) => readAll(stream, expected, random),
      );
    },
  },
  {
    name: 'a read gives bytes that stay as they are, and a view holds until the next trap',
    *main(one, other) {
      yield* one.write('first');
      const owned = yield* other.readExactly(5);
      yield* one.write('second');
      const view = yield* other.readView();
      const text = String(view);
      holds('second'.startsWith(text) && text !== '', `readView gave ${JSON.stringify(text)}`);
      if (text.length < 6) yield* textOf(other, 6 - text.length);
      yield* one.write('third');
      yield* textOf(other, 5);
      equal(String(owned), 'first', 'bytes that were read before');
    },
  },
  {
    name: 'a view can be written as it is, also where the write has to wait',
    *main(one, other, { size }) {
      yield* echoedViews(one, other, pattern(size, 7), (view) => other.write(view));
    },
  },
  {
    name: 'a write of nothing completes',
    *main(one, other) {
      yield* one.write('');
      yield* one.write(new Uint8Array(0));
      yield* one.write('x');
      equal(yield* textOf(other, 1), 'x', 'what came');
    },
  },
  {
    name: 'a read takes no more than it is told to',
    *main(one, other) {
      yield* one.write('abcdef');
      let text = '';
      while (text.length < 6) {
        const piece = yield* other.read(2);
        holds(piece !== null && piece.length >= 1 && piece.length <= 2, 'read(2) gave another number of bytes');
        text += String(piece);
      }
      equal(text, 'abcdef', 'what came');
    },
  },
  {
    name: 'a task that reads what is there lets others run',
    *main(one, other) {
      let others = 0;
      yield* one.write(pattern(READS, 3));
      // All of it is there, in a stream that keeps its bytes together.
      yield* other.peek(READS);
      yield* group(function* (tasks) {
        const counting = tasks.spawn(
          (function* (): Co<void> {
            for (;;) {
              others++;
              yield* pass();
            }
          })(),
        );
        for (let at = 0; at < READS; at++) yield* other.readExactly(1);
        counting.cancel();
      });
      holds(others >= 2, `${READS} reads let others run ${others} times`);
    },
  },
  {
    name: 'a slow reader makes the writer wait, and gets everything',
    *main(one, other, { tooMuch }) {
      const bytes = new Uint8Array(tooMuch);
      bytes[tooMuch - 1] = 42;
      let written = false;
      yield* group(function* (tasks) {
        tasks.spawn(
          (function* (): Co<void> {
            yield* one.write(bytes);
            written = true;
          })(),
        );
        yield* other.readExactly(1);
        holds(!written, `a write of ${tooMuch} bytes completed while only one was read`);
        let count = 1;
        let last = 0;
        while (count < tooMuch) {
          const view = yield* other.readView();
          if (view === null) throw new Error(`the stream ended after ${count} bytes`);
          count += view.length;
          last = view[view.length - 1] as number;
        }
        equal([count, last], [tooMuch, 42], 'what came');
      });
      holds(written, 'the write did not complete');
    },
  },
];
