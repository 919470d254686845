/** What checks of streams let pass between the two sides, with all that holds of it. */

import { type Co, failAfter, group, type Op, pass, type Task } from '../../kernel/index.ts';
import type { Stream } from '../../net/stream.ts';
import { equal, follows, holds, thrownBy } from './expect.ts';

/** Long enough for nothing: what is waited for never comes. In milliseconds. */
export const BRIEF = 2;

/** Lets others run until this task waits. */
export function* untilParked(task: Task<unknown>): Co<void> {
  while (task.status !== 'parked') yield* pass();
}

/** Sends as many bytes there as back, both at once, and counts them. */
export function* bothWays(
  [one, other]: readonly [Stream, Stream],
  [there, back]: readonly [Uint8Array, Uint8Array],
  write: (stream: Stream, bytes: Uint8Array) => Co<void>,
  read: (stream: Stream, expected: Uint8Array) => Co<void>,
): Co<void> {
  yield* group(function* (tasks) {
    tasks.spawn(write(one, there));
    tasks.spawn(write(other, back));
    tasks.spawn(read(other, there));
    yield* read(one, back);
  });
  equal([one.bytesWritten, other.bytesRead], [there.length, there.length], 'the counters of one direction');
  equal([other.bytesWritten, one.bytesRead], [back.length, back.length], 'the counters of the other direction');
}

/** Sends these bytes there, and back from there by views of them. */
export function* echoedViews(
  one: Stream,
  other: Stream,
  bytes: Uint8Array,
  answer: (view: Uint8Array) => Op<void>,
): Co<void> {
  yield* group(function* (tasks) {
    tasks.spawn(one.write(bytes));
    tasks.spawn(
      (function* (): Co<void> {
        for (let at = 0; at < bytes.length; ) {
          const view = yield* other.readView();
          if (view === null) throw new Error('the stream ended');
          at += view.length;
          yield* answer(view);
        }
      })(),
    );
    for (let at = 0; at < bytes.length; ) {
      const back = yield* one.read();
      if (back === null) throw new Error('the stream ended');
      follows(back, at, bytes, 'what came back');
      at += back.length;
    }
  });
}

/** Reads the bytes from this place on, all of them, by views. */
export function* readViews(stream: Stream, place: number, expected: Uint8Array): Co<void> {
  for (let at = place; at < expected.length; ) {
    const view = yield* stream.readView();
    if (view === null) throw new Error(`the stream ended after ${at} bytes`);
    follows(view, at, expected, 'what came');
    at += view.length;
  }
}

/** Cancels a write of too many bytes in the middle, and tries another: what has gone comes, and nothing else. */
export function* cutOff(
  [one, other]: readonly [Stream, Stream],
  bytes: Uint8Array,
  write: Op<void>,
  another: () => Op<void>,
): Co<void> {
  const error = yield* thrownBy(failAfter(BRIEF, write), 'a write of too much');
  const gone = error.bytesWritten as number;
  equal([error.code, gone], ['ERR_GENLOOP_TIMEOUT', one.bytesWritten], 'its code and bytesWritten');
  holds(gone > 0 && gone < bytes.length, `${gone} of ${bytes.length} bytes have gone`);
  const refused = yield* thrownBy(another(), 'the next write');
  equal([refused.code, refused.bytesWritten], ['ERR_GENLOOP_PARTIAL_WRITE', gone], 'its code and bytesWritten');
  one.close();
  let came = 0;
  for (let view = yield* other.readView(); view !== null; view = yield* other.readView()) {
    follows(view, came, bytes, 'what came');
    came += view.length;
  }
  equal(came, gone, 'how much came');
}
