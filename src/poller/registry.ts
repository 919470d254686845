/**
 * Which registration belongs to what is to be waited for: that of a descriptor hangs on it, that of a bare number is found by the number. A
 * number alone is never trusted: it may have an owner since, or another one.
 */

import { Descriptor, filenoOf, type Pollable } from '../os/index.ts';
import { BusyError } from './errors.ts';
import type { Poller } from './poller.ts';
import { Registration } from './registration.ts';

/** Generations of bare numbers count down, those of descriptors up: they never meet. */
const FIRST_BARE_GENERATION = -1;

/** What the poller does when a number's registration begins, or changes hands. */
export interface RegistrySteps {
  /** Throws if this number cannot be waited for. */
  admit(fd: number): void;
  /** A number that was watched without an owner has one now. */
  adopted(registration: Registration): void;
  /** A watched number turned up with another owner: the first was closed behind our back. */
  superseded(before: Registration): void;
}

/** The registrations of one poller. */
export class Registry {
  /** By number, for events and bare numbers; never trusted without its generation. */
  readonly table: (Registration | undefined)[] = [];
  private readonly poller: Poller;
  private readonly steps: RegistrySteps;
  private bareGeneration = FIRST_BARE_GENERATION;

  constructor(poller: Poller, steps: RegistrySteps) {
    this.poller = poller;
    this.steps = steps;
  }

  /** The registration, a new one if there is none. Throws `BusyError` for what another poller watches. */
  of(pollable: Pollable): Registration {
    const { poller, table } = this;
    if (pollable instanceof Descriptor) {
      const { watcher } = pollable;
      if (watcher instanceof Registration) {
        if (watcher.poller === poller) return watcher;
        throw new BusyError(`${pollable} is watched by ${watcher.poller.name}; a descriptor belongs to one at a time`);
      }
      return this.register(pollable);
    }
    const fd = filenoOf(pollable);
    const known = table[fd];
    if (known !== undefined) return known;
    this.steps.admit(fd);
    const registration = new Registration(poller, fd, this.bareGeneration--, null);
    table[fd] = registration;
    return registration;
  }

  /** Takes it out of the table. */
  forget(registration: Registration): void {
    if (this.table[registration.fd] === registration) this.table[registration.fd] = undefined;
  }

  private register(descriptor: Descriptor): Registration {
    const { poller, steps, table } = this;
    const fd = descriptor.fileno();
    const before = table[fd];
    if (before === undefined) steps.admit(fd);
    else if (before.descriptor === null) return this.adopt(before, descriptor);
    else {
      before.descriptor.watcher = null;
      steps.superseded(before);
    }
    const registration = new Registration(poller, fd, descriptor.generation, descriptor);
    table[fd] = registration;
    descriptor.watcher = registration;
    return registration;
  }

  /** Whoever waits goes on waiting, and may still be taken back. */
  private adopt(registration: Registration, descriptor: Descriptor): Registration {
    registration.descriptor = descriptor;
    registration.generation = descriptor.generation;
    descriptor.watcher = registration;
    this.steps.adopted(registration);
    return registration;
  }
}
