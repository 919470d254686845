/** Who looks on: debug mode, if the environment asks for it, and the diagnostics channels, while somebody listens. */

import { type Observer, observers } from '../kernel/index.ts';
import { process } from '../platform/node.ts';
import { publisherIfHeard } from './channels.ts';
import { Debug } from './debug.ts';

function fromEnvironment(): Debug | null {
  const { GENLOOP_DEBUG, GENLOOP_DEBUG_STEP_MS } = process.env;
  if (GENLOOP_DEBUG !== '1') return null;
  if (GENLOOP_DEBUG_STEP_MS === undefined || GENLOOP_DEBUG_STEP_MS === '') return new Debug();
  const limit = Number(GENLOOP_DEBUG_STEP_MS);
  if (limit >= 0) return new Debug(limit);
  throw new RangeError(
    `GENLOOP_DEBUG_STEP_MS must be a number of milliseconds from 0 on, not '${GENLOOP_DEBUG_STEP_MS}'`,
  );
}

const debug = fromEnvironment();
let heard: Observer | null = null;
let looking: Observer | null = debug;
/** Others who look on, each until it is disposed. */
let guests: readonly Observer[] = [];

function review(): void {
  looking = observers([debug, heard, ...guests].filter((one) => one !== null));
}

/** All who look on just now, as one; `null` if nobody does. */
export function currentObserver(): Observer | null {
  const publisher = publisherIfHeard();
  if (publisher !== heard) {
    heard = publisher;
    review();
  }
  return looking;
}

/**
 * @internal Looks on in all schedulers of this thread, until the result is disposed. Each notices at its next round, so an
 * observer may still be told of the step in which it was taken away.
 */
export function observe(observer: Observer): Disposable {
  guests = [...guests, observer];
  review();
  return {
    [Symbol.dispose](): void {
      guests = guests.filter((one) => one !== observer);
      review();
    },
  };
}
