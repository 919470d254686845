/**
 * What the tasks are doing just now. Nothing is recorded for it: all of it is read off the tasks when somebody asks, and
 * the places come from V8, which knows where each generator is suspended.
 */

import { GroupEnd } from '../kernel/group.ts';
import { type CancelScope, Group, Task, Timer } from '../kernel/index.ts';
import { filenoOf } from '../os/index.ts';
import { PriorityWait, ReadWait, Scheduler, WriteWait } from '../scheduler/index.ts';
import { Locator } from '../scheduler/locate.ts';
import { runningSchedulers } from '../scheduler/running.ts';
import type { Frame, Parent, TaskRow } from './row.ts';

/** Options of {@link ps}. */
export interface PsOptions {
  /** How many tasks to look up in the source, the oldest first; default 5,000. About a tenth of a millisecond each. */
  places?: number;
}

const MOST_PLACES = 5000;

/**
 * All tasks that have not ended: of one scheduler, or of all that run in this thread, in the order of their spawns. From
 * anywhere, also from inside a step. It changes nothing, and holds the thread while it looks: about a tenth of a
 * second for 1,000 tasks. Throws `TypeError` for what is no scheduler, `RangeError` for a number of places below 0.
 *
 * @example
 * for (const { name, waitsFor, frames } of ps()) console.log(name, waitsFor, frames[0]?.line);
 */
export function ps(scheduler?: Scheduler, options: PsOptions = {}): TaskRow[] {
  const { places = MOST_PLACES } = options;
  if (!(places >= 0)) throw new RangeError(`places is a number of tasks from 0 on, not ${String(places)}`);
  if (scheduler !== undefined && !(scheduler instanceof Scheduler)) {
    throw new TypeError('ps takes a scheduler, or nothing for all that run; for one task, use where(task)');
  }
  const schedulers = scheduler === undefined ? runningSchedulers() : [scheduler];
  const all = schedulers.flatMap(({ name, kernel }) => [...kernel.tasks].map((task) => ({ name, task })));
  const members = membersOf(all.map(({ task }) => task));
  // Before anything that takes time: what is left of a sleep is what was left when somebody asked.
  const rows = all.map(({ name, task }) => rowOf(name, task, members));
  const frames = framesOf(all.slice(0, places).map(({ task }) => task));
  return rows.map((row, index) => ({ ...row, frames: frames[index] ?? [] }));
}

/**
 * The same of one task: where it stands, and what for. Of one that has ended, how. Throws `TypeError` for what is no task.
 *
 * @example
 * console.log(formatWhere(where(task)));
 */
export function where(task: Task<unknown>): TaskRow {
  if (!(task instanceof Task)) throw new TypeError('where takes a task, as spawn returns it');
  const scheduler = runningSchedulers().find(({ kernel }) => kernel === task.kernel);
  const row = rowOf(scheduler?.name ?? '', task, membersOf([...task.kernel.tasks]));
  const [frames = []] = task.ended ? [] : framesOf([task]);
  return { ...row, frames };
}

/** For each group the ids of its tasks. */
type Members = ReadonlyMap<CancelScope, readonly number[]>;

function membersOf(tasks: readonly Task<unknown>[]): Members {
  const members = new Map<CancelScope, number[]>();
  for (const { owner, id } of tasks) {
    if (owner === null) continue;
    const ids = members.get(owner);
    if (ids === undefined) members.set(owner, [id]);
    else ids.push(id);
  }
  return members;
}

function framesOf(tasks: readonly Task<unknown>[]): Frame[][] {
  if (tasks.length === 0) return [];
  using locator = new Locator();
  const generators = tasks.map((task) => [task.frame, ...[...(task.callers ?? [])].reverse()]);
  const places = locator.places(generators.flat());
  let next = 0;
  return generators.map((held) => {
    const own = places.slice(next, next + held.length);
    next += held.length;
    return own.filter((place) => place !== undefined);
  });
}

function rowOf(scheduler: string, task: Task<unknown>, members: Members): Omit<TaskRow, 'frames'> {
  const { id, name, status: state, operation, waker, owner } = task;
  const scope = standsIn(task);
  const waits = state === 'parked' && operation !== null;
  return {
    scheduler,
    id,
    name,
    state,
    waitsFor: waits ? task.waitsFor : undefined,
    fd: waits ? descriptorOf(operation) : undefined,
    blockedBy: waits ? tasksBefore(task, members) : [],
    wakesIn: waits ? left(waker?.state, task) : Number.POSITIVE_INFINITY,
    remaining: task.ended ? Number.POSITIVE_INFINITY : scope.effectiveDeadline,
    cancelled: scope.cancelled,
    daemon: owner instanceof Group && owner.isDaemon(task),
    owner: owner?.task?.id,
    parents: parentsOf(scope, task),
  };
}

/** The innermost scope of a task. One that waits for a group's end is sheltered; for whoever looks it stands in the group. */
function standsIn(task: Task<unknown>): CancelScope {
  return task.operation instanceof GroupEnd ? task.operation.group : task.scope;
}

function parentsOf(innermost: CancelScope, task: Task<unknown>): Parent[] {
  const parents: Parent[] = [];
  const { root } = task.kernel;
  for (let scope: CancelScope | null = innermost; scope !== null && scope !== root; scope = scope.parent) {
    const whose = scope.task;
    // Itself; and what belongs to no task is the kernel's own.
    if (scope === task || whose === null) continue;
    parents.push({
      kind: scope instanceof Task ? 'task' : scope instanceof Group ? 'group' : 'scope',
      id: whose.id,
      name: whose.name,
      remaining: scope.remaining,
      shielded: scope.shielded,
      cancelCalled: scope.cancelCalled,
    });
  }
  return parents;
}

function tasksBefore(task: Task<unknown>, members: Members): readonly number[] {
  const { operation } = task;
  if (operation instanceof GroupEnd) return members.get(operation.group) ?? [];
  try {
    const before = operation?.blockedBy?.();
    return before === undefined || before === null ? [] : [before.id];
  } catch {
    // Anybody's operation: it must not hide all the others.
    return [];
  }
}

function descriptorOf(operation: unknown): number | undefined {
  const waits = operation instanceof ReadWait || operation instanceof WriteWait || operation instanceof PriorityWait;
  if (!waits) return undefined;
  try {
    return filenoOf(operation.target);
  } catch {
    // Closed since.
    return undefined;
  }
}

/** What operations that wait for time alone remember of their park is their timer. */
function left(timer: unknown, task: Task<unknown>): number {
  if (!(timer instanceof Timer) || timer.place < 0) return Number.POSITIVE_INFINITY;
  return Math.max(0, timer.deadline - task.kernel.host.now());
}
