/**
 * Rows as text. The table is for the moment in which a program hangs and somebody wants to know why: what is the same
 * is one line with a count, and the page has an end, however many tasks there are.
 */

import { basename, process, relative } from '../platform/node.ts';
import { grouped, type RowGroup, userFrame } from './groups.ts';
import { layOut, naturalWidth } from './layout.ts';
import { merged } from './pattern.ts';
import type { Frame, Parent, TaskRow } from './row.ts';
import { count, duration, durations } from './units.ts';

/** Options of {@link formatPs}. */
export interface FormatOptions {
  /** Columns of the page; default: those of the terminal, otherwise 120. At least 40 are used. */
  width?: number;
  /** Lines of the page for each scheduler, about; default 50. */
  lines?: number;
}

const PAGE_WIDTH = 120;
const LEAST_WIDTH = 40;
const PAGE_LINES = 50;
const IDS_SHOWN = 3;
const NAMES_SHOWN = 3;
const HEAD = ['tasks', 'ids', 'name', 'waits for', 'deadline', 'at', 'owner'] as const;

/**
 * The rows as a table, a line for tasks that do the same: how many, their ids (the oldest first), name, what they wait
 * for, the time until the nearest and the farthest deadline, the place in your code, and who owns them. Where numbers in
 * a group differ, a range stands for them: `ReadWait(Socket 7…1006)`. Ends with a line end. Throws `RangeError` for a
 * width or a number of lines below 1.
 *
 * @example
 * process.stderr.write(formatPs(ps()));
 */
export function formatPs(rows: readonly TaskRow[], options: FormatOptions = {}): string {
  const { width = process.stderr.columns ?? PAGE_WIDTH, lines = PAGE_LINES } = options;
  if (!(width >= 1 && lines >= 1)) throw new RangeError('width and lines are numbers from 1 on');
  if (rows.length === 0) return 'no tasks\n';
  const schedulers = new Map<string, TaskRow[]>();
  for (const row of rows) {
    const own = schedulers.get(row.scheduler);
    if (own === undefined) schedulers.set(row.scheduler, [row]);
    else own.push(row);
  }
  return [...schedulers]
    .map(([name, own]) => section(name, own, Math.max(LEAST_WIDTH, Math.floor(width)), lines))
    .join('\n');
}

/**
 * One row at length: what the task waits for, its deadline, every frame that the kernel holds, and what it stands in.
 *
 * @example
 * console.log(formatWhere(where(task)));
 */
export function formatWhere(row: TaskRow): string {
  const lines = [`task ${row.id} (${row.name}): ${doing(row)}${timing(row)}`];
  for (const frame of row.frames) lines.push(`    at ${placed(frame)}`);
  for (const parent of row.parents) lines.push(`  in ${described(parent)}`);
  return `${lines.join('\n')}\n`;
}

function section(scheduler: string, rows: readonly TaskRow[], width: number, limit: number): string {
  const groups = grouped(rows, limit);
  const shown = groups.length > limit ? groups.slice(0, Math.max(1, limit - 1)) : groups;
  const owners = new Map(rows.map(({ id, name }) => [id, name]));
  const text = [`${scheduler === '' ? 'tasks' : scheduler}: ${summary(rows)}`];
  // Where a page is narrow, folders say least, and then functions.
  const tables = [placed, nearby, nearest].map((place) => [HEAD, ...shown.map((group) => cells(group, owners, place))]);
  const table = tables.find((rows) => naturalWidth(rows) <= width) ?? (tables[2] as string[][]);
  text.push(...layOut(table, width));
  if (shown.length < groups.length) {
    const rest = groups.slice(shown.length).reduce((sum, group) => sum + group.rows.length, 0);
    text.push(`… and ${count(rest)} more tasks that do ${count(groups.length - shown.length)} other things`);
  }
  return `${text.join('\n')}\n`;
}

function summary(rows: readonly TaskRow[]): string {
  const states = new Map<string, number>();
  for (const { state } of rows) states.set(state, (states.get(state) ?? 0) + 1);
  const parts = [...states].map(([state, n]) => `${count(n)} ${state}`);
  return `${count(rows.length)} ${rows.length === 1 ? 'task' : 'tasks'}, ${parts.join(', ')}`;
}

function cells(
  { rows, mixed }: RowGroup,
  owners: ReadonlyMap<number, string>,
  place: (frame: Frame) => string,
): string[] {
  const first = rows[0] as TaskRow;
  const frame = userFrame(first);
  return [
    count(rows.length),
    idsOf(rows.map(({ id }) => id)),
    `${mixed ? named(rows) : merged(rows.map(({ name }) => name))}${first.daemon ? ' (daemon)' : ''}`,
    waitOf(rows),
    first.cancelled ? '' : durations(rows.map(({ remaining }) => remaining)),
    frame === undefined ? '' : place(frame),
    ownersOf(rows, owners),
  ];
}

/** `3…1002` without a gap, otherwise the oldest. */
function idsOf(ids: readonly number[]): string {
  const first = ids[0] as number;
  const last = ids[ids.length - 1] as number;
  if (ids.length > 2 && last - first === ids.length - 1) return `${first}…${last}`;
  return `${ids.slice(0, IDS_SHOWN).join(', ')}${ids.length > IDS_SHOWN ? ', …' : ''}`;
}

function named(rows: readonly TaskRow[]): string {
  const names = [...new Set(rows.map(({ name }) => name))];
  return `${names.slice(0, NAMES_SHOWN).join(', ')}, … (${count(names.length)} names)`;
}

function waitOf(rows: readonly TaskRow[]): string {
  const first = rows[0] as TaskRow;
  const texts = rows.map(doing);
  const left = durations(rows.map(({ wakesIn }) => wakesIn));
  // A group says how many it waits for; a join names its task already.
  const most = rows.reduce((n, { blockedBy }) => Math.max(n, blockedBy.length), 0);
  const many = most > 1 ? `: ${count(most)}` : '';
  return `${merged(texts)}${many}${left === '' ? '' : `, ${left} left`}${first.cancelled ? ' (cancelled)' : ''}`;
}

function doing({ waitsFor, state }: TaskRow): string {
  return waitsFor ?? `(${state})`;
}

function ownersOf(rows: readonly TaskRow[], owners: ReadonlyMap<number, string>): string {
  const ids = [...new Set(rows.map(({ owner }) => owner))].filter((id) => id !== undefined);
  if (ids.length === 0) return '';
  if (ids.length > 1) return `${count(ids.length)} tasks`;
  return `${ids[0]} ${owners.get(ids[0] as number) ?? ''}`.trimEnd();
}

function timing({ wakesIn, remaining, cancelled }: TaskRow): string {
  const parts: string[] = [];
  if (wakesIn !== Number.POSITIVE_INFINITY) parts.push(`${duration(wakesIn)} left`);
  if (cancelled) parts.push('cancelled');
  else if (remaining !== Number.POSITIVE_INFINITY) parts.push(`deadline in ${duration(remaining)}`);
  return parts.map((part) => `, ${part}`).join('');
}

function described({ kind, id, name, remaining, shielded, cancelCalled }: Parent): string {
  const what = kind === 'task' ? `task ${id} (${name})` : `a ${kind} of task ${id} (${name})`;
  const time = remaining === Number.POSITIVE_INFINITY ? '' : `, deadline in ${duration(remaining)}`;
  return `${what}${time}${shielded ? ', shielded' : ''}${cancelCalled ? ', cancelled' : ''}`;
}

function placed({ file, line, functionName }: Frame): string {
  const near = relative(process.cwd(), file);
  // A path that leads far up says less than the whole one.
  const path = file.includes('://') || near.startsWith('../../..') ? file : near;
  return `${path}:${line}${functionName === '' ? '' : ` ${functionName}`}`;
}

function nearby({ file, line, functionName }: Frame): string {
  return `${basename(file)}:${line}${functionName === '' ? '' : ` ${functionName}`}`;
}

function nearest({ file, line }: Frame): string {
  return `${basename(file)}:${line}`;
}
