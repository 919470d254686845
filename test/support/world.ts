/** A kernel with a clock that stands still until a test moves it: no descriptor, no Node, no waiting. */

import { type Co, Kernel, type KernelOptions, type Op, type Task } from '../../src/kernel/index.ts';
import { seededOrder } from './seeds.ts';

/** More steps than any test needs: a task that never waits ends the test, and not the patience of whoever runs it. */
const MANY_STEPS = 1_000_000;

/** A kernel, its clock, and the failures that it reported. */
export class World {
  now = 0;
  readonly failures: [Task<unknown>, unknown][] = [];
  readonly kernel: Kernel;

  constructor(options: Partial<KernelOptions> = {}) {
    const random = seededOrder();
    this.kernel = new Kernel({
      host: { now: () => this.now, random: random ?? (() => 0) },
      shuffle: random !== undefined,
      onFailure: (task, error) => this.failures.push([task, error]),
      ...options,
    });
  }

  /** Steps until nobody is ready. How many steps that took. */
  settle(limit: number = MANY_STEPS): number {
    const steps = this.kernel.run(limit);
    if (steps === limit) throw new Error(`still busy after ${limit} steps`);
    return steps;
  }

  /** Lets time pass, fires what is due, and steps until nobody is ready. */
  advance(ms: number): void {
    this.now += ms;
    this.kernel.timers.fire(this.now);
    this.settle();
  }
}

/** Calls a generator function: for a body that speaks of the task or generator that it becomes. */
export function made<T>(body: () => Co<T>): Co<T> {
  return body();
}

/** A task's body that does one operation, and gives its result. */
export function* once<T>(operation: Op<T>): Co<T> {
  return yield* operation;
}

/** A task that waits for this, after its first step. */
export function parked<T>(world: World, operation: Op<T>): Task<T> {
  const task = world.kernel.spawn(once(operation));
  world.settle();
  return task;
}
