/**
 * Readiness by kqueue(2). One filter a direction, so reading and writing of one descriptor come as two events. Every
 * change is sent at once and asks for a receipt (EV_RECEIPT): then each filter reports its own error, no event
 * is fetched by the way, and nothing is left to be sent again after a wait that a signal interrupted. A filter
 * without interest is disabled, not deleted: enabling it again costs the same, and the queue forgets it by
 * itself when the number is closed, also with a dup alive.
 */

import {
  BACKEND_ROW,
  type Backend,
  type BackendRegistration,
  KEVENT_ROW,
  NOT_ARMED,
  type Sys,
  SystemError,
} from '../os/index.ts';
import { Readiness } from './flags.ts';

const EVENTS_PER_WAIT = 1024;
const FILTERS = 3;
/** Columns of a kevent row. */
const IDENT = 0;
const FILTER = 1;
const FLAGS = 2;
const FFLAGS = 3;
const DATA = 4;
const UDATA = 6;

/** kqueue as a {@link Backend}. The BSDs and macOS. */
export class KqueueBackend implements Backend {
  readonly name = 'kqueue' as const;
  readonly fd: number;
  readonly rows: Int32Array = new Int32Array(EVENTS_PER_WAIT * BACKEND_ROW);
  private readonly sys: Sys;
  private readonly constants: Record<string, number>;
  private readonly changes = new Int32Array(FILTERS * KEVENT_ROW);
  private readonly receipts = new Int32Array(FILTERS * KEVENT_ROW);
  private readonly events = new Int32Array(EVENTS_PER_WAIT * KEVENT_ROW);
  private readonly filters: readonly { bit: number; filter: number | undefined; fflags: number }[];

  /** Throws `SystemError` where there is no kqueue (`ENOSYS`) or no descriptor left (`EMFILE`). */
  constructor(sys: Sys) {
    const fd = sys.kqueue();
    if (fd < 0) throw new SystemError(sys, 'kqueue', fd);
    this.sys = sys;
    this.fd = fd;
    const constants = sys.constants as Record<string, number>;
    this.constants = constants;
    this.filters = [
      { bit: Readiness.IN, filter: constants.EVFILT_READ, fflags: 0 },
      { bit: Readiness.OUT, filter: constants.EVFILT_WRITE, fflags: 0 },
      { bit: Readiness.PRI, filter: constants.EVFILT_EXCEPT, fflags: constants.NOTE_OOB ?? 0 },
    ];
  }

  change(registration: BackendRegistration): number {
    const { interest } = registration;
    const { EV_ADD, EV_ENABLE, EV_DISABLE } = this.constants;
    const armed = registration.armed === NOT_ARMED ? 0 : registration.armed;
    const result = this.apply(registration, (bit) => {
      if (interest & bit) return (EV_ADD as number) | (EV_ENABLE as number);
      return armed & bit ? (EV_DISABLE as number) : 0;
    });
    if (result === 0) registration.armed = interest;
    return result;
  }

  remove(registration: BackendRegistration): number {
    registration.armed = NOT_ARMED;
    // A disabled filter is still in the queue, so all are deleted; those that never were say ENOENT, which is fine.
    return this.apply(registration, () => this.constants.EV_DELETE as number);
  }

  wait(timeout: number): number {
    const count = this.sys.kevent(this.fd, this.changes, 0, this.events, timeout);
    if (count < 0) return count;
    let found = 0;
    for (let from = 0; from < count * KEVENT_ROW; from += KEVENT_ROW) {
      // The alarm has done its work by ending the wait.
      if (this.events[from + FILTER] === this.constants.EVFILT_TIMER) continue;
      const at = found++ * BACKEND_ROW;
      this.rows[at] = this.events[from + IDENT] as number;
      this.rows[at + 1] = this.events[from + UDATA] as number;
      this.rows[at + 2] = this.flagsOf(from);
    }
    return found;
  }

  alarm(delay: number): number {
    const { EV_ADD, EV_DELETE, EV_ONESHOT, EVFILT_TIMER, ENOENT } = this.constants;
    const never = delay === Number.POSITIVE_INFINITY;
    this.changes.fill(0, 0, KEVENT_ROW);
    this.changes[FILTER] = EVFILT_TIMER as number;
    this.changes[FLAGS] = never ? (EV_DELETE as number) : (EV_ADD as number) | (EV_ONESHOT as number);
    this.changes[DATA] = never ? 0 : Math.ceil(delay);
    const result = this.sys.kevent(this.fd, this.changes, 1, this.receipts.subarray(0, 0), 0);
    return result === -(ENOENT as number) ? 0 : result;
  }

  close(): void {
    this.sys.close(this.fd);
  }

  private flagsOf(from: number): number {
    const { events, constants } = this;
    const filter = events[from + FILTER] as number;
    const flags = events[from + FLAGS] as number;
    const ended = (flags & (constants.EV_EOF as number)) !== 0;
    // With EV_EOF a socket's pending error stands in fflags.
    const failed = (flags & (constants.EV_ERROR as number)) !== 0 || (ended && events[from + FFLAGS] !== 0);
    const bit = this.filters.find((entry) => entry.filter === filter)?.bit ?? 0;
    // The reader's end is the peer's half-close; the writer's end means that nobody will read.
    const end = ended ? (bit === Readiness.OUT ? Readiness.HUP : Readiness.RDHUP) : 0;
    return bit | end | (failed ? Readiness.ERR : 0);
  }

  private apply(registration: BackendRegistration, actionOf: (bit: number) => number): number {
    const { changes, receipts, constants } = this;
    let count = 0;
    for (const { bit, filter, fflags } of this.filters) {
      const action = actionOf(bit);
      if (action === 0) continue;
      if (filter === undefined) {
        if (action === constants.EV_DELETE) continue;
        return -(constants.ENOTSUP as number);
      }
      const at = count++ * KEVENT_ROW;
      changes.fill(0, at, at + KEVENT_ROW);
      changes[at + IDENT] = registration.fd;
      changes[at + FILTER] = filter;
      changes[at + FLAGS] = action | (constants.EV_RECEIPT as number);
      changes[at + FFLAGS] = fflags;
      changes[at + UDATA] = registration.generation;
    }
    if (count === 0) return 0;
    const answered = this.sys.kevent(this.fd, changes, count, receipts.subarray(0, count * KEVENT_ROW), 0);
    if (answered < 0) return answered;
    for (let index = 0; index < answered; index++) {
      const at = index * KEVENT_ROW;
      const errno = receipts[at + DATA] as number;
      const added = ((changes[at + FLAGS] as number) & (constants.EV_ADD as number)) !== 0;
      // EPIPE: a pipe whose other end is gone is added all the same, and reports EV_EOF.
      const harmless = errno === 0 || errno === (added ? constants.EPIPE : constants.ENOENT);
      if (!harmless) return -errno;
    }
    return 0;
  }
}
