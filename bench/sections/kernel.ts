/** What the kernel costs, beside async/await and three libraries that do the same with generators. */

import path from 'node:path';
import { type Context, type SectionResult, verdict } from '../harness/context.ts';
import { type Probe, probe } from '../harness/probe.ts';
import { cxx, genloop, type Program, ROOT } from '../harness/programs.ts';
import { Server } from '../harness/server.ts';
import { median, medianRatio } from '../harness/statistics.ts';
import { figure, ratio, table } from '../harness/table.ts';

const WANTED = {
  switchNs: 50,
  spawnNs: 600,
  /** Of plain async/await, which guarantees nothing. */
  request: 1.3,
  parkedBytes: 1024,
  /** Rounding, since a heap is never quite the same twice. */
  leftBytes: 1,
  depth: 100_000,
};
const MAX_ROUNDS = 3;
const TASKS = [2, 1000];
const DEPTHS = [1, 8, 32, 1000];
const COLUMNS = DEPTHS.flatMap((depth) => TASKS.map((tasks) => ({ depth, tasks })));

/** Who is measured: a file of bench/peers with an argument for all its measurements, or genloop. */
interface System {
  key: string;
  label: string;
  file?: string;
  mode?: string;
}

const SYSTEMS: readonly System[] = [
  { key: 'genloop', label: 'genloop' },
  { key: 'async', label: 'async/await', file: 'kernel-async.mjs' },
  { key: 'effect', label: 'Effect', file: 'kernel-effect.mjs', mode: 'immediates' },
  { key: 'effect-microtasks', label: 'Effect, in microtasks', file: 'kernel-effect.mjs', mode: 'microtasks' },
  { key: 'effection', label: 'Effection', file: 'kernel-effection.mjs' },
  { key: 'co', label: 'co', file: 'kernel-co.mjs' },
];

/** One row of the table of tasks: which systems have it, and what genloop's program is called with. */
const ROWS = [
  { key: 'spawn', label: 'spawn and join, ns', own: ['tasks', 'spawn'], without: [] },
  { key: 'cancel', label: 'cancel and wait for the end, ns', own: ['tasks', 'cancel'], without: ['co'] },
  { key: 'timer', label: 'timer set and cancelled, ns', own: ['tasks', 'timer'], without: ['co'] },
  { key: 'parked', label: 'one of 100,000 parked tasks, bytes', own: ['memory', 'parked'], without: [] },
] as const;

const REQUESTS = [
  { key: 'plain', label: 'async/await, nothing guaranteed', system: 'async', args: ['plain'] },
  { key: 'timeout', label: 'async/await, a race with a timer', system: 'async', args: ['timeout'] },
  { key: 'genloop', label: 'genloop', system: 'genloop', args: ['request', 'named'] },
  { key: 'inline', label: 'genloop, generator function made anew', system: 'genloop', args: ['request', 'inline'] },
  { key: 'abort', label: 'async/await, AbortController and timer', system: 'async', args: ['abort'] },
  { key: 'co', label: 'co, nothing guaranteed', system: 'co', args: [] },
  { key: 'effect', label: 'Effect', system: 'effect', args: [] },
  { key: 'effect-microtasks', label: 'Effect, in microtasks', system: 'effect-microtasks', args: [] },
  { key: 'effection', label: 'Effection', system: 'effection', args: [] },
] as const;

/** The same over sockets. Its programs are called with the port of an echo server too. */
const PROXIES = [
  { key: 'plain', label: 'async/await, nothing guaranteed', system: 'async', args: ['plain'] },
  { key: 'timeout', label: 'async/await, a race with a timer', system: 'async', args: ['timeout'] },
  { key: 'attached', label: 'genloop, attached', system: 'genloop', args: ['attached'] },
  { key: 'blocking', label: 'genloop, blocking', system: 'genloop', args: ['blocking'] },
  { key: 'effect', label: 'Effect', system: 'effect', args: [] },
  { key: 'effect-microtasks', label: 'Effect, in microtasks', system: 'effect-microtasks', args: [] },
  { key: 'effection', label: 'Effection', system: 'effection', args: [] },
] as const;

/** Figures of genloop alone. */
const ALONE = [
  { key: 'cancel-group', label: 'a group of one task, cancelled as a whole, ns', own: ['tasks', 'cancel-group'] },
  { key: 'timers', label: 'bytes left per deadline, 100,000 one after the other', own: ['memory', 'timers'] },
  { key: 'sleepers', label: 'bytes left per task, 100,000 asleep and cancelled', own: ['memory', 'sleepers'] },
  { key: 'recursion', label: 'depth of a recursion that came back', own: ['recursion', String(WANTED.depth)] },
] as const;

const CONTEXTS = [
  { key: 'genloop', label: 'genloop' },
  { key: 'async', label: 'async/await' },
];

/** Runs the section. */
export async function kernel(context: Context): Promise<SectionResult> {
  const backend = await Server.start('the backend', [cxx('echo_epoll'), '--port', '0'], context.cores.load);
  const samples = await measure([...probesOf(context), ...proxies(backend.port)], context);
  await backend.stop();
  const { notRun } = samples;
  const of = (key: string): number => median(samples.of(key));
  const against = (key: string, base: string): number => medianRatio(samples.of(key), samples.of(base));
  /** A figure, and how many times that of the base it is. */
  const beside = (key: string, base: string): string => {
    const value = of(key);
    if (Number.isNaN(value)) return '–';
    return key === base ? figure(value) : `${figure(value)} (${ratio(against(key, base))})`;
  };

  const text = [
    'Nanoseconds of CPU time, medians; in brackets the ratio to the first of the row, taken within each round. How each of them',
    'is written is in bench/programs/kernel-*.ts and bench/peers/kernel-*.mjs.',
    '',
    'Switch: from one task to the next. genloop: yield* pass() in the blocking drive, with a listener watched, a timer armed,',
    'three scopes around each task, two of them with deadlines, and a Local set. The others: the cheapest way to let the next',
    'one run, with none of that. Depth: routines, nested generators; an async function is resumed where it stands.',
    '',
    table(
      ['', ...COLUMNS.map(({ depth, tasks }) => `${depth} deep, ${tasks} tasks`)],
      SYSTEMS.map(({ key, label }) => [label, ...COLUMNS.map((column) => figure(of(switchKey(key, column))))]),
    ),
    '',
    'Tasks. An async function is not a task: it starts inside the call, and cannot be cancelled; what is measured there is an',
    'AbortSignal. co has neither cancels nor timeouts.',
    '',
    table(
      ['', ...SYSTEMS.map(({ label }) => label)],
      ROWS.map(({ key, label }) => [
        label,
        ...SYSTEMS.map((system) => beside(`${key}/${system.key}`, `${key}/genloop`)),
      ]),
    ),
    '',
    'One proxied request: a timeout, and three backends asked at the same time, whose answers come in a later turn of the same',
    'queue. genloop, Effect and Effection end the others when one fails or the time is up, and wait for their end.',
    '',
    table(
      ['', 'ns', '× plain async'],
      REQUESTS.map(({ key, label }) => [
        label,
        figure(of(`request/${key}`)),
        ratio(against(`request/${key}`, 'request/plain')),
      ]),
    ),
    '',
    'The same over sockets: the backends are an echo server in C++ on the other core, 64 bytes there and back; 16 requests are under',
    'way at the same time. genloop makes its own system calls, the others have node:net.',
    '',
    table(
      ['', 'ns', '× plain async'],
      PROXIES.map(({ key, label }) => [
        label,
        figure(of(`proxy/${key}`)),
        ratio(against(`proxy/${key}`, 'proxy/plain')),
      ]),
    ),
    '',
    'Switch among 1,000 tasks while AsyncLocalStorage is in use; with another store in each, and without.',
    '',
    table(
      ['', 'without', 'with'],
      CONTEXTS.map(({ key, label }) => [
        label,
        figure(of(`context/${key}/off`)),
        beside(`context/${key}/on`, `context/${key}/off`),
      ]),
    ),
    '',
    table(
      ['genloop alone', ''],
      ALONE.map(({ key, label }) => [label, figure(of(key))]),
    ),
  ];

  const request = (key: string): number => against('request/genloop', `request/${key}`);
  const proxy = (key: string): number => against('proxy/attached', `proxy/${key}`);
  const verdicts = [
    ...COLUMNS.map((column) =>
      verdict(
        `switch, depth ${column.depth}, ${column.tasks} tasks: ns`,
        of(switchKey('genloop', column)),
        '<=',
        WANTED.switchNs,
      ),
    ),
    verdict(
      'switch among 1,000 tasks ÷ await, a store in each',
      against('context/genloop/on', 'context/async/on'),
      '<=',
      1,
    ),
    verdict('switch among 1,000 tasks ÷ await, no store', against('context/genloop/off', 'context/async/off'), '<=', 1),
    verdict('spawn and join: ns', of('spawn/genloop'), '<=', WANTED.spawnNs),
    verdict('proxied request ÷ plain async/await, over sockets', proxy('plain'), '<=', WANTED.request),
    verdict('proxied request ÷ Effect, over sockets', Math.max(proxy('effect'), proxy('effect-microtasks')), '<=', 1),
    verdict('proxied request ÷ Effection, over sockets', proxy('effection'), '<=', 1),
    verdict('proxied request ÷ plain async/await, in memory', request('plain'), '<=', WANTED.request),
    verdict('proxied request ÷ Effect, in memory', Math.max(request('effect'), request('effect-microtasks')), '<=', 1),
    verdict('proxied request ÷ Effection, in memory', request('effection'), '<=', 1),
    verdict('one of 100,000 parked tasks: bytes', of('parked/genloop'), '<=', WANTED.parkedBytes),
    verdict('left of 100,000 deadlines: bytes each', of('timers'), '<=', WANTED.leftBytes),
    verdict('left of 100,000 sleeping tasks: bytes each', of('sleepers'), '<=', WANTED.leftBytes),
    verdict('recursion through routine: depth', of('recursion'), '>=', WANTED.depth),
  ];
  return { text: text.join('\n'), data: samples.data, verdicts, notRun };
}

function switchKey(system: string, { depth, tasks }: { depth: number; tasks: number }): string {
  return `switch/${system}/${depth}/${tasks}`;
}

function probesOf(context: Context): Probe[] {
  const switches = SYSTEMS.flatMap((system) =>
    COLUMNS.flatMap((column) => {
      const { depth, tasks } = column;
      const isOwn = system.file === undefined;
      // Depth is no question for an async function; and of the peers it is shown once, with their usual scheduler.
      if (!isOwn && depth > 1 && (context.quick || system.key === 'async' || system.key === 'effect-microtasks'))
        return [];
      const args = [String(depth), String(tasks)];
      const program = isOwn ? own('switch', ...args) : peer(system, 'turns', ...args);
      return [{ key: switchKey(system.key, column), title: `switch, ${system.label}, ${args.join(' × ')}`, program }];
    }),
  );
  const tasks = ROWS.flatMap(({ key, label, own: [program, ...args], without }) =>
    SYSTEMS.filter((system) => !(without as readonly string[]).includes(system.key)).map((system) => ({
      key: `${key}/${system.key}`,
      title: `${label}, ${system.label}`,
      program: system.file === undefined ? own(program, ...args) : peer(system, key),
    })),
  );
  const requests = REQUESTS.map(({ key, label, system: name, args }) => {
    const system = SYSTEMS.find((candidate) => candidate.key === name) as System;
    const program =
      system.file === undefined ? own(...(args as readonly [string, string])) : peer(system, 'request', ...args);
    return { key: `request/${key}`, title: `proxied request, ${label}`, program };
  });
  const contexts = CONTEXTS.flatMap(({ key, label }) =>
    ['off', 'on'].map((mode) => {
      const system = SYSTEMS.find((candidate) => candidate.key === key) as System;
      const program = system.file === undefined ? own('context', mode) : peer(system, 'context', mode);
      return { key: `context/${key}/${mode}`, title: `AsyncLocalStorage ${mode}, ${label}`, program };
    }),
  );
  const alone = ALONE.map(({ key, label, own: [program, ...args] }) => ({
    key,
    title: label,
    program: own(program, ...args),
  }));
  return [...switches, ...tasks, ...requests, ...contexts, ...alone];
}

function proxies(port: number): Probe[] {
  return PROXIES.map(({ key, label, system: name, args }) => {
    const system = SYSTEMS.find((candidate) => candidate.key === name) as System;
    const program =
      system.file === undefined ? own('proxy', String(port), ...args) : peer(system, 'proxy', ...args, String(port));
    return { key: `proxy/${key}`, title: `proxied request over sockets, ${label}`, program };
  });
}

function own(name: string, ...args: string[]): Program {
  return genloop(`bench/programs/kernel-${name}.ts`, ...args);
}

function peer({ file, mode }: System, measurement: string, ...args: string[]): Program {
  const module = path.join(ROOT, 'bench', 'peers', file as string);
  return own('peer', module, measurement, ...(mode === undefined ? [] : [mode]), ...args);
}

/** All samples, and not only their medians: ratios are taken within a round. */
async function measure(
  probes: readonly Probe[],
  context: Context,
): Promise<{ of(key: string): number[]; data: Record<string, number[]>; notRun: string[] }> {
  const rounds = context.quick ? 1 : Math.min(context.rounds, MAX_ROUNDS);
  const data: Record<string, number[]> = {};
  const notRun: string[] = [];
  let left = probes;
  for (let round = 0; round < rounds; round++) {
    const progress = (text: string): void => context.progress(text.replace('1/1', `${round + 1}/${rounds}`));
    // Who comes first rotates, by more than one place: neighbours are the same measurement of another system.
    const first = Math.floor((round * left.length) / rounds);
    const result = await probe([...left.slice(first), ...left.slice(0, first)], 1, { ...context, progress });
    for (const [key, value] of result.values) data[key] = [...(data[key] ?? []), value];
    notRun.push(...result.notRun);
    // What failed once is not tried again: it would fail in each round.
    left = left.filter(({ key }) => result.values.has(key));
  }
  return { of: (key) => data[key] ?? [], data, notRun };
}
