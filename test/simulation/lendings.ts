/** Views that streams have lent to tasks: what was in them has to be in them until the next trap of the task. */

import type { Task } from 'genloop/kernel';
import type { Witness } from './witness.ts';

interface Lending {
  readonly view: Uint8Array;
  readonly copy: Buffer;
  readonly task: Task<unknown>;
}

/** What is lent at the moment. */
export class Lendings {
  private readonly witness: Witness;
  private lent: Lending[] = [];

  constructor(witness: Witness) {
    this.witness = witness;
  }

  add(view: Uint8Array, task: Task<unknown>): void {
    this.lent.push({ view, copy: Buffer.from(view), task });
  }

  /** The task has come to its next trap. */
  check(task: Task<unknown>): void {
    if (this.lent.length === 0) return;
    for (const each of this.lent) {
      if (each.task === task && !each.copy.equals(each.view)) {
        this.witness.violate('views hold', `the ${each.copy.length} bytes that were lent to ${task} have changed`);
      }
    }
    this.lent = this.lent.filter((each) => each.task !== task);
  }
}
