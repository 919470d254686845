/** Checks: reads of so much, or up to there. */

import { type Co, group } from '../../kernel/index.ts';
import type { CheckDefinition } from './conformance.ts';
import { equal, follows, pattern, textOf, thrownBy } from './expect.ts';

/** @internal */
export const bufferedChecks: readonly CheckDefinition[] = [
  {
    name: 'lines, pieces and exact numbers of bytes follow each other in one stream',
    *main(one, other) {
      yield* group(function* (tasks) {
        tasks.spawn(one.write('HELO\r\nsize 5\n\n12345key=value;;rest of it\nend'));
        equal(yield* other.readLine(), 'HELO', 'a line that ends with CR LF');
        equal(yield* other.readLine(), 'size 5', 'a line that ends with LF');
        equal(yield* other.readLine(), '', 'an empty line');
        equal(yield* textOf(other, 5), '12345', 'five bytes');
        equal(String(yield* other.peek(3)), 'key', 'a look ahead');
        equal(String(yield* other.readUntil('=')), 'key', 'up to a byte');
        equal(String(yield* other.readUntil(';;')), 'value', 'up to two bytes');
        equal(yield* other.skipUntil('of '), 8, 'what was passed over');
        equal(yield* other.readLine(), 'it', 'the rest of the line');
        equal(yield* textOf(other, 3), 'end', 'the rest');
        equal(String(yield* other.readExactly(0)), '', 'no bytes');
      });
    },
  },
  {
    name: 'a thousand lines come one by one',
    *main(one, other) {
      const lines = Array.from({ length: 1000 }, (_, index) => `${index} ${'x'.repeat(index % 90)}`);
      yield* group(function* (tasks) {
        tasks.spawn(one.write(`${lines.join('\r\n')}\r\n`));
        for (const line of lines) equal(yield* other.readLine(), line, 'a line');
      });
    },
  },
  {
    name: 'large pieces of an exact size come whole',
    *main(one, other) {
      const bytes = pattern(300_000, 5);
      yield* group(function* (tasks) {
        tasks.spawn(one.write(bytes));
        let at = 0;
        for (const size of [4, 100_000, 1, 65_536, 134_459]) {
          const piece = yield* other.readExactly(size);
          equal(piece?.length, size, 'the length');
          follows(piece as Uint8Array, at, bytes, 'a piece');
          at += size;
        }
      });
    },
  },
  {
    name: 'a line over the limit is an error that takes nothing',
    *main(one, other) {
      yield* one.write('0123456789\nnext\n');
      const error = yield* thrownBy(other.readLine({ limit: 9 }), 'a line that is too long');
      equal([error.code, error.limit], ['ERR_GENLOOP_LIMIT', 9], 'its code and limit');
      const until = yield* thrownBy(other.readUntil('\n', { limit: 5 }), 'a piece that is too long');
      equal(until.code, 'ERR_GENLOOP_LIMIT', 'its code');
      equal(yield* other.readLine({ limit: 10 }), '0123456789', 'the same line, with a larger limit');
      equal(yield* other.readLine(), 'next', 'the line after it');
      yield* one.write('far too long\nshort\n');
      equal((yield* thrownBy(other.readLine({ limit: 4 }), 'another')).code, 'ERR_GENLOOP_LIMIT', 'its code');
      equal(yield* other.skipUntil('\n'), 13, 'what was passed over');
      equal(yield* other.readLine(), 'short', 'the line after that');
    },
  },
  {
    name: 'an end in the middle is an error that has what had come',
    needs: ['halfClose'],
    *main(one, other) {
      yield* one.write('whole\nhal');
      one.end();
      equal(yield* other.readLine(), 'whole', 'the line before');
      const error = yield* thrownBy(other.readLine(), 'half a line');
      equal([error.code, String(error.partial)], ['ERR_GENLOOP_UNEXPECTED_END', 'hal'], 'its code and bytes');
      equal(yield* other.readLine(), null, 'the next line');
      yield* other.write('12345');
      other.end();
      const short = yield* thrownBy(one.readExactly(6), 'six bytes of five');
      equal([short.code, String(short.partial)], ['ERR_GENLOOP_UNEXPECTED_END', '12345'], 'its code and bytes');
      equal(yield* one.readExactly(6), null, 'the next six');
    },
  },
  {
    name: 'lines() ends with the stream, and a last line without an end counts if it is asked for',
    needs: ['halfClose'],
    *main(one, other) {
      yield* group(function* (tasks) {
        tasks.spawn(
          (function* (): Co<void> {
            yield* one.write('a\nb\nc');
            one.end();
          })(),
        );
        const lines: (string | null)[] = [];
        for (const next of other.lines({ unterminated: true })) lines.push(yield* next);
        equal(
          lines.filter((line) => line !== null),
          ['a', 'b', 'c'],
          'the lines',
        );
      });
    },
  },
  {
    name: 'readAll reads to the end, within its limit',
    needs: ['halfClose'],
    *main(one, other) {
      const bytes = pattern(200_000, 9);
      yield* group(function* (tasks) {
        tasks.spawn(
          (function* (): Co<void> {
            yield* one.write(bytes);
            one.end();
          })(),
        );
        equal((yield* thrownBy(other.readAll({ limit: 1000 }), 'too much')).code, 'ERR_GENLOOP_LIMIT', 'its code');
        const all = yield* other.readAll();
        equal(all.length, bytes.length, 'the length');
        follows(all, 0, bytes, 'all');
        equal((yield* other.readAll()).length, 0, 'what is left');
      });
    },
  },
];
