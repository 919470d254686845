/**
 * kqueue(2), call by call: the queue of the BSDs and macOS, whose filters watch descriptors, processes, signals,
 * files and timers alike.
 */

import { Descriptor } from './descriptor.ts';
import { SystemError } from './errors.ts';
import { currentSys } from './native.ts';
import { uninterrupted } from './readiness.ts';
import { KEVENT_ROW, type Sys } from './sys.ts';

/** A `struct kevent`: a change on its way in, an event on its way out. */
export interface KEvent {
  /** What the filter watches: usually a descriptor's number. */
  ident: number;
  /** EVFILT_READ, EVFILT_WRITE, EVFILT_PROC, EVFILT_SIGNAL, EVFILT_TIMER, EVFILT_VNODE, EVFILT_USER, … */
  filter: number;
  /** EV_ADD, EV_DELETE, EV_ENABLE, EV_DISABLE, EV_ONESHOT, EV_CLEAR, EV_RECEIPT; EV_EOF and EV_ERROR on events. */
  flags: number;
  /** The filter's own flags (NOTE_…). */
  fflags?: number;
  /** The filter's own value: bytes to read, milliseconds of a timer, an errno. At most 2⁵³. */
  data?: number;
  /** Comes back with each event; a 32-bit integer. */
  udata?: number;
}

const DEFAULT_MAX_EVENTS = 256;
const TWO_32 = 2 ** 32;

/** A kernel event queue. The BSDs and macOS; elsewhere `Kqueue.create` throws `SystemError` `ENOSYS`. */
export class Kqueue extends Descriptor {
  /** A new queue, close-on-exec. */
  static create(): Kqueue {
    const sys: Sys = currentSys();
    const fd = sys.kqueue();
    if (fd < 0) throw new SystemError(sys, 'kqueue', fd);
    return new Kqueue(sys, fd);
  }

  /**
   * Applies the changes, then waits for at least one event, at most `timeout` milliseconds (`undefined`: for ever),
   * and returns at most `maxEvents` (0: none, at once). A wait that a signal interrupts goes on without sending the changes
   * a second time, as the kernel has applied them.
   */
  kevent(changes: readonly KEvent[], maxEvents: number = DEFAULT_MAX_EVENTS, timeout?: number): Required<KEvent>[] {
    const input = new Int32Array(changes.length * KEVENT_ROW);
    changes.forEach((change, index) => {
      const { ident, filter, flags, fflags = 0, data = 0, udata = 0 } = change;
      const row = [ident, filter, flags, fflags, data | 0, Math.floor(data / TWO_32), udata, 0];
      input.set(row, index * KEVENT_ROW);
    });
    const output = new Int32Array(maxEvents * KEVENT_ROW);
    let pending = changes.length;
    const count = uninterrupted(this.sys, 'kevent', timeout, (remaining) => {
      const sent = pending;
      pending = 0;
      return this.sys.kevent(this.fileno(), input, sent, output, remaining);
    });
    return Array.from({ length: count }, (_, index) => {
      const [ident, filter, flags, fflags, low, high, udata] = output.subarray(
        index * KEVENT_ROW,
      ) as unknown as number[];
      return {
        ident: ident as number,
        filter: filter as number,
        flags: (flags as number) & 0xffff,
        fflags: (fflags as number) >>> 0,
        data: (high as number) * TWO_32 + ((low as number) >>> 0),
        udata: udata as number,
      };
    });
  }
}
