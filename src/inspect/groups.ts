/**
 * Tasks that do the same, together: same name, same wait and same place, where numbers may differ. A server with a
 * thousand clients has a handful of such groups, however many tasks there are.
 */

import { patternOf } from './pattern.ts';
import type { Frame, TaskRow } from './row.ts';

/** Rows that are one line of the table, the oldest first. */
export interface RowGroup {
  readonly rows: readonly TaskRow[];
  /** Whether their names differ in more than numbers. */
  readonly mixed: boolean;
}

/** The frame to show: the innermost that is the user's, otherwise none. */
export function userFrame(row: TaskRow): Frame | undefined {
  return row.frames.find(({ library }) => !library);
}

/**
 * Groups in the order of their oldest tasks. If they are more than `limit`, those that differ only in their names
 * become one.
 */
export function grouped(rows: readonly TaskRow[], limit: number): RowGroup[] {
  const fine = groupBy(rows, (row) => `${patternOf(row.name)}\n${doing(row)}`);
  if (fine.length <= limit) return fine.map((members) => ({ rows: members, mixed: false }));
  return groupBy(rows, doing).map((members) => {
    const [first] = members;
    const pattern = patternOf(first?.name ?? '');
    return { rows: members, mixed: members.some(({ name }) => patternOf(name) !== pattern) };
  });
}

function groupBy(rows: readonly TaskRow[], key: (row: TaskRow) => string): TaskRow[][] {
  const groups = new Map<string, TaskRow[]>();
  for (const row of rows) {
    const one = key(row);
    const group = groups.get(one);
    if (group === undefined) groups.set(one, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

/** What it does, and where; in which words does not matter. */
function doing(row: TaskRow): string {
  const frame = userFrame(row);
  const place = frame === undefined ? row.frames.length : `${frame.file}:${frame.line}`;
  return [row.state, row.cancelled, row.daemon, patternOf(row.waitsFor ?? ''), place].join('\n');
}
