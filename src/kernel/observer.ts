/**
 * Looking on: what a kernel tells whoever wants to know (diagnostics channels, debug mode). Where nobody does, each of these costs one
 * comparison.
 */

import type { Spawnable } from './frames.ts';
import type { Op } from './operation.ts';
import type { CancelScope } from './scope.ts';
import type { Task } from './task.ts';

/** Told what happens. What it throws is an internal error: it must not. */
export interface Observer {
  /** A task was made of this. */
  spawned?(task: Task<unknown>, body: Spawnable<unknown>): void;
  /** A step of the task begins. */
  stepping?(task: Task<unknown>): void;
  /** The step has ended: the task gave way, waits, or has ended. */
  stepped?(task: Task<unknown>): void;
  /** An operation or a subroutine was yielded, and is tried or begins. */
  yielded?(yielded: Spawnable<unknown>): void;
  /** The task waits for this operation. */
  parked?(task: Task<unknown>, operation: Op<unknown>): void;
  /** What the task waited for has come, or was undone; `by` is the task whose step did it, `null` for anything else. */
  woken?(task: Task<unknown>, by: Task<unknown> | null): void;
  /** One of the task's frames threw; those in `task.callers` have not seen it yet. */
  threw?(task: Task<unknown>, error: unknown): void;
  /** A trap threw the cancel in force. */
  interrupted?(task: Task<unknown>): void;
  /** The task has ended, and its outcome is known. */
  ended?(task: Task<unknown>): void;
  /** A scope was cancelled; all that is inside knows it. */
  cancelled?(scope: CancelScope): void;
}

/** One observer that tells several; `null` for none. */
export function observers(all: readonly Observer[]): Observer | null {
  return all.length <= 1 ? (all[0] ?? null) : new Several(all);
}

class Several implements Observer {
  private readonly all: readonly Observer[];

  constructor(all: readonly Observer[]) {
    this.all = all;
  }

  spawned(task: Task<unknown>, body: Spawnable<unknown>): void {
    for (const one of this.all) one.spawned?.(task, body);
  }

  stepping(task: Task<unknown>): void {
    for (const one of this.all) one.stepping?.(task);
  }

  stepped(task: Task<unknown>): void {
    for (const one of this.all) one.stepped?.(task);
  }

  yielded(yielded: Spawnable<unknown>): void {
    for (const one of this.all) one.yielded?.(yielded);
  }

  parked(task: Task<unknown>, operation: Op<unknown>): void {
    for (const one of this.all) one.parked?.(task, operation);
  }

  woken(task: Task<unknown>, by: Task<unknown> | null): void {
    for (const one of this.all) one.woken?.(task, by);
  }

  threw(task: Task<unknown>, error: unknown): void {
    for (const one of this.all) one.threw?.(task, error);
  }

  interrupted(task: Task<unknown>): void {
    for (const one of this.all) one.interrupted?.(task);
  }

  ended(task: Task<unknown>): void {
    for (const one of this.all) one.ended?.(task);
  }

  cancelled(scope: CancelScope): void {
    for (const one of this.all) one.cancelled?.(scope);
  }
}
