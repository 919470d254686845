/**
 * Memory per idle connection: resident memory of the server with N connections, each after one echo and with its
 * reader waiting again, less that before, divided by N. The kernel's socket buffers are not in it, and are the same
 * for everybody. A garbage-collected heap grows in steps, so the figure holds whatever garbage the opening left. Up to half of
 * it in Node's default is room for new objects, which grows as many of them survive: so our servers are also shown with
 * that room bounded, as a user with many idle connections can have it (docs/serving.md).
 */

import { setTimeout as delay } from 'node:timers/promises';
import { type Contender, echoServers, streamServers } from '../contenders.ts';
import { hold } from '../harness/clients.ts';
import { type Context, type SectionResult, verdict } from '../harness/context.ts';
import { Server } from '../harness/server.ts';
import { median, rotated } from '../harness/statistics.ts';
import { figure, ratio, table } from '../harness/table.ts';

const CONNECTIONS = 15_000;
/** What the project has promised of its streams, in bytes per connection. */
const PROMISES = [
  { key: 'serve-view-blocking', most: 2048 },
  { key: 'serve-view-attached', most: 2048 },
];
/** Bounds the room for new objects: 2 MiB, and twice that for V8's two halves. */
const BOUND = '--max-semi-space-size=2';
/** Opened and closed beforehand, so that code and pools that are made once do not count. */
const FIRST = 200;
/** For the heap to come to rest. */
const SETTLE_MS = 500;
/** Memory hardly varies between rounds. */
const MAX_ROUNDS = 3;

/** Runs the section. */
export async function memory(context: Context): Promise<SectionResult> {
  const notRun: string[] = [];
  const contenders = [...echoServers(), ...boundedYoung()].filter(
    ({ label, program, descriptors = Infinity, cases }) => {
      if (cases !== undefined) return false;
      if ('missing' in program) notRun.push(`${label}: ${program.missing}`);
      else if (descriptors < CONNECTIONS) notRun.push(`${label}: select ends at about ${descriptors} descriptors`);
      else return true;
      return false;
    },
  );
  const bytes = new Map(contenders.map(({ key }) => [key, [] as number[]]));
  const rounds = context.quick ? 1 : Math.min(context.rounds, MAX_ROUNDS);
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
  const verdicts = PROMISES.map(({ key, most }) => {
    const row = rows.find((candidate) => candidate.key === key);
    return verdict(`${row?.label ?? key}: bytes per idle connection`, row?.bytes ?? Number.NaN, '<=', most);
  });
  return { text: text.join('\n'), data: { connections: CONNECTIONS, rows }, verdicts, notRun };
}

/** The servers with a promise, under Node with the bound. */
function boundedYoung(): Contender[] {
  return streamServers().map(({ key, label, program }) => {
    const [node = '', ...rest] = 'command' in program ? program.command : [];
    return {
      key: `${key}-bounded`,
      label: `${label}, ${BOUND}`,
      program: 'command' in program ? { command: [node, BOUND, ...rest] } : program,
    };
  });
}

async function measure(contender: Contender, { cores }: Context): Promise<number> {
  const { label, program } = contender;
  const command = 'command' in program ? program.command : [];
  const server = await Server.start(label, command, cores.server);
  try {
    await hold(server, 'idle', FIRST, cores.load, async () => {});
    await delay(SETTLE_MS);
    const before = server.residentMemory();
    let after = Number.NaN;
    await hold(server, 'idle', CONNECTIONS, cores.load, async () => {
      await delay(SETTLE_MS);
      after = server.residentMemory();
    });
    server.check();
    return (after - before) / CONNECTIONS;
  } finally {
    await server.stop();
  }
}
