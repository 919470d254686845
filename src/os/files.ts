/**
 * Descriptors that are no sockets: files and devices by path, pipes, counters (eventfd) and timers (timerfd).
 */

import { Descriptor } from './descriptor.ts';
import { SystemError } from './errors.ts';
import { currentSys } from './native.ts';
import type { Sys } from './sys.ts';

/** Permission bits of a file that `open` creates, before the umask. */
const DEFAULT_MODE = 0o666;
/** An eventfd and a timerfd are read and written as one 64-bit integer. */
const COUNTER_SIZE = 8;

/** How {@link open} opens: `'r'` reading, `'w'` writing, `'r+'` both; or O_ flags as a number. */
export type OpenMode = 'r' | 'w' | 'r+' | number;

/**
 * Opens a path: a device, a terminal, a FIFO. Always non-blocking, close-on-exec and without becoming the
 * controlling terminal. A FIFO opened with `'w'` without a reader gives `ENXIO`; a regular file opens, but cannot
 * be waited for. open(2).
 */
export function open(path: string, mode: OpenMode = 'r', permissions: number = DEFAULT_MODE): Descriptor {
  const sys = currentSys();
  const { O_RDONLY, O_WRONLY, O_RDWR } = sys.constants as Record<string, number>;
  const named: Record<string, number | undefined> = { r: O_RDONLY, w: O_WRONLY, 'r+': O_RDWR };
  const flags = typeof mode === 'number' ? mode : named[mode];
  if (flags === undefined) throw new TypeError(`mode must be 'r', 'w', 'r+' or O_ flags, not '${String(mode)}'`);
  const fd = sys.open(path, flags, permissions);
  if (fd < 0) throw new SystemError(sys, 'open', fd, { path });
  return new Descriptor(sys, fd);
}

/** Both ends of a new pipe. pipe2(2). */
export function pipe(): { reader: Descriptor; writer: Descriptor } {
  const sys = currentSys();
  const pair = new Int32Array(2);
  const result = sys.pipe(pair);
  if (result < 0) throw new SystemError(sys, 'pipe', result);
  return { reader: new Descriptor(sys, pair[0] as number), writer: new Descriptor(sys, pair[1] as number) };
}

/** A descriptor that is read and written as one 64-bit count. */
class Counter extends Descriptor {
  private readonly cell = new BigUint64Array(1);
  private readonly bytes = new Uint8Array(this.cell.buffer, 0, COUNTER_SIZE);

  /** The count, and sets it back; `undefined` while it is 0. */
  take(): number | undefined {
    return this.readInto(this.bytes) === undefined ? undefined : Number(this.cell[0]);
  }

  /** @internal */
  protected put(value: number): true | undefined {
    this.cell[0] = BigInt(value);
    return this.write(this.bytes) === undefined ? undefined : true;
  }
}

/** A counter to wake somebody with: readable while it is not 0. Linux and FreeBSD. eventfd(2). */
export class EventFd extends Counter {
  /** A new counter. With `semaphore`, `take` gives 1 at a time. Throws `SystemError` `ENOSYS` where there is none. */
  static create(initial: number = 0, options: { semaphore?: boolean } = {}): EventFd {
    const sys: Sys = currentSys();
    const fd = sys.eventfd(initial, options.semaphore ? (sys.constants.EFD_SEMAPHORE as number) : 0);
    if (fd < 0) throw new SystemError(sys, 'eventfd', fd);
    return new EventFd(sys, fd);
  }

  /** Adds to the count (a positive integer); `undefined` if that would overflow it, `true` otherwise. */
  signal(count: number = 1): true | undefined {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`count must be a positive integer, not ${count}`);
    }
    return this.put(count);
  }
}

/** A timer that is readable once its time has come. Linux and FreeBSD. timerfd_create(2). */
export class TimerFd extends Counter {
  /** A new timer, not set. Throws `SystemError` `ENOSYS` where there is none. */
  static create(sys: Sys = currentSys()): TimerFd {
    const fd = sys.timerfd();
    if (fd < 0) throw new SystemError(sys, 'timerfd_create', fd);
    return new TimerFd(sys, fd);
  }

  /** Sets it to go off once, in `ms` milliseconds from now (fractions count, `Infinity` disarms). */
  set(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`ms must be a number from 0 on, not ${ms}`);
    this.setDeadline(this.sys.now() + ms);
  }

  /** Sets it to go off once, at this time of {@link Sys.now}; `Infinity` disarms. What it has counted is taken back. */
  setDeadline(deadline: number): void {
    this.checked('timerfd_settime', this.sys.timerfdSet(this.fileno(), deadline));
  }
}
