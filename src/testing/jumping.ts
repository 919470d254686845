/** A system like another, but for time: a wait that would end by its timeout ends at once, and the clock has jumped. */

import { MisuseError } from '../kernel/index.ts';
import { KEVENT_ROW, type Sys } from '../os/index.ts';
import type { VirtualClock } from './clock.ts';

/** The column of a kevent row that names the filter. */
const FILTER = 1;

/** `sys` on this clock. Descriptors get `grace` real milliseconds before it jumps. */
export function jumping(clock: VirtualClock, sys: Sys, grace: number): Sys {
  const wait = (timeout: number, ask: (timeout: number) => number): number => {
    // Only a descriptor can end it, or a signal: the test waits as the program would.
    if (timeout < 0 || timeout === Number.POSITIVE_INFINITY) return ask(timeout);
    const found = ask(Math.min(timeout, grace));
    if (found === 0) clock.advance(timeout);
    return found;
  };
  const calls: Partial<Sys> = {
    now: () => clock.now,
    epollWait: (epfd, rows, timeout) => wait(timeout, (limit) => sys.epollWait(epfd, rows, limit)),
    poll: (rows, count, timeout) => wait(timeout, (limit) => sys.poll(rows, count, limit)),
    select: (rows, count, timeout) => wait(timeout, (limit) => sys.select(rows, count, limit)),
    kevent: (kq, changes, changeCount, events, timeout) => {
      for (let row = 0; row < changeCount; row++) {
        if (changes[row * KEVENT_ROW + FILTER] === sys.constants.EVFILT_TIMER) refuseTimer();
      }
      return wait(timeout, (limit) => sys.kevent(kq, changes, changeCount, events, limit));
    },
    timerfd: refuseTimer,
  };
  return Object.assign(Object.create(sys) as Sys, calls);
}

function refuseTimer(): never {
  throw new MisuseError(
    "the kernel's timers know no virtual time: drive this scheduler by runSync() or turn(), and wait by sleep(ms)",
  );
}
