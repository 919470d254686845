/**
 * All policy of readiness, once, over any backend.
 *
 * - A registration stays armed after a wake, so a read loop makes no control call. What nobody waits for any more is
 *   disarmed when an event finds nobody, only in the directions without a waiter: an idle writer must not
 *   disarm the parked reader.
 * - The generation rides in the kernel's datum. An event of another generation is about a file that used to have this
 *   number; it is dropped and counted, and never answered with a change by number, which could hit the new owner.
 *   If it comes again in the next wait, it will come in every wait (a dup keeps that file alive): the kernel
 *   set is built anew, at most once a second.
 * - HUP, ERR and NVAL wake everyone who waits on the descriptor. A close wakes them with a `ClosedError`, before the
 *   number is free.
 * - A control call that fails concerns the one waiter that needed it.
 */

import {
  BACKEND_ROW,
  type Backend,
  type BackendName,
  ClosedError,
  Descriptor,
  filenoOf,
  NOT_ARMED,
  type Pollable,
  type Sys,
  SystemError,
  TimerFd,
} from '../os/index.ts';
import { openBackend } from './backends.ts';
import { BusyError } from './errors.ts';
import { ALARM, Readiness } from './flags.ts';
import { type Direction, Registration, type Waiter } from './registration.ts';

/** What has happened so far, in numbers. */
export interface PollerCounters {
  /** Waits in the kernel. */
  waits: number;
  /** Events that came up. */
  events: number;
  /** Events of an earlier owner of the number, dropped. */
  stale: number;
  /** Events that found nobody, and made the poller disarm something. */
  spurious: number;
  /** Control calls: arm, disarm, remove. */
  controls: number;
  /** Kernel sets built anew because of events that would not stop. */
  rebuilds: number;
}

/** Options of a {@link Poller}. */
export interface PollerOptions {
  /** What messages call its owner. */
  name?: string;
  /** Called when the kernel set, and so its descriptor, was replaced. */
  onRebuild?: () => void;
}

/** A rebuild costs a system call per descriptor; a peer must not be able to make us do that all the time. */
const REBUILD_INTERVAL = 1000;
/** Generations of bare numbers count down, those of descriptors up: they never meet. */
const FIRST_BARE_GENERATION = -1;
const CONTROL_CALL: Record<BackendName, string> = {
  epoll: 'epoll_ctl',
  kqueue: 'kevent',
  poll: 'poll',
  select: 'select',
};

/** Portable readiness: who waits for what, and the wait for all of them. */
export class Poller implements Disposable {
  readonly counters: PollerCounters = { waits: 0, events: 0, stale: 0, spurious: 0, controls: 0, rebuilds: 0 };
  readonly sys: Sys;
  readonly name: string;
  private backend: Backend;
  /** By number, for events and bare numbers; never trusted without its generation. */
  private table: (Registration | undefined)[] = [];
  private parked = 0;
  private bareGeneration = FIRST_BARE_GENERATION;
  private staleBefore = new Set<number>();
  private staleNow = new Set<number>();
  private lastRebuild = Number.NEGATIVE_INFINITY;
  private readonly onRebuild: (() => void) | undefined;
  private timer: TimerFd | null = null;
  private alarmSet = Number.POSITIVE_INFINITY;
  private alarmRang = false;

  /** Opens the backend. Throws `SystemError` if that fails (`EMFILE`). */
  constructor(sys: Sys, backend: BackendName, options: PollerOptions = {}) {
    this.sys = sys;
    this.name = options.name ?? 'a poller';
    this.onRebuild = options.onRebuild;
    this.backend = openBackend(sys, backend);
  }

  /** The backend's name. */
  get backendName(): BackendName {
    return this.backend.name;
  }

  /** The kernel set's own descriptor, which is readable while something is ready; -1 with `poll` and `select`. */
  get fd(): number {
    return this.backend.fd;
  }

  /** How many waiters are parked. */
  get waiting(): number {
    return this.parked;
  }

  /**
   * Parks a waiter until the descriptor is ready in this direction. Throws `BusyError` (somebody waits there already, or
   * another poller watches the descriptor), `ClosedError`, `SystemError` (what cannot be waited for: `EPERM`), `TypeError`.
   */
  park(pollable: Pollable, direction: Direction, waiter: Waiter): Registration {
    const registration = this.registrationOf(pollable);
    if (registration.waiter(direction) !== null) {
      const verb =
        direction === Readiness.IN ? 'reads' : direction === Readiness.OUT ? 'writes' : 'waits for urgent data';
      throw new BusyError(
        `another task already ${verb} on ${registration.descriptor ?? `descriptor ${registration.fd}`}; one waiter for each direction`,
      );
    }
    registration.setWaiter(direction, waiter);
    if ((registration.armed & direction) === 0 || registration.armed === NOT_ARMED) {
      try {
        this.arm(registration);
      } catch (error) {
        registration.setWaiter(direction, null);
        this.release(registration);
        throw error;
      }
    }
    this.parked++;
    return registration;
  }

  /** Takes a parked waiter back; later events wake nobody. `false` if it was not parked there any more. */
  unpark(registration: Registration, direction: Direction, waiter: Waiter): boolean {
    if (registration.waiter(direction) !== waiter) return false;
    registration.setWaiter(direction, null);
    this.parked--;
    this.release(registration);
    return true;
  }

  /** Calls `listener` at every wait in which the descriptor is readable; counts as no waiter. Until it is closed. */
  listen(descriptor: Descriptor, listener: (flags: number) => void): void {
    const registration = this.registrationOf(descriptor);
    registration.listener = listener;
    this.arm(registration);
  }

  /**
   * Makes {@link Poller.fd} readable at this time (`Infinity`: never), for a loop that watches it instead of waiting here.
   * An alarm that is set for earlier stays: it makes one needless wake-up, where moving it would cost a call each time.
   * Throws `SystemError` where no timer can be had (`EMFILE`).
   */
  alarm(deadline: number): void {
    if (this.alarmRang) this.alarmSet = Number.POSITIVE_INFINITY;
    if (deadline >= this.alarmSet && !this.alarmRang) return;
    this.alarmRang = false;
    this.alarmSet = deadline;
    if (this.backend.alarm !== undefined) {
      const delay = deadline === Number.POSITIVE_INFINITY ? deadline : Math.max(0, deadline - this.sys.now());
      const result = this.backend.alarm(delay);
      if (result < 0) throw new SystemError(this.sys, CONTROL_CALL[this.backend.name], result);
      return;
    }
    if (this.timer === null) {
      this.timer = TimerFd.create(this.sys);
      this.listen(this.timer, () => {
        this.alarmRang = true;
      });
    }
    // Setting it also takes back what it has counted, so it need not be read.
    this.timer.setDeadline(deadline);
  }

  /**
   * Waits for events, at most `timeout` milliseconds (rounded up; negative: for ever), and wakes whoever waited for them.
   * The number of events; 0 also if a signal interrupted the wait.
   */
  wait(timeout: number): number {
    this.counters.waits++;
    const { backend } = this;
    const count = backend.wait(timeout);
    if (count <= 0) {
      if (count < 0 && count !== -(this.sys.constants.EINTR as number)) {
        throw new SystemError(this.sys, `${backend.name}_wait`, count);
      }
      if (this.staleBefore.size > 0) this.staleBefore.clear();
      return 0;
    }
    this.counters.events += count;
    const { rows } = backend;
    for (let at = 0, end = count * BACKEND_ROW; at < end; at += BACKEND_ROW) {
      const fd = rows[at] as number;
      const generation = rows[at + 1] as number;
      const registration = this.table[fd];
      if (registration !== undefined && registration.generation === generation) {
        this.deliver(registration, rows[at + 2] as number);
      } else {
        this.dropStale(fd, generation);
      }
    }
    if (this.staleNow.size > 0 || this.staleBefore.size > 0) this.reviewStale();
    return count;
  }

  /** @internal A registration's descriptor is about to be closed or given away. */
  forget(registration: Registration): void {
    this.failAll(registration, (name) => new ClosedError(`${name} was closed while a task waited for it`));
    this.removeFromKernel(registration);
    if (this.table[registration.fd] === registration) this.table[registration.fd] = undefined;
  }

  /** Fails every waiter with a `ClosedError`, lets go of every descriptor (none is closed), and closes the kernel set. */
  close(): void {
    const registrations = this.table;
    this.table = [];
    this.timer?.close();
    this.timer = null;
    this.backend.close();
    for (const registration of registrations) {
      if (registration === undefined) continue;
      registration.armed = NOT_ARMED;
      this.failAll(registration, () => new ClosedError('the scheduler that waited for this descriptor has ended'));
      if (registration.descriptor?.watcher === registration) registration.descriptor.watcher = null;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private deliver(registration: Registration, flags: number): void {
    if (registration.listener !== null) {
      registration.listener(flags);
      return;
    }
    const alarm = (flags & ALARM) !== 0;
    const { reader, writer, priority } = registration;
    let idle = 0;
    if (alarm || (flags & (Readiness.IN | Readiness.RDHUP)) !== 0) {
      if (reader === null) idle |= Readiness.IN;
      else {
        registration.reader = null;
        this.parked--;
        reader.wake(flags);
      }
    }
    if (alarm || (flags & Readiness.OUT) !== 0) {
      if (writer === null) idle |= Readiness.OUT;
      else {
        registration.writer = null;
        this.parked--;
        writer.wake(flags);
      }
    }
    if (alarm || (flags & Readiness.PRI) !== 0) {
      if (priority === null) idle |= Readiness.PRI;
      else {
        registration.priority = null;
        this.parked--;
        priority.wake(flags);
      }
    }
    if (registration.descriptor === null) this.release(registration);
    else if ((idle & registration.armed) !== 0) this.disarm(registration, idle);
    // Nothing armed, and yet an event: the one that a bare one-shot still owes. Answering it would ask for another.
    else if (idle !== 0) this.counters.spurious++;
  }

  private disarm(registration: Registration, idle: number): void {
    this.counters.spurious++;
    this.counters.controls++;
    registration.interest = registration.armed & ~idle;
    const result = this.backend.change(registration);
    // The number was closed behind our back and the file lives on: only a new set makes it silent.
    if (result < 0) this.dropStale(registration.fd, registration.generation);
  }

  private arm(registration: Registration): void {
    const before = registration.armed === NOT_ARMED ? 0 : registration.armed;
    registration.interest = before | registration.wanted;
    this.counters.controls++;
    const result = this.backend.change(registration);
    if (result < 0) throw this.refusal(registration, result);
  }

  /** A bare number is let go as soon as nobody waits for it: nobody would tell us of its close. */
  private release(registration: Registration): void {
    if (registration.descriptor !== null) return;
    if (registration.wanted !== 0) {
      registration.armed &= registration.wanted;
      this.armOrFail(registration);
      return;
    }
    this.removeFromKernel(registration);
    if (this.table[registration.fd] === registration) this.table[registration.fd] = undefined;
  }

  private removeFromKernel(registration: Registration): void {
    if (registration.armed === NOT_ARMED) return;
    this.counters.controls++;
    this.backend.remove(registration);
  }

  private registrationOf(pollable: Pollable): Registration {
    if (pollable instanceof Descriptor) {
      const { watcher } = pollable;
      if (watcher instanceof Registration) {
        if (watcher.poller === this) return watcher;
        throw new BusyError(`${pollable} is watched by ${watcher.poller.name}; a descriptor belongs to one at a time`);
      }
      return this.registerDescriptor(pollable);
    }
    const fd = filenoOf(pollable);
    const known = this.table[fd];
    if (known !== undefined) return known;
    this.refuseFiles(fd);
    const registration = new Registration(this, fd, this.bareGeneration--, null);
    this.table[fd] = registration;
    return registration;
  }

  private registerDescriptor(descriptor: Descriptor): Registration {
    const fd = descriptor.fileno();
    const before = this.table[fd];
    if (before === undefined) this.refuseFiles(fd);
    const registration = new Registration(this, fd, descriptor.generation, descriptor);
    if (before !== undefined) this.succeed(before, registration);
    this.table[fd] = registration;
    descriptor.watcher = registration;
    return registration;
  }

  /** A number that was already watched gets an owner, or another one. */
  private succeed(before: Registration, registration: Registration): void {
    if (before.descriptor === null) {
      const { reader, writer, priority } = before;
      Object.assign(registration, { reader, writer, priority });
      if (registration.wanted !== 0) this.arm(registration);
      return;
    }
    before.descriptor.watcher = null;
    before.armed = NOT_ARMED;
    this.failAll(before, (name) => new ClosedError(`${name} was closed behind our back: its number has another owner`));
  }

  private failAll(registration: Registration, makeError: (name: string) => Error): void {
    const waiters = [registration.reader, registration.writer, registration.priority].filter(
      (waiter) => waiter !== null,
    );
    registration.reader = registration.writer = registration.priority = null;
    registration.listener = null;
    this.parked -= waiters.length;
    const kind = registration.descriptor?.constructor.name ?? 'descriptor';
    for (const waiter of waiters) waiter.fail(makeError(`${kind} ${registration.fd}`));
  }

  /** epoll refuses regular files; the others would call them always ready. One answer everywhere. */
  private refuseFiles(fd: number): void {
    if (this.backend.name === 'epoll') return;
    const { S_IFMT, S_IFREG, S_IFDIR, EPERM } = this.sys.constants as Record<string, number>;
    const mode = this.sys.fstat(fd);
    const type = mode < 0 ? 0 : mode & (S_IFMT as number);
    if (type === S_IFREG || type === S_IFDIR) throw this.refusal({ fd, generation: 0 }, -(EPERM as number));
  }

  private refusal(registration: { fd: number; generation: number }, errno: number): SystemError {
    const { EPERM, EINVAL } = this.sys.constants as Record<string, number>;
    const { fd } = registration;
    let hint: string | undefined;
    if (errno === -(EPERM as number)) {
      hint = `descriptor ${fd} cannot be waited for: regular files and directories are always ready; read them with node:fs`;
    } else if (errno === -(EINVAL as number) && this.backend.name === 'select') {
      hint = `select cannot watch descriptor ${fd}, FD_SETSIZE is ${this.sys.constants.FD_SETSIZE}; use poll or epoll`;
    }
    return new SystemError(this.sys, CONTROL_CALL[this.backend.name], errno, { fd, hint });
  }

  private dropStale(fd: number, generation: number): void {
    this.counters.stale++;
    this.staleNow.add(fd * 2 ** 31 + generation);
  }

  private reviewStale(): void {
    let again = false;
    for (const key of this.staleNow) again ||= this.staleBefore.has(key);
    const now = again ? this.sys.now() : 0;
    if (again && now - this.lastRebuild >= REBUILD_INTERVAL) {
      this.lastRebuild = now;
      this.rebuild();
      this.staleNow.clear();
    }
    [this.staleBefore, this.staleNow] = [this.staleNow, this.staleBefore];
    this.staleNow.clear();
  }

  private armOrFail(registration: Registration): void {
    try {
      this.arm(registration);
    } catch (error) {
      this.failAll(registration, () => error as Error);
    }
  }

  private rebuild(): void {
    let replacement: Backend;
    try {
      replacement = openBackend(this.sys, this.backend.name);
    } catch {
      // No descriptor left: the old set goes on, noisily, and the next review tries again.
      return;
    }
    this.backend.close();
    this.backend = replacement;
    this.counters.rebuilds++;
    for (const registration of this.table) {
      if (registration === undefined) continue;
      registration.armed = NOT_ARMED;
      if (registration.wanted !== 0) this.armOrFail(registration);
    }
    this.onRebuild?.();
  }
}
