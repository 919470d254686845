/**
 * Servers side by side. In each round every server is started, measured once in every case, and ended; who comes
 * first rotates. So a slow minute of the machine hits all of them, and a lucky memory layout only one round.
 */

import { type Contender, NODE, ZERO_LINE } from '../contenders.ts';
import type { Context } from './context.ts';
import { load, type Mode, type Sample } from './load.ts';
import { Server } from './server.ts';
import { median, medianRatio, rotated } from './statistics.ts';
import { figure, percent, ratio, table } from './table.ts';

/** One setting of the load, the same for every server. */
export interface Case {
  key: string;
  title: string;
  mode: Mode;
  /** Passed to the load as `--name value`. */
  options: Readonly<Record<string, number>>;
  /** Descriptors that the server needs for it. */
  descriptors: number;
}

/** What was measured of one server in one case. Ratios: above 1 is better than the other. */
export interface Row {
  key: string;
  label: string;
  samples: Sample[];
  rate: number;
  cpu: number;
  busy: number;
  loadBusy: number;
  p50: number;
  p99: number;
  /** Round trips per second of server CPU, against the C++ server and against Node's own module. */
  cpuVsCpp: number;
  cpuVsNode: number;
  /** Round trips per second, likewise. */
  rateVsCpp: number;
  rateVsNode: number;
}

/** The rows of one case. */
export interface CaseResult {
  case: Case;
  rows: Row[];
}

/** Measures all contenders in all cases. */
export async function contest(
  contenders: readonly Contender[],
  cases: readonly Case[],
  context: Context,
): Promise<{ results: CaseResult[]; notRun: string[] }> {
  const notRun: string[] = [];
  const present = startable(contenders, notRun);
  const samples = new Map<string, Sample[]>();
  const cell = (testCase: Case, contender: Contender): Sample[] => {
    const key = `${testCase.key}/${contender.key}`;
    const list = samples.get(key) ?? [];
    samples.set(key, list);
    return list;
  };

  for (let round = 0; round < context.rounds; round++) {
    const servers = new Map<string, Server>();
    try {
      for (const { key, label, command } of present) {
        servers.set(key, await Server.start(label, command, context.cores.server));
      }
      for (const [index, testCase] of cases.entries()) {
        for (const contender of rotated(present, round + index)) {
          if (testCase.descriptors > (contender.descriptors ?? Infinity)) continue;
          if (contender.cases !== undefined && !contender.cases.includes(testCase.key)) continue;
          context.progress(`round ${round + 1}/${context.rounds}, ${testCase.title}: ${contender.label}`);
          const server = servers.get(contender.key) as Server;
          const options = { seconds: context.seconds, warmup: warmupOf(context), ...testCase.options };
          cell(testCase, contender).push(await calmest(() => load(server, context.cores, testCase.mode, options)));
        }
      }
    } finally {
      await Promise.all([...servers.values()].map((server) => server.stop()));
    }
  }

  const results = cases.map((testCase) => {
    const measured = present.map((contender) => ({ contender, list: cell(testCase, contender) }));
    const of = (key: string): Sample[] => measured.find((m) => m.contender.key === key)?.list ?? [];
    const rows = measured.flatMap(({ contender, list }) =>
      list.length === 0 ? [] : [summary(contender, list, of(ZERO_LINE), of(NODE))],
    );
    return { case: testCase, rows };
  });
  return { results, notRun };
}

/** Those that can be started here, with their commands; of the others, why not. */
export function startable(
  contenders: readonly Contender[],
  notRun: string[],
): (Contender & { command: readonly string[] })[] {
  return contenders.flatMap((contender) => {
    if ('command' in contender.program) return [{ ...contender, command: contender.program.command }];
    notRun.push(`${contender.label}: ${contender.program.missing}`);
    return [];
  });
}

/** Above this share of a core in other hands a sample is taken again. */
const DISTURBED = 0.08;
const TRIES = 3;

/** The sample of up to three with which others interfered least; its own figures have no say in it. */
async function calmest(measure: () => Promise<Sample>): Promise<Sample> {
  const disturbed = ({ foreign, stolen }: Sample): number => foreign + stolen;
  let best = await measure();
  for (let tries = 1; tries < TRIES && disturbed(best) > DISTURBED; tries++) {
    const next = await measure();
    if (disturbed(next) < disturbed(best)) best = next;
  }
  return best;
}

/** A fifth of the window, and enough for a compiler to have noticed the hot loop. */
function warmupOf(context: Context): number {
  return Math.max(0.3, context.seconds / 5);
}

function summary(contender: Contender, samples: Sample[], cpp: Sample[], node: Sample[]): Row {
  const column = (list: Sample[], name: keyof Sample): number[] => list.map((sample) => sample[name]);
  const middle = (name: keyof Sample): number => median(column(samples, name));
  return {
    key: contender.key,
    label: contender.label,
    samples,
    rate: middle('rate'),
    cpu: middle('cpu'),
    busy: middle('busy'),
    loadBusy: middle('loadBusy'),
    p50: middle('p50'),
    p99: middle('p99'),
    cpuVsCpp: medianRatio(column(cpp, 'cpu'), column(samples, 'cpu')),
    cpuVsNode: medianRatio(column(node, 'cpu'), column(samples, 'cpu')),
    rateVsCpp: medianRatio(column(samples, 'rate'), column(cpp, 'rate')),
    rateVsNode: medianRatio(column(samples, 'rate'), column(node, 'rate')),
  };
}

/** The table of one case. `unit` is what one round trip is, in the singular and the plural. */
export function caseTable(result: CaseResult, [unit, units]: readonly [string, string], node: string): string {
  const headings = [
    result.case.title,
    `server CPU µs/${unit}`,
    '× C++',
    `× ${node}`,
    `${units}/s`,
    '× C++',
    `× ${node}`,
    'p50 µs',
    'p99 µs',
    'server busy',
    'load busy',
  ];
  const rows = result.rows.map((row) => [
    row.label,
    figure(row.cpu),
    ratio(row.cpuVsCpp),
    ratio(row.cpuVsNode),
    figure(row.rate),
    ratio(row.rateVsCpp),
    ratio(row.rateVsNode),
    figure(row.p50),
    figure(row.p99),
    percent(row.busy),
    percent(row.loadBusy),
  ]);
  return table(headings, rows);
}

/** Above this share of a core in other hands, in the median, figures are not worth their digits. */
const UNFIT = 0.1;

/** How much others disturbed, and whether that was too much. */
export function disturbance(results: readonly CaseResult[]): string {
  return disturbanceOf(results.flatMap(({ rows }) => rows.flatMap((row) => row.samples)));
}

/** As {@link disturbance}, of samples. */
export function disturbanceOf(samples: readonly Sample[]): string {
  const values = (name: 'foreign' | 'stolen'): number[] => samples.map((sample) => sample[name]);
  const share = (name: 'foreign' | 'stolen'): string =>
    `${percent(median(values(name)))} (worst ${percent(Math.max(...values(name)))})`;
  const unfit = median(samples.map(({ foreign, stolen }) => foreign + stolen)) > UNFIT;
  return [
    `Disturbance: of the worse of the two cores other processes took ${share('foreign')}, the hypervisor ${share('stolen')}.`,
    ...(unfit ? ['TOO MUCH: these figures say little. Repeat on a quiet machine, or with --priority.'] : []),
  ].join('\n');
}
