/**
 * One program of ten tasks in many orders: what a user does who tests a program of his own by seeds. Without a witness, as there it would
 * be the program's own assertions that look: here that no item is lost or taken twice, and that all tasks end as they should.
 */

import { type Co, Kernel, select, sleep, type Task } from 'genloop/kernel';
import { seededRandom } from '../../src/scheduler/random.ts';
import { ItemQueue, Take } from './operations.ts';
import { Hash } from './states.ts';

const TASKS = 10;
const ITEMS_EACH = 2;
const MANY_STEPS = 10_000;
const PAUSE_MS = 5;

/** What came of it. */
export interface Schedules {
  readonly runs: number;
  /** Orders of steps that differ. */
  readonly distinct: number;
  readonly seconds: number;
  /** Of processor time, which does not depend on what else the machine does. */
  readonly busySeconds: number;
  readonly violations: readonly string[];
}

/** Runs it under the seeds 1 to `count`. */
export function runSchedules(count: number): Schedules {
  const took = stopwatch();
  const orders = new Set<number>();
  const violations: string[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const run = new Run(seed);
    const problem = run.drive();
    orders.add(run.order);
    if (problem !== null) violations.push(`schedule ${seed}: ${problem}`);
  }
  return { runs: count, distinct: orders.size, ...took(), violations };
}

/** Starts to measure; what it returns says how long it took. */
export function stopwatch(): () => Pick<Schedules, 'seconds' | 'busySeconds'> {
  const began = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { seconds: (performance.now() - began) / 1000, busySeconds: (user + system) / 1e6 };
  };
}

class Run {
  private now = 0;
  private readonly kernel: Kernel;
  private readonly hash = new Hash();
  private readonly queue = new ItemQueue('the queue');
  private readonly taken: number[] = [];
  private readonly failures: unknown[] = [];
  private put = 0;

  constructor(seed: number) {
    this.kernel = new Kernel({
      host: { now: () => this.now, random: seededRandom(seed) },
      shuffle: true,
      onFailure: (_task, error) => this.failures.push(error),
    });
  }

  /** The order in which the tasks ran, as a hash. */
  get order(): number {
    return this.hash.result;
  }

  /** Runs to the end: what is wrong, or `null`. */
  drive(): string | null {
    const { kernel } = this;
    const tasks: Task<unknown>[] = [];
    for (let each = 0; each < 3; each++) tasks.push(kernel.spawn(this.producer()) as Task<unknown>);
    for (let each = 0; each < 4; each++) tasks.push(kernel.spawn(this.taker()) as Task<unknown>);
    const sleeper = kernel.spawn(this.sleeper()) as Task<unknown>;
    tasks.push(
      sleeper,
      kernel.spawn(this.canceller(sleeper)) as Task<unknown>,
      kernel.spawn(this.joiner(tasks)) as Task<unknown>,
    );
    while (kernel.tasks.size > 0) {
      if (kernel.run(MANY_STEPS) === MANY_STEPS) return 'it does not end';
      if (kernel.timers.size === 0) break;
      this.now = kernel.timers.next;
      kernel.timers.fire(this.now);
    }
    return this.problem(tasks);
  }

  private problem(tasks: readonly Task<unknown>[]): string | null {
    if (tasks.length !== TASKS) return `${tasks.length} tasks`;
    if (this.failures.length > 0) return `failed: ${this.failures[0]}`;
    const running = tasks.find((task) => !task.ended);
    if (running !== undefined) return `${running} waits for ${running.waitsFor}`;
    const all = [...this.taken, ...this.queue.items].sort((one, other) => one - other);
    if (all.length !== this.put || all.some((item, at) => item !== at + 1))
      return `of ${this.put} items there are ${all}`;
    return null;
  }

  private *producer(): Co<void> {
    for (let each = 0; each < ITEMS_EACH; each++) {
      this.note(1);
      this.queue.put(++this.put);
      yield;
    }
  }

  private *taker(): Co<void> {
    for (let each = 0; each < ITEMS_EACH; each++) {
      const got = yield* select({ item: new Take(this.queue), pause: sleep(PAUSE_MS) });
      this.note(got.key === 'item' ? 2 : 3);
      if (got.key === 'item') this.taken.push(got.value);
    }
  }

  private *sleeper(): Co<void> {
    try {
      yield sleep(Number.POSITIVE_INFINITY);
    } finally {
      this.note(4);
    }
  }

  private *canceller(target: Task<unknown>): Co<void> {
    yield;
    this.note(5);
    target.cancel();
  }

  private *joiner(tasks: readonly Task<unknown>[]): Co<void> {
    yield* (tasks[0] as Task<unknown>).join();
    this.note(6);
  }

  private note(what: number): void {
    this.hash.add(what * TASKS * 10 + (this.kernel.current?.id ?? 0));
  }
}
