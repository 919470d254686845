/** The table on a signal: for a program that hangs, and cannot be asked in any other way. */

import { process } from '../platform/node.ts';
import { onSignal } from '../scheduler/index.ts';
import { ps } from './ps.ts';
import { formatPs } from './table.ts';

/** Options of {@link installPs}. */
export interface InstallOptions {
  /** Which signal to listen to; default `'SIGUSR2'`. */
  signal?: NodeJS.Signals;
  /** Where the table goes; default: standard error. */
  write?: (text: string) => void;
}

/**
 * From now on a signal (`kill -USR2 <pid>`) makes the program print what its tasks are doing, in every drive; in
 * `runSync()` from the next round on, so a task that computes delays it. Dispose the result to stop listening. `GENLOOP_PS=1` in
 * the environment does the same without code. Throws `MisuseError` (`ERR_GENLOOP_MISUSE`) in a worker thread, which
 * gets no signals, and for SIGINT and SIGTERM; `TypeError` for a signal that this system does not have.
 */
export function installPs(options: InstallOptions = {}): Disposable {
  const { signal = 'SIGUSR2', write = (text) => process.stderr.write(text) } = options;
  return onSignal(signal, () => void write(report()));
}

function report(): string {
  const rows = ps();
  const head = `genloop, process ${process.pid}, at ${new Date().toISOString()}`;
  return `${head}\n${rows.length === 0 ? 'no scheduler runs tasks in the main thread\n' : formatPs(rows)}`;
}
