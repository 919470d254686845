/**
 * A whole program, servers and clients, in a simulated world: everything that chance decides comes from one number, so a run that fails
 * fails again, and a run that takes a day of timeouts takes no time.
 */

import { isOp, type Kernel, MisuseError, type Spawnable, type Task } from '../../kernel/index.ts';
import { type BackendName, enterSys, type Sys } from '../../os/index.ts';
import { activeScheduler } from '../../scheduler/active.ts';
import { Scheduler, type SchedulerOptions } from '../../scheduler/index.ts';
import { Locator } from '../../scheduler/locate.ts';
import { HangError } from '../hang.ts';
import { LeakError, SimulationError } from './errors.ts';
import { SimulatedSystem } from './system.ts';
import type { SimulatedSystemOptions } from './system-options.ts';

/** A main task, or a function that gets the system and makes it (the task then has its name). */
export type SimulatedMain<T> = Spawnable<T> | ((system: SimulatedSystem) => Spawnable<T>);

/** Options of {@link simulate}: those of the system, and those of the scheduler. */
export interface SimulateOptions
  extends Omit<SimulatedSystemOptions, 'seed'>,
    Omit<SchedulerOptions, 'sys' | 'seed' | 'backend'> {
  /** The backend to run over: `'epoll'` (default), `'poll'` or `'select'`. */
  backend?: BackendName;
  /** Puts something between the program and the system: a wrapper that traces its calls, for instance. */
  wrap?: (system: SimulatedSystem) => Sys;
}

const FOREVER = -1;
/** What a round takes in which nothing happens. */
const BUSY_MS = 1;

/**
 * Runs a main task and everything that it spawns over a simulated system, in virtual time, and returns main's result once all have
 * ended. The seed decides in which order tasks run, in which order descriptors are reported, and what of `faults` happens when.
 *
 * Throws a {@link SimulationError}, which names the seed, for whatever the run throws; for tasks that wait for what can never come (a
 * {@link HangError} or a `DeadlockError` is the cause); and for a descriptor that is still open at the end (a {@link LeakError}).
 * `MisuseError` inside a task. `RangeError` for a seed that is no integer from 0 to 2³² − 1, or for options of which there are none.
 *
 * @example
 * for (let seed = 1; seed <= 100; seed++) {
 *   simulate(seed, serverAndClients, { faults: { shortReads: 0.3, delay: { probability: 0.5, most: 100 } } });
 * }
 */
export function simulate<T>(seed: number, program: SimulatedMain<T>, options: SimulateOptions = {}): T {
  if (activeScheduler() !== null) {
    throw new MisuseError('simulate was called from inside a task; yield a subroutine, or spawn another task');
  }
  const { backend = 'epoll', wrap, onError, asyncContext, signal, ...world } = options;
  const system = new SimulatedSystem({ ...world, seed });
  const sys = wrap === undefined ? system : wrap(system);
  const scheduling = { onError, asyncContext, signal };
  const given = Object.fromEntries(Object.entries(scheduling).filter(([, value]) => value !== undefined));
  using scheduler = new Scheduler({ ...given, sys, backend, seed });
  try {
    const task = start(scheduler, system, program);
    drive(scheduler, system);
    if (task.ending !== 'done') throw task.outcome;
    if (system.descriptors.length > 0) throw new LeakError(system.descriptors);
    return task.outcome as T;
  } catch (error) {
    throw new SimulationError(seed, error);
  }
}

function start<T>(scheduler: Scheduler, system: SimulatedSystem, program: SimulatedMain<T>): Task<T> {
  if (typeof program !== 'function') return scheduler.spawn(program);
  // What the function itself opens, before the first step, belongs to the simulated world as well.
  const before = enterSys(scheduler.sys);
  try {
    const body = program(system);
    return isOp(body) || program.name === '' ? scheduler.spawn(body) : scheduler.spawn(body, { name: program.name });
  } finally {
    enterSys(before);
  }
}

/** As `runSync`, but for what a blocked thread has to listen to, and with a look at what a real one would wait for without end. */
function drive(scheduler: Scheduler, system: SimulatedSystem): void {
  let hangs = false;
  system.onHang = () => {
    hangs = true;
  };
  while (scheduler.size > 0) {
    if (scheduler.stuck) scheduler.breakDeadlock();
    const before = system.now();
    const steps = scheduler.round(FOREVER);
    // A wait that ends at once and wakes nobody takes time all the same: a real processor would be busy with it, and
    // what comes later would come.
    if (!hangs && steps === 0 && scheduler.kernel.ready === 0 && system.now() === before) system.advance(BUSY_MS);
    if (hangs) scheduler.breakOff(hangOf(scheduler.kernel));
    hangs = false;
  }
  system.onHang = null;
  scheduler.settle();
}

function hangOf(kernel: Kernel): HangError {
  using locator = new Locator();
  const why = 'it hangs: no descriptor can become ready any more, no timer is set, nothing is under way in the network';
  return new HangError(why, kernel.tasks, (task) => locator.where(task));
}
