/** Who waits for what, in which order, and whether what completed a wait was true. */

import type { Task } from 'genloop/kernel';
import type { Descriptor } from 'genloop/os';
import { BusyError } from 'genloop/poller';
import { inputOf } from './inside.ts';
import type { GroupRecord, Life } from './ledger.ts';
import type { ItemQueue } from './operations.ts';
import type { Park, Purpose } from './park.ts';
import { Reading, Writing } from './transfers.ts';
import type { Witness } from './witness.ts';

/** What is started; known once its operation is parked. */
export interface Started {
  life: Life | null;
}

/** What a stream moves at most before others have their turn: then it wakes its reader for nothing. */
const BYTE_BUDGET = 262_144;

/** The waits of one run. */
export class Claims {
  private readonly witness: Witness;
  private readonly isReady: (end: Descriptor, purpose: Purpose) => boolean;
  /** Whether readiness may be reported that there is not. */
  private readonly trusting: boolean;
  /** Those that wait in line, the first first. */
  private readonly lines = new Map<unknown, Park[]>();
  private expected: Park[] = [];

  constructor(witness: Witness, isReady: (end: Descriptor, purpose: Purpose) => boolean, trusting: boolean) {
    this.witness = witness;
    this.isReady = isReady;
    this.trusting = trusting;
  }

  parked(park: Park): void {
    const { kind, target } = park.purpose;
    if (kind === 'take' || kind === 'await') this.lineOf(target).push(park);
  }

  /** Its operation did not take it. */
  refused(park: Park, error: unknown): void {
    if (!(error instanceof BusyError)) return;
    for (const other of this.witness.parks) {
      if (other !== park && placeOf(other) === placeOf(park)) return;
    }
    this.witness.violate('no waiter leaked', `${park} was refused as busy, and nobody waits there`);
  }

  undone(park: Park): void {
    if (park.purpose.target instanceof Writing) park.purpose.target.ends();
    const line = this.lineWith(park);
    line?.splice(line.indexOf(park), 1);
  }

  claimed(park: Park, value: unknown, accepted: boolean): void {
    const { kind, target } = park.purpose;
    const { witness } = this;
    if (kind === 'next' && accepted) witness.ledger.next(target as GroupRecord, value);
    const line = this.lineWith(park);
    if (line !== undefined) {
      if (line[0] !== park) witness.violate('first in, first out', `${park} was woken before ${line[0]}`);
      line.splice(line.indexOf(park), 1);
    } else if (isTimed(park)) this.checkTime(park);
    else if (target instanceof Writing) target.ends();
    else if (target instanceof Reading) this.checkReading(park, target, value, accepted);
    else if ((kind === 'read' || kind === 'write') && typeof value === 'number' && !this.trusting) {
      const end = target as Descriptor;
      if (end.closed || !this.isReady(end, park.purpose)) {
        witness.violate('no needless wake', `${park} was completed with ${value}, and it is not ready`);
      }
    }
  }

  moved(from: unknown, to: unknown): void {
    const line = this.lineOf(from);
    this.lineOf(to).push(...line.splice(0));
  }

  /** How many tasks wait for it: one that does so twice, in a select, is woken once. */
  waitingFor(target: unknown): number {
    return new Set(this.lineOf(target).map(({ task }) => task)).size;
  }

  /** Whether what is waited for is there. */
  isSatisfied(park: Park): boolean {
    const { kind, target } = park.purpose;
    switch (kind) {
      case 'sleep':
      case 'stubborn':
      case 'careless':
        return park.deadline <= this.witness.now;
      case 'take':
        return (target as ItemQueue).items.length > 0;
      case 'read':
      case 'write':
        return (target as Descriptor).closed || this.isReady(target as Descriptor, park.purpose);
      case 'receive': {
        const { end } = target as Reading;
        const { length, ended } = inputOf(end.stream);
        const isReady = this.isReady(end.descriptor, { kind: 'read', target: end.descriptor });
        return end.stream.closed || isReady || ended || (target as Reading).suffices(length);
      }
      case 'transmit': {
        const { end } = target as Writing;
        return end.stream.closed || this.isReady(end.descriptor, { kind: 'write', target: end.descriptor });
      }
      case 'join':
        return (target as Task<unknown>).ended;
      case 'next':
        return this.witness.ledger.hasNext(target as GroupRecord);
      case 'start': {
        const { life } = target as Started;
        return life !== null && (life.start === 'ready' || life.task?.ended === true);
      }
      default:
        return false;
    }
  }

  /** Notes which waits for descriptors the next answer has to end. */
  expect(parks: ReadonlySet<Park>): void {
    for (const park of parks) {
      const { kind, target } = park.purpose;
      // A read of more than a byte may find that there is not enough, and a write that not all fits.
      const isDecided = kind === 'read' || kind === 'write' || (target instanceof Reading && target.isPlain);
      if (isDecided && this.isSatisfied(park)) this.expected.push(park);
    }
  }

  /** Looks whether they have ended. */
  met(): void {
    for (const park of this.expected) {
      if (park.stage !== 'over') this.witness.violate('no wake lost', `${park} is ready, and a whole wait went by`);
    }
    this.expected = [];
  }

  /** Looks whether those have ended whose time has come. */
  timely(parks: ReadonlySet<Park>): void {
    for (const park of parks) {
      if (this.witness.isLater(park.round)) continue;
      const { dueBy } = this.witness;
      if (isTimed(park) && park.deadline <= dueBy && park.task.status === 'parked') {
        this.witness.violate('no wake lost', `${park} should have ended at ${park.deadline}, and it is ${dueBy}`);
      }
    }
  }

  finish(): void {
    for (const [target, line] of this.lines) {
      if (line.length > 0) this.witness.violate('no waiter leaked', `${line[0]} still waits for ${String(target)}`);
    }
  }

  /** A task is woken to look for itself only if there is something to be seen; what a read has got already is looked at by its task. */
  private checkReading(park: Park, reading: Reading, value: unknown, accepted: boolean): void {
    if (typeof value !== 'symbol') {
      if (accepted && value !== undefined) reading.handed(value, park.task);
      return;
    }
    const { end } = reading;
    if (accepted) this.witness.looks(park.task, end);
    const { length, ended } = inputOf(end.stream);
    if (this.trusting || length > 0 || ended || end.stream.closed || end.stream.bytesRead >= BYTE_BUDGET) return;
    if (this.isReady(end.descriptor, { kind: 'read', target: end.descriptor })) return;
    this.witness.violate('no needless wake', `${park} was completed, and there is nothing`);
  }

  private checkTime(park: Park): void {
    const { now } = this.witness;
    if (now < park.deadline) {
      this.witness.violate('never early', `${park} was completed at ${now}, and its time is ${park.deadline}`);
    }
    for (const other of this.witness.parks) {
      if (other !== park && isTimed(other) && other.deadline < park.deadline) {
        this.witness.violate('first in, first out', `${park} was completed before ${other}, whose time came first`);
      }
    }
    this.checkEqual(park);
  }

  /** Equal deadlines fire in the order of their insertion (rule 29), which is that of the parks. */
  private checkEqual(park: Park): void {
    for (const other of this.witness.parks) {
      if (other === park) return;
      if (isTimed(other) && other.deadline === park.deadline) {
        this.witness.violate('first in, first out', `${park} was completed before ${other}, which was set first`);
      }
    }
  }

  private lineOf(target: unknown): Park[] {
    let line = this.lines.get(target);
    if (line === undefined) {
      line = [];
      this.lines.set(target, line);
    }
    return line;
  }

  /** The line in which a park stands now: it may have been moved. */
  private lineWith(park: Park): Park[] | undefined {
    const { kind, target } = park.purpose;
    if (kind !== 'take' && kind !== 'await') return undefined;
    const first = this.lineOf(target);
    if (first.includes(park)) return first;
    for (const line of this.lines.values()) if (line.includes(park)) return line;
    return undefined;
  }
}

/** Where only one may wait: a direction of a descriptor. */
function placeOf({ purpose: { kind, target } }: Park): unknown {
  if (target instanceof Reading) return `read ${target.fd}`;
  if (target instanceof Writing) return `write ${target.fd}`;
  return `${kind} ${(target as Descriptor).fd}`;
}

/** Whether time ends it. */
export function isTimed({ purpose: { kind } }: Park): boolean {
  return kind === 'sleep' || kind === 'stubborn' || kind === 'careless';
}
