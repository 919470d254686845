/**
 * What a readiness backend is, for those who supply one (the poller's four, or a simulated system) and for
 * the poller that uses it. It lives down here only because {@link Sys.backend} speaks of it; the backends and all
 * policy live in `poller`.
 */

/** The four ways in which a Unix system tells which descriptors are ready. */
export type BackendName = 'epoll' | 'kqueue' | 'poll' | 'select';

/** All backend names, best first. */
export const BACKEND_NAMES: readonly BackendName[] = ['epoll', 'kqueue', 'poll', 'select'];

/** Int32 columns in a row of {@link Backend.rows}: descriptor number, generation, flags. */
export const BACKEND_ROW: number = 3;

/** What a backend needs to know of a registration, and the one thing that it notes in it. */
export interface BackendRegistration {
  /** The descriptor's number. */
  readonly fd: number;
  /** Told back with every event, so that one of an earlier owner of the number can be recognised. */
  readonly generation: number;
  /** The flags that shall be reported: IN, OUT, PRI, or none. */
  readonly interest: number;
  /** What the kernel has been told: flags; {@link NOT_ARMED} while the kernel does not know the descriptor. Written by the backend. */
  armed: number;
}

/** Value of `armed` of a registration that is not in the kernel's set. */
export const NOT_ARMED: number = -1;

/** One kernel set of descriptors and the wait on it. The same verbs, in the same order, in every backend. */
export interface Backend {
  readonly name: BackendName;
  /** The set's own descriptor, itself pollable; -1 where there is none (`poll`, `select`). */
  readonly fd: number;
  /** The events of the last wait: rows of {@link BACKEND_ROW}. */
  readonly rows: Int32Array;
  /** Makes the kernel report `registration.interest` (none: nothing, not even HUP, but the descriptor stays known), and notes it in `armed`. 0, or -errno. */
  change(registration: BackendRegistration): number;
  /** Takes the registration out of the set, and notes {@link NOT_ARMED}. The descriptor must still be open. 0, or -errno. */
  remove(registration: BackendRegistration): number;
  /** Waits at most `timeout` milliseconds (rounded up; negative: for ever). Number of rows, or -errno. */
  wait(timeout: number): number;
  /** Makes the set's own descriptor readable, and the next wait end, in `delay` milliseconds (rounded up; `Infinity`: never). Absent where a timerfd in the set does it. 0, or -errno. */
  alarm?(delay: number): number;
  /** Closes the set. */
  close(): void;
}
