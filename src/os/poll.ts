/** poll(2): a list of descriptors with the events asked for; no limit on the numbers, but the whole list each time. */

import { currentSys } from './native.ts';
import { filenoOf, type Pollable, uninterrupted } from './readiness.ts';
import { POLL_ROW } from './sys.ts';

/** A ready descriptor and what is true of it (POLLIN, POLLOUT, POLLPRI, POLLERR, POLLHUP, POLLNVAL). */
export interface PollEvent<P> {
  /** The object that was passed. */
  descriptor: P;
  /** The flags, as the kernel gave them. */
  events: number;
}

/** A `struct pollfd` is 8 bytes: the number, then two shorts. */
const SHORTS_PER_ROW = 4;

/**
 * Waits until one of the descriptors has one of its events, at most `timeout` milliseconds (`undefined`: for ever).
 * POLLERR, POLLHUP and POLLNVAL (a closed number) are reported unasked.
 *
 * @example
 * for (const { descriptor, events } of poll([[listener, constants.POLLIN]], 1000)) …
 */
export function poll<E extends readonly [descriptor: Pollable, events: number]>(
  entries: Iterable<E>,
  timeout?: number,
): PollEvent<E[0]>[] {
  const sys = currentSys();
  const list = [...entries];
  const rows = new Int32Array(list.length * POLL_ROW);
  const shorts = new Int16Array(rows.buffer);
  list.forEach(([descriptor, events], index) => {
    rows[index * POLL_ROW] = filenoOf(descriptor);
    shorts[index * SHORTS_PER_ROW + 2] = events;
  });
  uninterrupted(sys, 'poll', timeout, (remaining) => sys.poll(rows, list.length, remaining));
  return list
    .map(([descriptor], index) => ({ descriptor, events: shorts[index * SHORTS_PER_ROW + 3] as number }))
    .filter((event) => event.events !== 0);
}
