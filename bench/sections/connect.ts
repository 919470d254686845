/** Accept and close: what a connection costs that lives for one byte. */

import { echoServers } from '../contenders.ts';
import { type Case, caseTable, contest, disturbance } from '../harness/contest.ts';
import { type Context, type SectionResult, verdict } from '../harness/context.ts';

const CASE: Case = {
  key: '64',
  title: '64 at a time',
  mode: 'connect',
  options: { connections: 64 },
  descriptors: 64,
};

/** What the project has promised of its streams, against node:net. */
const WANTED = 1.5;
const PROMISED = ['serve-view-blocking', 'serve-view-attached'];

/** Runs the section. */
export async function connect(context: Context): Promise<SectionResult> {
  const { results, notRun } = await contest(echoServers(), [CASE], context);
  const text = [
    'Connections. Connect, one byte and its echo, end of stream from both sides, close: one connection is one whole life.',
    'A connection costs the load more than most servers: where the server is not busy, read the CPU column.',
    ...results.map((result) => `\n${caseTable(result, ['connection', 'connections'], 'node:net')}`),
    '',
    disturbance(results),
  ];
  const verdicts = PROMISED.map((key) => {
    const row = results[0]?.rows.find((candidate) => candidate.key === key);
    // By CPU time: the load has as much to do for a connection as a server has, so the rate is not the server's alone.
    const what = `${row?.label ?? key}: connections per CPU time × node:net`;
    return verdict(what, row?.cpuVsNode ?? Number.NaN, '>=', WANTED);
  });
  return { text: text.join('\n'), data: results, verdicts, notRun };
}
