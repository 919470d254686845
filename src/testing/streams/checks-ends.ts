/** Checks: how streams end, and break. */

import { type Co, group } from '../../kernel/index.ts';
import type { CheckDefinition } from './conformance.ts';
import { equal, holds, textOf, thrownBy } from './expect.ts';

/** @internal */
export const endChecks: readonly CheckDefinition[] = [
  {
    name: 'after end() the other side reads what came, then the end, as often as it asks, and can still answer',
    needs: ['halfClose'],
    *main(one, other) {
      yield* one.write('question');
      one.end();
      one.end();
      equal(yield* textOf(other, 8), 'question', 'what came');
      for (const time of ['first', 'second']) equal(yield* other.read(), null, `the ${time} read after the end`);
      equal(yield* other.readView(), null, 'readView after the end');
      equal(yield* other.readInto(new Uint8Array(1)), null, 'readInto after the end');
      yield* other.write('answer');
      other.end();
      equal(String(yield* one.readAll()), 'answer', 'the answer');
      equal((yield* thrownBy(one.write('more'), 'a write after end()')).code, 'ERR_GENLOOP_ENDED', 'its code');
    },
  },
  {
    name: 'a close ends the other side',
    needs: ['ends'],
    *main(one, other) {
      yield* one.write('last words');
      one.close();
      equal(yield* textOf(other, 10), 'last words', 'what came');
      equal(yield* other.read(), null, 'the read after it');
    },
  },
  {
    name: 'a write to a side that has closed fails',
    needs: ['ends'],
    *main(one, other) {
      other.close();
      const error = yield* thrownBy(
        (function* (): Co<void> {
          // The first may still be taken by the system, whose peer answers that nobody is there.
          for (;;) yield* one.write(new Uint8Array(10_000));
        })(),
        'writes to a closed side',
      );
      holds(['EPIPE', 'ECONNRESET', 'EIO'].includes(String(error.code)), `its code is ${String(error.code)}`);
      const again = yield* thrownBy(one.write('x'), 'another write');
      equal(again.code, error.code, 'the code of another write');
    },
  },
  {
    name: 'a close by another task ends those who wait, and its own stream is of no use any more',
    *main(one, _other, { tooMuch }) {
      yield* group(function* (tasks) {
        const reading = tasks.spawn(thrownBy(one.read(), 'a read of a stream that is closed'));
        const writing = tasks.spawn(thrownBy(one.write(new Uint8Array(tooMuch)), 'a write to a stream that is closed'));
        while (reading.status !== 'parked' || writing.status !== 'parked') yield;
        one.close();
        equal((yield* reading.join()).code, 'ERR_GENLOOP_CLOSED', 'what the reader got');
        equal((yield* writing.join()).code, 'ERR_GENLOOP_CLOSED', 'what the writer got');
      });
      one.close();
      holds(one.closed, 'closed is not true');
      equal((yield* thrownBy(one.read(), 'a read after the close')).code, 'ERR_GENLOOP_CLOSED', 'its code');
      equal((yield* thrownBy(one.write('x'), 'a write after the close')).code, 'ERR_GENLOOP_CLOSED', 'its code');
    },
  },
  {
    name: 'a connection that breaks gives what had come, then the error, once',
    needs: ['reset'],
    *main(one, other, { reset }) {
      yield* one.write('before');
      equal(yield* textOf(other, 6), 'before', 'what came');
      yield* other.write('unread');
      yield* one.peek(6);
      reset?.(one);
      equal((yield* thrownBy(other.read(), 'a read')).code, 'ECONNRESET', 'its code');
      equal(yield* other.read(), null, 'the next read');
      equal((other.failure as { code?: unknown }).code, 'ECONNRESET', 'what failure says');
      equal((yield* thrownBy(other.write('x'), 'a write')).code, 'ECONNRESET', 'its code');
    },
  },
];
