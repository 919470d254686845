/**
 * Systems that differ from the real one in a call or two: the library makes every call through one object, so a test replaces a
 * function of it to make the kernel refuse something, or to count.
 */

import { enterSys, realSys, type Sys } from 'genloop/os';

/** A system like `sys`, with some calls of its own. */
export function overriding(sys: Sys, calls: Partial<Sys>): Sys {
  return Object.create(sys, Object.getOwnPropertyDescriptors(calls)) as Sys;
}

/** Calls `body` with `sys` as the current system. */
export function inside<T>(sys: Sys, body: () => T): T {
  const before = enterSys(sys);
  try {
    return body();
  } finally {
    enterSys(before);
  }
}

/** A number of the real system's headers. */
export function constant(name: string): number {
  const value = realSys().constants[name];
  if (value === undefined) throw new Error(`this system has no ${name}`);
  return value;
}
