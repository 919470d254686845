/**
 * A hundred thousand connections, one after the other and 64 at a time, each with a request: what is left of them in memory, and how
 * long they take.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { type Contender, streamPeers } from '../contenders.ts';
import { disturbanceOf, startable } from '../harness/contest.ts';
import type { Context, SectionResult } from '../harness/context.ts';
import { fullLoad, type Sample } from '../harness/load.ts';
import { Server } from '../harness/server.ts';
import { figure, percent, table } from '../harness/table.ts';

const CONNECTIONS = { full: 100_000, quick: 5_000 };
const AT_A_TIME = 64;
const EVERY_MS = 100;
/** The load ends by the count. */
const LONGEST_S = 3600;
const SETTLE_MS = 1000;
/** Where memory is shown: shares of the way. */
const SHOWN = [0, 0.1, 0.25, 0.5, 0.75, 1];

interface Row {
  key: string;
  label: string;
  sample: Sample;
  longest: number;
  /** Resident memory in bytes, every tenth of a second. */
  memory: number[];
  /** The same a second after the last connection. */
  rest: number;
}

/** Runs the section. */
export async function churn(context: Context): Promise<SectionResult> {
  const notRun: string[] = [];
  const count = context.quick ? CONNECTIONS.quick : CONNECTIONS.full;
  const rows: Row[] = [];
  for (const contender of startable(streamPeers(), notRun)) {
    context.progress(`churn, ${figure(count)} connections: ${contender.label}`);
    rows.push(await measure(contender, count, context));
  }
  const text = [
    `${figure(count)} connections, ${AT_A_TIME} at a time: connect, one byte and its echo, end of stream from both sides, close.`,
    'Latency is the whole life. Resident memory of the server on the way: of a server that leaks nothing it comes to a rest.',
    '',
    table(
      [
        ...['', 'CPU µs/connection', 'connections/s', 'p50 µs', 'p99 µs', 'p99.9 µs', 'longest µs'],
        ...SHOWN.map((share) => (share === 0 ? 'MB at 0 %' : percent(share))),
        'at rest',
      ],
      rows.map(({ label, sample, longest, memory, rest }) => [
        label,
        ...[sample.cpu, sample.rate, sample.p50, sample.p99, sample.p999, longest].map(figure),
        ...SHOWN.map((share) => megabytes(memory[Math.round(share * (memory.length - 1))] ?? Number.NaN)),
        megabytes(rest),
      ]),
    ),
    '',
    disturbanceOf(rows.map(({ sample }) => sample)),
  ];
  return { text: text.join('\n'), data: { connections: count, everyMs: EVERY_MS, rows }, verdicts: [], notRun };
}

async function measure(
  { key, label, command }: Contender & { command: readonly string[] },
  count: number,
  { cores }: Context,
): Promise<Row> {
  const server = await Server.start(label, command, cores.server);
  const memory = [server.residentMemory()];
  const timer = setInterval(() => {
    try {
      memory.push(server.residentMemory());
    } catch {
      // It has ended: the load will say so.
    }
  }, EVERY_MS);
  try {
    const options = { connections: AT_A_TIME, count, seconds: LONGEST_S, warmup: 0 };
    const { sample, result } = await fullLoad(server, cores, 'connect', options);
    memory.push(server.residentMemory());
    clearInterval(timer);
    await delay(SETTLE_MS);
    return { key, label, sample, longest: result.latency_us.max, memory, rest: server.residentMemory() };
  } finally {
    clearInterval(timer);
    await server.stop();
  }
}

function megabytes(bytes: number): string {
  return figure(bytes / 1e6);
}
