/** Checks: nothing is lost by a cancel, a deadline or a lost choice, and one task reads and one writes at a time. */

import { type Co, failAfter, group, type Op, pass, select, sleep } from '../../kernel/index.ts';
import type { Stream } from '../../net/stream.ts';
import type { CheckDefinition } from './conformance.ts';
import { equal, follows, pattern, textOf, thrownBy } from './expect.ts';
import { BRIEF, cutOff, untilParked } from './traffic.ts';

/** Reads of more than has come. */
function readsOfMore(stream: Stream): readonly Op<unknown>[] {
  return [stream.readExactly(100), stream.readLine(), stream.readUntil('#'), stream.peek(100), stream.readAll()];
}

/** @internal */
export const cancelChecks: readonly CheckDefinition[] = [
  {
    name: 'a read that is cancelled in the middle has taken nothing',
    *main(one, other) {
      yield* one.write('some');
      yield* other.peek(4);
      for (const read of readsOfMore(other)) {
        yield* group(function* (tasks) {
          const reading = tasks.spawn(read);
          yield* untilParked(reading);
          reading.cancel();
        });
      }
      yield* one.write(' more');
      equal(yield* textOf(other, 9), 'some more', 'what is read after that');
    },
  },
  {
    name: 'a read that times out in the middle has taken nothing',
    *main(one, other) {
      yield* one.write('some');
      for (const read of readsOfMore(other)) {
        equal((yield* thrownBy(failAfter(BRIEF, read), 'a read of more')).code, 'ERR_GENLOOP_TIMEOUT', 'its code');
      }
      yield* one.write(' more');
      equal(yield* textOf(other, 9), 'some more', 'what is read after that');
      const late = thrownBy(failAfter(BRIEF, other.readInto(new Uint8Array(8))), 'a read of nothing');
      equal((yield* late).code, 'ERR_GENLOOP_TIMEOUT', 'its code');
      equal((yield* thrownBy(failAfter(BRIEF, other.readView()), 'a view')).code, 'ERR_GENLOOP_TIMEOUT', 'its code');
      yield* one.write('!');
      equal(yield* textOf(other, 1), '!', 'what is read after that');
    },
  },
  {
    name: 'a read that loses a choice has taken nothing, and one that wins has all',
    *main(one, other) {
      yield* one.write('1');
      yield* other.peek(1);
      const lost = yield* select({ line: other.readLine(), pause: sleep(BRIEF) });
      equal(lost.key, 'pause', 'which came first');
      yield* one.write('2\n34');
      equal(
        yield* select({ line: other.readLine(), never: sleep(Number.POSITIVE_INFINITY) }),
        won('line', '12'),
        'a line',
      );
      const view = yield* select({ view: other.readView(), never: sleep(Number.POSITIVE_INFINITY) });
      const first = String(view.value);
      equal(first + (yield* textOf(other, 2 - first.length)), '34', 'a view and the rest');
    },
  },
  {
    name: 'bytes and cancels in any order lose nothing',
    *main(one, other, { seed }) {
      const bytes = pattern(2000, seed);
      const came: number[] = [];
      yield* group(function* (tasks) {
        tasks.spawn(
          (function* (): Co<void> {
            for (let at = 0; at < bytes.length; at += 10) {
              yield* one.write(bytes.subarray(at, at + 10));
              yield* pass();
            }
          })(),
        );
        for (let round = 0; came.length < bytes.length; round++) {
          const reading = tasks.spawn(
            (function* (): Co<void> {
              const piece = round % 2 === 0 ? yield* other.read(7) : yield* other.readExactly(1);
              if (piece === null) throw new Error('the stream ended');
              came.push(...piece);
            })(),
          );
          for (let turns = round % 5; turns > 0; turns--) yield* pass();
          if (round % 3 !== 0) reading.cancel();
          while (!reading.ended) yield* pass();
        }
      });
      follows(Uint8Array.from(came), 0, bytes, 'what was read');
    },
  },
  {
    name: 'a write that is cancelled in the middle says how much has gone, and is the last',
    needs: ['ends'],
    *main(one, other, { tooMuch }) {
      const bytes = pattern(tooMuch, 11);
      yield* cutOff([one, other], bytes, one.write(bytes), () => one.write('x'));
    },
  },
  {
    name: 'a second reader is refused at once, and the first goes on; so with writers; a reader and a writer are fine',
    *main(one, other, { tooMuch }) {
      yield* group(function* (tasks) {
        const reading = tasks.spawn(one.read());
        yield* untilParked(reading);
        for (const read of [one.read(), one.readView(), one.readLine(), one.peek(1), ...readsOfMore(one)]) {
          equal((yield* thrownBy(read, 'a second reader')).code, 'ERR_GENLOOP_BUSY', 'its code');
        }
        const writing = tasks.spawn(one.write(new Uint8Array(tooMuch)));
        yield* untilParked(writing);
        equal((yield* thrownBy(one.write('x'), 'a second writer')).code, 'ERR_GENLOOP_BUSY', 'its code');
        yield* other.write('x');
        equal(String(yield* reading.join()), 'x', 'what the first reader got');
        for (let left = tooMuch; left > 0; ) left -= (yield* other.readView())?.length ?? left;
        yield* writing.join();
      });
      equal(one.bytesWritten, tooMuch, 'what was written');
    },
  },
];

function won<T>(key: string, value: T): { key: string; value: T } {
  return { key, value };
}
