/** Accept and close: what a connection costs that lives for one byte. */

import { echoServers } from '../contenders.ts';
import { type Case, caseTable, contest, disturbance } from '../harness/contest.ts';
import type { Context, SectionResult } from '../harness/context.ts';

const CASE: Case = {
  key: '64',
  title: '64 at a time',
  mode: 'connect',
  options: { connections: 64 },
  descriptors: 64,
};

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
  return { text: text.join('\n'), data: results, verdicts: [], notRun };
}
