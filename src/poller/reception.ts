/**
 * Receiving for parked readers, at the end of a wait: one crossing into the addon for all that have become readable, instead
 * of one for each of them in its task. Readiness alone decides who is received for; what was received for a task that has been
 * cancelled since, or has lost a race, stays with its receiver, and nothing is lost.
 *
 * All bytes of a wait lie one behind the other in one buffer, and are lent: a reader that takes them in its next step
 * copies nothing. Tasks that were woken have that step before the next wait, so few have to be settled.
 */

import { RECV_ROW, type Sys } from '../os/index.ts';
import type { PollerCounters } from './counters.ts';
import { Readiness } from './flags.ts';
import type { Receiver, Registration } from './registration.ts';

/** Who receives for a parked reader that has a receiver: the wait, or its own task once it runs. */
export type ReceiveMode = 'wait' | 'task';

/** The environment variable that says so where no option does. */
export const RECEIVE_VARIABLE = 'GENLOOP_RECEIVE' as const;

/** The modes there are, the usual one first. */
export const RECEIVE_MODES: readonly ReceiveMode[] = ['wait', 'task'];

/** Descriptors in one call. */
const MOST = 256;
/** Bytes for each: enough for a request; whoever fills it goes on by itself, into a buffer of its own. */
export const RECEPTION_BYTES: number = 4096;
/** Room for all of them. */
export const RECEIVE_ROOM: number = MOST * RECEPTION_BYTES;

/** What has become readable in this wait, and has somebody to receive for. */
export class Reception {
  private readonly sys: Sys;
  private readonly counters: PollerCounters;
  private readonly again: number;
  private readonly rows: Int32Array = new Int32Array(MOST * RECV_ROW);
  private readonly bytes: Uint8Array;
  // Arrays of one length, of which so many places are in use: one that is emptied and filled again is allocated again. Other
  // places are empty, so that nothing is kept which has ended.
  private readonly ready: (Registration | null)[] = new Array(MOST).fill(null);
  private readonly receivers: (Receiver | null)[] = new Array(MOST).fill(null);
  private count = 0;
  /** Those that were given bytes of the last call. */
  private readonly lent: (Receiver | null)[] = new Array(MOST).fill(null);
  private lentCount = 0;

  /** `bytes` has {@link RECEIVE_ROOM}, or more. */
  constructor(sys: Sys, counters: PollerCounters, bytes: Uint8Array) {
    this.sys = sys;
    this.bytes = bytes;
    this.counters = counters;
    this.again = -(sys.constants.EAGAIN as number);
  }

  /** This registration's reader is to be received for. Whether that was the last for which there is room. */
  add(registration: Registration): boolean {
    this.ready[this.count++] = registration;
    return this.count === MOST;
  }

  /** How many are to be received for. */
  get size(): number {
    return this.count;
  }

  /** Receives for all, and wakes them. How many were woken: who has nothing after all stays parked. */
  receive(): number {
    const { rows, bytes, ready, receivers, lent } = this;
    for (let at = 0; at < this.lentCount; at++) (lent[at] as Receiver).settle();
    const lentBefore = this.lentCount;
    this.lentCount = 0;
    const asked = this.count;
    this.count = 0;
    let count = 0;
    for (let at = 0; at < asked; at++) {
      const registration = ready[at] as Registration;
      const { receiver } = registration;
      // A listener of this wait (the signal pipe) may have had it cancelled or closed.
      if (receiver === null) continue;
      ready[count] = registration;
      receivers[count] = receiver;
      rows[count++ * RECV_ROW] = registration.fd;
    }
    const total = this.sys.recvEach(rows, count, bytes, RECEPTION_BYTES);
    let offset = 0;
    let woken = 0;
    for (let at = 0; at < count; at++) {
      const result = total < 0 ? total : (rows[at * RECV_ROW + 1] as number);
      if (result === this.again) {
        this.counters.spurious++;
        continue;
      }
      const receiver = receivers[at] as Receiver;
      receiver.received(bytes, offset, result);
      if (result > 0) {
        offset += result;
        lent[this.lentCount++] = receiver;
      }
      const registration = ready[at] as Registration;
      const { reader } = registration;
      // Gone if another branch of its select was woken just now; what was received stays with the receiver.
      if (reader === null) continue;
      registration.reader = registration.receiver = null;
      woken++;
      reader.wake(Readiness.IN);
    }
    for (let at = 0; at < asked; at++) ready[at] = receivers[at] = null;
    for (let at = this.lentCount; at < lentBefore; at++) lent[at] = null;
    return woken;
  }
}
