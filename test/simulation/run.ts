/**
 * The command: `npm run simulate -- [--seeds N] [--seed K] [--minutes M] [--program FILE] [--exhaustive] [--schedules]
 * [--broken [--filter text] [--limit N]] [--jobs N]`.
 *
 * `--seeds N` runs N random programs, from seed K on (1, unless `--seed` says otherwise), for M minutes at most. `--seed K` alone shows
 * that one program, and runs it. `--program FILE` runs one that was written down. `--exhaustive` goes through every order of the small
 * models, `--schedules` through 20,000 of a program of ten tasks (over the kernel alone, and by `simulate` with sockets), `--broken` hunts broken kernels and pollers, each for N seeds at most.
 * The last line is `N passed, N failed`; the exit code is 1 if anything failed.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { huntAll } from './broken/table.ts';
import { type Meeting, runConversations } from './conversations.ts';
import { programOf } from './draw.ts';
import { configurations, exploreAll, nameOf } from './exhaustive/configurations.ts';
import { runSeeds } from './pool.ts';
import { printProgram } from './print.ts';
import { type Program, sizeOf } from './program.ts';
import { runSchedules, type Schedules } from './schedules.ts';
import { shrink } from './shrink.ts';
import { withoutStacks } from './stacks.ts';
import { runProgram } from './trial.ts';

const DEFAULT_SEEDS = 20_000;
const SCHEDULES = 20_000;
/** Programs that are printed. */
const MOST_SHOWN = 3;
const MEETINGS: Record<Meeting, string> = { pair: 'a pair of sockets', tcp: 'a listener and a connection' };

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    program: { type: 'string' },
    exhaustive: { type: 'boolean', default: false },
    schedules: { type: 'boolean', default: false },
    broken: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    limit: { type: 'string', default: '200000' },
    minutes: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});

const jobs = whole('--jobs', values.jobs);
let passed = 0;
let failed = 0;

if (values.program !== undefined) {
  runOne(JSON.parse(readFileSync(values.program, 'utf8')) as Program, `--program ${values.program}`);
} else if (values.seed !== undefined && values.seeds === undefined) {
  const seed = whole('--seed', values.seed);
  runOne(programOf(seed), `--seed ${seed}`);
} else if (values.broken) {
  const misses = await huntAll(values.filter, whole('--limit', values.limit), jobs);
  passed += misses.caught;
  failed += misses.missed;
}
if (values.exhaustive) await exhaust();
if (values.schedules) schedules();
if (
  values.seeds !== undefined ||
  !(values.seed ?? values.program ?? (values.exhaustive || values.schedules || values.broken))
) {
  await seeds(whole('--seed', values.seed ?? '1'), whole('--seeds', values.seeds ?? String(DEFAULT_SEEDS)));
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function seeds(first: number, count: number): Promise<void> {
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) refuse('--minutes', 'a number greater than 0', values.minutes);
  const { programs, steps, streams, sent, states, seconds, busySeconds, found } = await runSeeds(
    first,
    count,
    jobs,
    minutes,
  );
  for (const { seed } of found.slice(0, MOST_SHOWN)) show(programOf(seed), `--seed ${seed}`);
  for (const { seed, violation } of found.slice(MOST_SHOWN)) console.log(`seed ${seed}: ${violation.invariant}`);
  const speed = Math.round(programs / seconds);
  console.log(
    `${programs} programs, ${steps} steps, about ${states} distinct states in ${seconds.toFixed(1)} s` +
      ` (${busySeconds.toFixed(1)} s of processor time; ${speed} programs a second on ${jobs} ${jobs === 1 ? 'thread' : 'threads'})`,
  );
  console.log(
    `${streams.wait + streams.task} of them had streams: in ${streams.wait} the wait received for parked readers, in ${streams.task} the task`,
  );
  console.log(
    `in ${sent.round} of those the round sent short writes, in ${sent.left} several at once, and in ${sent.task} the task`,
  );
  passed += programs - found.length;
  failed += found.length;
}

function runOne(program: Program, how: string): void {
  withoutStacks();
  if (show(program, how)) failed++;
  else passed++;
}

/** Prints a program, and what it breaks. Whether it breaks anything. */
function show(program: Program, how: string): boolean {
  console.log(`${printProgram(program)}\n`);
  const { violation, steps } = runProgram(program);
  if (violation === null) {
    console.log(`no invariant is violated in ${steps} steps\n`);
    return false;
  }
  const { invariant, what } = violation;
  console.log(`VIOLATED: ${invariant}: ${what}\nagain: npm run simulate -- ${how}\n`);
  const small = shrink(program, invariant);
  const again = runProgram(small).violation;
  console.log(
    `cut down to ${sizeOf(small)} statements:\n\n${printProgram(small)}\n\n${again?.invariant}: ${again?.what}`,
  );
  console.log(`as a file for --program: ${JSON.stringify(small)}\n`);
  return true;
}

async function exhaust(): Promise<void> {
  const found = await exploreAll(configurations(), jobs, (configuration, { states, transitions, depth }) => {
    console.log(
      `tasks that wait for ${nameOf(configuration)}: ${states} states, ${transitions} steps, ${depth} at most in a row`,
    );
  });
  for (const text of found.found) console.log(`VIOLATED: ${text}`);
  console.log(
    `${found.configurations} models of 3 tasks and 2 descriptors, or 2 tasks and 2 streams, each in every order: ${found.states} distinct states,` +
      ` ${found.transitions} steps between them, in ${found.seconds.toFixed(1)} s`,
  );
  passed += found.configurations - found.found.length;
  failed += found.found.length;
}

function schedules(): void {
  const over: Record<string, (count: number) => Schedules> = { 'the kernel alone': runSchedules };
  for (const [meeting, how] of Object.entries(MEETINGS)) {
    over[`simulate(), ${how}`] = (count) => runConversations(count, meeting as Meeting);
  }
  for (const [what, run] of Object.entries(over)) {
    const { runs, distinct, seconds, busySeconds, violations } = run(SCHEDULES);
    for (const text of violations) console.log(`VIOLATED: ${text}`);
    console.log(
      `${runs} schedules of one program of ten tasks over ${what}: ${distinct} of them distinct, in ${seconds.toFixed(2)} s` +
        ` (${busySeconds.toFixed(2)} s of processor time)`,
    );
    passed += runs - violations.length;
    failed += violations.length;
  }
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  refuse(option, 'a whole number from 0 on', text);
}

function refuse(option: string, wanted: string, text: string): never {
  console.error(`${option} wants ${wanted}, not "${text}"`);
  process.exit(2);
}
