/** select(2): three lists go in, the ready ones of each come out. The oldest of the calls, and everywhere. */

import { currentSys } from './native.ts';
import { filenoOf, type Pollable, uninterrupted } from './readiness.ts';
import { SELECT_ROW } from './sys.ts';

const READ = 1;
const WRITE = 2;
const EXCEPTIONAL = 4;

/**
 * Waits until one of the descriptors is ready, at most `timeout` milliseconds (`undefined`: for ever). Returns the
 * objects that were passed, as three lists; all are empty after a timeout. Throws `RangeError` for a number that
 * does not fit into a set (FD_SETSIZE, usually 1024), `SystemError` `EBADF` for a closed number.
 *
 * @example
 * const [readable] = select([listener, client], [], [], 1000);
 */
export function select<R extends Pollable, W extends Pollable, E extends Pollable>(
  readers: Iterable<R>,
  writers: Iterable<W>,
  exceptional: Iterable<E>,
  timeout?: number,
): [R[], W[], E[]] {
  const sys = currentSys();
  const asked: [Iterable<Pollable>, number][] = [
    [readers, READ],
    [writers, WRITE],
    [exceptional, EXCEPTIONAL],
  ];
  const entries: { pollable: Pollable; fd: number; interest: number }[] = [];
  for (const [list, interest] of asked) {
    for (const pollable of list) entries.push({ pollable, fd: filenoOf(pollable), interest });
  }
  const limit = sys.constants.FD_SETSIZE as number;
  const rows = new Int32Array(entries.length * SELECT_ROW);
  entries.forEach(({ fd, interest }, index) => {
    if (fd >= limit) throw new RangeError(`select cannot watch descriptor ${fd}: FD_SETSIZE is ${limit}; use poll`);
    rows[index * SELECT_ROW] = fd;
    rows[index * SELECT_ROW + 1] = interest;
  });
  uninterrupted(sys, 'select', timeout, (remaining) => sys.select(rows, entries.length, remaining));
  const ready = (interest: number): Pollable[] =>
    entries
      .filter((entry, index) => entry.interest === interest && (rows[index * SELECT_ROW + 2] as number) & interest)
      .map((entry) => entry.pollable);
  return [ready(READ) as R[], ready(WRITE) as W[], ready(EXCEPTIONAL) as E[]];
}
