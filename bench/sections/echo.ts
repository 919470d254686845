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
/** The case for which the project has promised figures. */
const PROMISED = '64x64';
const PROMISES = [
  { key: 'genloop-blocking', label: 'echo-server.ts, blocking drive', cpp: 0.9, node: 1.4 },
  { key: 'genloop-attached', label: 'echo-server.ts, attached', cpp: 0.85, node: 1.35 },
];

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
  const only = context.only ?? (context.quick ? PROMISED : undefined);
  const chosen = cases.filter(({ key }) => only === undefined || key === only);
  if (chosen.length === 0)
    throw new Failure(`echo has no case ${only}: there are ${cases.map((c) => c.key).join(', ')}`);
  const { results, notRun } = await contest(echoServers(), chosen, context);
  const promised = results.find((result) => result.case.key === PROMISED);
  const text = [
    'TCP echo. Each connection sends a message and waits for the same bytes back. CPU time of the server per reply is',
    'the steady figure; the rate also depends on the load, which works as hard as the server.',
    ...results.map((result) => `\n${caseTable(result, ['reply', 'replies'], 'node:net')}`),
    '',
    disturbance(results),
  ];
  const verdicts = promised === undefined ? [] : PROMISES.flatMap((promise) => judge(promise, promised.rows));
  return { text: text.join('\n'), data: results, verdicts, notRun };
}

function judge(promise: (typeof PROMISES)[number], rows: readonly Row[]): Verdict[] {
  const row = rows.find(({ key }) => key === promise.key);
  const what = (ratio: string): string => `${promise.label}, 64 × 64 B: ${ratio}`;
  return [
    verdict(what('replies per CPU time × C++'), row?.cpuVsCpp ?? Number.NaN, '>=', promise.cpp),
    verdict(what('replies/s × C++'), row?.rateVsCpp ?? Number.NaN, '>=', promise.cpp),
    verdict(what('replies per CPU time × node:net'), row?.cpuVsNode ?? Number.NaN, '>=', promise.node),
    verdict(what('replies/s × node:net'), row?.rateVsNode ?? Number.NaN, '>=', promise.node),
  ];
}
