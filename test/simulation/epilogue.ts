/**
 * What comes after a program: the streams that it left open are read to their ends, by another scheduler, which receives and sends in the other ways. What
 * was sent and nobody has read must still come, and whoever was cancelled must not have taken any of it along.
 */

import { type Co, InternalError } from 'genloop/kernel';
import { Scheduler } from 'genloop/scheduler';
import type { SimulatedSystem } from 'genloop/testing';
import { kernelOf, round, settle, silence } from './inside.ts';
import type { Program } from './program.ts';
import type { StreamEnd } from './stream-end.ts';
import { Reading } from './transfers.ts';
import type { Witness } from './witness.ts';

const FOREVER = -1;
/** Far more than it takes. */
const MOST_ROUNDS = 5000;
const LONG_READ = 100_000;

/** Ends all directions, and reads all. */
export function readToTheEnds(
  streams: readonly StreamEnd[],
  system: SimulatedSystem,
  { backend, receive, send }: Program,
  witness: Witness,
): void {
  const open = streams.filter(({ stream }) => !stream.closed);
  if (open.length === 0) return;
  for (const end of open) {
    try {
      end.stream.end();
      end.ended = true;
    } catch (error) {
      witness.violate(
        'one reader, one writer',
        `nobody writes to ${end} any more, and its end is refused: ${String(error)}`,
      );
    }
  }
  const scheduler = new Scheduler({
    sys: system,
    backend,
    receive: receive === 'wait' ? 'task' : 'wait',
    send: send === 'round' ? 'task' : 'round',
    asyncContext: false,
    onError: () => {},
  });
  silence(kernelOf(scheduler));
  let hangs = false;
  system.onHang = () => {
    hangs = true;
  };
  for (const end of open) scheduler.spawn(read(end));
  try {
    for (let rounds = 0; scheduler.size > 0 && witness.violation === null; rounds++) {
      round(scheduler, FOREVER);
      if (!hangs && rounds < MOST_ROUNDS) continue;
      witness.violate('no wake lost', 'what is left in the streams is there, and nobody is told');
    }
    if (witness.violation === null) settle(scheduler);
  } catch (error) {
    witness.violate('no internal error', error instanceof InternalError ? `${error.cause}` : `${error}`);
  }
  system.onHang = null;
  if (witness.violation !== null) scheduler.close();
}

/** Reads in two ways by turns. */
function* read(end: StreamEnd): Co<void> {
  while (!end.over) {
    for (const how of ['any', 'into'] as const) {
      const reading = new Reading(end, how, LONG_READ);
      let value: unknown;
      try {
        value = yield* reading.operation();
      } catch (error) {
        reading.failed(error, true);
        return;
      }
      reading.got(value);
      if (value === null) return;
    }
  }
}
