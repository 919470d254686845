/**
 * Looking on at the seam: every call, as strace would show it, but from inside: also on systems without strace, and of a simulated
 * system that makes no real calls at all.
 */

import type { DecodedAddress, Sys } from '../../os/index.ts';
import { type AnyCallName, callOf } from './calls.ts';
import { inputsOf, outputsOf, type Value } from './snapshot.ts';
import { wrapCalls } from './wrap.ts';

/** A call that was made. All of it is a copy, and the sink's to keep. */
export interface TracedCall {
  /** Its name in `Sys`; `backend.wait` and its like for a backend that the system brings itself. */
  readonly call: AnyCallName;
  /**
   * A value for each argument: numbers and texts as they are, bytes that the call reads (of a buffer the first few, see
   * {@link TraceOptions}), rows as integers; for an array that it writes the size, or `null` where the next arguments tell.
   */
  readonly inputs: readonly (number | string | Uint8Array | Int32Array | null)[];
  /** A value for each array that it writes, in their order; `null` where nothing was written. */
  readonly outputs: readonly (number | string | Uint8Array | Int32Array | null)[];
  /** What it returned; `undefined` if it threw. */
  readonly result: number | DecodedAddress | undefined;
  /** What it threw, if it did. */
  readonly error?: unknown;
  /** When it began, and how long it took, in milliseconds of the tracer's clock. */
  readonly time: number;
  readonly duration: number;
  /** The system, for names of constants. */
  readonly sys: Pick<Sys, 'platform' | 'constants'>;
}

/** Options of {@link traced}. */
export interface TraceOptions {
  /** How many bytes of each buffer to keep; default 32. */
  bytes?: number;
  /**
   * The tracer's clock, in milliseconds; default `performance.now`. Not the system's own: a tracer makes no calls that the program
   * does not make. For virtual time: `() => clock.now`.
   */
  now?: () => number;
}

const BYTES = 32;

/**
 * A system like `sys` that tells `sink` of every call, once it has returned. What the sink throws goes to the program: it must not.
 *
 * @example
 * const sys = traced(realSys(), (call) => process.stderr.write(`${formatCall(call)}\n`));
 * new Scheduler({ sys });
 */
export function traced(sys: Sys, sink: (call: TracedCall) => void, options: TraceOptions = {}): Sys {
  const { bytes = BYTES, now = () => performance.now() } = options;
  if (typeof sink !== 'function')
    throw new TypeError(`the sink is a function that gets each call, not ${String(sink)}`);
  return wrapCalls(sys, (name, args, happen) => {
    const call = callOf(name);
    const inputs = inputsOf(call, args, bytes);
    const time = now();
    let result: number | DecodedAddress | undefined;
    let outputs: Value[] = [];
    let failed: { error: unknown } | null = null;
    try {
      result = happen() as number | DecodedAddress | undefined;
    } catch (error) {
      failed = { error };
    }
    const duration = now() - time;
    if (failed === null) outputs = outputsOf(call, args, result, bytes);
    sink({ call: name, inputs, outputs, result, time, duration, sys, ...failed });
    if (failed !== null) throw failed.error;
    return result;
  });
}
