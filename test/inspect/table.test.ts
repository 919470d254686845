/** Rows as text: what is the same is one line, and the page has an end. Stands for the files from `table.ts` down. */

import { type FormatOptions, formatPs, formatWhere, type TaskRow } from 'genloop/inspect';
import * as assert from 'uvu/assert';
import { merged, patternOf } from '../../src/inspect/pattern.ts';
import { count, duration, durations } from '../../src/inspect/units.ts';
import { suite } from '../support/suite.ts';

const test = suite('the table of ps');
const NEVER = Number.POSITIVE_INFINITY;

function row(more: Partial<TaskRow>): TaskRow {
  return {
    scheduler: 'scheduler 1',
    id: 1,
    name: 'task',
    state: 'parked',
    waitsFor: 'sleep(5)',
    fd: undefined,
    blockedBy: [],
    wakesIn: NEVER,
    remaining: NEVER,
    cancelled: false,
    daemon: false,
    owner: undefined,
    parents: [],
    frames: [],
    ...more,
  };
}

function frame(line: number, library = false): TaskRow['frames'][number] {
  return { functionName: 'serve', file: `${process.cwd()}/server.ts`, line, column: 1, library };
}

function clients(n: number, more: (index: number) => Partial<TaskRow> = () => ({})): TaskRow[] {
  return Array.from({ length: n }, (_, index) =>
    row({
      id: index + 3,
      name: `client 127.0.0.1:${40_000 + index}`,
      waitsFor: `ReadWait(Socket ${index + 7})`,
      fd: index + 7,
      owner: 1,
      frames: [frame(12, true), frame(34)],
      ...more(index),
    }),
  );
}

function linesOf(rows: readonly TaskRow[], options: FormatOptions = {}): string[] {
  const text = formatPs(rows, { width: 120, ...options });
  assert.ok(text.endsWith('\n'));
  return text.slice(0, -1).split('\n');
}

test('a thousand clients are one line: how many, who, what for, until when, where, and whose', () => {
  const rows = [
    row({ name: 'main', waitsFor: 'the tasks of its group', blockedBy: [2, 3, 4], frames: [frame(3)] }),
    row({ id: 2, name: 'echo server', waitsFor: 'ReadWait(Socket 6)', owner: 1, frames: [frame(20)] }),
    ...clients(1000, (index) => ({ remaining: index === 500 ? 1200 : 30_000 })),
  ];
  assert.equal(linesOf(rows), [
    'scheduler 1: 1,002 tasks, 1,002 parked',
    'tasks  ids     name                          waits for                  deadline  at                  owner',
    '    1  1       main                          the tasks of its group: 3            server.ts:3 serve',
    '    1  2       echo server                   ReadWait(Socket 6)                   server.ts:20 serve  1 main',
    '1,000  3…1002  client 127.0.0.1:40000…40999  ReadWait(Socket 7…1006)    1.2…30 s  server.ts:34 serve  1 main',
  ]);
});

test('tasks in different places, states or waits do not share a line', () => {
  const rows = [
    row({ id: 1 }),
    row({ id: 2, waitsFor: 'a turn' }),
    row({ id: 3, state: 'ready', waitsFor: undefined }),
    row({ id: 4, state: 'running', waitsFor: undefined }),
    row({ id: 5, cancelled: true, remaining: 0 }),
    row({ id: 6, daemon: true }),
    row({ id: 7, frames: [frame(1)] }),
    row({ id: 8, frames: [frame(2)] }),
    row({ id: 9, name: 'other' }),
    row({ id: 10, wakesIn: 61_000 }),
  ];
  const lines = linesOf(rows);
  assert.is(lines[0], 'scheduler 1: 10 tasks, 8 parked, 1 ready, 1 running');
  assert.is(lines.length, 2 + 9);
  assert.match(lines[2] as string, /^ +2 {2}1, 10 +task +sleep\(5\), 1 min left/);
  assert.match(lines[4] as string, /\(ready\)/);
  assert.match(lines[5] as string, /\(running\)/);
  assert.match(lines[6] as string, /sleep\(5\) \(cancelled\)$/);
  assert.match(lines[7] as string, /task \(daemon\)/);
});

test('the oldest ids are shown; owners that differ are counted', () => {
  const lines = linesOf([3, 5, 9, 12].map((id) => row({ id, owner: id - 1 })));
  assert.match(lines[2] as string, /^ +4 {2}3, 5, 9, … +task +sleep\(5\) +4 tasks$/);
});

test('more kinds of tasks than fit: names are given up, then lines, and what is left out is counted', () => {
  const named = (n: number): TaskRow[] =>
    Array.from({ length: n }, (_, index) => row({ id: index + 1, name: 'x'.repeat(index + 1) }));
  const merging = linesOf(named(60));
  assert.is(merging.length, 3);
  assert.match(merging[2] as string, /^ +60 {2}1…60 +x, xx, xxx, … \(60 names\) +sleep\(5\)$/);
  const waits = Array.from({ length: 60 }, (_, index) => row({ id: index + 1, waitsFor: 'x'.repeat(index + 1) }));
  const cutOff = linesOf(waits, { lines: 10 });
  assert.is(cutOff.length, 2 + 9 + 1);
  assert.is(cutOff.at(-1), '… and 51 more tasks that do 51 other things');
});

test('no line is longer than the page; what does not fit is cut off', () => {
  const rows = [
    row({
      name: 'n'.repeat(200),
      waitsFor: 'w'.repeat(200),
      frames: [{ ...frame(77), file: `${process.cwd()}/${'deep/'.repeat(30)}file.ts` }],
    }),
  ];
  for (const width of [1, 40, 60, 80, 120, 500]) {
    const lines = linesOf(rows, { width });
    for (const line of lines.slice(1)) assert.ok([...line].length <= Math.max(40, width), line);
  }
});

test('where a page is narrow, a place loses its folders, then its function', () => {
  const rows = clients(1000, () => ({ frames: [{ ...frame(34), file: `${process.cwd()}/src/server/main.ts` }] }));
  const at = (width: number): string | undefined =>
    /\S*main\.ts:34(?: serve)?/.exec(linesOf(rows, { width })[2] as string)?.[0];
  assert.equal([120, 95, 88, 70].map(at), [
    'src/server/main.ts:34 serve',
    'main.ts:34 serve',
    'main.ts:34',
    'main.ts:34',
  ]);
});

test('each scheduler has its own part, and nothing at all is said so', () => {
  const text = formatPs([row({}), row({ scheduler: 'scheduler 2' })], { width: 120 });
  assert.match(text, /^scheduler 1: 1 task, 1 parked\n(?:.*\n)*\nscheduler 2: 1 task, 1 parked\n/);
  assert.is(formatPs([]), 'no tasks\n');
});

test('what a name contains cannot move the cursor', () => {
  const [, , line] = linesOf([row({ name: 'a\u001b[2Jb\nc' })]);
  assert.match(line as string, /a\?\[2Jb\?c/);
});

test('bad sizes are refused', () => {
  for (const options of [{ width: 0 }, { lines: 0 }, { width: Number.NaN }]) {
    assert.throws(() => formatPs([row({})], options), RangeError);
  }
});

test('a row at length shows every frame, and what it stands in', () => {
  const parent = { kind: 'scope', id: 4, name: 'x', remaining: 2500, shielded: true, cancelCalled: false } as const;
  const text = formatWhere(
    row({
      id: 4,
      name: 'x',
      wakesIn: 4,
      remaining: 2500,
      frames: [frame(1), { ...frame(2), functionName: '', file: 'https://x.org/a.js' }],
      parents: [
        parent,
        { ...parent, kind: 'task', id: 1, name: 'main', remaining: NEVER, shielded: false, cancelCalled: true },
      ],
    }),
  );
  assert.is(
    text,
    'task 4 (x): sleep(5), 4 ms left, deadline in 2.5 s\n' +
      '    at server.ts:1 serve\n' +
      '    at https://x.org/a.js:2\n' +
      '  in a scope of task 4 (x), deadline in 2.5 s, shielded\n' +
      '  in task 1 (main), cancelled\n',
  );
  assert.is(formatWhere(row({ cancelled: true, remaining: 0 })), 'task 1 (task): sleep(5), cancelled\n');
  assert.is(formatWhere(row({ state: 'done', waitsFor: undefined })), 'task 1 (task): (done)\n');
});

test('texts that differ in their numbers only become one', () => {
  assert.is(patternOf('Socket 7 of 10.0.0.1'), patternOf('Socket 12 of 10.0.0.254'));
  assert.is.not(patternOf('Socket 7'), patternOf('Pipe 7'));
  assert.is(merged(['Socket 9', 'Socket 10', 'Socket 8']), 'Socket 8…10');
  assert.is(merged(['no number', 'no number']), 'no number');
  assert.is(merged(['10.0.0.1:80', '10.0.0.7:80']), '10.0.0.1…7:80');
  assert.is(merged([]), '');
});

test('durations and counts are for people', () => {
  assert.equal([0, 0.4, 999, 1000, 4240, 9960, 59_999, 60_000, 3_600_000, 86_400_000, 9e9].map(duration), [
    '0 ms',
    '0 ms',
    '999 ms',
    '1 s',
    '4.2 s',
    '9 s',
    '59 s',
    '1 min',
    '1 h',
    '1 d',
    '104 d',
  ]);
  assert.equal([[], [NEVER], [5], [5, NEVER, 7], [900, 1200], [5000, 5010]].map(durations), [
    '',
    '',
    '5 ms',
    '5…7 ms',
    '900 ms…1.2 s',
    '5 s',
  ]);
  assert.equal([0, 999, 1000, 1234567].map(count), ['0', '999', '1,000', '1,234,567']);
});

test.run();
