/**
 * How late Node's own timers are while the server beside them has all it can do: a guest in Node's loop must not keep the host
 * from its own work. peers/lateness.mjs is preloaded into the server and knows nothing of it.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { type Contender, streamPeers } from '../contenders.ts';
import { disturbanceOf, startable } from '../harness/contest.ts';
import type { Context, SectionResult } from '../harness/context.ts';
import { fullLoad, type Sample } from '../harness/load.ts';
import { preloaded } from '../harness/programs.ts';
import { Server } from '../harness/server.ts';
import { figure, percent, table } from '../harness/table.ts';

/** Those that live in Node's loop. */
const SERVERS = ['serve-view-attached', 'node'];
const CASES = [
  { title: 'no load', connections: 0, size: 0 },
  { title: '64 connections × 64 B', connections: 64, size: 64 },
  { title: '512 connections × 64 B', connections: 512, size: 64 },
  { title: '64 connections × 64 KiB', connections: 64, size: 65536 },
];
const SECONDS = { full: 20, quick: 1 };
const WARMUP = 0.5;

interface Summary {
  count: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

interface Row {
  key: string;
  label: string;
  case: string;
  busy: number;
  timeout: Summary;
  interval: Summary;
}

/** Runs the section. */
export async function timers(context: Context): Promise<SectionResult> {
  const notRun: string[] = [];
  const contenders = startable(streamPeers(), notRun).filter(({ key }) => SERVERS.includes(key));
  const seconds = context.quick ? SECONDS.quick : SECONDS.full;
  const rows: Row[] = [];
  const samples: Sample[] = [];
  for (const contender of contenders) rows.push(...(await measure(contender, seconds, context, samples)));
  const text = [
    'Node’s own timers beside a saturated server: milliseconds by which setTimeout and setInterval of 5 ms come late.',
    '',
    table(
      [
        ...['', '', 'server busy', 'setTimeout p50', 'p99', 'p99.9', 'longest'],
        ...['setInterval p50', 'p99', 'p99.9', 'longest'],
      ],
      rows.map((row) => [row.label, row.case, percent(row.busy), ...cells(row.timeout), ...cells(row.interval)]),
    ),
    '',
    disturbanceOf(samples),
  ];
  return { text: text.join('\n'), data: { seconds, rows }, verdicts: [], notRun: [] };
}

async function measure(
  { key, label, command }: Contender & { command: readonly string[] },
  seconds: number,
  context: Context,
  samples: Sample[],
): Promise<Row[]> {
  const rows: Row[] = [];
  const server = await Server.start(label, preloaded(command, 'lateness.mjs'), context.cores.server);
  try {
    for (const { title, connections, size } of CASES) {
      context.progress(`timers, ${title}: ${label}`);
      const load = (length: number): ReturnType<typeof fullLoad> =>
        fullLoad(server, context.cores, 'tcp-echo', { connections, size, seconds: length, warmup: 0.01 });
      // The compiler's work, and the opening of the connections, are not what is asked for.
      if (connections > 0) await load(WARMUP);
      else await delay(WARMUP * 1e3);
      await server.ask('SIGUSR2');
      let busy = 0;
      if (connections > 0) {
        const { sample } = await load(seconds);
        samples.push(sample);
        busy = sample.busy;
      } else await delay(seconds * 1e3);
      const late = JSON.parse(await server.ask('SIGUSR2')) as Record<'timeout' | 'interval', Summary>;
      rows.push({ key, label, case: title, busy, ...late });
    }
    server.check();
  } finally {
    await server.stop();
  }
  return rows;
}

function cells({ p50, p99, p999, max }: Summary): string[] {
  return [p50, p99, p999, max].map((value) => figure(value ?? Number.NaN));
}
