/**
 * What the readiness calls of this folder (`select`, `poll`, `Epoll`, `Kqueue`) have in common: what may be watched,
 * and a wait that a signal interrupted, which goes on to its deadline (as Python's have done since PEP 475).
 */

import { SystemError } from './errors.ts';
import type { Sys } from './sys.ts';

/** What tells its descriptor when asked. */
export interface HasFileno {
  /** The open number. */
  fileno(): number;
}

/** What shows its descriptor. */
export interface HasFd {
  /** The open number. */
  readonly fd: number;
}

/** Anything with a descriptor: ours, anything with `fileno()` or a numeric `fd`, or the bare number. */
export type Pollable = number | HasFileno | HasFd;

/** The number of a {@link Pollable}. Throws `TypeError` for anything else, `ClosedError` for a closed descriptor. */
export function filenoOf(pollable: Pollable): number {
  const fd =
    typeof pollable === 'object' && pollable !== null
      ? 'fileno' in pollable && typeof pollable.fileno === 'function'
        ? pollable.fileno()
        : (pollable as { fd: unknown }).fd
      : pollable;
  if (typeof fd === 'number' && Number.isInteger(fd) && fd >= 0) return fd;
  throw new TypeError(
    `a descriptor is needed: a Socket or Descriptor, an object with fileno() or fd, or an open number; not ${show(pollable)}`,
  );
}

function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'plain'} object without one`;
  return String(value);
}

/** Checks a timeout in milliseconds; `undefined` and `Infinity` mean none. Throws `RangeError`. */
export function checkTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY;
  if (typeof timeout === 'number' && timeout >= 0) return timeout;
  throw new RangeError(
    `a timeout is a number of milliseconds from 0 on, or undefined for none; not ${String(timeout)}`,
  );
}

/** Repeats a wait that signals interrupt, with what is left of the timeout. The call's result, or its error thrown. */
export function uninterrupted(
  sys: Sys,
  syscall: string,
  timeout: number | undefined,
  wait: (remaining: number) => number,
): number {
  const limit = checkTimeout(timeout);
  const endless = limit === Number.POSITIVE_INFINITY;
  const deadline = endless || limit === 0 ? 0 : sys.now() + limit;
  let remaining = endless ? -1 : limit;
  for (;;) {
    const result = wait(remaining);
    if (result >= 0) return result;
    if (result !== -(sys.constants.EINTR as number)) throw new SystemError(sys, syscall, result);
    if (!endless) remaining = Math.max(0, deadline - sys.now());
  }
}
