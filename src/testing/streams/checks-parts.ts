/** Checks: writes of several parts are one write, whatever the parts, and wherever the system stops in them. */

import { type Co, group } from '../../kernel/index.ts';
import type { Stream } from '../../net/stream.ts';
import { seededRandom } from '../../scheduler/random.ts';
import type { CheckDefinition } from './conformance.ts';
import { equal, follows, holds, pattern, textOf, thrownBy } from './expect.ts';
import { bothWays, cutOff, echoedViews, readViews, untilParked } from './traffic.ts';

/** Parts of this length are never put together with others, by anybody. */
const LARGE = 2000;
const MOST_PARTS = 40;
/** Each two parts that are not put together: more than go to a system at once. */
const VERY_MANY = 300;
const TINY = 97;
/** The size of large parts among very many, at least as large as what is worth gathering. */
const LEAST = 600;

/** The same bytes in parts: none, one, few, large ones, and more of one size than a call takes. */
function* inParts(bytes: Uint8Array, random: () => number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; ) {
    const kind = random();
    const length = kind < 0.2 ? 0 : 1 + Math.floor(random() * (kind < 0.6 ? TINY : LARGE));
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** Writes all of it, some parts at a time. */
function* writeInParts(stream: Stream, bytes: Uint8Array, random: () => number): Co<void> {
  let parts: Uint8Array[] = [];
  for (const part of inParts(bytes, random)) {
    parts.push(part);
    if (parts.length <= random() * MOST_PARTS) continue;
    yield* stream.writev(parts);
    parts = [];
  }
  yield* stream.writev(parts);
}

function* readTiny(stream: Stream, expected: Uint8Array): Co<void> {
  const tiny = new Uint8Array(TINY);
  for (let at = 0; at < expected.length; ) {
    const count = yield* stream.readInto(tiny);
    if (count === null) throw new Error(`the stream ended after ${at} of ${expected.length} bytes`);
    follows(tiny.subarray(0, count), at, expected, 'what came');
    at += count;
  }
}

/** Cuts into parts of this length. */
function cut(bytes: Uint8Array, length: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) parts.push(bytes.subarray(at, at + length));
  return parts;
}

/** @internal */
export const partsChecks: readonly CheckDefinition[] = [
  {
    name: 'text is written as UTF-8, and several parts go as one write',
    *main(one, other) {
      yield* one.write('größer ');
      yield* one.writev(['als ', new Uint8Array([0x31]), '', '0']);
      equal(yield* textOf(other, 15), 'größer als 10', 'the text');
      yield* one.writev([]);
      yield* one.writev(['', new Uint8Array(0)]);
      yield* one.writev(['x']);
      equal(yield* textOf(other, 1), 'x', 'what came after nothing');
      equal(one.bytesWritten, 16, 'how many bytes went');
    },
  },
  {
    name: 'many bytes arrive in order, both ways at once, in parts of random sizes and through tiny buffers',
    *main(one, other, { size, seed }) {
      const random = seededRandom(seed);
      const there = pattern(size, 2);
      const back = pattern(size, 101);
      yield* bothWays([one, other], [there, back], (stream, bytes) => writeInParts(stream, bytes, random), readTiny);
    },
  },
  {
    name: 'more parts than a system takes at once go as one write',
    *main(one, other) {
      const bytes = pattern(VERY_MANY * (LEAST + 1), 13);
      const parts = cut(bytes, LEAST + 1).flatMap((both) => [both.subarray(0, LEAST), both.subarray(LEAST)]);
      yield* group(function* (tasks) {
        tasks.spawn(one.writev(parts));
        yield* readViews(other, 0, bytes);
      });
      equal(one.bytesWritten, bytes.length, 'how many bytes went');
    },
  },
  {
    name: 'a view can be a part, also where the write has to wait',
    *main(one, other, { size }) {
      yield* echoedViews(one, other, pattern(size, 17), (view) => {
        const half = Math.floor(view.length / 2);
        return other.writev([view.subarray(0, half), view.subarray(half)]);
      });
    },
  },
  {
    name: 'a write of parts that is cancelled in the middle says how much has gone, and is the last',
    needs: ['ends'],
    *main(one, other, { tooMuch }) {
      const bytes = pattern(tooMuch, 19);
      yield* cutOff([one, other], bytes, one.writev(cut(bytes, LARGE + 1)), () => one.writev(['x', 'y']));
    },
  },
  {
    name: 'while parts wait to be written a second writer is refused, and a slow reader gets everything',
    *main(one, other, { tooMuch }) {
      const bytes = pattern(tooMuch, 23);
      const parts = cut(bytes, LARGE);
      yield* group(function* (tasks) {
        const writing = tasks.spawn(one.writev(parts));
        yield* untilParked(writing);
        equal((yield* thrownBy(one.writev(parts), 'a second writer')).code, 'ERR_GENLOOP_BUSY', 'its code');
        follows((yield* other.readExactly(1)) as Uint8Array, 0, bytes, 'the first byte');
        holds(!writing.ended, `a write of ${tooMuch} bytes completed while only one was read`);
        yield* readViews(other, 1, bytes);
        yield* writing.join();
      });
      equal(one.bytesWritten, tooMuch, 'how many bytes went');
    },
  },
  {
    name: 'parts that are written to a side that has closed fail',
    needs: ['ends'],
    *main(one, other) {
      other.close();
      const error = yield* thrownBy(
        (function* (): Co<void> {
          for (;;) yield* one.writev([new Uint8Array(LARGE), new Uint8Array(LARGE)]);
        })(),
        'writes to a closed side',
      );
      holds(['EPIPE', 'ECONNRESET', 'EIO'].includes(String(error.code)), `its code is ${String(error.code)}`);
      equal((yield* thrownBy(one.writev(['x']), 'another write')).code, error.code, 'the code of another write');
    },
  },
];
