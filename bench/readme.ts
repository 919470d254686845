/**
 * Writes the README's figures from a saved run, so that none is typed by hand:
 *
 *   npm run bench -- --priority --save readme
 *   npm run bench:readme              (--check: only says whether the README is up to date)
 *
 * A table stands between `<!-- bench:NAME -->` and `<!-- /bench -->`.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { median } from './harness/statistics.ts';

interface Row {
  label: string;
  cpu: number;
  cpuVsCpp?: number;
  cpuVsNode?: number;
  rateVsCpp?: number;
  rateVsNode?: number;
}

interface Contest {
  case: { key: string };
  rows: Row[];
}

interface Saved {
  machine: { date: string; cpu: string; cores: number; system: string; node: string };
  command: string;
  results: {
    echo: { data: Contest[] };
    time: { data: Contest[] };
    connect: { data: Contest[] };
    idle: { data: Record<string, number> };
    switch: { data: Record<string, number> };
    kernel: { data: Record<string, number[]> };
    memory: { data: { connections: number; rows: { label: string; bytes: number }[] } };
    // Runs that were saved before there were these sections do not have them.
    load?: { data: { levels: { variant: string; share: number; offered: number; rows: Timed[] }[] } };
    timers?: { data: { rows: { label: string; case: string; timeout: Lateness; interval: Lateness }[] } };
    churn?: { data: { rows: Churned[] } };
    beat?: { data: { rows: { label: string; sample: Sample; memory: number }[] } };
    slow?: { data: { rows: { label: string; perClient: number; before: Sample; meanwhile: Sample }[] } };
    start?: { data: { rows: { key: string; label: string; ms: number }[] } };
  };
}

interface Sample {
  cpu: number;
  busy: number;
  rate: number;
  p50: number;
  p99: number;
  p999: number;
}

interface Timed {
  label: string;
  result: { rate: number; latency_us: { p50: number; p99: number; p999: number } };
}

interface Lateness {
  p50: number;
  p99: number;
  max: number;
}

interface Churned {
  label: string;
  sample: Sample;
  memory: number[];
  rest: number;
}

const README = new URL('../README.md', import.meta.url);
const SAVED = new URL('results/readme.json', import.meta.url);
/** Fewer would hide differences that the measurement shows, more would show noise. */
const DIGITS = 3;

function figure(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(DIGITS)));
}

function ratio(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(2);
}

function table(head: string[], rows: string[][]): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function contest(data: Contest[], key: string, unit: string, nodeName: string): string {
  const { rows } = data.find((entry) => entry.case.key === key) as Contest;
  return table(
    ['server', `CPU µs per ${unit}`, '× C++', `× ${nodeName}`, 'rate × C++', `rate × ${nodeName}`],
    rows.map((row) => [
      row.label,
      figure(row.cpu),
      ratio(row.cpuVsCpp),
      ratio(row.cpuVsNode),
      ratio(row.rateVsCpp),
      ratio(row.rateVsNode),
    ]),
  );
}

/** Keys like `epoll/1000` as a table: one row for each first part, one column for each of the rest. */
function grid(data: Record<string, number>, corner: string, names: Record<string, string>, columns: string[]): string {
  const rows = Object.entries(names).map(([name, label]) => [
    label,
    ...columns.map((column) => figure(data[`${name}/${column}`])),
  ]);
  return table([corner, ...columns.map((column) => column.replace('/', ' deep, '))], rows);
}

/** Keys of the section `kernel` by row and column; where there are several, the best counts. */
const KERNEL_COLUMNS = ['genloop', 'async/await', 'Effect', 'Effection', 'co'];
const KERNEL_ROWS: readonly [string, ...string[][]][] = [
  ['switch among 1,000 tasks', ...each((system) => `switch/${system}/1/1000`)],
  ['spawn and join', ...each((system) => `spawn/${system}`)],
  ['cancel, and wait for the end', ...each((system) => `cancel/${system}`)],
  ['a time limit set and lifted', ...each((system) => `timer/${system}`)],
  ['proxied request, in memory', ...each((system) => `request/${system === 'async' ? 'plain' : system}`)],
  [
    'proxied request, over sockets',
    ...each((system) => `proxy/${{ genloop: 'attached', async: 'plain' }[system] ?? system}`),
  ],
  ['one of 100,000 parked tasks, bytes', ...each((system) => `parked/${system}`)],
];

function each(key: (system: string) => string): string[][] {
  return [['genloop'], ['async'], ['effect', 'effect-microtasks'], ['effection'], ['co']].map((systems) =>
    systems.map(key),
  );
}

function kernelTable(data: Record<string, number[]>): string {
  const best = (keys: string[]): number | undefined => {
    const medians = keys.map((key) => median(data[key] ?? [])).filter((value) => !Number.isNaN(value));
    return medians.length === 0 ? undefined : Math.min(...medians);
  };
  const rows = KERNEL_ROWS.map(([label, ...columns]) => [label, ...columns.map((keys) => figure(best(keys)))]);
  return table(['', ...KERNEL_COLUMNS], rows);
}

/** Who answers less of what is due has fallen behind: its latencies say nothing. */
const BEHIND = 0.98;

function loadTable(levels: NonNullable<Saved['results']['load']>['data']['levels'], variant: string): string {
  const chosen = levels.filter((level) => level.variant === variant);
  const heads = chosen.map(({ share }) => ['p50', 'p99', 'p99.9 µs'].map((name) => `${100 * share} %: ${name}`));
  const labels = chosen[0]?.rows.map(({ label }) => label) ?? [];
  const cells = ({ rows, offered }: (typeof chosen)[number], label: string): string[] => {
    const { rate, latency_us: us } = (rows.find((row) => row.label === label) as Timed).result;
    return rate < BEHIND * offered ? ['falls behind', '', ''] : [us.p50, us.p99, us.p999].map(figure);
  };
  return table(
    ['server', ...heads.flat()],
    labels.map((label) => [label, ...chosen.flatMap((level) => cells(level, label))]),
  );
}

/** The tables of the sections that a saved run may lack. */
function laterTables({ load, timers, churn, beat, slow, start }: Saved['results']): Record<string, string> {
  const found: Record<string, string> = {};
  if (load !== undefined) {
    found.load = loadTable(load.data.levels, 'plain');
    found.burn = loadTable(load.data.levels, 'burn');
  }
  if (timers !== undefined) {
    const late = ({ p50, p99, max }: Lateness): string[] => [p50, p99, max].map(figure);
    found.timers = table(
      ['server', 'load', 'setTimeout late, ms: p50', 'p99', 'longest', 'setInterval: p50', 'p99', 'longest'],
      timers.data.rows.map((row) => [row.label, row.case, ...late(row.timeout), ...late(row.interval)]),
    );
  }
  if (churn !== undefined) {
    found.churn = table(
      [
        'server',
        'CPU µs per connection',
        'p50 µs',
        'p99 µs',
        'p99.9 µs',
        'MB at first',
        'half way',
        'at the end',
        'at rest',
      ],
      churn.data.rows.map(({ label, sample, memory, rest }) => [
        label,
        ...[sample.cpu, sample.p50, sample.p99, sample.p999].map(figure),
        ...[memory[0], memory[memory.length >> 1], memory.at(-1), rest].map((bytes = Number.NaN) =>
          figure(bytes / 1e6),
        ),
      ]),
    );
  }
  if (beat !== undefined) {
    found.beat = table(
      ['server', 'share of a core, %', 'p50 µs', 'p99 µs', 'MB'],
      beat.data.rows.map(({ label, sample, memory }) => [
        label,
        ...[sample.busy * 100, sample.p50, sample.p99, memory / 1e6].map(figure),
      ]),
    );
  }
  if (slow !== undefined) {
    found.slow = table(
      ['server', 'KiB per slow reader', 'p99 µs of the others, before', 'meanwhile'],
      slow.data.rows.map(({ label, perClient, before, meanwhile }) => [
        label,
        ...[perClient / 1024, before.p99, meanwhile.p99].map(figure),
      ]),
    );
  }
  if (start !== undefined) {
    const bare = start.data.rows.find(({ key }) => key === 'bare')?.ms ?? Number.NaN;
    found.start = table(
      ['', 'ms', 'over Node itself'],
      start.data.rows.map(({ label, ms }) => [label, figure(ms), figure(ms - bare)]),
    );
  }
  return found;
}

function tables({ machine, command, results }: Saved): Record<string, string> {
  const { echo, time, connect, idle, memory } = results;
  const counts = [...new Set(Object.keys(idle.data).map((key) => key.split('/')[1] as string))];
  counts.sort((a, b) => Number(a) - Number(b));
  const backends = { epoll: '`epoll`, ns', poll: '`poll`, ns', select: '`select`, ns' };
  const forms = { pass: '`yield* pass()`, ns', yield: '`yield`, ns', await: '`await` of a resolved promise, ns' };
  const switches = grid(results.switch.data, 'tasks', forms, ['1/2', '1/1000', '1000/2', '1000/1000']);
  const bytes = memory.data.rows.map(({ label, bytes }) => [label, figure(bytes)]);
  return {
    echo: contest(echo.data, '64x64', 'reply', 'node:net'),
    // A quick run has the one with many clients only, a full one has it last.
    time: contest(time.data, (time.data.at(-1) as Contest).case.key, 'reply', 'node:dgram'),
    connect: contest(connect.data, (connect.data[0] as Contest).case.key, 'connection', 'node:net'),
    idle: grid(idle.data, 'other descriptors', backends, counts),
    switch: switches,
    kernel: kernelTable(results.kernel.data),
    memory: table(['server', 'bytes per idle connection'], bytes),
    ...laterTables(results),
    machine: `${machine.cores} × ${machine.cpu}, ${machine.system}, Node ${machine.node}, ${machine.date.slice(0, 10)}; \`${command}\`.`,
  };
}

const before = readFileSync(README, 'utf8');
const parts = tables(JSON.parse(readFileSync(SAVED, 'utf8')) as Saved);
const after = before.replace(/<!-- bench:(\w+) -->[\s\S]*?<!-- \/bench -->/g, (_, name: string) => {
  const part = parts[name];
  if (part === undefined)
    throw new Error(`README.md asks for a table '${name}' that no section of the benchmark makes`);
  return `<!-- bench:${name} -->\n${part}\n<!-- /bench -->`;
});
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('the README shows other figures than bench/results/readme.json: npm run bench:readme');
    process.exitCode = 1;
  }
} else {
  writeFileSync(README, after);
}
