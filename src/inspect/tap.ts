/**
 * Listening to the system calls of a running program. A `Sys` that is in use cannot be exchanged (descriptors remember
 * theirs, and the drives compare it), so its functions are replaced in place, and put back when nobody listens any more.
 * The clock and what makes no system call stays as it is.
 */

import type { Sys } from '../os/index.ts';

/** Told of system calls. Must not throw. */
export interface CallListener {
  /** Before a call that may put the thread to sleep. */
  waiting(): void;
  /** A call has returned, or thrown (then the result is `undefined`). `start` is a time of `performance.now()`. */
  called(name: string, start: number, args: readonly unknown[], result: number | undefined): void;
}

/** Calls that may put the thread to sleep, and where their timeout stands. */
const WAITS: ReadonlyMap<keyof Sys, number> = new Map([
  ['epollWait', 2],
  ['poll', 2],
  ['select', 2],
  ['kevent', 4],
]);

/** Those whose first argument is a descriptor. */
const ON_DESCRIPTORS: readonly (keyof Sys)[] = [
  ...(['bind', 'listen', 'accept', 'connect', 'recv', 'send', 'recvfrom', 'sendto', 'shutdown'] as const),
  ...(['getsockname', 'getpeername', 'getsockopt', 'setsockopt', 'read', 'write', 'close', 'dup', 'fcntl'] as const),
  ...(['fstat', 'ioctl', 'timerfdSet', 'epollCtl', 'epollWait', 'kevent'] as const),
];

const OTHERS: readonly (keyof Sys)[] = [
  ...(['socket', 'socketpair', 'open', 'pipe', 'eventfd', 'timerfd', 'epollCreate', 'kqueue'] as const),
  ...(['recvEach', 'sendEach', 'poll', 'select', 'signalOpen', 'signalClose', 'raise'] as const),
];

type Call = (...args: unknown[]) => number;
type Calls = Record<string, Call | undefined>;

const taps = new WeakMap<Sys, Tap>();

/** The descriptor that a call is about; for `epoll_ctl` the one whose registration changes. */
export function descriptorOf(name: string, args: readonly unknown[]): number | undefined {
  if (!ON_DESCRIPTORS.includes(name as keyof Sys)) return undefined;
  return args[name === 'epollCtl' ? 2 : 0] as number;
}

/** Whether a call is one that may put the thread to sleep. */
export function isWait(name: string): boolean {
  return WAITS.has(name as keyof Sys);
}

/** Calls `listener` for each system call that goes through `sys`, until the result is disposed. */
export function tap(sys: Sys, listener: CallListener): Disposable {
  let own = taps.get(sys);
  if (own === undefined) {
    own = new Tap(sys);
    taps.set(sys, own);
  }
  own.add(listener);
  const one = own;
  return { [Symbol.dispose]: () => one.delete(listener) };
}

/** The calls that are under way: one system that is made of another makes the same call twice. */
let depth = 0;

class Tap {
  private readonly sys: Sys;
  private listeners: readonly CallListener[] = [];
  private readonly undo: (() => void)[] = [];

  constructor(sys: Sys) {
    this.sys = sys;
  }

  add(listener: CallListener): void {
    this.listeners = [...this.listeners, listener];
    if (this.listeners.length === 1) this.open();
  }

  delete(listener: CallListener): void {
    this.listeners = this.listeners.filter((one) => one !== listener);
    if (this.listeners.length > 0) return;
    for (const putBack of this.undo.splice(0)) putBack();
    taps.delete(this.sys);
  }

  private open(): void {
    const calls = this.sys as unknown as Calls;
    if (!Object.isExtensible(calls)) return;
    for (const name of [...ON_DESCRIPTORS, ...OTHERS]) {
      const call = calls[name];
      if (typeof call !== 'function') continue;
      const own = Object.getOwnPropertyDescriptor(calls, name);
      if (own?.writable === false) continue;
      const tapped = this.tapped(name, call);
      calls[name] = tapped;
      this.undo.push(() => {
        // Whoever has put a function of his own over this one keeps it.
        if (calls[name] !== tapped) return;
        if (own === undefined) delete calls[name];
        else calls[name] = call;
      });
    }
  }

  private tapped(name: keyof Sys, call: Call): Call {
    const timeout = WAITS.get(name);
    const { sys } = this;
    return (...args) => {
      if (depth > 0) return call.apply(sys, args);
      if (timeout !== undefined && args[timeout] !== 0) for (const one of this.listeners) one.waiting();
      let result: number | undefined;
      const start = performance.now();
      depth++;
      try {
        result = call.apply(sys, args);
        return result;
      } finally {
        depth--;
        for (const one of this.listeners) one.called(name, start, args, result);
      }
    };
  }
}
