/**
 * Readiness in one set of constants for all systems and backends: the values of poll(2) on Linux, which epoll
 * shares. What `ReadWait` and its like return is a mask of these.
 */

/** What can be true of a descriptor. A mask of several is a number. */
export const Readiness = {
  /** A read will not block: data, the end of the stream, an error, or a connection to accept. */
  IN: 0x001,
  /** Something exceptional: TCP urgent data, a changed attribute. */
  PRI: 0x002,
  /** A write will not block. */
  OUT: 0x004,
  /** An error is pending. Reported unasked. */
  ERR: 0x008,
  /** Both directions have ended, or there is no connection. Reported unasked. */
  HUP: 0x010,
  /** The number is not open. `poll` and `select` only. */
  NVAL: 0x020,
  /** The peer will send no more. Linux and kqueue. */
  RDHUP: 0x2000,
} as const;

/** The flags that wake everyone who waits on a descriptor. */
export const ALARM: number = Readiness.ERR | Readiness.HUP | Readiness.NVAL;

/** `'IN|HUP'`: the names of a mask, for messages and for looking. */
export function readinessNames(mask: number): string {
  const names = Object.entries(Readiness).filter(([, bit]) => (mask & bit) !== 0);
  return names.map(([name]) => name).join('|') || '0';
}
