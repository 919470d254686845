/**
 * A forced order: tasks that are to meet in a certain way come to numbered steps, and each waits until the step before
 * has passed. A mistake in the numbers is told, and never waited for in silence: see `claim`, `interrupted` and the
 * deadlock's message.
 */

import type { AssertionError } from 'node:assert';
import { type Body, bodyOf } from '../kernel/blocks.ts';
import { CancelError, type Co, Op, PENDING, routine, runningTask, type Task, type Waker } from '../kernel/index.ts';
import { failure } from './failure.ts';

/** Takes a body through its turn: a routine, so that what was cancelled or woken says so in the task's own step. */
const takeTurn: <T>(sequencer: Sequencer, position: number, body: Body<T, void> | undefined) => Op<T> = routine(
  function* at<T>(sequencer: Sequencer, position: number, body: Body<T, void> | undefined): Co<T> {
    sequencer.claim(position, runningTask());
    try {
      yield new Turn(sequencer, position);
    } catch (error) {
      throw sequencer.interrupted(position, error);
    }
    try {
      return (body === undefined ? undefined : yield bodyOf(body, undefined)) as T;
    } finally {
      sequencer.pass(position);
    }
  },
);

/**
 * Makes tasks run in a given order.
 *
 * @example
 * const sequencer = new Sequencer();
 * g.spawn(function* () { yield* sequencer.at(1); log('second'); }());
 * g.spawn(function* () { yield* sequencer.at(0); log('first'); }());
 */
export class Sequencer {
  private next = 0;
  private readonly claims = new Map<number, Task<unknown>>();
  private readonly waiting = new Map<number, Waker<void>>();
  private broken: AssertionError | null = null;

  /** How many steps have passed: the number of the one whose turn it is. */
  get passed(): number {
    return this.next;
  }

  /**
   * Waits until the steps 0 to `position` - 1 have passed. With a body, runs it and gives its result: the step has
   * passed when the body has ended, in whichever way. Without one it has passed at once: the task runs on to its next
   * trap, and only then does the next step.
   *
   * Throws `AssertionError` for a step that was taken before, and once the sequence is broken. It is broken for all by
   * a task that is cancelled while it waits for its turn; that task gets the `AssertionError` too, unless it was
   * cancelled because of a failure elsewhere, which is loud already. `RangeError` for what is no integer from 0 on.
   */
  at(position: number): Op<void>;
  at<T>(position: number, body: Body<T, void>): Op<T>;
  at<T>(position: number, body?: Body<T, void>): Op<T> {
    if (!Number.isInteger(position) || position < 0) {
      throw new RangeError(`a step of a sequence is an integer from 0 on, not ${String(position)}`);
    }
    return takeTurn(this, position, body);
  }

  /** @internal A task has come for a step. */
  claim(position: number, task: Task<unknown>): void {
    if (this.broken !== null) throw this.broken;
    const first = this.claims.get(position);
    if (first !== undefined) {
      throw failure(`step ${position} of a sequence was taken twice: by ${first}, and by ${task}`, {
        operator: 'Sequencer',
        actual: `step ${position} a second time`,
        expected: 'each step once',
      });
    }
    this.claims.set(position, task);
  }

  /** @internal */
  park(position: number, waker: Waker<void>): void {
    this.waiting.set(position, waker);
  }

  /** @internal */
  unpark(position: number): void {
    this.waiting.delete(position);
  }

  /** @internal Why a step has to wait. */
  obstacle(): string {
    const task = this.claims.get(this.next);
    return task === undefined ? `nobody has come for step ${this.next}` : `step ${this.next} is under way in ${task}`;
  }

  /** @internal The turn of the next one. */
  pass(position: number): void {
    this.next = position + 1;
    const waker = this.waiting.get(this.next);
    this.waiting.delete(this.next);
    waker?.wake();
  }

  /** @internal A wait for a turn has ended without it. What the task gets to see. */
  interrupted(position: number, error: unknown): unknown {
    if (this.broken === null) {
      this.broken = failure(`a sequence is broken: step ${position} was cancelled while ${this.obstacle()}`, {
        operator: 'Sequencer',
        actual: `step ${position} was cancelled`,
        expected: `step ${position} waits for its turn`,
        cause: error,
      });
      for (const waker of this.waiting.values()) waker.fail(this.broken);
      this.waiting.clear();
    }
    const isElsewhere = error instanceof CancelError && (error.source === 'sibling' || error.source === 'shutdown');
    return isElsewhere ? error : this.broken;
  }
}

/** The wait for a turn. */
class Turn extends Op<void> {
  private readonly sequencer: Sequencer;
  private readonly position: number;

  constructor(sequencer: Sequencer, position: number) {
    super();
    this.sequencer = sequencer;
    this.position = position;
  }

  override try(): undefined | typeof PENDING {
    return this.sequencer.passed === this.position ? undefined : PENDING;
  }

  override park(waker: Waker<void>): void {
    this.sequencer.park(this.position, waker);
  }

  override abort(): boolean {
    this.sequencer.unpark(this.position);
    return true;
  }

  override describe(): string {
    return `step ${this.position} of a sequence, while ${this.sequencer.obstacle()}`;
  }
}
