/**
 * A run whose kernel refuses to wait: nobody would hear of any descriptor any more. It ends as one in which a task has failed: all get a cancel, every
 * `finally` runs, and the refusal comes out of the run.
 */

import { SystemError } from '../os/index.ts';
import type { Scheduler } from './scheduler.ts';

const NO_ROWS = new Int32Array(0);

/** Waits in the poller for at most `timeout` ms: how many events there were. If the kernel refuses, the run is ended. */
export function askForReadiness(scheduler: Scheduler, timeout: number): number {
  try {
    return scheduler.poller.wait(timeout);
  } catch (error) {
    goOnDeaf(scheduler, error, timeout);
    return 0;
  }
}

function goOnDeaf(scheduler: Scheduler, error: unknown, timeout: number): void {
  const { kernel, pollerIfOpen: poller } = scheduler;
  // Without a poller its set could not be had.
  const refused = poller === null ? error instanceof SystemError : error === poller.refusedFor;
  if (!refused) throw error;
  if (!scheduler.broken) scheduler.breakOff(error);
  else if (kernel.ready > 0 || timeout === 0) return;
  // What cannot be stopped is waited for: time still passes. Only a descriptor could end the rest.
  else if (timeout > 0) scheduler.sys.poll(NO_ROWS, 0, timeout);
  else scheduler.breakOff(error);
}
