/**
 * Hearing a signal of the system in every drive.
 *
 * Node calls a listener of `process.on('SIGHUP')` from its loop, which does not run while `runSync` owns the thread. So the
 * blocking drive takes such signals into its own pipe, next to SIGINT and SIGTERM; but only those for which somebody
 * asked here. In the other drives, and between runs, the listener is an ordinary one of Node's.
 */

import { MisuseError } from '../kernel/index.ts';
import { constants, isMainThread, process } from '../platform/node.ts';
import { INTERRUPTS } from './interrupts.ts';

/** A blocking run, which takes signals for as long as it lasts. */
export interface SignalTaker {
  /** Hears this one from now on. */
  take(name: NodeJS.Signals): void;
  /** Gives it back to the action of before. */
  giveBack(name: NodeJS.Signals): void;
}

const listeners = new Map<NodeJS.Signals, Set<() => void>>();
/** At most one run of a thread blocks. */
let taker: SignalTaker | null = null;

function tell(name: NodeJS.Signals): void {
  for (const listener of [...(listeners.get(name) ?? [])]) listener();
}

/**
 * Calls `listener` whenever this signal comes, in every drive: from Node's loop, or, during a `runSync()`, from the round that
 * finds it, between two steps. A task that computes delays it. What the listener throws there ends the run.
 *
 * While `runSync()` runs, the signal does not reach listeners of `process.on`. Dispose the result to stop listening.
 *
 * Throws `TypeError` for a name that this system does not have, and `MisuseError` (`ERR_GENLOOP_MISUSE`) for SIGINT and SIGTERM,
 * which cancel a run, and in a worker thread, which gets no signals.
 *
 * @example
 * using _ = onSignal('SIGHUP', () => settings.reload());
 * runSync(server);
 */
export function onSignal(name: NodeJS.Signals, listener: () => void): Disposable {
  if (!Object.hasOwn(constants.signals, name)) throw new TypeError(`this system has no signal '${String(name)}'`);
  if (typeof listener !== 'function') throw new TypeError('onSignal takes a function that is called for each signal');
  if ((INTERRUPTS as readonly string[]).includes(name)) {
    throw new MisuseError(`${name} cancels a run; catch the run's error, see wasInterrupted()`);
  }
  if (!isMainThread) throw new MisuseError('only the main thread gets signals; listen there, and post a message');
  // A function of its own: the same listener may be given twice.
  const entry = (): void => listener();
  const heard = listeners.get(name) ?? new Set();
  if (heard.size === 0) {
    // Node refuses what nobody can listen to (SIGKILL) here, before anything has changed.
    process.on(name, tell);
    listeners.set(name, heard);
    // Its pipe is open already, which is all that could fail.
    taker?.take(name);
  }
  heard.add(entry);
  return {
    [Symbol.dispose](): void {
      if (!heard.delete(entry) || heard.size > 0) return;
      taker?.giveBack(name);
      stop(name);
    },
  };
}

function stop(name: NodeJS.Signals): void {
  process.off(name, tell);
  listeners.delete(name);
}

/** @internal A blocking run begins (or, with `null`, has ended): it takes what is listened to, and hears of changes. */
export function takeSignals(run: SignalTaker | null): void {
  taker = run;
  if (run !== null) for (const name of listeners.keys()) run.take(name);
}

/** @internal The run has heard this signal. */
export function signalled(name: NodeJS.Signals): void {
  tell(name);
}
