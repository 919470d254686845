/** A main task and everything that it spawns, in one call: what most programs need. */

import { isOp, type Spawnable, type Task } from '../kernel/index.ts';
import { constants, process } from '../platform/node.ts';
import { INTERRUPTS, Interruption } from './interrupts.ts';
import type { SchedulerOptions } from './options.ts';
import { Scheduler } from './scheduler.ts';

export { wasInterrupted } from './interrupts.ts';

/** A main task, or a function that makes it (whose name the task then has). */
export type Main<T> = Spawnable<T> | (() => Spawnable<T>);

/** Several runs live side by side, and Ctrl-C means all of them: they share the listeners. */
const running = new Set<Scheduler>();
const listeners: [NodeJS.Signals, () => void][] = [];

function start<T>(scheduler: Scheduler, main: Main<T>): Task<T> {
  if (typeof main !== 'function') return scheduler.spawn(main);
  const body = main();
  // A routine's call has a name already.
  return isOp(body) || main.name === '' ? scheduler.spawn(body) : scheduler.spawn(body, { name: main.name });
}

function resultOf<T>(task: Task<T>): T {
  if (task.ending === 'done') return task.outcome as T;
  throw task.outcome;
}

/**
 * Runs a main task as a guest in Node's loop, and returns its result after all tasks that it spawned have ended. Its first step
 * happens after this call has returned. Rejects with the first failure of any task.
 *
 * SIGINT and SIGTERM cancel all tasks, unless somebody else listens to them already; a second one exits at once. Such a run rejects
 * with its cancel, and the exit code is 130 or 143.
 */
export async function run<T>(main: Main<T>, options?: SchedulerOptions): Promise<T> {
  const scheduler = new Scheduler(options);
  const task = start(scheduler, main);
  if (running.size === 0) listenForInterrupts();
  running.add(scheduler);
  try {
    await scheduler.run();
    return resultOf(task);
  } finally {
    running.delete(scheduler);
    if (running.size === 0) stopListening();
  }
}

/** Runs a main task and owns the thread meanwhile: {@link Scheduler.runSync}. Returns its result after all tasks have ended. */
export function runSync<T>(main: Main<T>, options?: SchedulerOptions): T {
  // A run that cannot begin leaves its poller open.
  using scheduler = new Scheduler(options);
  const task = start(scheduler, main);
  scheduler.runSync();
  return resultOf(task);
}

function listenForInterrupts(): void {
  const interruption = new Interruption();
  for (const name of INTERRUPTS) {
    if (process.listenerCount(name) > 0) continue;
    const listener = () => interruption.signal(name, constants.signals[name], running);
    process.on(name, listener);
    listeners.push([name, listener]);
  }
}

function stopListening(): void {
  for (const [name, listener] of listeners.splice(0)) process.off(name, listener);
}
