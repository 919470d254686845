/** How long it takes until a server listens, from the start of its process. */

import { type Contender, streamPeers } from '../contenders.ts';
import { startable } from '../harness/contest.ts';
import type { Context, SectionResult } from '../harness/context.ts';
import { node } from '../harness/programs.ts';
import { Server } from '../harness/server.ts';
import { median, rotated } from '../harness/statistics.ts';
import { figure, table } from '../harness/table.ts';

const ROUNDS = { full: 21, quick: 3 };
const BARE = 'bare';

/** Runs the section. */
export async function start(context: Context): Promise<SectionResult> {
  const notRun: string[] = [];
  const bare: Contender = { key: BARE, label: 'Node itself, which prints a line', program: node('bare.mjs') };
  const contenders = startable([bare, ...streamPeers()], notRun);
  const times = new Map(contenders.map(({ key }) => [key, [] as number[]]));
  // The first round only brings the files into memory.
  const rounds = 1 + (context.quick ? ROUNDS.quick : ROUNDS.full);
  for (let round = 0; round < rounds; round++) {
    for (const { key, label, command } of rotated(contenders, round)) {
      context.progress(`start, round ${round}/${rounds - 1}: ${label}`);
      const before = performance.now();
      const server = await Server.start(label, command, context.cores.server);
      const elapsed = performance.now() - before;
      await server.stop();
      if (round > 0) times.get(key)?.push(elapsed);
    }
  }
  const rows = contenders.map(({ key, label }) => {
    const all = times.get(key) ?? [];
    return { key, label, ms: median(all), all };
  });
  const ofNode = rows.find(({ key }) => key === BARE)?.ms ?? Number.NaN;
  const text = [
    'From the start of the process to the line that says that it listens: milliseconds, medians.',
    '',
    table(
      ['', 'ms', 'over bare Node, ms'],
      rows.map(({ label, ms }) => [label, figure(ms), figure(ms - ofNode)]),
    ),
  ];
  return { text: text.join('\n'), data: { rows }, verdicts: [], notRun };
}
