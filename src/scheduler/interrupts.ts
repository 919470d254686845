/**
 * What SIGINT and SIGTERM mean to a run: the first cancels its tasks, a second one ends the process, and the exit code is the one
 * that a shell gives to a program which a signal ended.
 */

import type { Scheduler } from './scheduler.ts';

/** The signals that ask a program to end. */
export const INTERRUPTS = ['SIGINT', 'SIGTERM'] as const;

/** What a shell adds to the number of the signal that ended a program. */
const SIGNAL_EXIT = 128;
/** What Node exits with after an error that nobody caught, whatever `process.exitCode` says. */
const UNCAUGHT_EXIT = 1;

/** The interrupts of one run, or of several that are interrupted together. */
export class Interruption {
  private happened = false;

  /** One signal has come. */
  signal(name: string, number: number, schedulers: Iterable<Scheduler>): void {
    const code = SIGNAL_EXIT + number;
    if (this.happened) process.exit(code);
    this.happened = true;
    process.exitCode = code;
    // The run rejects with its cancel. A program that lets it through has still been ended by the signal, not by an error.
    process.once('exit', (exitCode) => {
      if (exitCode === UNCAUGHT_EXIT) process.exitCode = code;
    });
    for (const scheduler of [...schedulers]) scheduler.cancel(name, 'signal');
  }
}
