/**
 * What SIGINT and SIGTERM mean to a run: the first cancels its tasks, a second one ends the process, and the exit code is the one
 * that a shell gives to a program which a signal ended.
 *
 * The run rejects with its cancel. A program that catches it and ends has been ended by the signal, and `process.exitCode` says so.
 * One that lets it through has been, too; but Node exits with 1 after an error that nobody caught, whatever `exitCode` says. So the
 * error is looked at while nobody can catch it any more: if it is a cancel by a signal, the code is put right as the
 * process exits. Any other error that ends the program is a failure, also after a Ctrl-C.
 */

import { process } from '../platform/node.ts';
import type { Scheduler } from './scheduler.ts';

/** The signals that ask a program to end. */
export const INTERRUPTS = ['SIGINT', 'SIGTERM'] as const;

/** What a shell adds to the number of the signal that ended a program. */
const SIGNAL_EXIT = 128;
/** What Node exits with after an error that nobody caught, whatever `process.exitCode` says. */
const UNCAUGHT_EXIT = 1;

/** The exit code of the last signal that interrupted a run; 0 before the first. */
let exitCode = 0;
/** Whether the last error that nobody caught was the cancel of a run by a signal. */
let letThrough = false;

/** Whether this is how a run ends that a signal cancelled (Ctrl-C), and not a failure or somebody's call of `cancel`. */
export function wasInterrupted(error: unknown): boolean {
  const { code, source } = (error ?? {}) as { code?: unknown; source?: unknown };
  return code === 'ABORT_ERR' && source === 'signal';
}

/** Once for all runs of the thread. */
function watchForUncaught(): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    // A listener of the program's own decides for itself how the program ends.
    letThrough = wasInterrupted(error) && process.listenerCount('uncaughtException') === 0;
  });
  process.once('exit', (code) => {
    if (letThrough && code === UNCAUGHT_EXIT) process.exitCode = exitCode;
  });
}

/** The interrupts of one run, or of several that are interrupted together. */
export class Interruption {
  private happened = false;

  /** One signal has come. */
  signal(name: string, number: number, schedulers: Iterable<Scheduler>): void {
    const code = SIGNAL_EXIT + number;
    if (this.happened) process.exit(code);
    this.happened = true;
    if (exitCode === 0) watchForUncaught();
    exitCode = code;
    process.exitCode = code;
    for (const scheduler of [...schedulers]) scheduler.cancel(name, 'signal');
  }
}
