/**
 * Memory per idle connection: resident memory of the server with N connections, each after one echo and with its
 * reader waiting again, less that before, divided by N. The kernel's socket buffers are not in it, and are the same
 * for everybody. A garbage-collected heap grows in steps, so the figure holds whatever garbage the opening left.
 */

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Contender, echoServers } from '../contenders.ts';
import { type Context, Failure, type SectionResult } from '../harness/context.ts';
import { cxx } from '../harness/programs.ts';
import { Server, start } from '../harness/server.ts';
import { median, rotated } from '../harness/statistics.ts';
import { figure, ratio, table } from '../harness/table.ts';

const CONNECTIONS = 5000;
/** Opened and closed beforehand, so that code and pools that are made once do not count. */
const FIRST = 200;
/** For the heap to come to rest. */
const SETTLE_MS = 500;
/** Memory hardly varies between rounds. */
const MAX_ROUNDS = 3;

/** Runs the section. */
export async function memory(context: Context): Promise<SectionResult> {
  const notRun: string[] = [];
  const contenders = echoServers().filter(({ label, program, descriptors = Infinity }) => {
    if ('missing' in program) notRun.push(`${label}: ${program.missing}`);
    else if (descriptors < CONNECTIONS) notRun.push(`${label}: select ends at about ${descriptors} descriptors`);
    else return true;
    return false;
  });
  const bytes = new Map(contenders.map(({ key }) => [key, [] as number[]]));
  const rounds = Math.min(context.rounds, MAX_ROUNDS);
  for (let round = 0; round < rounds; round++) {
    for (const contender of rotated(contenders, round)) {
      context.progress(`round ${round + 1}/${rounds}, memory: ${contender.label}`);
      bytes.get(contender.key)?.push(await measure(contender, context));
    }
  }
  const rows = contenders.map(({ key, label }) => ({
    key,
    label,
    bytes: median(bytes.get(key) ?? []),
    all: bytes.get(key),
  }));
  const ofNode = rows.find(({ key }) => key === 'node')?.bytes ?? Number.NaN;
  const text = [
    `Memory of the server process per idle connection (${CONNECTIONS} connections, after one echo each; resident memory).`,
    '',
    table(
      ['server', 'bytes/connection', '÷ node:net'],
      rows.map((row) => [row.label, figure(row.bytes), ratio(row.bytes / ofNode)]),
    ),
  ];
  return { text: text.join('\n'), data: { connections: CONNECTIONS, rows }, verdicts: [], notRun };
}

async function measure(contender: Contender, { cores }: Context): Promise<number> {
  const { label, program } = contender;
  const command = 'command' in program ? program.command : [];
  const server = await Server.start(label, command, cores.server);
  try {
    await hold(server, FIRST, cores.load, async () => {});
    await delay(SETTLE_MS);
    const before = server.residentMemory();
    let after = Number.NaN;
    await hold(server, CONNECTIONS, cores.load, async () => {
      await delay(SETTLE_MS);
      after = server.residentMemory();
    });
    server.check();
    return (after - before) / CONNECTIONS;
  } finally {
    await server.stop();
  }
}

/** Calls `during` while `count` connections are open and idle. */
async function hold(server: Server, count: number, core: number, during: () => Promise<void>): Promise<void> {
  const options = ['--port', String(server.port), '--connections', String(count), '--size', '64'];
  const child = start([cxx('load'), 'idle', ...options], core, 'pipe');
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const ready = await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), closed.then(() => undefined)]);
  if (ready !== undefined) await during();
  child.stdin?.end();
  const [code] = await closed;
  if (code !== 0) throw new Failure(`${server.name}: ${errors.trim()}`);
}
