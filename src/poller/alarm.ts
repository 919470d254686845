/**
 * The time at which the kernel set's own descriptor becomes readable by itself, for a loop that watches it instead of
 * waiting here. kqueue has a timer filter; epoll gets a timerfd among its descriptors.
 */

import { type Backend, type Descriptor, type Sys, TimerFd } from '../os/index.ts';
import { refusal } from './refusal.ts';

/** The longest alarm that a backend is asked for, in milliseconds (24 days); a later one is set again when that has passed. */
const LONGEST_ALARM = 0x7fffffff;
const NEVER = Number.POSITIVE_INFINITY;

/** One alarm. It is moved only to an earlier time: a needless wake-up costs less than a call for each new deadline. */
export class Alarm {
  private readonly sys: Sys;
  /** Has the poller watch the timer. */
  private readonly watch: (timer: Descriptor) => void;
  private timer: TimerFd | null = null;
  private time: number = NEVER;

  constructor(sys: Sys, watch: (timer: Descriptor) => void) {
    this.sys = sys;
    this.watch = watch;
  }

  /** Sets it for this time, unless it will ring before. Throws `SystemError` where no timer can be had (`EMFILE`). */
  set(backend: Backend, deadline: number): void {
    // One whose time has come has rung, or is about to: it must be set again.
    if (deadline >= this.time && (this.time === NEVER || this.time > this.sys.now())) return;
    this.time = this.tell(backend, deadline);
  }

  /** The kernel set was replaced. A timerfd is a descriptor like any other, and moves with them. */
  moved(backend: Backend): void {
    if (backend.alarm !== undefined && this.time !== NEVER) this.tell(backend, this.time);
  }

  close(): void {
    this.timer?.close();
    this.timer = null;
    this.time = NEVER;
  }

  private tell(backend: Backend, deadline: number): number {
    if (backend.alarm !== undefined) {
      const now = deadline === NEVER ? 0 : this.sys.now();
      const delay = deadline === NEVER ? NEVER : Math.min(Math.max(0, deadline - now), LONGEST_ALARM);
      const result = backend.alarm(delay);
      if (result < 0) throw refusal(this.sys, backend.name, backend.fd, result);
      return now + delay;
    }
    this.timer ??= this.openTimer();
    // Setting it also takes back what it has counted, so it need not be read.
    this.timer.setDeadline(deadline);
    return deadline;
  }

  private openTimer(): TimerFd {
    const timer = TimerFd.create(this.sys);
    try {
      this.watch(timer);
      return timer;
    } catch (error) {
      timer.close();
      throw error;
    }
  }
}
