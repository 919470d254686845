/** All chance of a simulated system, drawn from one seed. What is switched off draws nothing, and so does not move the rest. */

import { seededRandom } from '../../scheduler/random.ts';
import { CONSTANTS } from './constants.ts';
import { Errno, LookupErrno } from './errno.ts';
import type { ErrorFault, FallibleCall, Faults, PartitionFault } from './faults.ts';

/** A scheduler's order is drawn from the same seed: the two must not run in step. */
const APART = 0x5eed_5eed;

/** Draws whether, which and how much. */
export class Dice {
  private readonly faults: Faults;
  private readonly random: () => number;
  private readonly errors = new Map<string, { fault: ErrorFault; errno: number }[]>();
  private readonly calls = new Map<string, number>();

  /** Throws `RangeError` for a probability or duration that is none, and for an unknown errno. */
  constructor(seed: number, faults: Faults) {
    this.random = seededRandom(seed ^ APART);
    this.faults = faults;
    for (const name of ['shortReads', 'shortWrites', 'spurious'] as const) checkProbability(name, faults[name]);
    for (const [name, fault] of [...this.partitions.map((each) => ['partition', each] as const), ...this.delays()]) {
      checkProbability(`${name}.probability`, fault.probability);
      if (fault.most >= 0) continue;
      throw new RangeError(`${name}.most is a number of milliseconds from 0 on, not ${fault.most}`);
    }
    for (const fault of faults.errors ?? []) this.addError(fault);
  }

  /** The partitions that may come. */
  get partitions(): readonly PartitionFault[] {
    const { partition = [] } = this.faults;
    return 'between' in partition ? [partition] : partition;
  }

  /** The calls that may fail. */
  get fallible(): FallibleCall[] {
    return [...this.errors.keys()] as FallibleCall[];
  }

  /** The errno of the call that is about to be made; 0 if it shall be made. */
  errorOf(call: FallibleCall): number {
    const count = (this.calls.get(call) ?? 0) + 1;
    this.calls.set(call, count);
    const found = this.errors.get(call)?.find(({ fault }) => fault.nth === count || this.happens(fault.probability));
    return found === undefined ? 0 : found.errno;
  }

  /** Whether something of this probability happens. */
  happens(probability: number = 0): boolean {
    return probability > 0 && this.random() < probability;
  }

  /** An integer from 0 to `below` - 1. */
  integer(below: number): number {
    return Math.floor(this.random() * below);
  }

  /** How long a packet takes, in milliseconds. */
  delay(): number {
    const { delay } = this.faults;
    if (delay === undefined || !this.happens(delay.probability)) return 0;
    // A step takes no time here: at odd fractions of a millisecond nothing would ever meet.
    return delay.most < 1 ? this.random() * delay.most : this.integer(Math.floor(delay.most) + 1);
  }

  /** How long a partition lasts that begins now; 0: none does. */
  outage({ probability, most }: PartitionFault): number {
    return this.happens(probability) ? this.random() * most : 0;
  }

  /** How many of the bytes that could be read are. */
  readable(length: number): number {
    return this.part(length, this.faults.shortReads);
  }

  /** How many of the bytes that could be written are. */
  writable(length: number): number {
    return this.part(length, this.faults.shortWrites);
  }

  /** Whether anything is ever reported that is not true. */
  get pretends(): boolean {
    return (this.faults.spurious ?? 0) > 0;
  }

  /** The place, among so many, of something that is reported as ready and is not; -1 for none. */
  phantom(count: number): number {
    return count > 0 && this.happens(this.faults.spurious) ? this.integer(count) : -1;
  }

  /** Puts things into another order. */
  shuffle<T>(things: T[]): T[] {
    if (this.faults.order === false) return things;
    for (let last = things.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [things[last], things[other]] = [things[other] as T, things[last] as T];
    }
    return things;
  }

  private part(length: number, probability: number | undefined): number {
    return length > 1 && this.happens(probability) ? 1 + this.integer(length - 1) : length;
  }

  private delays(): (readonly [string, { probability: number; most: number }])[] {
    const { delay } = this.faults;
    return delay === undefined ? [] : [['delay', delay]];
  }

  private addError(fault: ErrorFault): void {
    const errno = CONSTANTS[fault.code];
    if (errno === undefined || !(fault.code in Errno || fault.code in LookupErrno)) {
      throw new RangeError(`an error's code is the name of an errno, as 'EMFILE', not '${fault.code}'`);
    }
    checkProbability('errors.probability', fault.probability);
    if (fault.nth !== undefined && !(Number.isInteger(fault.nth) && fault.nth >= 1)) {
      throw new RangeError(`errors.nth counts the calls from 1 on, not ${fault.nth}`);
    }
    const list = this.errors.get(fault.call) ?? [];
    list.push({ fault, errno });
    this.errors.set(fault.call, list);
  }
}

function checkProbability(name: string, value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= 1)) return;
  throw new RangeError(`${name} is a probability from 0 to 1, not ${String(value)}`);
}
