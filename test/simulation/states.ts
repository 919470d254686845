/**
 * Distinct states: how many different situations of the kernel the programs have led into. A state is, for each task, its status and
 * what it waits for; the order of the ready tasks; what is armed in the poller; the timers, by how far they are away.
 *
 * Of each state only a hash is kept, and of the hash one bit in a large field: so millions are counted in a few megabytes, and how many
 * fell onto the same bit is known from how full the field is (linear counting).
 */

import type { Scheduler } from 'genloop/scheduler';
import { dueOf, kernelOf, pollerOf, registrationsOf, timersOf } from './inside.ts';
import type { Purpose } from './park.ts';
import type { Witness } from './witness.ts';

const STATUS = { ready: 1, running: 2, parked: 3, done: 4, failed: 5, cancelled: 6 } as const;
const WORD_BITS = 32;
const FRACTIONS = 16;

/** Whoever counts states. */
export interface States {
  /** One more; it may have been there before. */
  add(hash: number): void;
}

/** Bits in shared memory, so that several threads may write into one field. */
export class StateField implements States {
  readonly words: Int32Array;
  private readonly mask: number;

  /** A field of 2 to the power of `log` bits; or one that another thread has made. */
  constructor(given: number | SharedArrayBuffer) {
    this.words = new Int32Array(typeof given === 'number' ? new SharedArrayBuffer(2 ** given / 8) : given);
    this.mask = this.words.length - 1;
  }

  add(hash: number): void {
    const word = (hash >>> 5) & this.mask;
    const bit = 1 << (hash & 31);
    if (((this.words[word] as number) & bit) === 0) Atomics.or(this.words, word, bit);
  }

  /** How many distinct ones there were: exact while there are few, within a thousandth while the field is half empty. */
  get count(): number {
    const bits = this.words.length * WORD_BITS;
    let set = 0;
    for (const word of this.words) set += population(word);
    return Math.round(-bits * Math.log1p(-set / bits));
  }
}

function population(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Mixes numbers into 32 bits. */
export class Hash {
  private value = 0x811c_9dc5;

  add(number: number): void {
    let mixed = Math.imul(number ^ this.value, 0x9e37_79b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b);
    this.value = (mixed ^ (mixed >>> 13)) >>> 0;
  }

  addText(text: string): void {
    for (let at = 0; at < text.length; at++) this.add(text.charCodeAt(at));
  }

  get result(): number {
    return this.value;
  }
}

/** The same in every thread: the field is common. */
const CODES: Record<Purpose['kind'], number> = {
  sleep: 1,
  stubborn: 2,
  careless: 3,
  take: 4,
  await: 5,
  read: 6,
  write: 7,
  join: 8,
  burst: 9,
  pass: 10,
  next: 11,
  start: 12,
  receive: 13,
  transmit: 14,
};
/** Added to a park that was asked to end, and cannot. */
const ASKED = 100;

/** The hash of the state in which a scheduler is. */
export function stateOf(scheduler: Scheduler, witness: Witness): number {
  const kernel = kernelOf(scheduler);
  const hash = new Hash();
  for (const task of kernel.tasks) {
    hash.add(task.id * 16 + STATUS[task.status] * 2 + (dueOf(task) === null ? 0 : 1));
  }
  for (const task of witness.ring) hash.add(task.id);
  for (const { task, purpose, stage } of witness.parks) {
    const { kind, target } = purpose;
    const what = typeof target === 'number' ? target * FRACTIONS : ((target as { fd?: number }).fd ?? 0);
    hash.add(CODES[kind] + (stage === 'asked' ? ASKED : 0));
    hash.add(task.id * 1024 + what);
  }
  const poller = pollerOf(scheduler);
  if (poller !== null) {
    for (const registration of registrationsOf(poller)) {
      if (registration === undefined) continue;
      hash.add(registration.fd);
      hash.add(registration.armed * 8 + registration.wanted);
    }
  }
  const { now } = witness;
  for (const { deadline } of timersOf(kernel)) hash.add((deadline - now) * FRACTIONS);
  return hash.result;
}
