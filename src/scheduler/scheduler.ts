/**
 * Where tasks and descriptors meet: a kernel, a poller, and three ways to drive them. `run()` lives inside Node's loop;
 * `runSync()` owns the thread, as the textbook's loop does; `turn()` with `fd` and `deadline` lives in any other loop.
 *
 * The scheduler is the group that its tasks belong to: the first failure cancels the others, and when all have
 * ended it comes out of the run.
 */

import {
  type CancelSource,
  checkPolicy,
  DeadlockError,
  type ErrorPolicy,
  firstOf,
  InternalError,
  Kernel,
  MisuseError,
  type Spawnable,
  type SpawnOptions,
  type Task,
} from '../kernel/index.ts';
import { printAs } from '../kernel/printing.ts';
import { type BackendName, enterSys, realSys, type Sys } from '../os/index.ts';
import { AsyncResource, needLoop } from '../platform/node.ts';
import { chooseBackend, noCounters, Poller, type PollerCounters, type Transmission } from '../poller/index.ts';
import { activeScheduler, setActiveScheduler } from './active.ts';
import { runBlocking } from './blocking.ts';
import { askForReadiness } from './deaf.ts';
import { Guest } from './guest.ts';
import { Locator } from './locate.ts';
import { currentObserver } from './observe.ts';
import { chooseTransfers, type SchedulerOptions, type Transfers } from './options.ts';
import { seededRandom } from './random.ts';
import { driveBegins, driveEnds } from './running.ts';
import { runSteps, STEPS_PER_POLL } from './steps.ts';
import type { PollingHost } from './waits.ts';

const FOREVER = -1;
/** Without a finalizer, which would cost more than the rest of a spawn. */
const RESOURCE = { requireManualDestroy: true };

let lastScheduler = 0;

/** Runs tasks that wait for descriptors, time and each other. */
export class Scheduler implements Disposable {
  /** What messages call it: `scheduler 2`. */
  readonly name: string = `scheduler ${++lastScheduler}`;
  readonly sys: Sys;
  /** @internal */
  readonly kernel: Kernel;
  private readonly onError: ErrorPolicy;
  private readonly backend: BackendName;
  private readonly transfers: Transfers;
  private openPoller: Poller | null = null;
  private lastCounters: PollerCounters | null = null;
  /** In the order in which they happened. */
  private failures: unknown[] = [];
  /** @internal Whether the run was broken off: its tasks clean up. */
  broken = false;
  private guest: Guest | null = null;
  private blocking = false;
  /** Whether a loop of the user's watches our descriptor. */
  private embedded = false;
  /** Steps until readiness is asked for again. */
  private steps = STEPS_PER_POLL;

  /** Throws `RangeError` for a backend that this system does not have. Opens nothing yet. */
  constructor(options: SchedulerOptions = {}) {
    const { sys = realSys(), onError = 'cancel', asyncContext = true, seed } = options;
    checkPolicy(onError);
    this.sys = sys;
    this.onError = onError;
    this.backend = chooseBackend(sys, options.backend);
    this.transfers = chooseTransfers(options);
    const scheduler = this;
    const host: PollingHost = {
      now: () => sys.now(),
      random: seededRandom(seed ?? 0),
      get poller(): Poller {
        return scheduler.poller;
      },
      get transmission(): Transmission | null {
        return scheduler.openPoller?.transmission ?? null;
      },
      get promises(): boolean {
        return !scheduler.blocking;
      },
      get attached(): boolean {
        return scheduler.guest !== null;
      },
    };
    if (asyncContext) host.surroundings = () => new AsyncResource('genloop.task', RESOURCE);
    const onFailure = (task: Task<unknown>, error: unknown) => this.failed(task, error);
    this.kernel = new Kernel({ host, onFailure, shuffle: seed !== undefined });
    this.kernel.root.follow(options.signal);
  }

  /** The readiness call in use. */
  get backendName(): BackendName {
    return this.backend;
  }

  /** How many tasks have not ended. */
  get size(): number {
    return this.kernel.tasks.size;
  }

  /** The ready ring: the tasks whose turn comes, the next first. For looking; a copy. */
  get ready(): Task<unknown>[] {
    return this.kernel.readyTasks;
  }

  /** The task whose step is running, if it is one of this scheduler. */
  get currentTask(): Task<unknown> | null {
    return this.kernel.current;
  }

  /** What the poller has done: in this run, or in the last. */
  get counters(): PollerCounters {
    return { ...(this.openPoller?.counters ?? this.lastCounters ?? noCounters()) };
  }

  /**
   * Adds a task, at the end of the ready ring: it starts once its turn comes, never inside this call. Before a run, during it, or
   * from any callback of Node. Takes a generator or a routine's call; throws `TypeError` for anything else, `MisuseError`
   * (`ERR_GENLOOP_MISUSE`) for a generator that belongs to a task.
   */
  spawn<T>(task: Spawnable<T>, options?: SpawnOptions): Task<T> {
    this.kernel.observer = currentObserver();
    return this.kernel.spawn(task, options);
  }

  /** Cancels all tasks. Never waits; the run rejects with the cancel once they have ended. */
  cancel(reason?: unknown, source: CancelSource = 'explicit'): void {
    if (this.size > 0) this.kernel.root.cancelFor(source, reason);
  }

  /**
   * Runs as a guest in Node's loop until all tasks have ended: timers, promises and everything else of Node goes on. The first
   * step happens after this call has returned. Rejects with the first failure, once all tasks have ended; with `DeadlockError` if
   * Node runs out of work while tasks wait. Throws for the backends `poll` and `select`, and for systems that are
   * simulated or replayed, which Node cannot watch.
   */
  run(): Promise<void> {
    this.refuseReentry('run');
    this.refuseBlindBackend('run()');
    needLoop('run()');
    const { unwatchable } = this.sys;
    if (unwatchable !== undefined) throw new MisuseError(`run(): ${unwatchable}; use runSync() or turn()`);
    this.guest = new Guest(this);
    driveBegins(this);
    return this.guest.start();
  }

  /**
   * Runs until all tasks have ended, and owns the thread meanwhile: no timer, promise or signal handler of Node runs. Throws the first
   * failure, `DeadlockError`, or the cancel. On the main thread SIGINT and SIGTERM cancel all tasks; a second one exits.
   */
  runSync(): void {
    this.refuseReentry('runSync');
    this.blocking = true;
    driveBegins(this);
    try {
      runBlocking(this);
    } finally {
      this.blocking = false;
      driveEnds(this);
    }
  }

  /**
   * One round, without waiting: steps what is ready, asks for readiness, fires timers, steps what that made ready; 64 steps each time, or
   * as many as one answer made ready. For a loop of your own that watches {@link Scheduler.fd}, or waits no longer than
   * {@link Scheduler.deadline}. `true` while tasks are left; a failure is thrown once all have ended.
   */
  turn(): boolean {
    this.refuseReentry('turn');
    driveBegins(this);
    this.round(0);
    if (this.size > 0) {
      if (this.embedded) this.ring();
      return true;
    }
    driveEnds(this);
    this.settle();
    return false;
  }

  /**
   * A descriptor that is readable while {@link Scheduler.turn} has something to do: readiness, a deadline, a task that was spawned. The
   * same until all tasks have ended (then it is closed), unless the kernel set had to be built anew: who registers it once looks
   * after each turn whether it has changed. Throws on `poll` and `select`.
   */
  get fd(): number {
    this.refuseBlindBackend('fd');
    if (!this.embedded && this.guest === null) {
      this.embedded = true;
      this.kernel.onReady = () => {
        if (activeScheduler() !== this) this.ring();
      };
    }
    this.ring();
    return this.poller.fd;
  }

  /** Milliseconds until {@link Scheduler.turn} has something to do for which no descriptor tells; `undefined` if there is nothing such. */
  get deadline(): number | undefined {
    if (this.kernel.ready > 0) return 0;
    const { next } = this.kernel.timers;
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(0, next - this.sys.now());
  }

  /**
   * Lets go of the kernel set and of the descriptors (which stay open); whoever waits for one gets a `ClosedError`. For users of `turn`;
   * the other drives do it themselves. Throws `MisuseError` inside a blocking run, which would not hear Ctrl-C any more.
   */
  close(): void {
    if (this.blocking) throw new MisuseError('close was called during runSync(), which closes by itself; use cancel()');
    if (this.guest === null) driveEnds(this);
    // A task may call this, when others of the round have written: they would wait for ever.
    this.openPoller?.transmission?.flush();
    this.release();
  }

  /** @internal */
  guestEnded(): void {
    this.guest = null;
    driveEnds(this);
  }

  private release(): void {
    if (this.embedded) this.kernel.onReady = null;
    this.embedded = false;
    if (this.openPoller === null) return;
    this.lastCounters = this.openPoller.counters;
    const poller = this.openPoller;
    this.openPoller = null;
    // Before the set is closed: the next one may get its number.
    this.guest?.rewatch();
    poller.close();
  }

  /** {@link Scheduler.close}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal Opened at the first need. */
  get poller(): Poller {
    return this.openPoller ?? this.opensPoller();
  }

  /** Apart from the getter, which every wait goes through: a function with a closure in it allocates at each of its calls. */
  private opensPoller(): Poller {
    const { sys, backend, name, transfers } = this;
    this.openPoller = new Poller(sys, backend, { name, onRebuild: () => this.guest?.rewatch(), ...transfers });
    return this.openPoller;
  }

  /** @internal The poller, if it is open. */
  get pollerIfOpen(): Poller | null {
    return this.openPoller;
  }

  /**
   * @internal One round: steps what is ready, asks for readiness (waiting at most `limit` ms, if nothing else is to do), fires timers,
   * steps what that made ready. How many steps that were. An error in here is a bug of ours: no task code runs any more (rule 24).
   */
  round(limit: number): number {
    const sysBefore = enterSys(this.sys);
    setActiveScheduler(this);
    try {
      const { kernel } = this;
      kernel.observer = currentObserver();
      let steps = runSteps(this, this.steps);
      this.steps = STEPS_PER_POLL;
      if (kernel.tasks.size === 0) return steps;
      const poller = this.openPoller;
      const timeout = this.patience(limit);
      const events = timeout !== 0 || poller !== null ? askForReadiness(this, timeout) : 0;
      if (kernel.timers.size > 0) kernel.timers.fire(this.sys.now());
      if (events > 0) this.steps = Math.max(STEPS_PER_POLL, kernel.ready);
      if (limit === 0) {
        steps += runSteps(this, this.steps);
        this.steps = STEPS_PER_POLL;
      }
      return steps;
    } catch (error) {
      const internal = new InternalError(error);
      this.kernel.abandon(internal);
      driveEnds(this);
      this.release();
      this.failures = [];
      this.broken = false;
      throw internal;
    } finally {
      setActiveScheduler(null);
      enterSys(sysBefore);
    }
  }

  /** @internal Whether nothing but an outside callback could make any task go on. */
  get stuck(): boolean {
    const { kernel } = this;
    return (
      kernel.ready === 0 && kernel.tasks.size > 0 && kernel.timers.size === 0 && (this.openPoller?.waiting ?? 0) === 0
    );
  }

  /** @internal Ends a run in which nothing can happen any more: the tasks get a cancel, the run the `DeadlockError`. Rule 44. */
  breakDeadlock(): void {
    using locator = this.broken ? null : new Locator();
    this.breakOff(new DeadlockError([...this.kernel.tasks], (task) => locator?.where(task)));
  }

  /** @internal Ends a run that cannot go on: the tasks get a cancel, and their clean-up one chance. */
  breakOff(error: unknown): void {
    if (this.broken) {
      // Operations that cannot be stopped.
      this.kernel.abandon(this.failures[0]);
      return;
    }
    this.broken = true;
    if (this.failures.length === 0) this.failures.push(error);
    const { root } = this.kernel;
    root.cancelFor('shutdown', error);
    // A task that waits for ever behind a shield waits for ever all the same.
    root.harden();
  }

  /** @internal The end of a run: closes the kernel set, and throws what shall come out. Ready to run again. */
  settle(): void {
    this.release();
    const { failures } = this;
    const cancelled = this.kernel.root.error;
    this.failures = [];
    this.kernel.renew();
    this.broken = false;
    if (failures.length > 0) throw firstOf(failures);
    if (cancelled !== null) throw cancelled;
  }

  /** Tells the loop that watches us when the next turn is due. */
  private ring(): void {
    this.poller.alarm(this.kernel.ready > 0 ? 0 : this.kernel.timers.next);
  }

  private patience(limit: number): number {
    const { kernel } = this;
    // What is stuck must not wait either: nobody would come to tell that it is a deadlock.
    if (limit === 0 || kernel.ready > 0 || this.stuck) return 0;
    const { next } = kernel.timers;
    return next === Number.POSITIVE_INFINITY ? FOREVER : Math.max(0, next - this.sys.now());
  }

  private failed(task: Task<unknown>, error: unknown): void {
    const { onError } = this;
    if (onError === 'isolate') this.kernel.report(task, error);
    else if (onError === 'cancel') this.cancelForFailure(error);
    else {
      try {
        onError(error, task);
      } catch (raised) {
        this.cancelForFailure(raised);
      }
    }
  }

  private cancelForFailure(error: unknown): void {
    this.failures.push(error);
    this.kernel.root.cancelFor('sibling', error);
  }

  private refuseReentry(verb: string): void {
    if (activeScheduler() !== null) {
      throw new MisuseError(`${verb} was called from inside a task; spawn another task, or yield a subroutine`);
    }
    if (this.guest !== null || this.blocking) throw new MisuseError(`${verb}: this scheduler is already running`);
  }

  private refuseBlindBackend(verb: string): void {
    if (this.backend === 'epoll' || this.backend === 'kqueue') return;
    throw new MisuseError(
      `${verb} needs a backend with a descriptor of its own (epoll, kqueue), not '${this.backend}'; use runSync() or turn()`,
    );
  }
}

printAs(Scheduler, (scheduler) => `${scheduler.name}, ${scheduler.size} tasks`);
