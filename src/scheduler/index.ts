/**
 * Where tasks and descriptors meet: `Scheduler`, its drives, and the textbook's waits.
 *
 * @module scheduler
 */

export { currentScheduler, currentTask } from './active.ts';
export { type Main, run, runSync, wasInterrupted } from './run.ts';
export { Scheduler, type SchedulerOptions } from './scheduler.ts';
export { type PollingHost, PriorityWait, ReadWait, WriteWait } from './waits.ts';
