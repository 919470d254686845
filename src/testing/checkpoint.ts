/**
 * Whether a piece of code lets others run, and lets itself be cancelled. Every trap of a task does the second, but only
 * one that cannot complete at once does the first; a path through a program without any (a full buffer, an empty list)
 * is easily overlooked.
 *
 * The body is not run by the kernel itself but by a frame around each of its own, which sees what it yields and hands
 * it on.
 */

import { type Body, bodyOf } from '../kernel/blocks.ts';
import { frameOf } from '../kernel/frames.ts';
import {
  type CancelScope,
  type Co,
  isOp,
  type Kernel,
  Op,
  PENDING,
  pass,
  routine,
  runningTask,
  type Task,
  type Waker,
} from '../kernel/index.ts';
import { isRoutineCall } from '../kernel/routine.ts';
import { failure } from './failure.ts';

const PASS = pass();

/** What was seen of a body. */
class Trace {
  /** The operation of its first trap. */
  first: Op<unknown> | null = null;
  /** Traps. */
  traps = 0;
  /** Those that could not complete at once: others could run. */
  schedulePoints = 0;
  /** Those at which a cancel from outside of the body would have been thrown. */
  cancelPoints = 0;
  private readonly task: Task<unknown> = runningTask();
  private readonly outer: CancelScope = this.task.scope;

  /** What the kernel gets for something that the body yielded. Throws for what cannot be yielded. */
  handOn(yielded: unknown): Op<unknown> | Co<unknown> | undefined {
    if (yielded === undefined || yielded === PASS) {
      this.trap(PASS);
      if (!this.task.scope.cancelled) this.schedulePoints++;
      return PASS;
    }
    // The kernel sees ours only; debug mode wants to know of theirs.
    this.task.kernel.observer?.yielded?.(yielded as Op<unknown>);
    if (!isOp(yielded) || isRoutineCall(yielded)) return watched(frameOf(yielded), this);
    this.trap(yielded);
    return new Watched(yielded, this);
  }

  private trap(operation: Op<unknown>): void {
    this.traps++;
    this.first ??= operation;
    if (this.isOpen()) this.cancelPoints++;
  }

  /** Whether a cancel from outside of the body comes as far as where the task stands. */
  private isOpen(): boolean {
    let scope: CancelScope | null = this.task.scope;
    while (scope !== this.outer) {
      // A wait in the kernel's shelter is in no scope of the body: no cancel ends it.
      if (scope === null || scope.shielded) return false;
      // biome-ignore lint/complexity/useLiteralKeys: only so does TypeScript let a neighbour look at a private field.
      scope = scope['parent'];
    }
    return true;
  }
}

/** An operation that tells whether it completed at once. */
class Watched extends Op<unknown> {
  private readonly operation: Op<unknown>;
  private readonly trace: Trace;

  constructor(operation: Op<unknown>, trace: Trace) {
    super();
    this.operation = operation;
    this.trace = trace;
  }

  override try(kernel: Kernel): unknown {
    const result = this.operation.try(kernel);
    if (result === PENDING) this.trace.schedulePoints++;
    return result;
  }

  override park(waker: Waker<unknown>): void {
    this.operation.park(waker);
  }

  override abort(waker: Waker<unknown>, cancel?: unknown): boolean {
    return this.operation.abort(waker, cancel);
  }

  override describe(): string {
    return this.operation.describe();
  }

  override blockedBy(): Task<unknown> | null {
    return this.operation.blockedBy?.() ?? null;
  }
}

/** A frame around a frame. */
function* watched(frame: Co<unknown>, trace: Trace): Co<unknown> {
  let result = frame.next();
  while (!result.done) {
    let value: unknown;
    try {
      value = yield trace.handOn(result.value);
    } catch (error) {
      result = frame.throw(error);
      continue;
    }
    result = frame.next(value);
  }
  return result.value;
}

function* only<T>(yielded: Op<T> | Co<T>): Co<T> {
  return (yield yielded) as T;
}

/**
 * Runs a body (once), gives its result, and fails unless it had a checkpoint: at least one trap at which others could
 * run, and at least one at which a cancel from outside would have reached it. Shields that the body puts up, and
 * operations that complete at once, do not count as the one or the other. What the body throws is thrown. Throws
 * `AssertionError`.
 *
 * @example
 * yield* assertCheckpoint(() => server.accept());
 */
export const assertCheckpoint: <T>(body: Body<T, void>) => Op<T> = routine(function* assertCheckpoint<T>(
  body: Body<T, void>,
): Co<T> {
  const trace = new Trace();
  const result = (yield watched(only(bodyOf(body, undefined)), trace)) as T;
  const fault = faultOf(trace);
  if (fault === null) return result;
  throw failure(`the body had no checkpoint: ${fault}`, {
    operator: 'assertCheckpoint',
    actual: `${trace.schedulePoints} of ${trace.traps} traps let others run, ${trace.cancelPoints} can be cancelled`,
    expected: 'at least one of each',
  });
});

function faultOf({ traps, schedulePoints, cancelPoints }: Trace): string | null {
  if (traps === 0) return 'it came to its end without any trap';
  if (cancelPoints === 0) return 'a cancel from outside could reach none of its traps';
  return schedulePoints === 0 ? 'all that it waited for completed at once, so others never got to run' : null;
}

/**
 * Runs a body (once), gives its result, and fails if it had any trap: others could have run, or a cancel could have
 * been thrown. For code that relies on being left alone between two lines. What it throws itself is then the `cause`.
 * Throws `AssertionError`.
 */
export const assertNoCheckpoint: <T>(body: Body<T, void>) => Op<T> = routine(function* assertNoCheckpoint<T>(
  body: Body<T, void>,
): Co<T> {
  const trace = new Trace();
  let result: T | undefined;
  let cause: unknown;
  let failed = false;
  try {
    result = (yield watched(only(bodyOf(body, undefined)), trace)) as T;
  } catch (error) {
    failed = true;
    cause = error;
  }
  if (trace.first !== null) {
    throw failure(`the body had a checkpoint: it waited for ${trace.first.describe()}`, {
      operator: 'assertNoCheckpoint',
      actual: trace.traps === 1 ? '1 trap' : `${trace.traps} traps`,
      expected: 'no trap',
      cause,
    });
  }
  if (failed) throw cause;
  return result as T;
});
