/** Ten thousand connections that send something once a second: a chat, a game, a swarm of sensors. What that takes. */

import { streamPeers } from '../contenders.ts';
import { disturbanceOf, startable } from '../harness/contest.ts';
import type { Context, SectionResult } from '../harness/context.ts';
import { fullLoad, type LoadResult, type Sample } from '../harness/load.ts';
import { Server } from '../harness/server.ts';
import { figure, percent, ratio, table } from '../harness/table.ts';

const CONNECTIONS = 10_000;
const SECONDS = { full: 30, quick: 2 };
const WARMUP = { full: 5, quick: 1 };

interface Row {
  key: string;
  label: string;
  sample: Sample;
  result: LoadResult;
  memory: number;
}

/** Runs the section. */
export async function beat(context: Context): Promise<SectionResult> {
  const notRun: string[] = [];
  const form = context.quick ? 'quick' : 'full';
  const rows: Row[] = [];
  for (const { key, label, command } of startable(streamPeers(), notRun)) {
    context.progress(`beat: ${label}`);
    const server = await Server.start(label, command, context.cores.server);
    try {
      const options = { connections: CONNECTIONS, rate: CONNECTIONS, seconds: SECONDS[form], warmup: WARMUP[form] };
      const measured = await fullLoad(server, context.cores, 'open-loop', options);
      rows.push({ key, label, ...measured, memory: server.residentMemory() });
    } finally {
      await server.stop();
    }
  }
  const busyOf = (wanted: string): number => rows.find(({ key }) => key === wanted)?.sample.busy ?? Number.NaN;
  const text = [
    `${figure(CONNECTIONS)} connections, each with one message of 64 B a second, spread evenly: an open loop, as in load.`,
    '',
    table(
      [
        '',
        'share of a core',
        '÷ C++',
        '÷ node:net',
        'CPU µs/message',
        'p50 µs',
        'p99 µs',
        'p99.9 µs',
        'answered',
        'MB',
      ],
      rows.map(({ label, sample, result, memory }) => [
        label,
        `${(sample.busy * 100).toFixed(1)} %`,
        ratio(sample.busy / busyOf('cpp')),
        ratio(sample.busy / busyOf('node')),
        ...[sample.cpu, sample.p50, sample.p99, sample.p999].map(figure),
        percent(result.rate / CONNECTIONS),
        figure(memory / 1e6),
      ]),
    ),
    '',
    disturbanceOf(rows.map(({ sample }) => sample)),
  ];
  return {
    text: text.join('\n'),
    data: { connections: CONNECTIONS, seconds: SECONDS[form], rows },
    verdicts: [],
    notRun,
  };
}
