/**
 * A system that is a recording: no kernel is asked, and no time passes. The program must ask what it asked
 * then, in the same order; the first difference ends the replay, and says what it was.
 */

import { BACKEND_ROW, type Backend, type BackendName, type BackendRegistration, type Sys } from '../../os/index.ts';
import { type AnyCallName, type Argument, CALL_NAMES, callOf } from './calls.ts';
import { formatAsked } from './format.ts';
import { backendOf, type LogEntry, type SysLog, toJson } from './log.ts';
import { Renaming } from './renaming.ts';
import { inputsOf, type Value, writeOutputs } from './snapshot.ts';
import { registrationArguments, withSystem } from './wrap.ts';

/** Options of {@link replayed}. */
export interface ReplayOptions {
  /**
   * `'any'`: the program may send and write other bytes than it did then, as many as then; for programs that tell the time of
   * day, for instance. Default `'exact'`.
   */
  payload?: 'exact' | 'any';
}

/** What {@link replayed} returns. */
export interface ReplayedSys extends Sys {
  /** How many calls of the log have passed. */
  readonly step: number;
  /** How many calls the log has. */
  readonly steps: number;
  /** Says that the program has ended. Throws {@link ReplayError} if it had asked more then, or has asked something else. */
  finish(): void;
}

/** The program did something else than in the recorded run. `code` is `'ERR_GENLOOP_REPLAY'`. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError' as const;
  readonly code = 'ERR_GENLOOP_REPLAY' as const;
  /** The number of the call in the log, from 1. */
  readonly step: number;
  /** What was called then, and is asked now; `null`: nothing more. */
  readonly recorded: string | null;
  readonly asked: string | null;

  /** @internal */
  constructor(step: number, steps: number, recorded: string | null, asked: string | null, detail: string) {
    const then = recorded ?? 'nothing more';
    const now = asked ?? 'nothing more';
    super(`step ${step} of ${steps}: the recorded run called ${then}; this one calls ${now}${detail}`);
    this.step = step;
    this.recorded = recorded;
    this.asked = asked;
  }
}

/** A set whose descriptor nobody knows: the backend's own. */
const BACKEND_SET = -1;
/** The arguments that hold what the program says to others. */
const PAYLOADS: readonly Argument['is'][] = ['bytes', 'buffers', 'datagrams'];
/** How much of the bytes an error shows. */
const SHOWN = 32;
const ERRORS: Readonly<Record<string, ErrorConstructor>> = { TypeError, RangeError };

/**
 * A system that answers from a log of `recorded`, call by call. Whoever asks something else than the recorded run did gets a
 * {@link ReplayError}, and from then on for every call. What asks the kernel for nothing (an address as text) is answered in any
 * order, as often as one likes.
 *
 * The program is to be driven as it was: `runSync()`, or `turn()`. `run()` throws `MisuseError`, as Node's loop would watch a
 * descriptor that is not there.
 *
 * @example
 * const sys = replayed(SysLog.parse(readFileSync('run.log', 'utf8')));
 * const scheduler = new Scheduler({ sys });
 * scheduler.spawn(server());
 * scheduler.runSync();
 * sys.finish();
 */
export function replayed(log: SysLog, options: ReplayOptions = {}): ReplayedSys {
  const replay = new Replay(log, options.payload ?? 'exact');
  const calls: Record<string, unknown> = {};
  for (const name of CALL_NAMES) calls[name] = (...args: unknown[]) => replay.answer(name, args);
  if (log.hasBackend) calls.backend = (name: BackendName) => replay.openBackend(name);
  calls.finish = () => replay.finish();
  const unwatchable = "the descriptors of a recording are not there any more, so Node's loop cannot watch them";
  const sys = withSystem(calls, { platform: log.platform, constants: log.constants, unwatchable });
  return Object.defineProperties(sys, {
    step: { get: () => replay.step },
    steps: { get: () => log.length },
  }) as ReplayedSys;
}

/** How far a replay has come. */
class Replay {
  step = 0;
  private readonly log: SysLog;
  private readonly payload: 'exact' | 'any';
  private readonly renaming = new Renaming();
  /** The answers that depend on nothing, by what was asked. */
  private readonly pure = new Map<string, LogEntry>();
  private failure: ReplayError | null = null;

  constructor(log: SysLog, payload: 'exact' | 'any') {
    this.log = log;
    this.payload = payload;
    for (let index = 0; index < log.length; index++) {
      const entry = log.at(index) as LogEntry;
      if (isPure(entry)) this.pure.set(keyOf(entry.call as AnyCallName, entry.inputs), entry);
    }
  }

  answer(name: AnyCallName, args: readonly unknown[]): unknown {
    const call = callOf(name);
    const inputs = inputsOf(call, args);
    const entry = call.pure ? this.takePure(name, inputs) : this.take(name, inputs);
    if (entry.thrown !== null) throw errorOf(entry.thrown);
    writeOutputs(call, args, this.renaming.currentOutputs(setOf(name, inputs), call, entry.outputs));
    if (name === 'close') this.renaming.forget(inputs[0] as number);
    return typeof entry.result === 'object' ? { ...entry.result } : entry.result;
  }

  openBackend(name: BackendName): Backend {
    const entry = this.nextEntry();
    if (entry === undefined || entry.call !== 'backend' || backendOf(entry) !== name) {
      this.refuse(entry, `backend("${name}")`);
    }
    this.step++;
    if (entry.thrown !== null) throw errorOf(entry.thrown);
    return this.backend(name, entry.outputs as number[]);
  }

  finish(): void {
    if (this.failure !== null) throw this.failure;
    const entry = this.nextEntry();
    if (entry !== undefined) this.refuse(entry, null);
  }

  private backend(name: BackendName, [fd, alarm]: number[]): Backend {
    let rows: Int32Array = new Int32Array(0);
    const change = (verb: 'backend.change' | 'backend.remove', registration: BackendRegistration): number => {
      const entry = this.take(verb, inputsOf(callOf(verb), registrationArguments(registration)));
      if (entry.thrown !== null) throw errorOf(entry.thrown);
      registration.armed = entry.outputs[0] as number;
      return entry.result as number;
    };
    const plain = (verb: AnyCallName, inputs: Value[]): LogEntry => {
      const entry = this.take(verb, inputs);
      if (entry.thrown !== null) throw errorOf(entry.thrown);
      return entry;
    };
    return {
      name,
      fd: fd as number,
      get rows() {
        return rows;
      },
      change: (registration) => change('backend.change', registration),
      remove: (registration) => change('backend.remove', registration),
      wait: (timeout) => {
        const { outputs, result } = plain('backend.wait', [timeout]);
        rows = this.renaming.current(BACKEND_SET, outputs[0] as Int32Array, BACKEND_ROW, 1);
        return result as number;
      },
      ...(alarm === 1 ? { alarm: (delay: number) => plain('backend.alarm', [delay]).result as number } : {}),
      close: () => {
        plain('backend.close', []);
      },
    };
  }

  /** The next entry of the log, if it is this call. */
  private take(name: AnyCallName, inputs: readonly Value[]): LogEntry {
    const entry = this.nextEntry();
    if (entry?.call !== name) this.refuse(entry, this.show(name, inputs));
    const difference = this.difference(name, entry.inputs, inputs);
    if (difference !== null) this.refuse(entry, this.show(name, inputs), difference);
    this.step++;
    return entry;
  }

  private takePure(name: AnyCallName, inputs: readonly Value[]): LogEntry {
    if (this.failure !== null) throw this.failure;
    const key = keyOf(name, inputs);
    const next = this.log.at(this.step);
    if (next !== undefined && next.call === name && keyOf(name, next.inputs) === key) {
      this.step++;
      return next;
    }
    return this.pure.get(key) ?? this.refuse(next, this.show(name, inputs));
  }

  private nextEntry(): LogEntry | undefined {
    if (this.failure !== null) throw this.failure;
    for (;;) {
      const entry = this.log.at(this.step);
      if (entry === undefined || !isPure(entry)) return entry;
      this.step++;
    }
  }

  /** In what the arguments differ; `null` if they do not. */
  private difference(name: AnyCallName, recorded: readonly Value[], asked: readonly Value[]): string | null {
    const { args } = callOf(name);
    for (let place = 0; place < args.length; place++) {
      const argument = args[place] as Argument;
      const [then, now] = [recorded[place] as Value, asked[place] as Value];
      if (then instanceof Uint8Array && now instanceof Uint8Array) {
        if (this.payload === 'any' && PAYLOADS.includes(argument.is) && then.length === now.length) continue;
        const at = firstDifference(then, now);
        if (at >= 0) return ` (other bytes: from byte ${at} on)`;
      } else if (argument.is === 'datum') {
        if (this.renaming.agree(setOf(name, asked), then as number, now as number)) continue;
        return ` (with the datum ${now}, which is about another registration than ${then} was)`;
      } else if (then instanceof Int32Array && now instanceof Int32Array && argument.is === 'rows') {
        if (this.renaming.agreeRows(setOf(name, asked), argument, then, now)) continue;
        return ` (other rows: ${[...now].join(' ')}, and not ${[...then].join(' ')})`;
      } else if (then instanceof Int32Array && now instanceof Int32Array) {
        if (then.join() === now.join()) continue;
        return ` (argument ${place + 1}: ${now.join(' ')}, and not ${then.join(' ')})`;
      } else if (!Object.is(then, now) && then !== now) {
        return ` (argument ${place + 1}: ${now}, and not ${then})`;
      }
    }
    return null;
  }

  private refuse(entry: LogEntry | undefined, asked: string | null, detail = ''): never {
    const then =
      entry === undefined
        ? null
        : entry.call === 'backend'
          ? `backend("${backendOf(entry)}")`
          : this.show(entry.call, entry.inputs);
    this.failure = new ReplayError(this.step + 1, this.log.length, then, asked, detail);
    throw this.failure;
  }

  private show(name: AnyCallName, inputs: readonly Value[]): string {
    const shown = inputs.map((value) => (value instanceof Uint8Array ? value.subarray(0, SHOWN) : value));
    return formatAsked(name, shown, this.log.constants, true);
  }
}

function isPure({ call }: LogEntry): boolean {
  return call !== 'backend' && callOf(call).pure === true;
}

function keyOf(name: AnyCallName, inputs: readonly Value[]): string {
  return JSON.stringify([name, inputs.map(toJson)]);
}

/** The kernel set that a call is about. */
function setOf(name: AnyCallName, inputs: readonly Value[]): number {
  return name.startsWith('backend.') ? BACKEND_SET : (inputs[0] as number);
}

function firstDifference(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 && one.length !== other.length ? one.length : at;
}

function errorOf([name, message]: readonly [string, string]): Error {
  const error = new (ERRORS[name] ?? Error)(message);
  if (error.name !== name) error.name = name;
  return error;
}
