/** UDP time requests: the textbook's second server. */

import { timeServers } from '../contenders.ts';
import { type Case, caseTable, contest, disturbance } from '../harness/contest.ts';
import { type Context, type SectionResult, verdict } from '../harness/context.ts';

const PROMISED = 64;
/** More would not fit into the buffer that a server's socket has by itself, and the lost ones would be what is measured. */
const MOST = 256;
/** Seconds. What runs once for a batch is compiled later than what runs for each request; a server that serves has that behind it. */
const WARM_UP = 1;
const WANTED = 1.6;
/** In batches: against node:dgram, and against the C++ server that receives and sends one by one. */
const WANTED_BATCHED = 2.0;
const WANTED_VS_CPP = 1.0;

/** Runs the section. */
export async function time(context: Context): Promise<SectionResult> {
  const cases: Case[] = (context.quick ? [PROMISED] : [1, PROMISED, MOST]).map((clients) => ({
    key: String(clients),
    title: `${clients} client${clients === 1 ? '' : 's'}`,
    mode: 'udp-time',
    options: { clients, warmup: WARM_UP },
    descriptors: 1,
  }));
  const { results, notRun } = await contest(timeServers(), cases, context);
  const text = [
    'UDP time requests. Each client sends a datagram and waits for a line with the date and the time.',
    ...results.map((result) => `\n${caseTable(result, ['reply', 'replies'], 'node:dgram')}`),
    '',
    disturbance(results),
  ];
  const rows = results.find((result) => result.case.key === String(PROMISED))?.rows ?? [];
  const own = rows.find(({ key }) => key === 'genloop-blocking');
  const what = (ratio: string): string => `time-server.ts, blocking drive, ${PROMISED} clients: ${ratio}`;
  const batched = rows.find(({ key }) => key === 'genloop-batched');
  const whatBatched = (ratio: string): string =>
    `time-server-batched.ts, blocking drive, ${PROMISED} clients: ${ratio}`;
  const verdicts = [
    verdict(what('replies per CPU time × node:dgram'), own?.cpuVsNode ?? Number.NaN, '>=', WANTED),
    verdict(what('replies/s × node:dgram'), own?.rateVsNode ?? Number.NaN, '>=', WANTED),
    verdict(whatBatched('replies per CPU time × node:dgram'), batched?.cpuVsNode ?? Number.NaN, '>=', WANTED_BATCHED),
    verdict(whatBatched('replies per CPU time × C++'), batched?.cpuVsCpp ?? Number.NaN, '>=', WANTED_VS_CPP),
  ];
  return { text: text.join('\n'), data: results, verdicts, notRun };
}
