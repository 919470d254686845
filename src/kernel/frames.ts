/**
 * What can run as a frame of a task: a generator that belongs to nobody yet. Everything else that a program may yield or spawn by
 * mistake is refused with what to do instead.
 */

import { MisuseError } from './errors.ts';
import { type Co, isOp, type Op } from './operation.ts';
import { isRoutineCall } from './routine.ts';
import { Task } from './task.ts';

/** What can be run as a task: a generator, a routine's call, or any other operation. */
export type Spawnable<T> = Co<T> | Op<T>;

/** What a task is called that nobody named. */
const DEFAULT_NAME = 'task';

/** Marks a generator that belongs to a task. */
const OWNED: unique symbol = Symbol.for('genloop.owned') as never;

/** @internal The first frame of a task. Throws `TypeError` for what is no task, `MisuseError` for a generator in use. */
export function firstFrame<T>(body: Spawnable<T>): Co<T> {
  if (isRoutineCall(body) && body.fresh) return body.start() as Co<T>;
  const frame: unknown = isRoutineCall(body) ? body.start() : isOp(body) ? perform(body) : body;
  if (!isGenerator(frame)) throw new TypeError(`a task is a generator or an operation, not ${describe(frame)}`);
  own(frame);
  return frame as Co<T>;
}

/** @internal What a task is called: as its routine, unless somebody said otherwise. */
export function nameOf(body: unknown): string {
  return isRoutineCall(body) ? body.name : DEFAULT_NAME;
}

/** @internal Makes a frame the one that runs. */
export function pushFrame(task: Task<unknown>, frame: Co<unknown>): void {
  if (task.callers === null) task.callers = [task.frame];
  else task.callers.push(task.frame);
  task.frame = frame;
}

/** @internal Goes back to the frame that waits for this one; `false` if it was the first. */
export function popFrame(task: Task<unknown>): boolean {
  const caller = task.callers?.pop();
  if (caller === undefined) return false;
  task.frame = caller;
  return true;
}

/** @internal The generator of a subroutine. Throws `TypeError` for anything that is none, with what to do instead. */
export function frameOf(yielded: unknown): Co<unknown> {
  // Nobody else can have it, and it needs no mark.
  if (isRoutineCall(yielded) && yielded.fresh) return yielded.start();
  const frame: unknown = isRoutineCall(yielded) ? yielded.start() : yielded;
  if (!isGenerator(frame)) throw new TypeError(`a task cannot yield ${describe(frame)}`);
  own(frame);
  return frame;
}

/** A task that does nothing but one operation. */
function* perform<T>(operation: Op<T>): Co<T> {
  return yield* operation;
}

function isGenerator(value: unknown): value is Co<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Co<unknown>).next === 'function' &&
    typeof (value as Co<unknown>).throw === 'function' &&
    typeof (value as Co<unknown>)[Symbol.iterator] === 'function'
  );
}

function own(generator: Co<unknown>): void {
  const marked = generator as { [OWNED]?: true };
  if (marked[OWNED])
    throw new MisuseError('this generator already belongs to a task; call its function again for another');
  marked[OWNED] = true;
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined; was a `return` forgotten?';
  if (value === null) return 'null; a bare `yield` lets others run';
  if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}; call it first`;
  if (typeof value !== 'object') return `${typeof value} ${String(value)}`;
  if (value instanceof Task) return `${value} itself; join it with \`yield* task.join()\``;
  if (Symbol.asyncIterator in value) return 'an async generator; use a plain generator function (function*)';
  if (typeof (value as { then?: unknown }).then === 'function') {
    return 'a promise; wait for it with `until(promise)`';
  }
  return `an object (${value.constructor?.name ?? 'without a class'}); yield an operation, a generator, or nothing`;
}
