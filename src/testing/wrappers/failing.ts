/**
 * Calls that fail because a test says so. What a program does when the descriptors run out, or when a peer resets at the
 * worst moment, is decided in lines that no ordinary run ever reaches.
 */

import { NOT_ARMED, type Sys } from '../../os/index.ts';
import { type AnyCallName, BACKEND_CALLS, type BackendCallName, CALL_NAMES, type CallName, callOf } from './calls.ts';
import { type Errno, errnoOf } from './errnos.ts';
import { registrationIn, wrapCalls } from './wrap.ts';

/** The calls that can fail: all that return `-errno`. */
export type FailingCallName = Exclude<CallName, 'now' | 'unpackAddress'> | Exclude<BackendCallName, 'backend.close'>;

/**
 * Which calls of that name fail: the n-th (from 1), several of them, every one, or those for which a function says so. It gets
 * the number of the call, and its arguments.
 */
export type Nth = number | readonly number[] | 'every' | ((nth: number, args: readonly unknown[]) => boolean);

/** What {@link failing} returns. */
export interface FailingSys extends Sys {
  /** How often the call was made, failed or not. */
  readonly attempts: number;
  /** How often it failed because of this wrapper. 0 at the end of a test: it has tested nothing. */
  readonly failures: number;
}

/**
 * A system like `sys`, in which the n-th `call` (from 1, counted in this wrapper) returns `-errno` instead of happening.
 *
 * What happens all the same, as it does in a real system that reports such an error: a `close` (the number is free, whatever it
 * returns), a `connect` with `EINTR` or `EINPROGRESS` (goes on in the background), the changes of a `kevent` with `EINTR`, and the
 * removal of a `backend.remove` from the books.
 *
 * Throws `TypeError` for a call that there is not, `RangeError` for an errno or an n that there is not; the message lists what
 * there is.
 *
 * @example
 * const sys = failing(realSys(), 'accept', [1, 2], 'EMFILE');
 * const scheduler = new Scheduler({ sys });
 */
export function failing(sys: Sys, call: FailingCallName, nth: Nth, errno: Errno): FailingSys {
  checkCall(call);
  const chosen = chooser(nth);
  const number = errnoOf(sys, errno);
  let attempts = 0;
  let failures = 0;
  const wrapper = wrapCalls(sys, (name, args, happen) => {
    if (name !== call) return happen();
    attempts++;
    if (!chosen(attempts, args)) return happen();
    failures++;
    return fail(sys, name, args, happen, number);
  });
  return Object.defineProperties(wrapper, {
    attempts: { get: () => attempts },
    failures: { get: () => failures },
  }) as FailingSys;
}

/** @internal The names of all calls that can fail. */
export const FAILING_CALL_NAMES: readonly FailingCallName[] = [
  ...CALL_NAMES,
  ...(Object.keys(BACKEND_CALLS) as BackendCallName[]),
].filter((name): name is FailingCallName => callOf(name).result !== 'time' && isFailing(name));

function isFailing(name: AnyCallName): boolean {
  return callOf(name).result !== 'address' && name !== 'backend.close';
}

/** @internal Fails a call as the system does: `-errno`, and what happens all the same. */
export function fail(
  sys: Sys,
  name: AnyCallName,
  args: readonly unknown[],
  happen: () => unknown,
  errno: number,
): number {
  const { EINTR, EINPROGRESS } = sys.constants;
  if (name === 'close' || (name === 'connect' && (errno === EINTR || errno === EINPROGRESS))) {
    happen();
  } else if (name === 'backend.remove') {
    registrationIn(args).armed = NOT_ARMED;
  } else if (name === 'kevent' && errno === EINTR) {
    // Without room for events it returns at once, and none is lost.
    const [kq, changes, count] = args as Parameters<Sys['kevent']>;
    if (count > 0) sys.kevent(kq, changes, count, new Int32Array(0), 0);
  }
  return -errno;
}

/** @internal Throws `TypeError` for what is no call that can fail. */
export function checkCall(call: string): void {
  if ((FAILING_CALL_NAMES as readonly string[]).includes(call)) return;
  throw new TypeError(`no call '${String(call)}' can fail; these can: ${FAILING_CALL_NAMES.join(', ')}`);
}

function chooser(nth: Nth): (nth: number, args: readonly unknown[]) => boolean {
  if (typeof nth === 'function') return nth;
  if (nth === 'every') return () => true;
  const numbers = new Set(Array.isArray(nth) ? nth : [nth as number]);
  for (const number of numbers) {
    if (Number.isInteger(number) && number >= 1) continue;
    throw new RangeError(
      `nth is a number from 1 on, a list of them, 'every', or a function that is asked at each call; not ${String(number)}`,
    );
  }
  if (numbers.size === 0) throw new RangeError('nth is an empty list: no call would ever fail');
  return (number) => numbers.has(number);
}
