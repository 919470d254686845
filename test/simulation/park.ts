/**
 * A wait that is watched: an operation around another one, which sees what the kernel sees of it, and a waker around the kernel's, which
 * sees what the operation sees of that. Between the two stands the contract of `operation.ts`, and each breach of it is told to the witness.
 */

import { type Kernel, Op, PENDING, type Task, type Waker } from 'genloop/kernel';
import type { Wait } from './program.ts';
import type { Witness } from './witness.ts';

/** What a wait is for, as far as the witness has to know. */
export interface Purpose {
  readonly kind: Wait['do'] | 'burst' | 'start';
  /** The queue, event, descriptor, task, transfer, what is started, or the group; for a sleep, milliseconds. */
  readonly target: unknown;
}

/** Where a park stands: `asked` means that an abort was called and could not undo it. */
type Stage = 'parked' | 'asked' | 'over';

/** One park of a watched wait. */
export class Park implements Waker<unknown> {
  readonly kernel: Kernel;
  readonly task: Task<unknown>;
  readonly purpose: Purpose;
  /** When a sleep is over. */
  readonly deadline: number;
  /** What the operation inside remembers. */
  state: unknown;
  stage: Stage = 'parked';
  aborts = 0;
  /** In which round it was parked. */
  readonly round: number;
  private readonly witness: Witness;
  private readonly outer: Waker<unknown>;

  constructor(witness: Witness, purpose: Purpose, outer: Waker<unknown>) {
    this.witness = witness;
    this.round = witness.rounds;
    this.purpose = purpose;
    this.outer = outer;
    this.kernel = outer.kernel;
    this.task = outer.kernel.current as Task<unknown>;
    this.deadline = typeof purpose.target === 'number' ? outer.kernel.host.now() + purpose.target : 0;
  }

  wake(value: unknown): boolean {
    return this.claim(this.outer.wake(value), value);
  }

  fail(error: unknown): boolean {
    const accepted = this.outer.fail(error);
    if (accepted) this.witness.fails(this, error);
    return this.claim(accepted, undefined);
  }

  /** Its operation is about to be undone. */
  aborting(): void {
    const { witness } = this;
    if (++this.aborts > 1) witness.violate('one abort', `${this} was undone twice`);
    if (this.stage === 'over' && this.aborts === 1) {
      witness.violate('one abort', `${this} was undone after it was over`);
    }
  }

  /** And this came of it. */
  aborted(undone: boolean): void {
    if (this.stage !== 'parked') return;
    this.stage = undone ? 'over' : 'asked';
    if (undone) this.witness.undone(this);
  }

  private claim(accepted: boolean, value: unknown): boolean {
    const { stage, witness } = this;
    if (stage === 'over') {
      witness.late(this);
      if (accepted) witness.violate('one outcome', `${this} was completed after it was over`);
    } else {
      this.stage = 'over';
      witness.claimed(this, value, accepted);
      // Undone, or a loser: only one that could not be stopped may learn that it comes too late.
      if (!accepted && stage === 'parked')
        witness.violate('no wake lost', `${this} was completed, and nobody heard it`);
    }
    return accepted;
  }

  toString(): string {
    const { kind, target } = this.purpose;
    return `${kind}(${String(target)}) of ${this.task}`;
  }
}

/** An operation that is watched. */
export class Watched extends Op<unknown> {
  readonly purpose: Purpose;
  private readonly witness: Witness;
  private readonly inner: Op<unknown>;

  constructor(witness: Witness, purpose: Purpose, inner: Op<unknown>) {
    super();
    this.witness = witness;
    this.purpose = purpose;
    this.inner = inner;
  }

  override try(kernel: Kernel): unknown {
    this.witness.tried(kernel, this.purpose);
    const value = this.inner.try(kernel);
    if (value !== PENDING) this.witness.completed(this.purpose, value);
    return value;
  }

  override park(waker: Waker<unknown>): void {
    const park = new Park(this.witness, this.purpose, waker);
    waker.state = park;
    this.witness.parked(park);
    try {
      this.inner.park(park);
    } catch (error) {
      this.witness.refused(park, error);
      throw error;
    }
  }

  override abort(waker: Waker<unknown>, cancel?: unknown): boolean {
    const park = waker.state as Park;
    park.aborting();
    const undone = this.inner.abort(park, cancel);
    park.aborted(undone);
    return undone;
  }

  override describe(): string {
    return this.inner.describe();
  }
}
