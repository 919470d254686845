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
 * - HUP, ERR and NVAL wake everyone who waits on the descriptor. (select does not tell a writer of HUP alone.) A close wakes them with a `ClosedError`, before the
 *   number is free.
 * - A control call that fails concerns the one waiter that needed it.
 * - A wait that is refused for want of memory is tried again, for a second. One that is refused for good is told to whoever
 *   waits here; the waiters stay, as nobody knows anything of their descriptors.
 */

import {
  BACKEND_ROW,
  type Backend,
  type BackendName,
  ClosedError,
  type Descriptor,
  NOT_ARMED,
  type Pollable,
  type Sys,
  type SystemError,
} from '../os/index.ts';
import { Alarm } from './alarm.ts';
import { openBackend } from './backends.ts';
import { ClosedBackend } from './closed.ts';
import { noCounters, type PollerCounters } from './counters.ts';
import { ALARM, Readiness } from './flags.ts';
import type { PollerOptions } from './options.ts';
import { RECEIVE_ROOM, Reception } from './reception.ts';
import { isSetLost, refusal, refuseUnpollable } from './refusal.ts';
import { RefusedWaits } from './refused-waits.ts';
import type { Direction, Receiver, Registration, Waiter } from './registration.ts';
import { Registry } from './registry.ts';
import { Slab } from './slab.ts';
import { StaleEvents } from './stale.ts';
import { SEND_ROOM, Transmission } from './transmission.ts';

/** Portable readiness: who waits for what, and the wait for all of them. */
export class Poller implements Disposable {
  readonly counters: PollerCounters = noCounters();
  readonly sys: Sys;
  readonly name: string;
  /** Short writes that go together, before the next wait at the latest; `null` with `send: 'task'`. */
  readonly transmission: Transmission | null;
  private backend: Backend;
  private readonly registry: Registry;
  private parked = 0;
  private readonly stale = new StaleEvents();
  private readonly slab = new Slab(RECEIVE_ROOM, SEND_ROOM);
  /** Made when somebody first wants to be received for. */
  private reception: Reception | null = null;
  private readonly onRebuild: (() => void) | undefined;
  private readonly receives: boolean;
  private readonly bell: Alarm;
  private closed = false;
  private readonly refusals: RefusedWaits;

  /** Opens the backend. Throws `SystemError` if that fails (`EMFILE`). */
  constructor(sys: Sys, backend: BackendName, options: PollerOptions = {}) {
    this.sys = sys;
    this.name = options.name ?? 'a poller';
    this.onRebuild = options.onRebuild;
    this.receives = options.receive !== 'task';
    this.refusals = new RefusedWaits(sys);
    this.transmission = options.send === 'task' ? null : new Transmission(sys, this.slab);
    this.backend = openBackend(sys, backend);
    this.registry = new Registry(this, {
      admit: (fd) => this.admit(fd),
      // Told again, as it may be another file since: a bare number's close is seen by nobody.
      adopted: (registration) => {
        if (registration.wanted !== 0) this.armOrFail(registration, registration.wanted);
        else this.removeFromKernel(registration);
      },
      superseded: (before) => {
        // By number, but harmless: the new owner is not in the set yet.
        this.removeFromKernel(before);
        this.failAll(
          before,
          (name) => new ClosedError(`${name} was closed behind our back: its number has another owner`),
        );
      },
    });
    this.bell = new Alarm(sys, (timer) => this.listen(timer, () => {}));
  }

  /** The backend's name. */
  get backendName(): BackendName {
    return this.backend.name;
  }

  /** The kernel set's own descriptor, which is readable while something is ready; -1 with `poll` and `select`. */
  get fd(): number {
    return this.backend.fd;
  }

  /** @internal What the last wait threw that was refused for good. */
  get refusedFor(): SystemError | null {
    return this.refusals.final;
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
    const registration = this.registry.of(pollable);
    registration.refuseSecond(direction);
    registration.setWaiter(direction, waiter);
    const armed = registration.armed !== NOT_ARMED && (registration.armed & direction) !== 0;
    // A bare number is told again even so: its owner may have been closed behind our back, and the file be another.
    if (!armed || registration.descriptor !== pollable) {
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

  /**
   * Parks a reader, and receives for it (recv(2)) as soon as there is something: `receiver` gets it before the reader is
   * woken. With `receive: 'task'`, and otherwise too, as {@link Poller.park}.
   */
  parkReceiver(socket: Descriptor, reader: Waiter, receiver: Receiver): Registration {
    const registration = this.park(socket, Readiness.IN, reader);
    if (this.receives && receiver.plain !== true) registration.receiver = receiver;
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

  /**
   * Takes out of the kernel's set what nobody waits for; the next who waits puts it back. For who finds a descriptor ready again and
   * again without waiting: the kernel looks at a member of its set for every datagram that comes or goes, whoever waits.
   * `false` while somebody waits. One that was closed behind our back stays as it was: it may live on in the set.
   */
  withdraw(registration: Registration): boolean {
    const { armed, wanted } = registration;
    if (wanted !== 0) return false;
    if (this.removeFromKernel(registration) < 0) registration.armed = armed;
    return true;
  }

  /** Calls `listener` at every wait in which the descriptor is readable; counts as no waiter. Until it is closed. */
  listen(descriptor: Descriptor, listener: (flags: number) => void): void {
    const registration = this.registry.of(descriptor);
    registration.listener = listener;
    try {
      this.arm(registration);
    } catch (error) {
      registration.listener = null;
      throw error;
    }
  }

  /**
   * Makes {@link Poller.fd} readable at this time (`Infinity`: never), for a loop that watches it instead of waiting here.
   * An alarm that is set for earlier stays: it makes one needless wake-up, where moving it would cost a call each time.
   * Throws `SystemError` where no timer can be had (`EMFILE`).
   */
  alarm(deadline: number): void {
    this.bell.set(this.backend, deadline);
  }

  /**
   * Waits for events, at most `timeout` milliseconds (rounded up; negative: for ever), and wakes whoever waited for them.
   * The number of events; 0 also if a signal interrupted the wait, or the kernel had no memory for it and may have some by now.
   * Throws `SystemError`, with the name of the call, if the kernel refuses to wait: `ENOMEM` for a second, `EINVAL`, `EBADF`.
   */
  wait(timeout: number): number {
    const { backend, transmission } = this;
    if (transmission !== null && transmission.size > 0) {
      // What was received is about to be written over; and whoever goes on now does not wait.
      transmission.flush();
      timeout = 0;
    }
    this.counters.waits++;
    const count = backend.wait(timeout);
    if (count <= 0) {
      if (count < 0 && count !== -(this.sys.constants.EINTR as number)) {
        this.refused(count, timeout);
        return 0;
      }
      this.refusals.count = 0;
      this.stale.review(this.sys);
      return 0;
    }
    this.refusals.count = 0;
    this.counters.events += count;
    const { table } = this.registry;
    for (let at = 0, { rows } = backend; at < count * BACKEND_ROW; at += BACKEND_ROW) {
      const fd = rows[at] as number;
      const generation = rows[at + 1] as number;
      const registration = table[fd];
      if (registration !== undefined && registration.generation === generation) {
        this.deliver(registration, rows[at + 2] as number);
      } else {
        this.dropStale(fd, generation);
      }
    }
    if (this.reception !== null && this.reception.size > 0) this.receive(this.reception);
    if (this.stale.review(this.sys)) this.rebuild();
    return count;
  }

  /** @internal A registration's descriptor is about to be closed or given away. */
  forget(registration: Registration): void {
    this.transmission?.flush(registration);
    this.registry.forget(registration);
    this.removeFromKernel(registration);
    this.failAll(registration, (name) => new ClosedError(`${name} was closed while a task waited for it`));
  }

  /** Fails every waiter with a `ClosedError`, lets go of every descriptor (none is closed), and closes the kernel set. */
  close(): void {
    const registrations = this.registry.table.splice(0);
    this.bell.close();
    this.transmission?.clear();
    this.closed = true;
    this.backend.close();
    this.backend = new ClosedBackend(this.sys, this.backend.name);
    for (const registration of registrations) {
      if (registration === undefined) continue;
      registration.armed = NOT_ARMED;
      this.failAll(registration, () => new ClosedError('the scheduler that waited for this descriptor has ended'));
      if (registration.descriptor?.watcher === registration) registration.descriptor.watcher = null;
    }
  }

  /** {@link Poller.close}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  private refused(result: number, timeout: number): void {
    if (this.closed) throw new ClosedError('this poller has been closed');
    const { backend, sys } = this;
    const error = this.refusals.judge(backend, result, timeout);
    if (error === null) return;
    // Its number may be somebody else's by now, who would not like it closed or changed.
    if (isSetLost(sys, backend.name, result)) this.backend = new ClosedBackend(sys, backend.name);
    throw error;
  }

  private deliver(registration: Registration, flags: number): void {
    if (registration.listener !== null) {
      registration.listener(flags);
      return;
    }
    const alarm = (flags & ALARM) !== 0;
    const { parked } = this;
    let idle = 0;
    let received = false;
    // Each waiter is looked up when its turn comes: the one before may have closed the descriptor.
    if (alarm || (flags & (Readiness.IN | Readiness.RDHUP)) !== 0) {
      const { reader } = registration;
      if (reader === null) idle |= Readiness.IN;
      else if (registration.receiver !== null) {
        received = true;
        this.reception ??= new Reception(this.sys, this.counters, this.slab.bytes);
        if (this.reception.add(registration)) this.receive(this.reception);
      } else {
        registration.reader = null;
        this.parked--;
        reader.wake(flags);
      }
    }
    if (alarm || (flags & Readiness.OUT) !== 0) {
      const { writer } = registration;
      if (writer === null) idle |= Readiness.OUT;
      else {
        registration.writer = null;
        this.parked--;
        writer.wake(flags);
      }
    }
    if (alarm || (flags & Readiness.PRI) !== 0) {
      const { priority } = registration;
      if (priority === null) idle |= Readiness.PRI;
      else {
        registration.priority = null;
        this.parked--;
        priority.wake(flags);
      }
    }
    const { armed } = registration;
    if (registration.descriptor === null) this.release(registration);
    else if (armed !== NOT_ARMED && (idle & armed) !== 0) this.disarm(registration, armed & ~idle);
    // Nothing armed, and yet an event: the one that a bare one-shot still owes. Answering it would ask for another.
    else if (this.parked === parked && !received) this.counters.spurious++;
  }

  private receive(reception: Reception): void {
    // Not in one expression, here and below: a wake may take others back, and `-=` reads its left side first.
    const woken = reception.receive();
    this.parked -= woken;
  }

  private disarm(registration: Registration, interest: number): void {
    this.counters.spurious++;
    // The number was closed behind our back and the file lives on: only a new set makes it silent.
    if (this.change(registration, interest) < 0) this.dropStale(registration.fd, registration.generation);
  }

  private arm(registration: Registration): void {
    const before = registration.armed === NOT_ARMED ? 0 : registration.armed;
    const result = this.change(registration, before | registration.wanted);
    if (result < 0) throw this.refusal(registration, result);
  }

  private change(registration: Registration, interest: number): number {
    registration.interest = interest;
    this.counters.controls++;
    return this.backend.change(registration);
  }

  /** A bare number is let go as soon as nobody waits for it: nobody would tell us of its close. */
  private release(registration: Registration): void {
    if (registration.descriptor !== null) return;
    const { wanted, armed } = registration;
    if (wanted !== 0) {
      if (armed === NOT_ARMED || (armed & ~wanted) !== 0) this.armOrFail(registration, wanted);
      return;
    }
    this.removeFromKernel(registration);
    this.registry.forget(registration);
  }

  private removeFromKernel(registration: Registration): number {
    if (registration.armed === NOT_ARMED) return 0;
    this.counters.controls++;
    return this.backend.remove(registration);
  }

  private failAll(registration: Registration, makeError: (name: string) => Error): void {
    const failed = registration.failAll(makeError);
    this.parked -= failed;
  }

  private admit(fd: number): void {
    if (this.closed) throw new ClosedError('this poller has been closed');
    refuseUnpollable(this.sys, this.backend.name, fd);
  }

  private refusal(registration: Registration, errno: number): SystemError {
    return refusal(this.sys, this.backend.name, registration.fd, errno);
  }

  private dropStale(fd: number, generation: number): void {
    this.counters.stale++;
    this.stale.add(fd, generation);
  }

  private armOrFail(registration: Registration, interest: number): void {
    const result = this.change(registration, interest);
    if (result < 0) this.failAll(registration, () => this.refusal(registration, result));
  }

  private rebuild(): void {
    const old = this.backend;
    try {
      this.backend = openBackend(this.sys, old.name);
    } catch {
      // No descriptor left: the old set goes on, noisily, and a later review tries again.
      return;
    }
    this.counters.rebuilds++;
    for (const registration of this.registry.table) {
      if (registration === undefined) continue;
      registration.armed = NOT_ARMED;
      if (registration.wanted !== 0) this.armOrFail(registration, registration.wanted);
    }
    this.bell.moved(this.backend);
    // Before the close, so that nobody watches a number that is free.
    this.onRebuild?.();
    old.close();
  }
}
