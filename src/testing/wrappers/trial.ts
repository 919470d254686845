/**
 * One run of a program on a system that is watched: its calls are counted, one of them may fail, the descriptors that it opens are
 * booked, and it cannot hang. A hang is found without a clock: a wait without end that finds nothing in many looks, or many more
 * calls and rounds than the program needs.
 */

import { CONTROL_HEADER, type Sys } from '../../os/index.ts';
import type { Scheduler } from '../../scheduler/index.ts';
import { HangError } from '../hang.ts';
import { type AnyCallName, callOf, TIMEOUTS } from './calls.ts';
import { type FailingCallName, fail } from './failing.ts';
import { type Around, wrapCalls } from './wrap.ts';

/** A descriptor that was not closed. */
export interface LeakedDescriptor {
  /** Its number. */
  readonly fd: number;
  /** The call that opened it. */
  readonly call: AnyCallName;
}

/** The call that shall fail. */
export interface Target {
  readonly call: FailingCallName;
  readonly nth: number;
  readonly errno: number;
}

/** How often a wait without end looks, and how long each time (in milliseconds), before it counts as a hang. */
const LOOKS = 100;
const LOOK = 2;
const FOREVER = -1;

/** The watch over one run. */
export class Trial {
  /** Calls of each kind. */
  readonly counts: Map<AnyCallName, number> = new Map();
  /** Calls and rounds. */
  effort = 0;
  /** Whether the call that shall fail was made. */
  reached = false;
  private readonly inner: Sys;
  private readonly limit: number;
  private readonly target: Target | null;
  private readonly opened = new Map<number, AnyCallName>();
  private hang: string | null = null;
  private allowance: number;

  constructor(sys: Sys, limit: number, target: Target | null) {
    this.inner = sys;
    this.limit = limit;
    this.allowance = limit;
    this.target = target;
  }

  /** The system underneath, in which no wait is endless. */
  bounded(): Sys {
    return wrapCalls(this.inner, (name, args, happen) => {
      const place = TIMEOUTS[name];
      const timeout = place === undefined ? 0 : (args[place] as number);
      if (place === undefined || (timeout >= 0 && timeout < Number.POSITIVE_INFINITY)) return happen();
      // A simulated system knows by itself that nothing will happen, and its time would pass with each look.
      if (name === 'backend.wait') return happen();
      const shorter = args as unknown[];
      shorter[place] = LOOK;
      for (let look = 0; look < LOOKS; look++) {
        const found = happen();
        if (found !== 0) return found;
        // What was to be changed has been.
        if (name === 'kevent') shorter[2] = 0;
      }
      this.hang ??= `a wait without end (${name}) found nothing in ${LOOKS} looks of ${LOOK} ms`;
      return 0;
    });
  }

  /** `sys` with everything that is watched. */
  watched(sys: Sys): Sys {
    const around: Around = (name, args, happen) => {
      this.exert();
      const nth = (this.counts.get(name) ?? 0) + 1;
      this.counts.set(name, nth);
      const { target } = this;
      const failing = target !== null && target.call === name && target.nth === nth;
      if (failing) this.reached = true;
      const result = failing ? fail(sys, name, args, happen, target.errno) : happen();
      this.book(name, args, result as number);
      return result;
    };
    return wrapCalls(sys, around);
  }

  /** Runs the scheduler's tasks to their end. What the run throws is thrown. */
  drive(scheduler: Scheduler): void {
    // The first round would open it too late for its error to be anything but a broken scheduler.
    scheduler.poller;
    while (scheduler.size > 0) {
      if (scheduler.stuck) scheduler.breakDeadlock();
      scheduler.round(FOREVER);
      this.effort++;
      const hang = this.takeHang();
      if (hang !== null && scheduler.size > 0) {
        scheduler.breakOff(new HangError(hang, scheduler.kernel.tasks));
      }
    }
    scheduler.settle();
  }

  /** The descriptors that are open still; they are closed. */
  leaked(): LeakedDescriptor[] {
    const leaked = [...this.opened].map(([fd, call]) => ({ fd, call }));
    for (const { fd } of leaked) this.inner.close(fd);
    this.opened.clear();
    return leaked;
  }

  private exert(): void {
    this.effort++;
    // A step that never ends comes to no round: its own calls have to end it. Its clean-up may call.
    if (this.effort > this.allowance + this.limit) {
      this.allowance = this.effort + this.limit;
      throw new HangError(`more than ${this.limit} calls in one step`);
    }
  }

  private takeHang(): string | null {
    const tired = this.effort > this.allowance ? `more than ${this.limit} calls and rounds` : null;
    const hang = this.hang ?? tired;
    this.hang = null;
    // Its clean-up gets as much again.
    if (hang !== null) this.allowance = this.effort + this.limit;
    return hang;
  }

  private book(name: AnyCallName, args: readonly unknown[], result: number): void {
    const { opened } = this;
    if (name === 'close' || name === 'disown') opened.delete(args[0] as number);
    else if (name === 'own') opened.set(args[0] as number, name);
    else if (!(result >= 0)) return;
    else if (callOf(name).result === 'descriptor') opened.set(result, name);
    else {
      const control =
        args[callOf(name).args.findIndex((argument) => argument.is === 'control' && argument.way === 'out')];
      const sent = control as Int32Array | undefined;
      const numbers = sent?.subarray(CONTROL_HEADER, CONTROL_HEADER + (sent[0] ?? 0)) ?? [];
      for (const fd of numbers) opened.set(fd, name);
      const pair = args[callOf(name).args.findIndex(({ is }) => is === 'pair')] as Int32Array | undefined;
      for (const fd of pair?.subarray(0, 2) ?? []) opened.set(fd, name);
    }
  }
}
