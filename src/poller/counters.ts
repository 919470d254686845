/** What a poller has done, in numbers: for looking, for tests, and for whoever wants to know what a program costs. */

/** What has happened so far. */
export interface PollerCounters {
  /** Waits in the kernel. */
  waits: number;
  /** Events that came up. */
  events: number;
  /** Events of an earlier owner of the number, dropped. */
  stale: number;
  /** Events that found nobody in at least one armed direction, and made the poller disarm it; or that found nobody at all. */
  spurious: number;
  /** Control calls: arm, disarm, remove. */
  controls: number;
  /** Kernel sets built anew because of events that would not stop. */
  rebuilds: number;
}

/** @internal Before anything has happened. */
export function noCounters(): PollerCounters {
  return { waits: 0, events: 0, stale: 0, spurious: 0, controls: 0, rebuilds: 0 };
}
