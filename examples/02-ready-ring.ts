/**
 * The same countdown on genloop's `Scheduler`, with its ready ring printed at each step.
 *
 * The ready ring is the list of 01-countdown.ts: tasks that could go on, first in, first out. A bare `yield` puts the task at its
 * end. Here one also sees what a scheduler of its own adds: tasks have names, one can wait for another's end and gets its
 * result (`join`), and the order is the same in every run.
 *
 *   node --import tsx examples/02-ready-ring.ts
 */

import { type Co, Scheduler, type Task } from 'genloop';

const scheduler = new Scheduler();

/** Counts down; returns how many steps it took. */
function* countdown(from: number): Co<number> {
  for (let n = from; n > 0; n--) {
    const ring = scheduler.ready.map((task) => task.name).join(' ');
    console.log(`${scheduler.currentTask?.name} says ${n}`.padEnd(16), `ready: ${ring || '(nobody)'}`);
    yield;
  }
  return from;
}

/** Waits for the others, and is not in the ring meanwhile: a parked task costs nothing. */
function* waiter(tasks: Task<number>[]): Co<void> {
  let steps = 0;
  for (const task of tasks) steps += yield* task.join();
  console.log(`all have ended, after ${steps} numbers`);
}

const tasks = [1, 2, 4].map((n) => scheduler.spawn(countdown(n), { name: `from${n}` }));
scheduler.spawn(waiter(tasks), { name: 'waiter' });

// Owns the thread until all tasks have ended. `await scheduler.run()` does the same inside of Node's loop.
scheduler.runSync();
