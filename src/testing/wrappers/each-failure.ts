/**
 * A program, with an errno at every call in turn. One run counts the calls; then one run for each call and each errno that it may
 * have. What came of each is a line of the report: a program that is right ends each time, and leaves nothing open.
 */

import { MisuseError, type Spawnable, type Task } from '../../kernel/index.ts';
import { type BackendName, enterSys, realSys, type Sys, SystemError } from '../../os/index.ts';
import { activeScheduler } from '../../scheduler/active.ts';
import { Scheduler, type SchedulerOptions } from '../../scheduler/index.ts';
import { VirtualClock } from '../clock.ts';
import { type AnyCallName, callOf } from './calls.ts';
import { type Errno, errnoOf, isErrno, PLAUSIBLE_ERRNOS } from './errnos.ts';
import { checkCall, FAILING_CALL_NAMES, type FailingCallName } from './failing.ts';
import { type LeakedDescriptor, type Target, Trial } from './trial.ts';

/** Options of {@link eachFailure}. */
export interface EachFailureOptions {
  /** The system to run on; default the real one. */
  sys?: Sys;
  /** The readiness call to use; default as for every scheduler. */
  backend?: BackendName;
  /** The calls to fail; default all that the program makes. */
  calls?: readonly FailingCallName[];
  /** The errnos to try for each call; default those that its manual names ({@link PLAUSIBLE_ERRNOS}). */
  errnos?: readonly Errno[] | ((call: FailingCallName, nth: number) => readonly Errno[]);
  /** How many calls and rounds a run may make before it counts as hanging; default twenty times what the first run made, and 10,000. */
  limit?: number;
  /**
   * Real milliseconds that descriptors get before virtual time jumps to a deadline; default 5. A real kernel passes on
   * what is sent to itself at once, or nearly so.
   */
  grace?: number;
  /** Steps ready tasks in an order drawn from this seed. */
  seed?: number;
}

/** What came of one run with a call that failed. */
export interface FailureRun {
  /** The call, its number among those of this kind (from 1), and how it failed. */
  readonly call: FailingCallName;
  readonly nth: number;
  /** The errno's name: `'EMFILE'`. */
  readonly errno: string;
  /** `false`: this time the program did not make that call so often, and nothing failed. */
  readonly reached: boolean;
  readonly outcome: 'completed' | 'failed' | 'hung';
  /** What the main task returned. */
  readonly result: unknown;
  /** What the run threw; for one that hung, a `HangError` or a `DeadlockError`. */
  readonly error: unknown;
  /** The first `SystemError` among the error, its causes, and those that it suppressed; `null` if there is none. */
  readonly systemError: SystemError | null;
  /** What the program left open. It is closed by now. */
  readonly leaked: readonly LeakedDescriptor[];
}

/** What {@link eachFailure} returns. */
export interface FailureReport {
  /** How many calls of each kind the program makes if none fails. */
  readonly counts: ReadonlyMap<AnyCallName, number>;
  /** What the program then returns. */
  readonly result: unknown;
  /** One for each call and errno, in the order of the option `calls`, or of `Sys`. */
  readonly runs: readonly FailureRun[];
  /** A sentence for each run that hung or left a descriptor open. */
  readonly problems: readonly string[];
}

const EFFORTS = 20;
const LEAST_LIMIT = 10_000;
/** Of the first run: nobody knows yet what it needs. */
const FIRST_LIMIT = 1_000_000;
const DEFAULT_GRACE = 5;

/**
 * Runs a program with an errno at every call in turn, and reports what came of each. `program` makes a main task, as for `runTest`;
 * it is called anew for each run, and inside of the system that fails, so that it may open its descriptors at once. All that takes
 * part has to be tasks of this program: nobody else is waited for. Time is virtual (a system that brings its own backend keeps its
 * own).
 *
 * Throws what the first run throws, in which no call fails; `MisuseError` if that one leaves descriptors open, or if it is called
 * inside a task; `TypeError` and `RangeError` for calls and errnos that there are not.
 *
 * @example
 * const report = eachFailure(() => serverAndOneClient());
 * assert.deepEqual(report.problems, []);
 */
export function eachFailure(program: () => Spawnable<unknown>, options: EachFailureOptions = {}): FailureReport {
  if (activeScheduler() !== null) throw new MisuseError('eachFailure was called from inside a task; it runs its own');
  const { sys = realSys(), calls = FAILING_CALL_NAMES, limit } = options;
  for (const call of calls) checkCall(call);
  const first = attempt(program, sys, options, limit ?? FIRST_LIMIT, null);
  if (first.outcome !== 'completed') throw first.error;
  if (first.leaked.length > 0) {
    throw new MisuseError(`the program ${leaks(first.leaked)}, though no call failed: correct that first`);
  }
  const { counts, effort } = first;
  const most = limit ?? Math.max(LEAST_LIMIT, EFFORTS * effort);
  const runs: FailureRun[] = [];
  for (const call of calls) {
    for (let nth = 1; nth <= (counts.get(call) ?? 0); nth++) {
      for (const errno of errnosFor(sys, options, call, nth)) {
        const target = { call, nth, errno: errnoOf(sys, errno) };
        const { outcome, result, error, systemError, leaked, reached } = attempt(program, sys, options, most, target);
        runs.push({ call, nth, errno: String(errno), reached, outcome, result, error, systemError, leaked });
      }
    }
  }
  return { counts, result: first.result, runs, problems: runs.flatMap(problemsOf) };
}

/** The errnos to try at a call. Those that this system lacks are left out, unless the user has named them. */
function errnosFor(sys: Sys, { errnos }: EachFailureOptions, call: FailingCallName, nth: number): readonly Errno[] {
  if (errnos === undefined) return (PLAUSIBLE_ERRNOS[call] ?? []).filter((name) => isErrno(sys, name));
  return typeof errnos === 'function' ? errnos(call, nth) : errnos;
}

/** What came of a run, and what it took. */
interface Attempt extends Omit<FailureRun, 'call' | 'nth' | 'errno'> {
  readonly counts: ReadonlyMap<AnyCallName, number>;
  readonly effort: number;
}

function attempt(
  program: () => Spawnable<unknown>,
  sys: Sys,
  options: EachFailureOptions,
  limit: number,
  target: Target | null,
): Attempt {
  const { grace = DEFAULT_GRACE, backend, seed } = options;
  const trial = new Trial(sys, limit, target);
  const bounded = trial.bounded();
  // A system with a backend of its own has a clock of its own, too.
  const timed = sys.backend === undefined ? new VirtualClock({ sys: bounded, grace }).sys : bounded;
  const watched = trial.watched(timed);
  const settings: SchedulerOptions = { sys: watched };
  if (backend !== undefined) settings.backend = backend;
  if (seed !== undefined) settings.seed = seed;
  let main: Task<unknown> | null = null;
  let thrown: { error: unknown } | null = null;
  using scheduler = new Scheduler(settings);
  const before = enterSys(watched);
  try {
    main = scheduler.spawn(program(), { name: 'main' });
    trial.drive(scheduler);
  } catch (error) {
    thrown = { error };
  } finally {
    enterSys(before);
  }
  if (thrown === null && main?.ending !== 'done') thrown = { error: main?.outcome };
  const { counts, effort, reached } = trial;
  scheduler.close();
  const error = thrown?.error;
  const outcome = thrown === null ? 'completed' : isHang(error) ? 'hung' : 'failed';
  const result = thrown === null ? main?.outcome : undefined;
  const systemError = systemErrorIn(error, new Set());
  return { outcome, result, error, systemError, leaked: trial.leaked(), reached, counts, effort };
}

function isHang(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  return code === 'ERR_GENLOOP_HANG' || code === 'ERR_GENLOOP_DEADLOCK' || isHang(error.cause);
}

/** Looks through causes, and what a `using` or a group suppressed. */
function systemErrorIn(error: unknown, seen: Set<unknown>): SystemError | null {
  if (error instanceof SystemError) return error;
  if (!(error instanceof Error) || seen.has(error)) return null;
  seen.add(error);
  const {
    cause,
    error: newer,
    suppressed,
    reason,
  } = error as Error & Record<'error' | 'suppressed' | 'reason', unknown>;
  for (const next of [cause, newer, suppressed, reason]) {
    const found = systemErrorIn(next, seen);
    if (found !== null) return found;
  }
  return null;
}

function problemsOf(run: FailureRun): string[] {
  const { call, nth, errno, outcome, error, leaked } = run;
  const when = `with ${errno} at ${call} ${nth}`;
  const problems: string[] = [];
  if (outcome === 'hung') problems.push(`${when} the program hung: ${(error as Error).message}`);
  if (leaked.length > 0) problems.push(`${when} the program ${leaks(leaked)}`);
  return problems;
}

function leaks(leaked: readonly LeakedDescriptor[]): string {
  return `left open ${leaked.map(({ fd, call }) => `descriptor ${fd} (of ${callOf(call).syscall ?? call})`).join(', ')}`;
}
