/**
 * The blocking drive: the scheduler owns the thread, and nothing of Node runs. Two things must be heard all the same.
 *
 * Ctrl-C: Node's own handler only leaves a note for its loop, which does not run. So on the main thread SIGINT and SIGTERM go
 * through the addon's signal pipe into the poller; the first cancels all tasks, a second one ends the process, and the old
 * actions come back at the end. A task that computes looks into no pipe: a second signal that finds the first one still unread
 * is left to the old action, which ends the process as if this library were not there. So is one that was not read by the
 * time the last task had ended: no task is left that it could cancel, and it counts as one that came right after the run. Both
 * happen in the addon, where nothing can come in between. Signals that somebody listens to by `onSignal` take the same way, and
 * are simply called.
 *
 * `worker.terminate()`: it asks V8 to stop and wakes the worker's Node loop, which does not run either. So the loop's own
 * descriptor is watched, edge-triggered (what makes it readable, nobody will take away), through a small set around
 * it that any backend can watch. A wait that ends is followed by JavaScript, and there V8 stops.
 */

import { constants, Descriptor, Epoll, Kqueue, nodeLoop, type Sys, SystemError } from '../os/index.ts';
import { isRealSys } from '../os/native.ts';
import { isMainThread, constants as system } from '../platform/node.ts';
import { INTERRUPTS, Interruption } from './interrupts.ts';
import type { Scheduler } from './scheduler.ts';
import { type SignalTaker, signalled, takeSignals } from './signals.ts';

const FOREVER = -1;

/** Runs until all tasks have ended. */
export function runBlocking(scheduler: Scheduler): void {
  if (scheduler.size > 0) {
    using _ears = new Ears(scheduler);
    while (scheduler.size > 0) {
      if (scheduler.stuck) scheduler.breakDeadlock();
      // One that a loop of the user's own has set before would go on ringing once its time has come.
      scheduler.pollerIfOpen?.alarm(Number.POSITIVE_INFINITY);
      scheduler.round(FOREVER);
    }
  }
  scheduler.settle();
}

/** What a blocked thread listens to besides its tasks' descriptors. */
class Ears implements Disposable, SignalTaker {
  /** By their numbers. */
  private readonly taken = new Map<number, NodeJS.Signals>();
  private readonly scheduler: Scheduler;
  private readonly sys: Sys;
  private pipe: Descriptor | null = null;
  private bell: Descriptor | null = null;
  private readonly interruption = new Interruption();

  /** Throws `SystemError` where a descriptor is missing (`EMFILE`), before any task has run: better than a run that is deaf. */
  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
    this.sys = scheduler.sys;
    // A simulated system has neither signals nor a Node loop.
    if (!isRealSys(this.sys)) return;
    try {
      // The first round would open it too late for its error to be anything but a broken scheduler.
      scheduler.poller;
      if (isMainThread) this.hearSignals();
      else this.hearTermination(scheduler);
    } catch (error) {
      // Nothing half-taken stays behind. The poller is the scheduler's, and serves its next run.
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    takeSignals(null);
    // The poller lets go of the number before the addon closes it.
    if (this.pipe?.closed === false) this.pipe.detach();
    for (const signal of this.taken.keys()) this.sys.signalClose(signal);
    this.bell?.close();
  }

  /** Hears this signal. Where another thread has the pipe, that one hears for both. Throws `SystemError`. */
  take(name: NodeJS.Signals): void {
    const signal = system.signals[name];
    const fd = this.sys.signalOpen(signal);
    if (fd === -(this.sys.constants.EBUSY as number)) return;
    if (fd < 0) throw new SystemError(this.sys, 'pipe', fd, { hint: `to hear ${name} in` });
    this.taken.set(signal, name);
    if (this.pipe !== null) return;
    const pipe = new Descriptor(this.sys, fd);
    this.pipe = pipe;
    this.scheduler.poller.listen(pipe, () => this.heard(pipe));
  }

  /** Gives it back. Those that end a run stay, so the pipe is still needed. */
  giveBack(name: NodeJS.Signals): void {
    const signal = system.signals[name];
    if (this.taken.delete(signal)) this.sys.signalClose(signal);
  }

  private hearSignals(): void {
    for (const name of INTERRUPTS) this.take(name);
    takeSignals(this);
  }

  private heard(pipe: Descriptor): void {
    const { scheduler } = this;
    for (const signal of pipe.read() ?? []) {
      const name = this.taken.get(signal);
      if (name === 'SIGINT' || name === 'SIGTERM') this.interruption.signal(name, signal, [scheduler]);
      else if (name !== undefined) {
        try {
          signalled(name);
        } catch (error) {
          // As an error that nobody catches; but the tasks get their clean-up.
          scheduler.breakOff(error);
        }
      }
    }
  }

  private hearTermination(scheduler: Scheduler): void {
    const loop = nodeLoop().backendFd();
    if (loop < 0) return;
    if ('EPOLLET' in constants) {
      const bell = Epoll.create();
      this.bell = bell;
      bell.add(loop, (constants.EPOLLIN as number) | (constants.EPOLLET as number));
      scheduler.poller.listen(bell, () => bell.wait(0));
      /* c8 ignore start: macOS and the BSDs; the coverage is measured on Linux */
    } else {
      const bell = Kqueue.create();
      this.bell = bell;
      const { EVFILT_READ, EV_ADD, EV_CLEAR } = constants as Record<string, number>;
      bell.kevent(
        [{ ident: loop, filter: EVFILT_READ as number, flags: (EV_ADD as number) | (EV_CLEAR as number) }],
        0,
      );
      scheduler.poller.listen(bell, () => bell.kevent([], 1, 0));
    }
    /* c8 ignore stop */
  }
}
