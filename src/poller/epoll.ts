/**
 * Readiness by epoll(7). Level-triggered, because a level is a state and an edge is a promise: a task that reads
 * half of what there is and waits again must be told again, and a registration that stays armed through a read
 * loop costs no system call at all. The price of levels is that what nobody wants any more is reported again; so
 * the poller disarms what finds nobody, and "no interest" is written as a bare EPOLLONESHOT: epoll reports HUP and
 * ERR unasked, for ever, unless it may do so only once.
 *
 * The datum of a registration is its number and its generation. The kernel keys its set by open file and number,
 * and drops an entry only with the last reference to the file: an event can thus be about a file that used
 * to have this number, and the generation tells.
 */

import { BACKEND_ROW, type Backend, type BackendRegistration, NOT_ARMED, type Sys, SystemError } from '../os/index.ts';
import { Readiness } from './flags.ts';

/**
 * What one wait reports at most. The kernel goes on with the others at the next, so nobody is passed over; and what the wait has
 * received for these is still in the processor's cache when their tasks answer: of 64 busy connections each reply takes 2 % less
 * time than with all of them in one wait.
 */
export const EVENTS_PER_WAIT: number = 32;

/** The rows of a set that was closed, for the next one: a program that is tested by seeds opens a set for each of them. */
let spareRows: Int32Array | null = null;

function takeRows(): Int32Array {
  const rows = spareRows ?? new Int32Array(EVENTS_PER_WAIT * BACKEND_ROW);
  spareRows = null;
  return rows;
}

/** epoll as a {@link Backend}. Linux. */
export class EpollBackend implements Backend {
  readonly name = 'epoll' as const;
  readonly fd: number;
  readonly rows: Int32Array;
  private readonly sys: Sys;
  private readonly add: number;
  private readonly modify: number;
  private readonly delete: number;
  private readonly oneShot: number;

  /** Throws `SystemError` where there is no epoll (`ENOSYS`) or no descriptor left (`EMFILE`). */
  constructor(sys: Sys) {
    const { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, EPOLLONESHOT } = sys.constants as Record<string, number>;
    const fd = sys.epollCreate();
    if (fd < 0) throw new SystemError(sys, 'epoll_create1', fd);
    this.sys = sys;
    this.fd = fd;
    this.rows = takeRows();
    this.add = EPOLL_CTL_ADD as number;
    this.modify = EPOLL_CTL_MOD as number;
    this.delete = EPOLL_CTL_DEL as number;
    this.oneShot = EPOLLONESHOT as number;
  }

  change(registration: BackendRegistration): number {
    const { fd, generation, interest, armed } = registration;
    const { sys } = this;
    // RDHUP comes with IN only: a task that only writes goes on writing to a peer that half-closed.
    const events = interest === 0 ? this.oneShot : interest & Readiness.IN ? interest | Readiness.RDHUP : interest;
    const known = armed !== NOT_ARMED;
    let result = sys.epollCtl(this.fd, known ? this.modify : this.add, fd, events, fd, generation);
    if (result === -(sys.constants.EEXIST as number)) {
      // An entry from before: this very file was brought back onto this number (dup2), or watched by number.
      result = sys.epollCtl(this.fd, this.modify, fd, events, fd, generation);
    } else if (known && interest !== 0 && result === -(sys.constants.ENOENT as number)) {
      // The file that was registered was closed behind our back, and another has the number now.
      result = sys.epollCtl(this.fd, this.add, fd, events, fd, generation);
    }
    if (result === 0) registration.armed = interest;
    return result;
  }

  remove(registration: BackendRegistration): number {
    registration.armed = NOT_ARMED;
    return this.sys.epollCtl(this.fd, this.delete, registration.fd, 0, 0, 0);
  }

  wait(timeout: number): number {
    // The rows come up as [flags, number, generation]; the poller reads [number, generation, flags].
    const { rows } = this;
    const count = this.sys.epollWait(this.fd, rows, timeout);
    for (let index = 0, end = count * BACKEND_ROW; index < end; index += BACKEND_ROW) {
      const flags = rows[index] as number;
      rows[index] = rows[index + 1] as number;
      rows[index + 1] = rows[index + 2] as number;
      rows[index + 2] = flags;
    }
    return count;
  }

  close(): void {
    this.sys.close(this.fd);
    spareRows = this.rows;
  }
}
