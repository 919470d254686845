/**
 * Readiness by select(2). As `poll`, with two limits of its own: numbers below FD_SETSIZE only (`EINVAL` for others),
 * and one closed number fails the whole wait, so that the culprit has to be looked for.
 */

import { type Backend, type BackendRegistration, NOT_ARMED, SELECT_ROW, type Sys } from '../os/index.ts';
import { Readiness } from './flags.ts';
import { RowTable } from './table.ts';

const READ = 1;
const WRITE = 2;
const EXCEPTIONAL = 4;
const INTEREST = 1;
const RESULT = 2;

/** What is asked of select for a mask, or what its answer means: three bits, moved. */
function toSets(interest: number): number {
  return (
    (interest & Readiness.IN ? READ : 0) |
    (interest & Readiness.OUT ? WRITE : 0) |
    (interest & Readiness.PRI ? EXCEPTIONAL : 0)
  );
}

function fromSets(result: number): number {
  return (
    (result & READ ? Readiness.IN : 0) |
    (result & WRITE ? Readiness.OUT : 0) |
    (result & EXCEPTIONAL ? Readiness.PRI : 0)
  );
}

/** select as a {@link Backend}. */
export class SelectBackend implements Backend {
  readonly name = 'select' as const;
  readonly fd: number = -1;
  private readonly sys: Sys;
  private readonly table = new RowTable(SELECT_ROW);

  constructor(sys: Sys) {
    this.sys = sys;
  }

  get rows(): Int32Array {
    return this.table.events;
  }

  change(registration: BackendRegistration): number {
    const { fd, interest } = registration;
    if (fd >= (this.sys.constants.FD_SETSIZE as number)) return -(this.sys.constants.EINVAL as number);
    registration.armed = interest;
    if (interest === 0) {
      this.table.take(registration);
      return 0;
    }
    const at = this.table.put(registration);
    this.table.rows[at] = fd;
    this.table.rows[at + INTEREST] = toSets(interest);
    return 0;
  }

  remove(registration: BackendRegistration): number {
    registration.armed = NOT_ARMED;
    this.table.take(registration);
    return 0;
  }

  wait(timeout: number): number {
    const { table, sys } = this;
    const result = sys.select(table.rows, table.count, timeout);
    if (result === -(sys.constants.EBADF as number)) return table.collect(table.count, (row) => this.closedMark(row));
    if (result <= 0) return result;
    return table.collect(table.count, (row) => fromSets(table.rows[row * SELECT_ROW + RESULT] as number));
  }

  close(): void {
    // Nothing of it is in the kernel.
  }

  private closedMark(row: number): number {
    const fd = this.table.rows[row * SELECT_ROW] as number;
    return this.sys.fcntl(fd, this.sys.constants.F_GETFD as number, 0) < 0 ? Readiness.NVAL : 0;
  }
}
