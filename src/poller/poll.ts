/**
 * Readiness by poll(2). The set lives here and goes to the kernel whole at each wait, so a wait costs in
 * proportion to what is watched; in return there is no kernel set that can disagree with ours, and a closed
 * number is told (NVAL). Its flags are ours: nothing is translated.
 */

import { type Backend, type BackendRegistration, NOT_ARMED, POLL_ROW, type Sys } from '../os/index.ts';
import { Readiness } from './flags.ts';
import { RowTable } from './table.ts';

/** A `struct pollfd` is the number as one integer and two shorts, asked and reported, as the other. */
const SHORTS_PER_ROW = 4;
const EVENTS = 2;
const REVENTS = 3;
/** A short is signed, flags are not. */
const REVENTS_MASK = 0xffff;

/** poll as a {@link Backend}. */
export class PollBackend implements Backend {
  readonly name = 'poll' as const;
  readonly fd: number = -1;
  private readonly sys: Sys;
  private readonly table = new RowTable(POLL_ROW);
  private shorts: Int16Array = new Int16Array(this.table.rows.buffer);

  constructor(sys: Sys) {
    this.sys = sys;
  }

  get rows(): Int32Array {
    return this.table.events;
  }

  change(registration: BackendRegistration): number {
    const { interest } = registration;
    registration.armed = interest;
    // With no interest poll would still report HUP at every wait.
    if (interest === 0) {
      this.table.take(registration);
      return 0;
    }
    const at = this.table.put(registration);
    if (this.shorts.buffer !== this.table.rows.buffer) this.shorts = new Int16Array(this.table.rows.buffer);
    this.table.rows[at] = registration.fd;
    const asked = interest & Readiness.IN ? interest | Readiness.RDHUP : interest;
    this.shorts[(at / POLL_ROW) * SHORTS_PER_ROW + EVENTS] = asked;
    return 0;
  }

  remove(registration: BackendRegistration): number {
    registration.armed = NOT_ARMED;
    this.table.take(registration);
    return 0;
  }

  wait(timeout: number): number {
    const { table, shorts } = this;
    const result = this.sys.poll(table.rows, table.count, timeout);
    if (result <= 0) return result;
    return table.collect(result, (row) => (shorts[row * SHORTS_PER_ROW + REVENTS] as number) & REVENTS_MASK);
  }

  close(): void {
    // Nothing of it is in the kernel.
  }
}
