/** poll(2) and select(2): one look at what is ready. Waiting is the system's business. */

import { POLL_ROW, SELECT_ROW } from '../../os/index.ts';
import { Numbers } from './constants.ts';
import type { Dice } from './dice.ts';
import { Errno } from './errno.ts';
import type { DescriptorTable } from './table.ts';

const { POLLIN, POLLOUT, POLLPRI, POLLERR, POLLHUP, POLLNVAL, FD_SETSIZE } = Numbers;
const SHORTS_PER_ROW = 4;
const EVENTS = 2;
const REVENTS = 3;
const PRETENDED = POLLIN | POLLOUT | POLLPRI;
/** The bits of {@link SELECT_ROW}. */
const READ = 1;
const WRITE = 2;
const EXCEPTIONAL = 4;

/** What a look with poll finds. */
export function lookByPoll(table: DescriptorTable, dice: Dice, rows: Int32Array, count: number): number {
  const shorts = new Int16Array(rows.buffer, rows.byteOffset, rows.length * 2);
  const silent: number[] = [];
  let found = 0;
  for (let row = 0; row < count; row++) {
    const fd = rows[row * POLL_ROW] as number;
    const asked = shorts[row * SHORTS_PER_ROW + EVENTS] as number;
    const file = table.get(fd);
    const flags = file === undefined ? (fd < 0 ? 0 : POLLNVAL) : file.readiness() & (asked | POLLERR | POLLHUP);
    shorts[row * SHORTS_PER_ROW + REVENTS] = flags;
    if (flags !== 0) found++;
    else if (file !== undefined && (asked & PRETENDED) !== 0) silent.push(row);
  }
  const phantom = silent[dice.phantom(silent.length)];
  if (phantom === undefined) return found;
  shorts[phantom * SHORTS_PER_ROW + REVENTS] = (shorts[phantom * SHORTS_PER_ROW + EVENTS] as number) & PRETENDED;
  return found + 1;
}

/** What a look with select finds: the number of rows with a result, or `-EINVAL`, `-EBADF`. */
export function lookBySelect(table: DescriptorTable, dice: Dice, rows: Int32Array, count: number): number {
  for (let at = 0; at < count * SELECT_ROW; at += SELECT_ROW) {
    const fd = rows[at] as number;
    rows[at + 2] = 0;
    if (fd < 0 || fd >= FD_SETSIZE) return -Errno.EINVAL;
  }
  const silent: number[] = [];
  let found = 0;
  for (let at = 0; at < count * SELECT_ROW; at += SELECT_ROW) {
    const asked = (rows[at + 1] as number) & (READ | WRITE | EXCEPTIONAL);
    if (asked === 0) continue;
    const file = table.get(rows[at] as number);
    if (file === undefined) return -Errno.EBADF;
    const result = setsOf(file.readiness()) & asked;
    rows[at + 2] = result;
    if (result !== 0) found++;
    else silent.push(at);
  }
  const phantom = silent[dice.phantom(silent.length)];
  if (phantom === undefined) return found;
  rows[phantom + 2] = rows[phantom + 1] as number;
  return found + 1;
}

/** What Linux makes of poll's flags for select. */
function setsOf(flags: number): number {
  return (
    ((flags & (POLLIN | POLLHUP | POLLERR)) !== 0 ? READ : 0) |
    ((flags & (POLLOUT | POLLERR)) !== 0 ? WRITE : 0) |
    ((flags & POLLPRI) !== 0 ? EXCEPTIONAL : 0)
  );
}
