/** TCP echo: connections × message sizes. */

import { echoServers } from '../contenders.ts';
import { type Case, caseTable, contest, disturbance, type Row } from '../harness/contest.ts';
import { type Context, Failure, type SectionResult, type Verdict, verdict } from '../harness/context.ts';

const CONNECTIONS = [1, 64, 512];
const SIZES = [
  { bytes: 64, name: '64 B' },
  { bytes: 1024, name: '1 KiB' },
  { bytes: 65536, name: '64 KiB' },
];
/** The figures that the project has promised, by case. `node` is left out where there is none. */
const SMALL = '64x64';
const LARGE = '64x65536';
const PROMISES: readonly Promised[] = [
  { key: 'genloop-blocking', label: 'echo-server.ts, blocking drive', case: SMALL, cpp: 0.9, node: 1.4 },
  { key: 'genloop-attached', label: 'echo-server.ts, attached', case: SMALL, cpp: 0.85, node: 1.35 },
  { key: 'serve-view-blocking', label: 'serve, readView, blocking drive', case: SMALL, cpp: 0.95, node: 1.5 },
  { key: 'serve-view-attached', label: 'serve, readView, attached', case: SMALL, cpp: 0.9, node: 1.4 },
  { key: 'serve-owned-blocking', label: 'serve, read, blocking drive', case: SMALL, cpp: 0.9 },
  { key: 'serve-owned-attached', label: 'serve, read, attached', case: SMALL, cpp: 0.86 },
  { key: 'serve-view-blocking', label: 'serve, readView, blocking drive', case: LARGE, cpp: 0.95, node: 1 },
  { key: 'serve-view-attached', label: 'serve, readView, attached', case: LARGE, cpp: 0.95, node: 1 },
];

interface Promised {
  key: string;
  label: string;
  case: string;
  cpp: number;
  node?: number;
}

const cases: Case[] = SIZES.flatMap(({ bytes, name }) =>
  CONNECTIONS.map((connections) => ({
    key: `${connections}x${bytes}`,
    title: `${connections} connection${connections === 1 ? '' : 's'} × ${name}`,
    mode: 'tcp-echo' as const,
    options: { connections, size: bytes },
    descriptors: connections,
  })),
);

/** Runs the section. */
export async function echo(context: Context): Promise<SectionResult> {
  const only = context.only !== undefined ? [context.only] : context.quick ? [SMALL, LARGE] : undefined;
  const chosen = cases.filter(({ key }) => only === undefined || only.includes(key));
  if (chosen.length === 0)
    throw new Failure(`echo has no case ${context.only}: there are ${cases.map((c) => c.key).join(', ')}`);
  const { results, notRun } = await contest(echoServers(), chosen, context);
  const text = [
    'TCP echo. Each connection sends a message and waits for the same bytes back. CPU time of the server per reply is',
    'the steady figure; the rate also depends on the load, which works as hard as the server.',
    ...results.map((result) => `\n${caseTable(result, ['reply', 'replies'], 'node:net')}`),
    '',
    disturbance(results),
  ];
  const verdicts = PROMISES.flatMap((promise) => {
    const found = results.find((result) => result.case.key === promise.case);
    return found === undefined ? [] : judge(promise, found.case.title, found.rows);
  });
  return { text: text.join('\n'), data: results, verdicts, notRun };
}

function judge(promise: Promised, title: string, rows: readonly Row[]): Verdict[] {
  const row = rows.find(({ key }) => key === promise.key);
  const what = (ratio: string): string => `${promise.label}, ${title}: ${ratio}`;
  const { node } = promise;
  return [
    verdict(what('replies per CPU time × C++'), row?.cpuVsCpp ?? Number.NaN, '>=', promise.cpp),
    verdict(what('replies/s × C++'), row?.rateVsCpp ?? Number.NaN, '>=', promise.cpp),
    ...(node === undefined
      ? []
      : [
          verdict(what('replies per CPU time × node:net'), row?.cpuVsNode ?? Number.NaN, '>=', node),
          verdict(what('replies/s × node:net'), row?.rateVsNode ?? Number.NaN, '>=', node),
        ]),
  ];
}
