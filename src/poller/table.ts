/**
 * The set that `poll` and `select` do not keep in the kernel: a dense table of rows with the registrations of each,
 * handed to the kernel whole at every wait.
 */

import { BACKEND_ROW, type BackendRegistration } from '../os/index.ts';

const FIRST_ROWS = 64;

/** Rows of `columns` integers, without gaps: the last row fills the place of one that goes. */
export class RowTable {
  /** The rows; grows, so look here again after {@link RowTable.put}. */
  rows: Int32Array;
  /** What {@link RowTable.collect} found, in the rows of a backend. */
  events: Int32Array = new Int32Array(0);
  /** The registration of each row in use. */
  readonly registrations: BackendRegistration[] = [];
  private readonly columns: number;
  private readonly places = new Map<BackendRegistration, number>();

  constructor(columns: number) {
    this.columns = columns;
    this.rows = new Int32Array(FIRST_ROWS * columns);
  }

  /** Rows in use. */
  get count(): number {
    return this.registrations.length;
  }

  /** The index of the first integer of the registration's row, a new one if it had none. */
  put(registration: BackendRegistration): number {
    let place = this.places.get(registration);
    if (place === undefined) {
      place = this.count;
      this.places.set(registration, place);
      this.registrations.push(registration);
      if (this.count * this.columns > this.rows.length) {
        const larger = new Int32Array(this.rows.length * 2);
        larger.set(this.rows);
        this.rows = larger;
      }
    }
    return place * this.columns;
  }

  /** Takes the registration's row away, if it has one. */
  take(registration: BackendRegistration): void {
    const place = this.places.get(registration);
    if (place === undefined) return;
    this.places.delete(registration);
    const last = this.registrations.pop() as BackendRegistration;
    if (last === registration) return;
    const from = this.count * this.columns;
    this.rows.copyWithin(place * this.columns, from, from + this.columns);
    this.registrations[place] = last;
    this.places.set(last, place);
  }

  /** Writes an event for each row that has flags, and stops after `most` of them. How many there are. */
  collect(most: number, flagsOf: (row: number) => number): number {
    const { count } = this;
    const room = Math.min(most, count) * BACKEND_ROW;
    if (this.events.length < room) this.events = new Int32Array(Math.max(this.events.length * 2, room));
    let found = 0;
    for (let row = 0; row < count && found < most; row++) {
      const flags = flagsOf(row);
      if (flags === 0) continue;
      const registration = this.registrations[row] as BackendRegistration;
      const at = found++ * BACKEND_ROW;
      this.events[at] = registration.fd;
      this.events[at + 1] = registration.generation;
      this.events[at + 2] = flags;
    }
    return found;
  }
}
