/** epoll(7), call by call: a set that the kernel keeps, so that a wait costs what is ready and not what is watched. */

import { Descriptor } from './descriptor.ts';
import { SystemError } from './errors.ts';
import { currentSys } from './native.ts';
import { filenoOf, type Pollable, uninterrupted } from './readiness.ts';
import { EPOLL_ROW, type Sys } from './sys.ts';

/** One event of an {@link Epoll}. */
export interface EpollEvent {
  /** What was registered with the descriptor; its number by default. */
  data: number;
  /** EPOLLIN, EPOLLOUT, …, as the kernel gave them. */
  events: number;
}

const DEFAULT_MAX_EVENTS = 256;

/** An epoll set. Linux; elsewhere `Epoll.create` throws `SystemError` `ENOSYS`. */
export class Epoll extends Descriptor {
  private rows: Int32Array = new Int32Array(DEFAULT_MAX_EVENTS * EPOLL_ROW);

  /** A new, empty set. epoll_create1(2). */
  static create(): Epoll {
    const sys: Sys = currentSys();
    const fd = sys.epollCreate();
    if (fd < 0) throw new SystemError(sys, 'epoll_create1', fd);
    return new Epoll(sys, fd);
  }

  /**
   * Watches a descriptor. `events`: EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE, ….
   * `data` (a 32-bit integer) comes back with each event. Throws `SystemError` `EEXIST`, `EPERM` (regular files), …
   */
  add(descriptor: Pollable, events: number, data: number = filenoOf(descriptor)): void {
    this.control('EPOLL_CTL_ADD', descriptor, events, data);
  }

  /** Watches it for other events. Throws `SystemError` `ENOENT` if it is not watched. */
  modify(descriptor: Pollable, events: number, data: number = filenoOf(descriptor)): void {
    this.control('EPOLL_CTL_MOD', descriptor, events, data);
  }

  /** Watches it no more. Throws `SystemError` `ENOENT` if it is not watched. */
  remove(descriptor: Pollable): void {
    this.control('EPOLL_CTL_DEL', descriptor, 0, 0);
  }

  /**
   * Waits for at least one event, at most `timeout` milliseconds (`undefined`: for ever; fractions down to
   * nanoseconds where the kernel has epoll_pwait2), and returns at most `maxEvents` of them.
   */
  wait(timeout?: number, maxEvents: number = DEFAULT_MAX_EVENTS): EpollEvent[] {
    if (!Number.isInteger(maxEvents) || maxEvents < 1) {
      throw new RangeError(`maxEvents must be a positive integer, not ${maxEvents}`);
    }
    const room = maxEvents * EPOLL_ROW;
    if (this.rows.length < room) this.rows = new Int32Array(room);
    const rows = this.rows.subarray(0, room);
    const count = uninterrupted(this.sys, 'epoll_wait', timeout, (remaining) =>
      this.sys.epollWait(this.fileno(), rows, remaining),
    );
    return Array.from({ length: count }, (_, index) => ({
      events: (rows[index * EPOLL_ROW] as number) >>> 0,
      data: rows[index * EPOLL_ROW + 1] as number,
    }));
  }

  private control(operation: string, descriptor: Pollable, events: number, data: number): void {
    const fd = filenoOf(descriptor);
    const result = this.sys.epollCtl(this.fileno(), this.sys.constants[operation] as number, fd, events, data, 0);
    if (result < 0) throw new SystemError(this.sys, 'epoll_ctl', result, { fd });
  }
}
