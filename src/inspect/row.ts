/** What is known of a task at one moment, as plain data: it can be kept, compared, and written as JSON. */

import type { TaskState } from '../kernel/index.ts';

/** A place in the source. */
export interface Frame {
  /** The function's name; empty if it has none. */
  readonly functionName: string;
  /** Path of the source file, or a URL if it is no file. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** From 1 on. */
  readonly column: number;
  /** Whether it is code of this library: a block such as `group` or `failAfter`. */
  readonly library: boolean;
}

/** Something that a task stands in: a block with a scope of its own, a group, or a task. */
export interface Parent {
  readonly kind: 'scope' | 'group' | 'task';
  /** Whose block it is; of a task, its own id. */
  readonly id: number;
  /** The name of that task. */
  readonly name: string;
  /** Milliseconds until its own deadline, `Infinity` if it has none. */
  readonly remaining: number;
  /** Whether cancels from outside stop here. */
  readonly shielded: boolean;
  /** Whether it was cancelled itself, by a call or by its deadline. */
  readonly cancelCalled: boolean;
}

/** One task, as {@link ps} and {@link where} found it. Times are in milliseconds, `Infinity` where there is none. */
export interface TaskRow {
  /** What messages call its scheduler: `scheduler 1`; empty if it does not run. */
  readonly scheduler: string;
  /** Counts up in each scheduler, from 1: the lower, the older. */
  readonly id: number;
  /** Its name. */
  readonly name: string;
  /** Where it is in its life. */
  readonly state: TaskState;
  /** What it waits for, in words; `undefined` if it does not wait. */
  readonly waitsFor: string | undefined;
  /** The number of the descriptor that it waits for. */
  readonly fd: number | undefined;
  /** The ids of the tasks whose end it waits for: one for a join, those of a group for its owner. */
  readonly blockedBy: readonly number[];
  /** Until its own timer wakes it: the rest of its sleep. */
  readonly wakesIn: number;
  /** Until the nearest deadline that can end its wait; 0 once it is cancelled. */
  readonly remaining: number;
  /** Whether a cancel is in force where it stands: it cleans up, or its operation cannot be stopped. */
  readonly cancelled: boolean;
  /** Whether its group does not wait for it. */
  readonly daemon: boolean;
  /** The id of the task whose group it belongs to; `undefined` if it belongs to the scheduler itself. */
  readonly owner: number | undefined;
  /** What it stands in, from the inside out: its own blocks, its group, the task that has the group, and so on. */
  readonly parents: readonly Parent[];
  /**
   * The frames that the kernel holds, the innermost first: a subroutine that was yielded, a `routine`'s call. Of plain
   * `yield*` calls in each other the outermost. Of a frame that is running, the place where its function begins. Empty
   * if it was not asked for, or V8 does not know.
   */
  readonly frames: readonly Frame[];
}
