/**
 * A thousand clients that send and never read, and others that want to be served meanwhile, in 200 MB. What a server keeps for a
 * client is what it has read and cannot get rid of: one piece, if it stops reading until that has gone.
 *
 * Without the right to make a control group the resident memory is watched instead, from outside.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { boundedServers, type Contender } from '../contenders.ts';
import { MemoryGroup } from '../harness/cgroup.ts';
import { hold } from '../harness/clients.ts';
import { startable } from '../harness/contest.ts';
import { type Context, type SectionResult, type Verdict, verdict } from '../harness/context.ts';
import { load, type Sample } from '../harness/load.ts';
import { Server } from '../harness/server.ts';
import { figure, ratio, table } from '../harness/table.ts';

const CLIENTS = 1000;
const CONNECTIONS = 64;
const LIMIT = 200e6;
const SETTLE_MS = 500;
const FIRST = 200;
/** For the variant whose handler reads into a buffer of its own. */
const OWN_BUFFER = 16384;
/** What a reader receives at once, if nothing else is said. */
const PIECE = 65536;
/** A connection, and what storage is rounded up to. */
const BESIDES = 4096;
const BOUNDS: Readonly<Record<string, number>> = {
  'serve-view-blocking': PIECE + BESIDES,
  'serve-view-attached': PIECE + BESIDES,
  'serve-into-blocking': OWN_BUFFER + BESIDES,
};

interface Row {
  key: string;
  label: string;
  /** Of the server, in bytes. */
  perClient: number;
  /** What each client got rid of: most of it is in the kernel's buffers. */
  sent: number;
  peak: number;
  /** The service to others, before and meanwhile. */
  before: Sample;
  meanwhile: Sample;
}

/** The server took more than it was given, and was ended. */
class Exceeded extends Error {}

/** Runs the section. */
export async function slow(context: Context): Promise<SectionResult> {
  const notRun: string[] = [];
  const rows: Row[] = [];
  /** Those that took more than there was. */
  const ended: string[] = [];
  let limit = '';
  for (const contender of startable(boundedServers(OWN_BUFFER), notRun)) {
    context.progress(`slow: ${contender.label}`);
    const group = MemoryGroup.make(LIMIT);
    try {
      limit = 'missing' in group ? `a watch on resident memory at ${LIMIT / 1e6} MB (${group.missing})` : group.title;
      rows.push(await measure(contender, 'missing' in group ? undefined : group, context));
    } catch (error) {
      if (!(error instanceof Exceeded)) throw error;
      ended.push(contender.label);
    } finally {
      if (!('missing' in group)) group.remove();
    }
  }
  const text = [
    `${figure(CLIENTS)} clients that send and never read, while ${CONNECTIONS} others are served; the server in ${limit}.`,
    '',
    table(
      [
        ...['', 'KiB per slow client', 'each sent, KiB', 'MB at most'],
        ...['replies/s before', 'meanwhile', 'p99 µs before', 'meanwhile', 'CPU µs/reply, ÷ before'],
      ],
      rows.map(({ label, perClient, sent, peak, before, meanwhile }) => [
        label,
        ...[perClient / 1024, sent / 1024, peak / 1e6].map(figure),
        ...[before.rate, meanwhile.rate, before.p99, meanwhile.p99].map(figure),
        ratio(meanwhile.cpu / before.cpu),
      ]),
    ),
    ...ended.map((label) => `Took more than ${LIMIT / 1e6} MB, and was ended for it: ${label}.`),
  ];
  const verdicts: Verdict[] = Object.entries(BOUNDS).map(([key, most]) => {
    const row = rows.find((candidate) => candidate.key === key);
    return verdict(`${row?.label ?? key}: bytes per client that never reads`, row?.perClient ?? Number.NaN, '<=', most);
  });
  return { text: text.join('\n'), data: { clients: CLIENTS, limit, rows, ended }, verdicts, notRun };
}

async function measure(
  { key, label, command }: Contender & { command: readonly string[] },
  group: MemoryGroup | undefined,
  { cores, seconds }: Context,
): Promise<Row> {
  const server = await Server.start(label, group?.around(command) ?? command, cores.server);
  let peak = 0;
  const watch = setInterval(() => {
    try {
      peak = Math.max(peak, server.residentMemory());
      if (group === undefined && peak > LIMIT) void server.stop();
    } catch {
      // It has ended: whoever uses it will say so.
    }
  }, 20);
  try {
    const serve = (): Promise<Sample> => {
      const options = { connections: CONNECTIONS, size: 64, seconds, warmup: Math.max(0.3, seconds / 5) };
      return load(server, cores, 'tcp-echo', options);
    };
    await hold(server, 'idle', FIRST, cores.load, async () => {});
    const before = await serve();
    await delay(SETTLE_MS);
    const empty = server.residentMemory();
    let found: Pick<Row, 'perClient' | 'sent' | 'meanwhile'> | undefined;
    await hold(server, 'slow', CLIENTS, cores.load, async ({ sent = Number.NaN }) => {
      await delay(SETTLE_MS);
      const perClient = (server.residentMemory() - empty) / CLIENTS;
      found = { perClient, sent, meanwhile: await serve() };
    });
    server.check();
    const { perClient, sent, meanwhile } = found as NonNullable<typeof found>;
    return { key, label, perClient, sent, peak: group?.peak() ?? peak, before, meanwhile };
  } catch (error) {
    const kills = group?.kills() ?? 0;
    throw kills > 0 || peak > LIMIT ? new Exceeded() : error;
  } finally {
    clearInterval(watch);
    await server.stop();
  }
}
