/**
 * Kernels and pollers that are broken on purpose: what a simulation that finds nothing has to find. Each is the library with a few words
 * exchanged, in memory only, in a process of its own.
 */

import { STREAM_BREAKAGES } from './stream-breakages.ts';

/** One way to break the library. */
export interface Breakage {
  /** What is wrong then. */
  readonly name: string;
  /** A file in `src/`. */
  readonly file: string;
  /** What stands there, once. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
}

/** All of them. */
export const BREAKAGES: readonly Breakage[] = [
  {
    name: 'a wake is dropped while three others are ready',
    file: 'kernel/kernel.ts',
    find: 'this.observer?.woken?.(task, this.current);\n    this.enqueue(task);',
    replace: 'this.observer?.woken?.(task, this.current);\n    if (this.ring.length < 3) this.enqueue(task);',
  },
  {
    name: 'a waker can be claimed twice',
    file: 'kernel/kernel.ts',
    find: 'if (task.waker !== waker) return false;',
    replace: 'if (task.ended) return false;',
  },
  {
    name: 'an abort is called twice',
    file: 'kernel/kernel.ts',
    find: 'operation === null || task.refused === waker',
    replace: 'operation === null',
  },
  {
    name: 'a cancel overtakes a value that was handed over',
    file: 'kernel/kernel.ts',
    find: 'if (waker === null || operation === null || task.refused === waker) return;',
    replace:
      'if (waker === null && task !== this.current && task.inbox !== undefined) { task.inbox = CANCEL; task.failing = true; }\n' +
      'if (waker === null || operation === null || task.refused === waker) return;',
  },
  {
    name: 'an enqueue at the front',
    file: 'kernel/kernel.ts',
    find: 'this.ring.push(task);',
    replace: 'this.ring.push(task); if (this.ring.length > 1) this.ring.promote(this.ring.length - 1);',
  },
  {
    name: 'a cancel is thrown only once',
    file: 'kernel/kernel.ts',
    find: 'return task.due;',
    replace: 'const { due } = task; task.due = null; return due;',
  },
  {
    name: 'a finally is skipped when a cancel passes through frames',
    file: 'kernel/kernel.ts',
    find: 'failing = true;\n        continue;',
    replace:
      'failing = true;\n        if (task.due === error && (task.callers?.length ?? 0) > 1) popFrame(task);\n        continue;',
  },
  {
    name: 'a cancelled task ends without its finally',
    file: 'kernel/kernel.ts',
    find: 'if (undone) this.resume(task, waker, CANCEL, true);',
    replace: "if (undone) { task.waker = task.operation = null; this.finish(task, 'cancelled', task.due); }",
  },
  {
    name: 'a task may complete any number of operations in a step',
    file: 'kernel/kernel.ts',
    find: 'const STEP_BUDGET = 32;',
    replace: 'const STEP_BUDGET = 1e9;',
  },
  {
    name: 'a task that is cancelled before its first step never begins',
    file: 'kernel/kernel.ts',
    find: 'let value = task.inbox;',
    replace:
      "if (task.due !== null && task.begun !== true) { this.finish(task, 'cancelled', task.due); return; }\n" +
      'task.begun = true;\nlet value = task.inbox;',
  },
  {
    name: 'joiners of a task that failed are not told',
    file: 'kernel/task.ts',
    find: 'else waker.fail(this.failure());',
    replace: "else if (this.ending === 'cancelled') waker.fail(this.failure());",
  },
  {
    name: 'a cancel skips the first of several scopes',
    file: 'kernel/scope.ts',
    find: 'return this.firstChild;\n    let scope',
    replace: 'return this.firstChild.younger ?? this.firstChild;\n    let scope',
  },
  {
    name: 'what is in force is not inherited by what is entered later',
    file: 'kernel/scope.ts',
    find: 'if (parent.inForce !== null) this.inherit();',
    replace: '',
  },
  {
    name: 'the inner of two cancels wins',
    file: 'kernel/scope.ts',
    find: '(open ? (parent as CancelScope).inForce : null) ?? this.error',
    replace: 'this.error ?? (open ? (parent as CancelScope).inForce : null)',
  },
  {
    name: 'a shield is ignored',
    file: 'kernel/scope.ts',
    find: 'const open = parent !== null && (parent.hard || !this.shielded);',
    replace: 'const open = parent !== null;',
  },
  {
    name: 'a bound on clean-up does not pass shields',
    file: 'kernel/scope.ts',
    find: 'const open = parent !== null && (parent.hard || !this.shielded);',
    replace: 'const open = parent !== null && !this.shielded;',
  },
  {
    name: "a scope's deadline stays behind when it is left",
    file: 'kernel/scope.ts',
    find: 'if (extras.deadline !== null) this.kernel.timers.cancel(extras.deadline);',
    replace: '',
  },
  {
    name: 'a group forgets its third task',
    file: 'kernel/group.ts',
    find: 'this.live++;',
    replace: 'if (this.live < 2) this.live++;',
  },
  {
    name: 'a daemon is not cancelled',
    file: 'kernel/group.ts',
    find: 'for (const daemon of this.daemons ?? []) dismiss(daemon);',
    replace: '',
  },
  {
    name: 'the last failure comes out of a group',
    file: 'kernel/group.ts',
    find: 'if (g.failures.length > 0) throw firstOf(g.failures);',
    replace: 'if (g.failures.length > 0) throw g.failures.at(-1);',
  },
  {
    name: 'a group that has ended takes tasks',
    file: 'kernel/group.ts',
    find: "if (this.gone) throw new MisuseError('this group has ended; spawn into one that is still open');",
    replace: '',
  },
  {
    name: 'who starts a task is not told of its failure',
    file: 'kernel/start.ts',
    find: 'return this.waker.fail(this.failure(task));',
    replace: 'return false;',
  },
  {
    name: 'a start that is cancelled leaves its task behind',
    file: 'kernel/start.ts',
    find: '// Nothing half-started stays behind: its end is waited for.\n    return false;',
    replace: 'return true;',
  },
  {
    name: 'a kept task that was handed over can be had again',
    file: 'kernel/kept.ts',
    find: 'if (waiter === undefined) this.fresh.push(task);',
    replace: 'this.fresh.push(task);',
  },
  {
    name: 'nobody says that there is no next task',
    file: 'kernel/kept.ts',
    find: 'for (const waiter of this.waiters.splice(0)) waiter.wake(undefined);',
    replace: '',
  },
  {
    name: 'select does not undo its first branch',
    file: 'kernel/select.ts',
    find: 'undoRest(): void {\n    for (const branch of this.branches) {',
    replace: 'undoRest(): void {\n    for (const branch of this.branches.slice(1)) {',
  },
  {
    name: 'a value is handed to two takers',
    file: 'kernel/wait-queue.ts',
    find: 'if (waker.wake(value)) taken++;',
    replace: 'if (waker.wake(value) && (n !== 1 || this.count === 0)) taken++;',
  },
  {
    name: 'a queue that is moved is turned round',
    file: 'kernel/wait-queue.ts',
    find: 'const entry = this.ring.after as Entry<T>;',
    replace: 'const entry = this.ring.before as Entry<T>;',
  },
  {
    name: 'a deadline is rounded down',
    file: 'kernel/sleep.ts',
    find: 'kernel.host.now() + this.ms,',
    replace: 'Math.floor(kernel.host.now() + this.ms),',
  },
  {
    name: 'a timer is left behind after a cancel',
    file: 'kernel/sleep.ts',
    find: 'if (waker.state !== undefined) waker.kernel.timers.cancel(waker.state as Timer);',
    replace: '',
  },
  {
    name: 'of equal deadlines the last fires first',
    file: 'kernel/timers.ts',
    find: 'a.order < b.order',
    replace: 'a.order > b.order',
  },
  {
    name: 'readiness is not asked for while tasks are ready',
    file: 'scheduler/steps.ts',
    find: 'STEPS_PER_POLL: number = 64;',
    replace: 'STEPS_PER_POLL: number = 1e6;',
  },
  {
    name: 'a loop that watches the descriptor is not told of timers',
    file: 'scheduler/scheduler.ts',
    find: 'this.poller.alarm(this.kernel.ready > 0 ? 0 : this.kernel.timers.next);',
    replace: 'if (this.kernel.ready > 0) this.poller.alarm(0);',
  },
  {
    name: 'an alarm is not moved to an earlier time',
    file: 'poller/alarm.ts',
    find: 'if (deadline >= this.time && (',
    replace: 'if ((this.time !== NEVER || deadline === NEVER) && (',
  },
  {
    name: 'ERR alone does not wake the reader',
    file: 'poller/poller.ts',
    find: 'if (alarm || (flags & (Readiness.IN | Readiness.RDHUP)) !== 0) {',
    replace: 'if ((flags & (Readiness.IN | Readiness.RDHUP | Readiness.HUP)) !== 0) {',
  },
  {
    name: 'a disarm is forgotten',
    file: 'poller/poller.ts',
    find: 'if (this.change(registration, interest) < 0) this.dropStale',
    replace: 'if (interest < 0) this.dropStale',
  },
  {
    name: 'a disarm takes the other direction along',
    file: 'poller/poller.ts',
    find: 'this.disarm(registration, armed & ~idle);',
    replace: 'this.disarm(registration, 0);',
  },
  {
    name: 'a second waiter replaces the first',
    file: 'poller/registration.ts',
    find: 'if (this.waiter(direction) === null) return;',
    replace: 'if (this.waiter(direction) === null || this.fd >= 0) return;',
  },
  {
    name: 'a poller that arms only once',
    file: 'poller/poller.ts',
    find: 'if (!armed || registration.descriptor !== pollable) {',
    replace: 'if (registration.armed === NOT_ARMED) {',
  },
  {
    name: 'the generation is not compared: stale events are delivered',
    file: 'poller/poller.ts',
    find: 'if (registration !== undefined && registration.generation === generation) {',
    replace: 'if (registration !== undefined) {',
  },
  {
    name: 'HUP wakes only the reader',
    file: 'poller/poller.ts',
    find: 'if (alarm || (flags & Readiness.OUT) !== 0) {',
    replace: 'if ((flags & Readiness.OUT) !== 0) {',
  },
  {
    name: 'a wait that is cancelled stays in the poller',
    file: 'poller/poller.ts',
    find: 'registration.setWaiter(direction, null);\n    this.parked--;',
    replace: 'this.parked--;',
  },
  {
    name: 'a close forgets who waits',
    file: 'poller/poller.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    find: 'this.failAll(registration, (name) => new ClosedError(`${name} was closed while a task waited for it`));',
    replace: '',
  },
  {
    name: 'the kernel set is not closed',
    file: 'poller/poller.ts',
    find: 'this.closed = true;\n    this.backend.close();',
    replace: 'this.closed = true;',
  },
  {
    name: 'the kernel set is never built anew',
    file: 'poller/stale.ts',
    find: 'if (!repeated) return false;',
    replace: 'if (!repeated || before !== now) return false;',
  },
  {
    name: 'a set that is built anew is empty',
    file: 'poller/poller.ts',
    find: 'registration.armed = NOT_ARMED;\n      if (registration.wanted !== 0) this.armOrFail(registration, registration.wanted);',
    replace: 'registration.armed = NOT_ARMED;',
  },
  {
    name: 'epoll is believed to have been asked for more than it was',
    file: 'poller/epoll.ts',
    find: 'if (result === 0) registration.armed = interest;',
    replace: 'if (result === 0) registration.armed = interest | 4;',
  },
  {
    name: 'poll and select forget where they moved a row to',
    file: 'poller/table.ts',
    find: 'this.places.set(last, place);',
    replace: '',
  },
  ...STREAM_BREAKAGES,
];
