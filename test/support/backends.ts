/**
 * The backends that a suite runs over: all that this system has, and where it has no kqueue, the kqueue backend over an imitation
 * (`kqueue*`; see `kqueue-over-poll.ts`, and what it is not).
 */

import { type BackendName, type Descriptor, poll, realSys, type Sys } from 'genloop/os';
import { availableBackends, Poller, type PollerOptions, Readiness, type Waiter } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import { withKqueue } from './kqueue-over-poll.ts';
import type { TestBody } from './suite.ts';
import { inside, overriding } from './systems.ts';

/** A backend to be tested, and the system to test it on. */
export interface Subject {
  /** What tests call it. */
  readonly title: string;
  readonly name: BackendName;
  readonly sys: Sys;
}

const real = realSys();
const available = availableBackends(real);

/** All of them. */
export const SUBJECTS: readonly Subject[] = [
  ...available.map((name) => ({ title: name, name, sys: real })),
  ...(available.includes('kqueue') ? [] : [{ title: 'kqueue*', name: 'kqueue' as const, sys: withKqueue(real) }]),
];

/** Those of a simulated system. */
export const SIMULATED: readonly Subject[] = (['epoll', 'poll', 'select'] as const).map((name) => ({
  title: `${name}, simulated`,
  name,
  sys: new SimulatedSystem(),
}));

/** What holds on these holds everywhere. */
export const EVERYWHERE: readonly Subject[] = [...SUBJECTS, ...SIMULATED];

/** Those with a kernel set that has a descriptor. */
export const SETS: readonly Subject[] = SUBJECTS.filter(({ name }) => name === 'epoll' || name === 'kqueue');

/** How long a test waits for what must come, in milliseconds. Reached only by a test that fails. */
export const PATIENCE = 10_000;

/** A waiter that writes down what it is told. */
export class Recorder implements Waiter {
  readonly flags: number[] = [];
  readonly errors: unknown[] = [];

  wake(flags: number): boolean {
    this.flags.push(flags);
    return true;
  }

  fail(error: unknown): boolean {
    this.errors.push(error);
    return true;
  }

  /** How often it was told something. */
  get told(): number {
    return this.flags.length + this.errors.length;
  }
}

/** What a test with a poller gets. */
export interface Bench {
  readonly poller: Poller;
  readonly sys: Sys;
  /** Closed at the end of the test. */
  keep<T extends { close(): void }>(thing: T): T;
  /** Waits until the waiter has been told something. */
  until(waiter: Recorder): void;
}

/** A test body with a poller over the subject's backend; `calls` replace system calls. */
export function withPoller(
  subject: Subject,
  body: (bench: Bench) => void,
  options: { calls?: Partial<Sys>; poller?: PollerOptions } = {},
): TestBody {
  return () => {
    const sys = options.calls === undefined ? subject.sys : overriding(subject.sys, options.calls);
    inside(sys, () => {
      const kept: { close(): void }[] = [];
      const poller = new Poller(sys, subject.name, options.poller);
      const keep = <T extends { close(): void }>(thing: T): T => {
        kept.push(thing);
        return thing;
      };
      const until = (waiter: Recorder): void => {
        const end = sys.now() + PATIENCE;
        while (waiter.told === 0 && sys.now() < end) poller.wait(end - sys.now());
        if (waiter.told === 0) throw new Error('nothing woke the waiter');
      };
      try {
        body({ poller, sys, keep, until });
      } finally {
        for (const thing of kept.reverse()) thing.close();
        poller.close();
      }
    });
  };
}

/** Waits, without a poller, until all these flags are true of the descriptor. */
export function untilReady(descriptor: Descriptor, flags: number): void {
  const end = real.now() + PATIENCE;
  const asked = flags & (Readiness.IN | Readiness.OUT | Readiness.PRI | Readiness.RDHUP);
  for (;;) {
    const [event] = poll([[descriptor, asked]], end - real.now());
    if (event === undefined) throw new Error(`descriptor ${descriptor.fd} never became 0x${flags.toString(16)}`);
    if ((event.events & flags) === flags) return;
  }
}

/** Opens files with `open` until one has this number; the others are closed again. */
export function onNumber<T extends Descriptor>(fd: number, open: () => T): T {
  const others: T[] = [];
  try {
    for (;;) {
      const opened = open();
      if (opened.fd === fd) return opened;
      others.push(opened);
      if (opened.fd > fd) throw new Error(`number ${fd} is in use`);
    }
  } finally {
    for (const other of others) other.close();
  }
}

/** Closes a number as foreign code would: its owner is not told. */
export function closeBehind(descriptor: Descriptor): number {
  const { fd } = descriptor;
  descriptor.sys.close(fd);
  return fd;
}

/** Makes a descriptor forget a number that somebody else has closed, so that it does not close another's. */
export function abandon(descriptor: Descriptor): void {
  if (!descriptor.closed) descriptor.detach();
}
