/**
 * Events of an earlier owner of a number. One of them is ordinary: the number was closed and given to another file
 * while the event was on its way. The same one in two successive waits means that the kernel will repeat it for ever, as
 * a duplicate keeps the earlier file alive; only a new kernel set ends that.
 */

import type { Sys } from '../os/index.ts';

/** A rebuild costs a system call per descriptor; a peer must not be able to make us do that all the time. */
const REBUILD_INTERVAL = 1000;
/** Makes one key of a number and its generation. */
const GENERATIONS = 2 ** 31;

/** What was dropped in this wait and in the one before. */
export class StaleEvents {
  private before = new Set<number>();
  private now = new Set<number>();
  private lastRebuild = Number.NEGATIVE_INFINITY;

  /** Notes one. */
  add(fd: number, generation: number): void {
    this.now.add(fd * GENERATIONS + generation);
  }

  /** Ends a wait. Whether the kernel set is to be built anew: the same event came again, and the last time was long ago. */
  review(sys: Sys): boolean {
    const { before, now } = this;
    if (now.size === 0 && before.size === 0) return false;
    let repeated = false;
    for (const key of now) repeated ||= before.has(key);
    before.clear();
    this.before = now;
    this.now = before;
    if (!repeated) return false;
    const time = sys.now();
    if (time - this.lastRebuild < REBUILD_INTERVAL) return false;
    this.lastRebuild = time;
    this.before.clear();
    return true;
  }
}
