/** What an event costs while many other descriptors are watched and silent. */

import type { Context, SectionResult } from '../harness/context.ts';
import { type Probe, probe } from '../harness/probe.ts';
import { genloop } from '../harness/programs.ts';
import { figure, ratio, table } from '../harness/table.ts';

const COUNTS = [10, 100, 1000, 3000, 10000];
/** Numbers of descriptors end at 1023 for select; Node has two dozen open itself. */
const BACKENDS = [
  { name: 'epoll', counts: COUNTS },
  { name: 'poll', counts: COUNTS },
  { name: 'select', counts: [10, 100, 950] },
];
const MAX_ROUNDS = 3;

/** Runs the section. */
export async function idle(context: Context): Promise<SectionResult> {
  const key = (backend: string, count: number): string => `${backend}/${count}`;
  const program = genloop('bench/programs/idle-cost.ts');
  const probes: Probe[] = BACKENDS.flatMap(({ name, counts }) =>
    counts.map((count) => ({
      key: key(name, count),
      title: `${name} with ${count} idle descriptors`,
      program: 'missing' in program ? program : { command: [...program.command, name, String(count)] },
    })),
  );
  const { values, notRun } = await probe(probes, context.quick ? 1 : Math.min(context.rounds, MAX_ROUNDS), context);
  const columns = [...new Set(BACKENDS.flatMap(({ counts }) => counts))].sort((a, b) => a - b);
  const rows = BACKENDS.map(({ name, counts }) => {
    const of = (count: number): number => values.get(key(name, count)) ?? Number.NaN;
    const growth = of(counts.at(-1) as number) / of(counts[0] as number);
    return [name, ...columns.map((count) => (counts.includes(count) ? figure(of(count)) : '')), ratio(growth)];
  });
  const text = [
    'Idle descriptors. Nanoseconds of CPU time for one event (signal an eventfd, wait for it, take it back: three system',
    'calls and a task switch) while that many other descriptors are watched and silent. The last column: most against',
    'fewest. select cannot watch descriptors above 1023.',
    '',
    table(['backend', ...columns.map((count) => `${count.toLocaleString('en-US')} idle`), 'growth'], rows),
  ];
  return { text: text.join('\n'), data: Object.fromEntries(values), verdicts: [], notRun };
}
