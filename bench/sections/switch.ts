/** What a task switch costs. */

import { type Context, type SectionResult, verdict } from '../harness/context.ts';
import { type Probe, probe } from '../harness/probe.ts';
import { genloop } from '../harness/programs.ts';
import { figure, table } from '../harness/table.ts';

const WANTED_NS = 60;
const MAX_ROUNDS = 3;
const TASKS = [2, 1000];
const DEPTHS = [1, 1000];
const columns = DEPTHS.flatMap((depth) => TASKS.map((tasks) => ({ depth, tasks })));
const ROWS = [
  { mode: 'pass', label: 'yield* pass()' },
  { mode: 'yield', label: 'yield' },
  { mode: 'nested', label: 'yield, plain generators instead of routine' },
  { mode: 'await', label: 'await of a resolved promise' },
];

/** Runs the section. */
export async function taskSwitch(context: Context): Promise<SectionResult> {
  const programs = {
    own: genloop('bench/programs/switch-cost.ts'),
    promises: genloop('bench/programs/await-cost.ts'),
  };
  const key = (mode: string, depth: number, tasks: number): string => `${mode}/${depth}/${tasks}`;
  const probes: Probe[] = ROWS.flatMap(({ mode, label }) =>
    columns.flatMap(({ depth, tasks }) => {
      // An awaiting function is resumed where it stands; how deep is no question.
      if (mode === 'await' && depth > 1) return [];
      const program = mode === 'await' ? programs.promises : programs.own;
      const args = mode === 'await' ? [String(tasks)] : [mode, String(depth), String(tasks)];
      return {
        key: key(mode, depth, tasks),
        title: `${label}, depth ${depth}, ${tasks} tasks`,
        program: 'missing' in program ? program : { command: [...program.command, ...args] },
      };
    }),
  );
  const { values, notRun } = await probe(probes, context.quick ? 1 : Math.min(context.rounds, MAX_ROUNDS), context);
  const of = (mode: string, { depth, tasks }: (typeof columns)[number]): number =>
    values.get(key(mode, depth, tasks)) ?? Number.NaN;
  const text = [
    'Task switches. Nanoseconds of CPU time from one task to the next, in the blocking drive, while a listener is watched',
    'and a timer armed. Depth: how many routines deep the task stands when it gives way.',
    '',
    table(
      ['', ...columns.map(({ depth, tasks }) => `depth ${depth}, ${tasks} tasks`)],
      ROWS.map(({ mode, label }) => [label, ...columns.map((column) => figure(of(mode, column)))]),
    ),
  ];
  const verdicts = columns.map((column) =>
    verdict(`yield* pass(), depth ${column.depth}, ${column.tasks} tasks: ns`, of('pass', column), '<=', WANTED_NS),
  );
  return { text: text.join('\n'), data: Object.fromEntries(values), verdicts, notRun };
}
