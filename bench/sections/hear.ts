/** How soon a blocked thread hears that it shall end. */

import { type Context, type SectionResult, verdict } from '../harness/context.ts';
import { type Probe, probe } from '../harness/probe.ts';
import { genloop } from '../harness/programs.ts';
import { figure, table } from '../harness/table.ts';

const WANTED_MS = 100;
const BACKENDS = ['epoll', 'poll', 'select'];
const ROWS = [
  { what: 'terminate', label: 'worker.terminate()' },
  { what: 'interrupt', label: 'Ctrl-C (SIGINT)' },
];

/** Runs the section. */
export async function hear(context: Context): Promise<SectionResult> {
  const program = genloop('bench/programs/hear-cost.ts');
  const probes: Probe[] = ROWS.flatMap(({ what, label }) =>
    BACKENDS.map((backend) => ({
      key: `${what}/${backend}`,
      title: `${label}, ${backend}`,
      program: 'missing' in program ? program : { command: [...program.command, what, backend] },
    })),
  );
  const { values, notRun } = await probe(probes, 1, context);
  const text = [
    'How soon a thread that is blocked in a wait (runSync) hears that it shall end. Milliseconds, the longest of ten.',
    '',
    table(
      ['', ...BACKENDS],
      ROWS.map(({ what, label }) => [
        label,
        ...BACKENDS.map((backend) => figure(values.get(`${what}/${backend}`) ?? Number.NaN)),
      ]),
    ),
  ];
  const verdicts = ROWS.flatMap(({ what, label }) =>
    BACKENDS.map((backend) =>
      verdict(`${label}, ${backend}: ms`, values.get(`${what}/${backend}`) ?? Number.NaN, '<=', WANTED_MS),
    ),
  );
  return { text: text.join('\n'), data: Object.fromEntries(values), verdicts, notRun };
}
