/**
 * Waits that the kernel refuses. For want of memory it may refuse one and grant the next: so that is tried again, with pauses that grow,
 * for a second. Everything else will not change by itself.
 *
 * A pause is a poll(2) of nothing: it needs no memory, passes virtual time where time is virtual, and is a call like others for whoever
 * traces them.
 */

import type { Backend, Sys, SystemError } from '../os/index.ts';
import { ClosedBackend } from './closed.ts';
import { waitFailure } from './refusal.ts';

/** How long it is tried again, in milliseconds. */
const PATIENCE_MS = 1000;
const LONGEST_PAUSE_MS = 50;
/** Where no time passes: a clock that is virtual, and whose pauses are refused as well. */
const MOST_ATTEMPTS = 10_000;
const NO_ROWS = new Int32Array(0);

/** The refusals since the last wait that was granted. */
export class RefusedWaits {
  /** How many there were. */
  count = 0;
  /** What the last wait threw that was refused for good. */
  final: SystemError | null = null;
  private readonly sys: Sys;
  private since = 0;

  constructor(sys: Sys) {
    this.sys = sys;
  }

  /**
   * What a refusal means: `null`, that it may be tried again, and that a pause of at most `timeout` ms (negative: any) is over; otherwise
   * the error to be thrown.
   */
  judge(backend: Backend, result: number, timeout: number): SystemError | null {
    // The first said which number it was, which nobody knows any more.
    if (backend instanceof ClosedBackend) return this.final;
    const { sys } = this;
    const { ENOMEM, EAGAIN, ENOBUFS } = sys.constants as Record<string, number>;
    // POSIX has EAGAIN for poll, and some systems ENOBUFS.
    const passes = [ENOMEM, EAGAIN, ENOBUFS].includes(-result);
    if (passes && this.count++ === 0) this.since = sys.now();
    const ms = this.count === 0 ? 0 : sys.now() - this.since;
    if (!passes || this.count > MOST_ATTEMPTS || ms >= PATIENCE_MS) {
      this.final = waitFailure(sys, backend, result, { attempts: passes ? this.count : 0, ms });
      this.count = 0;
      return this.final;
    }
    const pause = Math.min(2 ** (this.count - 1), LONGEST_PAUSE_MS);
    const most = timeout < 0 ? pause : Math.min(pause, timeout);
    if (most > 0) sys.poll(NO_ROWS, 0, most);
    return null;
  }
}
