/**
 * Latency under a load that does not wait: messages at a constant rate, each timed from the moment it was due, whatever the
 * server does meanwhile. So a garbage collection counts with all that it delays.
 *
 * The rates are shares of the most that the C++ server can do here and now. Who can do less than that falls behind, without
 * end: its latencies then say only how long the measurement took.
 */

import { burningServers } from '../contenders.ts';
import { disturbanceOf, startable } from '../harness/contest.ts';
import type { Context, SectionResult } from '../harness/context.ts';
import { fullLoad, type LoadResult, type Sample } from '../harness/load.ts';
import { Server } from '../harness/server.ts';
import { median, rotated } from '../harness/statistics.ts';
import { figure, percent, table } from '../harness/table.ts';

const CONNECTIONS = 64;
const SHARES = [0.5, 0.8];
const BURN_MS = 5;
/** Seconds of a measurement, and of those before that find the most of the C++ server. */
const LENGTH = { full: 60, quick: 2 };
const SEARCH = { full: 3, quick: 0.5 };
const SEARCHES = 3;
/** A compiler has noticed by then. */
const WARMUP = { full: 3, quick: 1 };
/** Who answers less than this share of what is due has fallen behind. */
const BEHIND = 0.98;

const VARIANTS = [
  { key: 'plain', title: `${CONNECTIONS} connections × 64 B`, marked: 0 },
  { key: 'burn', title: `the same, 1 % of the messages take ${BURN_MS} ms of work`, marked: 0.01 },
];

interface Row {
  key: string;
  label: string;
  result: LoadResult;
  sample: Sample;
}

interface Level {
  variant: string;
  share: number;
  /** Messages per second. */
  offered: number;
  rows: Row[];
}

/** Runs the section. */
export async function load(context: Context): Promise<SectionResult> {
  const form = context.quick ? 'quick' : 'full';
  const seconds = context.asked ?? LENGTH[form];
  const notRun: string[] = [];
  const contenders = startable(burningServers(BURN_MS), notRun);
  const levels: Level[] = [];
  const most: Record<string, number> = {};
  const servers = new Map<string, Server>();
  try {
    for (const { key, label, command } of contenders) {
      servers.set(key, await Server.start(label, command, context.cores.server));
    }
    const run = (key: string, options: Record<string, number>): ReturnType<typeof fullLoad> =>
      fullLoad(servers.get(key) as Server, context.cores, 'open-loop', { connections: CONNECTIONS, ...options });
    for (const [turn, { key: variant, title, marked }] of VARIANTS.entries()) {
      const rates: number[] = [];
      for (let search = 0; search < SEARCHES; search++) {
        context.progress(`load, ${title}: how much C++ can do`);
        rates.push((await run('cpp', { marked, rate: 0, seconds: SEARCH[form] })).result.rate);
      }
      most[variant] = median(rates);
      for (const share of SHARES) {
        const rate = most[variant] * share;
        const rows: Row[] = [];
        for (const { key, label } of rotated(contenders, turn)) {
          context.progress(`load, ${title}, ${percent(share)}: ${label}`);
          const options = { marked, rate, seconds, warmup: WARMUP[form] };
          rows.push({ key, label, ...(await run(key, options)) });
        }
        const place = (row: Row): number => contenders.findIndex(({ key }) => key === row.key);
        rows.sort((a, b) => place(a) - place(b));
        levels.push({ variant, share, offered: rate, rows });
      }
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
  const text = [
    'Open loop: messages are due at a constant rate, and latency counts from the moment due. Garbage collection included.',
    ...levels.map((level) => `\n${levelTable(level)}`),
    '',
    `Seconds of each measurement: ${seconds}. Behind: fewer were answered than came, so its latencies grow with the length.`,
    disturbanceOf(levels.flatMap(({ rows }) => rows.map(({ sample }) => sample))),
  ];
  return { text: text.join('\n'), data: { seconds, most, levels }, verdicts: [], notRun };
}

function levelTable({ variant, share, offered, rows }: Level): string {
  const { title } = VARIANTS.find(({ key }) => key === variant) as (typeof VARIANTS)[number];
  const cells = rows.map(({ label, result, sample }) => {
    const { p50, p99, p999, max } = result.latency_us;
    const answered = result.rate / offered;
    return [
      label,
      ...[p50, p99, p999, max].map(figure),
      percent(answered) + (answered < BEHIND ? ', behind' : ''),
      percent(sample.busy),
      figure(result.lag_us?.p99 ?? Number.NaN),
    ];
  });
  const heading = `${title}\n${percent(share)} of the most of C++: ${figure(offered)} messages/s`;
  const columns = [
    '',
    'p50 µs',
    'p99 µs',
    'p99.9 µs',
    'longest µs',
    'answered',
    'server busy',
    "load's own lag, p99 µs",
  ];
  return `${heading}\n${table(columns, cells)}`;
}
