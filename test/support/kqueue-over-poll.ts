/**
 * kqueue, imitated over epoll, so that the poller's kqueue backend can be run where there is no kqueue: its own logic (which filters it
 * adds, disables and deletes, what it makes of receipts and of two entries for one descriptor) then meets real descriptors.
 *
 * **This is no proof for a BSD or a Mac.** It follows the manual pages as we read them: EV_ADD enables and modifies, a receipt comes for
 * each change that asks for one and keeps the call from waiting, filters go with the close of their number even if a
 * duplicate lives, reading and writing are two entries, EV_EOF may come with data, an empty event list returns at once. What a BSD does
 * besides (its own idea of an unconnected socket, of a file at its end) is Linux's here.
 */

import { EPOLL_ROW, KEVENT_ROW, type Sys } from 'genloop/os';
import { overriding } from './systems.ts';

/** FreeBSD's numbers, and EVFILT_EXCEPT of Darwin. */
export const KQUEUE = {
  EVFILT_READ: -1,
  EVFILT_WRITE: -2,
  EVFILT_TIMER: -7,
  EVFILT_EXCEPT: -15,
  NOTE_OOB: 2,
  EV_ADD: 0x0001,
  EV_DELETE: 0x0002,
  EV_ENABLE: 0x0004,
  EV_DISABLE: 0x0008,
  EV_ONESHOT: 0x0010,
  EV_CLEAR: 0x0020,
  EV_RECEIPT: 0x0040,
  EV_ERROR: 0x4000,
  EV_EOF: 0x8000,
} as const;

const MOST_EVENTS = 1024;
/** The addon wants 64 bytes for a request that does not say its size. */
const FIONREAD_ROOM = 16;
const TWO_32 = 2 ** 32;

/** One entry of a queue. */
interface Note {
  readonly ident: number;
  readonly filter: number;
  flags: number;
  fflags: number;
  udata: [number, number];
  enabled: boolean;
  /** Of a timer: milliseconds. */
  period: number;
  /** Of a timer: the timerfd behind it. */
  timer: number;
}

/** One queue: an epoll set, so that its number can be watched like a queue's, and the notes that the set stands for. */
class Queue {
  private readonly notes = new Map<string, Note>();
  private readonly watched = new Map<number, number>();
  private readonly rows = new Int32Array(MOST_EVENTS * EPOLL_ROW);
  private readonly sys: Sys;
  private readonly epfd: number;

  constructor(sys: Sys, epfd: number) {
    this.sys = sys;
    this.epfd = epfd;
  }

  /** Applies one change: 0 or an errno. */
  apply(row: Int32Array): number {
    const [ident, filter, flags, fflags, low, high, udataLow, udataHigh] = row as unknown as number[] & Int32Array;
    const { EBADF, ENOENT, EINVAL, F_GETFD } = this.sys.constants as Record<string, number>;
    const { EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT, EVFILT_TIMER, EV_ADD, EV_DELETE, EV_ENABLE, EV_DISABLE } = KQUEUE;
    const known: number[] = [EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT, EVFILT_TIMER];
    if (!known.includes(filter as number)) return EINVAL as number;
    const key = `${ident}/${filter}`;
    let note = this.notes.get(key);
    const bits = flags as number;
    if ((bits & EV_ADD) !== 0) {
      const isTimer = filter === EVFILT_TIMER;
      if (!isTimer && this.sys.fcntl(ident as number, F_GETFD as number, 0) < 0) return EBADF as number;
      const udata: [number, number] = [udataLow as number, udataHigh as number];
      const period = (high as number) * TWO_32 + ((low as number) >>> 0);
      note ??= { ident, filter, timer: -1, enabled: true } as Note;
      Object.assign(note, { flags: bits, fflags, udata, period, enabled: true });
      this.notes.set(key, note);
      if (isTimer) this.startTimer(note);
    }
    if (note === undefined) return ENOENT as number;
    if ((bits & EV_DELETE) !== 0) {
      this.drop(note);
      return 0;
    }
    if ((bits & EV_ENABLE) !== 0) note.enabled = true;
    if ((bits & EV_DISABLE) !== 0) note.enabled = false;
    return this.arm(this.watchedNumber(note));
  }

  /** Waits, and writes rows of kevent. How many, or -errno. */
  wait(events: Int32Array, timeout: number): number {
    const capacity = Math.floor(events.length / KEVENT_ROW);
    // One descriptor may have three entries.
    const most = Math.min(MOST_EVENTS, Math.max(1, Math.floor(capacity / 3)));
    const count = this.sys.epollWait(this.epfd, this.rows.subarray(0, most * EPOLL_ROW), timeout);
    let written = 0;
    for (let at = 0; at < count * EPOLL_ROW; at += EPOLL_ROW) {
      const flags = this.rows[at] as number;
      const fd = this.rows[at + 1] as number;
      for (const note of [...this.notes.values()]) {
        if (written === capacity || !note.enabled || this.watchedNumber(note) !== fd) continue;
        const row = this.eventOf(note, flags);
        if (row === undefined) continue;
        events.set(row, written++ * KEVENT_ROW);
        this.delivered(note);
      }
    }
    return count < 0 ? count : written;
  }

  /** The number is about to be closed: its entries go, whoever else has the file. */
  closing(fd: number): void {
    for (const note of [...this.notes.values()]) {
      if (note.filter !== KQUEUE.EVFILT_TIMER && note.ident === fd) this.drop(note);
    }
  }

  close(): void {
    for (const note of [...this.notes.values()]) this.drop(note);
  }

  private eventOf(note: Note, flags: number): number[] | undefined {
    const { EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLERR, EPOLLHUP, EPOLLRDHUP } = this.sys.constants as Record<
      string,
      number
    >;
    const alarm = (EPOLLERR as number) | (EPOLLHUP as number);
    const { ident, filter, udata, flags: own } = note;
    const kept = own & ~(KQUEUE.EV_ADD | KQUEUE.EV_ENABLE | KQUEUE.EV_RECEIPT);
    if (filter === KQUEUE.EVFILT_TIMER) return [ident, filter, kept, 0, 1, 0, ...udata];
    const wanted: Record<number, number> = {
      [KQUEUE.EVFILT_READ]: (EPOLLIN as number) | (EPOLLRDHUP as number) | alarm,
      [KQUEUE.EVFILT_WRITE]: (EPOLLOUT as number) | alarm,
      [KQUEUE.EVFILT_EXCEPT]: (EPOLLPRI as number) | alarm,
    };
    if ((flags & (wanted[filter] as number)) === 0) return undefined;
    const ended = flags & (filter === KQUEUE.EVFILT_READ ? (EPOLLRDHUP as number) | alarm : alarm);
    // The real one tells the socket's error without taking it away; this one can only tell that there is one.
    const error = (flags & (EPOLLERR as number)) !== 0 && this.isSocket(ident) ? this.sys.constants.ECONNRESET : 0;
    const data = filter === KQUEUE.EVFILT_READ ? this.bytesToRead(ident) : 0;
    return [ident, filter, ended ? kept | KQUEUE.EV_EOF : kept, error as number, data, 0, ...udata];
  }

  private delivered(note: Note): void {
    if ((note.flags & KQUEUE.EV_ONESHOT) !== 0) this.drop(note);
    else if (note.filter === KQUEUE.EVFILT_TIMER) this.startTimer(note);
  }

  private drop(note: Note): void {
    this.notes.delete(`${note.ident}/${note.filter}`);
    this.arm(this.watchedNumber(note));
    if (note.timer >= 0) this.sys.close(note.timer);
  }

  private startTimer(note: Note): void {
    if (note.timer < 0) note.timer = this.sys.timerfd();
    this.sys.timerfdSet(note.timer, this.sys.now() + note.period);
  }

  private watchedNumber(note: Note): number {
    return note.filter === KQUEUE.EVFILT_TIMER ? note.timer : note.ident;
  }

  /** Brings the epoll set up to what the enabled notes of this number want. */
  private arm(fd: number): number {
    const { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, EPOLLET } = this.sys.constants as Record<string, number>;
    let events = 0;
    let edges = true;
    for (const note of this.notes.values()) {
      if (!note.enabled || this.watchedNumber(note) !== fd) continue;
      events |= this.interestOf(note);
      edges &&= (note.flags & KQUEUE.EV_CLEAR) !== 0;
    }
    const before = this.watched.get(fd);
    if (events === 0) {
      this.watched.delete(fd);
      if (before !== undefined) this.sys.epollCtl(this.epfd, EPOLL_CTL_DEL as number, fd, 0, 0, 0);
      return 0;
    }
    if (edges) events |= EPOLLET as number;
    const operation = (before === undefined ? EPOLL_CTL_ADD : EPOLL_CTL_MOD) as number;
    this.watched.set(fd, events);
    return -this.sys.epollCtl(this.epfd, operation, fd, events, fd, 0);
  }

  private interestOf(note: Note): number {
    const { EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } = this.sys.constants as Record<string, number>;
    if (note.filter === KQUEUE.EVFILT_WRITE) return EPOLLOUT as number;
    if (note.filter === KQUEUE.EVFILT_EXCEPT) return EPOLLPRI as number;
    return (EPOLLIN as number) | (EPOLLRDHUP as number);
  }

  private isSocket(fd: number): boolean {
    const { S_IFMT, S_IFSOCK } = this.sys.constants as Record<string, number>;
    return (this.sys.fstat(fd) & (S_IFMT as number)) === S_IFSOCK;
  }

  private bytesToRead(fd: number): number {
    const bytes = new Int32Array(FIONREAD_ROOM);
    const result = this.sys.ioctl(fd, this.sys.constants.FIONREAD as number, new Uint8Array(bytes.buffer));
    return result < 0 ? 0 : (bytes[0] as number);
  }
}

/** A system like `sys` with `kqueue` and `kevent`. Its descriptors have to be opened and closed through it. */
export function withKqueue(sys: Sys): Sys {
  const queues = new Map<number, Queue>();
  return overriding(sys, {
    constants: { ...sys.constants, ...KQUEUE },
    kqueue() {
      const fd = sys.epollCreate();
      if (fd >= 0) queues.set(fd, new Queue(sys, fd));
      return fd;
    },
    kevent(kq, changes, changeCount, events, timeout) {
      const queue = queues.get(kq);
      if (queue === undefined) return -(sys.constants.EBADF as number);
      let receipts = 0;
      for (let index = 0; index < changeCount; index++) {
        const at = index * KEVENT_ROW;
        const row = changes.slice(at, at + KEVENT_ROW);
        const errno = queue.apply(row);
        if (errno === 0 && ((row[2] as number) & KQUEUE.EV_RECEIPT) === 0) continue;
        // No room for the receipt: the call fails, as one without receipts does.
        if ((receipts + 1) * KEVENT_ROW > events.length) {
          if (errno !== 0) return -errno;
          continue;
        }
        row[2] = (row[2] as number) | KQUEUE.EV_ERROR;
        row[4] = errno;
        row[5] = 0;
        events.set(row, receipts++ * KEVENT_ROW);
      }
      if (receipts > 0 || events.length < KEVENT_ROW) return receipts;
      return queue.wait(events, timeout);
    },
    close(fd) {
      queues.get(fd)?.close();
      queues.delete(fd);
      for (const queue of queues.values()) queue.closing(fd);
      return sys.close(fd);
    },
  });
}
