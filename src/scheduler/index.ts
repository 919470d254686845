/**
 * Where tasks and descriptors meet: `Scheduler`, its drives, and the textbook's waits.
 *
 * @module scheduler
 */

export { currentScheduler, currentTask } from './active.ts';
export { CHANNELS, type TaskMessage } from './channels.ts';
export { type EachOptions, each, type Items } from './each.ts';
export { type Emitter, type OnceOptions, once } from './events.ts';
export type { SchedulerOptions } from './options.ts';
export { NoHostError, until } from './promises.ts';
export { type Main, run, runSync, wasInterrupted } from './run.ts';
export { Scheduler } from './scheduler.ts';
export { onSignal } from './signals.ts';
export { type PollingHost, PriorityWait, pollerOf, ReadWait, ReceiveWait, transmissionOf, WriteWait } from './waits.ts';
