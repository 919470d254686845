/**
 * The guest drive: the scheduler lives inside Node's loop. Node watches one descriptor, the poller's kernel set, which also
 * carries the next deadline; when it becomes readable, one turn is taken. A turn asks for readiness again a few times, as what a
 * task does often makes the next thing ready at once, and then gives Node its own turn.
 *
 * While something waits for I/O or time, the watch keeps the process alive. Otherwise only a callback of Node could
 * wake a task, and if Node has nothing left to do either, that is a deadlock: decided at `beforeExit`.
 */

import { InternalError } from '../kernel/index.ts';
import { nodeLoop, SystemError } from '../os/index.ts';
import { process } from '../platform/node.ts';
import { activeScheduler } from './active.ts';
import type { Scheduler } from './scheduler.ts';

/** Rounds in one turn of Node. */
const ROUNDS_PER_TURN = 8;
/** Milliseconds in one turn of Node. */
const TIME_PER_TURN = 1;
const NO_WATCH = 0;
/** The longest delay of Node's timers, in milliseconds; what is further away is asked for again when it has passed. */
const LONGEST_DELAY = 0x7fffffff;

/** All that run: one listener for them, as Node warns of more than ten. */
const guests = new Set<Guest>();

function decideDeadlocks(): void {
  for (const guest of [...guests]) guest.decideDeadlock();
}

/** One run of a scheduler as a guest. */
export class Guest {
  private readonly scheduler: Scheduler;
  private watch = NO_WATCH;
  private watchedFd = -1;
  private referenced = true;
  private scheduled: NodeJS.Immediate | null = null;
  /** Stands in for the alarm while the process has no descriptor left for one. */
  private substitute: NodeJS.Timeout | null = null;
  private resolve: () => void = () => {};
  private reject: (error: unknown) => void = () => {};
  private readonly turn = (): void => this.takeTurn();

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** Starts; the first step comes in a later turn of Node. */
  start(): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (guests.size === 0) process.on('beforeExit', decideDeadlocks);
    guests.add(this);
    this.scheduler.kernel.onReady = () => {
      // Inside a turn of ours the turn itself goes on with it.
      if (activeScheduler() !== this.scheduler) this.schedule();
    };
    this.schedule();
    return promise;
  }

  /** The kernel set was replaced: watch the new one. */
  rewatch(): void {
    this.unwatch();
  }

  private schedule(): void {
    this.scheduled ??= setImmediate(() => {
      this.scheduled = null;
      this.takeTurn();
    });
  }

  private takeTurn(): void {
    const { scheduler } = this;
    const { kernel } = scheduler;
    try {
      const end = scheduler.sys.now() + TIME_PER_TURN;
      for (let round = 0; round < ROUNDS_PER_TURN; round++) {
        const before = scheduler.pollerIfOpen?.counters.events ?? 0;
        const steps = scheduler.round(0);
        if (scheduler.size === 0) break;
        // An alarm that rings goes on ringing until it is set again: an event that nobody took a step for is none.
        const news = steps > 0 && (scheduler.pollerIfOpen?.counters.events ?? 0) !== before;
        const quiet = kernel.ready === 0 && !news;
        if (quiet || scheduler.sys.now() >= end) break;
      }
      if (scheduler.size === 0) this.finish();
      else this.rest();
    } catch (error) {
      if (error instanceof InternalError) {
        this.finish(error);
      } else {
        // Node's loop refuses us; the tasks get their clean-up all the same.
        scheduler.breakOff(error);
        this.schedule();
      }
    }
  }

  /** Between two turns: Node watches what we wait for. */
  private rest(): void {
    const { scheduler } = this;
    const { kernel } = scheduler;
    const { next } = kernel.timers;
    if (kernel.ready > 0) this.schedule();
    const waits = (scheduler.pollerIfOpen?.waiting ?? 0) > 0;
    const timed = next !== Number.POSITIVE_INFINITY;
    if (!waits && !timed && this.watch === NO_WATCH) return;
    const rings = this.setAlarm(next);
    const poller = scheduler.pollerIfOpen;
    // Without a set nothing waits for I/O either, and the substitute does all; one that was closed behind our back is none.
    if (poller === null || poller.fd < 0) return;
    if (this.watch === NO_WATCH || this.watchedFd !== poller.fd) this.watchSet(poller.fd);
    const needed = waits || (timed && rings);
    if (this.referenced !== needed) {
      this.referenced = needed;
      nodeLoop().setRef(this.watch, needed);
    }
  }

  /**
   * Makes the kernel set readable at this time. Where no descriptor is left for the set or its timer (which is just when a server
   * pauses accepting, and sleeps) a timer of Node's takes the turn instead: `false`.
   */
  private setAlarm(deadline: number): boolean {
    if (this.substitute !== null) clearTimeout(this.substitute);
    this.substitute = null;
    try {
      this.scheduler.poller.alarm(deadline);
      return true;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const delay = Math.min(Math.max(0, deadline - this.scheduler.sys.now()), LONGEST_DELAY);
      this.substitute = setTimeout(this.turn, delay);
      return false;
    }
  }

  private watchSet(fd: number): void {
    this.unwatch();
    const watch = nodeLoop().watch(fd, this.turn);
    if (watch < 0) throw new Error(`Node's loop refuses to watch the kernel set: errno ${-watch}`);
    this.watch = watch;
    this.watchedFd = fd;
    this.referenced = true;
  }

  private unwatch(): void {
    if (this.watch !== NO_WATCH) nodeLoop().unwatch(this.watch);
    this.watch = NO_WATCH;
  }

  /** Node has nothing left to do. */
  decideDeadlock(): void {
    if (this.scheduler.stuck) {
      this.scheduler.breakDeadlock();
      this.schedule();
    }
  }

  /** The end: whatever could call a turn is taken away, so that none comes after it. */
  private finish(...errors: unknown[]): void {
    this.unwatch();
    if (this.scheduled !== null) clearImmediate(this.scheduled);
    if (this.substitute !== null) clearTimeout(this.substitute);
    guests.delete(this);
    if (guests.size === 0) process.off('beforeExit', decideDeadlocks);
    this.scheduler.kernel.onReady = null;
    this.scheduler.guestEnded();
    try {
      if (errors.length > 0) throw errors[0];
      this.scheduler.settle();
      this.resolve();
    } catch (error) {
      this.reject(error);
    }
  }
}
