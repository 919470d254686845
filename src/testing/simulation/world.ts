/**
 * What all parts of a simulated system share: the time, what is planned, chance, and the wires between the addresses.
 *
 * Time stands still while a program computes. It passes in waits only, which jump to whatever comes next.
 */

import { MisuseError } from '../../kernel/index.ts';
import { Agenda } from './agenda.ts';
import type { Dice } from './dice.ts';

/** The pauses between the attempts to deliver what a partition keeps away: the first, the longest, and how many (tcp_retries2). */
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 120_000;
const MOST_RETRIES = 15;

/** How many bytes are kept for whoever has not read or sent them, unless a socket option says otherwise. */
export interface Buffers {
  /** SO_SNDBUF of a new socket. */
  readonly send: number;
  /** SO_RCVBUF of a new socket. */
  readonly receive: number;
}

/** A packet on its way. */
export interface Packet {
  readonly from: string;
  readonly to: string;
  /** It does not arrive before this time: those of a connection stay in order. */
  readonly after?: number;
  /** It has arrived. */
  arrive(): void;
  /** It was lost. Without this it is repeated until it arrives, or until {@link Packet.giveUp}. */
  lost?(): void;
  /** It was repeated often enough. */
  giveUp?(): void;
}

/** Time, chance and wires. */
export class World {
  readonly agenda: Agenda = new Agenda();
  readonly dice: Dice;
  readonly buffers: Buffers;
  private readonly latency: number;
  private readonly outages = new Map<string, number>();
  private time: number;

  constructor(dice: Dice, buffers: Buffers, start: number, latency: number) {
    this.dice = dice;
    this.buffers = buffers;
    this.time = start;
    this.latency = latency;
  }

  /** The time in milliseconds. */
  get now(): number {
    return this.time;
  }

  /** Goes to this time, and lets happen what is planned until then, each at its time. */
  advanceTo(time: number): void {
    while (this.agenda.next <= time) {
      this.time = Math.max(this.time, this.agenda.next);
      this.agenda.run(this.time);
    }
    this.time = Math.max(this.time, time);
  }

  /** Sends a packet. When it will arrive, if it is not lost. */
  carry(packet: Packet): number {
    const due = Math.max(this.time + this.latency + this.dice.delay(), packet.after ?? 0);
    if (due <= this.time) this.deliver(packet, 0);
    else this.agenda.plan(due, () => this.deliver(packet, 0));
    return due;
  }

  /** Separates two addresses until `ms` milliseconds from now. */
  partition(one: string, other: string, ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`a partition lasts a number of milliseconds from 0 on, not ${ms}`);
    this.outages.set(wire(one, other), this.time + ms);
  }

  /** Ends a partition. What was held back arrives with its next repetition. */
  heal(one: string, other: string): void {
    this.outages.delete(wire(one, other));
  }

  /**
   * Waits: asks until something is found, the deadline has come, or nothing can come any more. `ask` says how many it found.
   * Throws `MisuseError` for the last case, unless `onHang` takes it.
   */
  wait(timeout: number, ask: () => number, onHang: (() => void) | null): number {
    const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : this.time + timeout;
    this.advanceTo(this.time);
    for (;;) {
      const found = ask();
      if (found !== 0) return found;
      const next = Math.min(this.agenda.next, deadline);
      if (next === Number.POSITIVE_INFINITY) {
        if (onHang === null) throw new MisuseError(HANG);
        onHang();
        return 0;
      }
      this.advanceTo(next);
      if (next === deadline) return ask();
    }
  }

  private deliver(packet: Packet, attempt: number): void {
    if (!this.isCut(packet)) {
      packet.arrive();
      return;
    }
    if (packet.lost !== undefined) packet.lost();
    else if (attempt > MOST_RETRIES) packet.giveUp?.();
    else {
      const pause = Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
      this.agenda.plan(this.time + pause, () => this.deliver(packet, attempt + 1));
    }
  }

  private isCut({ from, to }: Packet): boolean {
    if (this.dice.partitions.length === 0 && this.outages.size === 0) return false;
    const key = wire(from, to);
    for (const fault of this.dice.partitions) {
      if (wire(...fault.between) !== key) continue;
      const outage = this.dice.outage(fault);
      if (outage > 0) this.outages.set(key, Math.max(this.outages.get(key) ?? 0, this.time + outage));
    }
    return (this.outages.get(key) ?? 0) > this.time;
  }
}

/** What the message of a wait without an end says. */
const HANG =
  'this wait would never end: nothing that it waits for is ready, it has no timeout, ' +
  'and nothing is under way in the simulated network that could change that';

function wire(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
