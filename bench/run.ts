/**
 * The benchmark: `npm run bench -- [SECTION…] [--rounds N] [--seconds S] [--quick] [--case NAME] [--gate] [--priority] [--save NAME]`.
 * See README.md beside this file.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Context, Failure, type Section, type SectionResult } from './harness/context.ts';
import { chooseCores, describeMachine } from './harness/machine.ts';
import { ROOT, versionOf } from './harness/programs.ts';
import { figure, ratio, table } from './harness/table.ts';
import { beat } from './sections/beat.ts';
import { churn } from './sections/churn.ts';
import { connect } from './sections/connect.ts';
import { echo } from './sections/echo.ts';
import { hear } from './sections/hear.ts';
import { idle } from './sections/idle.ts';
import { kernel } from './sections/kernel.ts';
import { load } from './sections/load.ts';
import { memory } from './sections/memory.ts';
import { slow } from './sections/slow.ts';
import { start } from './sections/start.ts';
import { taskSwitch } from './sections/switch.ts';
import { time } from './sections/time.ts';
import { timers } from './sections/timers.ts';

const SECTIONS: Readonly<Record<string, Section>> = {
  echo,
  time,
  connect,
  memory,
  load,
  timers,
  churn,
  beat,
  slow,
  start,
  idle,
  switch: taskSwitch,
  kernel,
  hear,
};
const RESULTS: string = path.join(ROOT, 'bench', 'results');
const USAGE = `usage: npm run bench -- [${Object.keys(SECTIONS).join('|')} …] [--rounds N] [--seconds S] [--quick] [--case NAME] [--gate] [--priority] [--save NAME]`;

/** A command line that cannot be understood. */
class UsageError extends Error {}

async function main(): Promise<number> {
  if (process.platform !== 'linux') throw new UsageError('the benchmark needs Linux: epoll, /proc and pinned cores');
  const { names, options, command } = readArguments(process.argv.slice(2));
  if (options.priority) raisePriority();
  const cores = chooseCores();
  const machine = describeMachine(ROOT);
  const versions = [versionOf('python3', '--version'), versionOf('go', 'version')].filter((v) => v !== undefined);
  const head = [
    `genloop ${machine.commit}, ${machine.date}, Node ${machine.node}, ${machine.system}, ${machine.cores} × ${machine.cpu}`,
    ...(versions.length > 0 ? [`peers: ${versions.join(', ')}`] : []),
    `server on core ${cores.server}, load on core ${cores.load}${cores.remark === undefined ? '' : ` (${cores.remark})`}`,
    `${options.rounds} rounds of ${options.seconds} s; medians. × C++ and × node: above 1.00 is better than they are.`,
    `repeat: ${command}`,
  ];
  console.log(head.join('\n'));

  const context: Context = { ...options, cores, progress };
  const results: Record<string, SectionResult> = {};
  let text = head.join('\n');
  const print = (part: string): void => {
    progress('');
    console.log(`\n${part}`);
    text += `\n\n${part}`;
  };
  for (const name of names) {
    const result = await (SECTIONS[name] as Section)(context);
    results[name] = result;
    print([`=== ${name} ===`, result.text, ...result.notRun.map((line) => `not run: ${line}`)].join('\n'));
  }

  const verdicts = Object.values(results).flatMap((result) => result.verdicts);
  if (verdicts.length > 0) {
    const rows = verdicts.map(({ what, bound, wanted, measured, met }) => [
      what,
      `${bound === '>=' ? 'at least' : 'at most'} ${ratio(wanted)}`,
      bound === '>=' ? ratio(measured) : figure(measured),
      Number.isNaN(measured) ? 'not measured' : met ? 'met' : 'missed',
    ]);
    print(`=== promised ===\n${table(['', 'wanted', 'measured', ''], rows)}`);
  }

  save('latest', { machine, cores, options, command, results }, text);
  if (options.save !== undefined) save(options.save, { machine, cores, options, command, results }, text);
  return options.gate && verdicts.some(({ met }) => !met) ? 1 : 0;
}

function readArguments(args: string[]): {
  names: string[];
  options: {
    rounds: number;
    seconds: number;
    asked: number | undefined;
    quick: boolean;
    gate: boolean;
    priority: boolean;
    only: string | undefined;
    save: string | undefined;
  };
  command: string;
} {
  const { values, positionals } = (() => {
    try {
      return parseArgs({
        args,
        allowPositionals: true,
        options: {
          rounds: { type: 'string' },
          seconds: { type: 'string' },
          quick: { type: 'boolean', default: false },
          gate: { type: 'boolean', default: false },
          priority: { type: 'boolean', default: false },
          case: { type: 'string' },
          save: { type: 'string' },
        },
      });
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  })();
  const { quick, gate, priority } = values;
  const unknown = positionals.find((name) => !(name in SECTIONS));
  if (unknown !== undefined) throw new UsageError(`there is no section ${unknown}`);
  const rounds = Number(values.rounds ?? (quick ? 3 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError('--rounds takes a whole number from 1 on');
  const seconds = Number(values.seconds ?? (quick ? 0.5 : 1));
  if (!(seconds > 0 && seconds <= 60)) throw new UsageError('--seconds takes a number up to 60');
  if (values.save !== undefined && !/^[\w.-]+$/.test(values.save))
    throw new UsageError('--save takes the name of a file');
  const names = positionals.length > 0 ? positionals : Object.keys(SECTIONS);
  const flags = [
    `--rounds ${rounds}`,
    `--seconds ${seconds}`,
    ...(quick ? ['--quick'] : []),
    ...(values.case === undefined ? [] : [`--case ${values.case}`]),
    ...(priority ? ['--priority'] : []),
  ];
  return {
    names,
    options: {
      rounds,
      seconds,
      asked: values.seconds === undefined ? undefined : seconds,
      quick,
      gate,
      priority,
      only: values.case,
      save: values.save,
    },
    command: ['npm run bench --', ...positionals, ...flags].join(' '),
  };
}

/** Nearly all of both cores for the programs to come, which inherit it: for a machine that others use too. */
function raisePriority(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_HIGHEST);
  } catch {
    throw new UsageError('--priority: this user may not raise the priority of a process');
  }
  // Where the scheduler groups by session, a nice value counts only within the session, and the session has its own.
  const file = '/proc/self/autogroup';
  if (!existsSync(file)) return;
  const before = /nice (-?\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? '0';
  writeFileSync(file, String(os.constants.priority.PRIORITY_HIGHEST));
  process.on('exit', () => writeFileSync(file, before));
}

/** One line that is written over, and only for a person who watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function save(name: string, data: unknown, text: string): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(path.join(RESULTS, `${name}.json`), `${JSON.stringify(data, null, 1)}\n`);
  writeFileSync(path.join(RESULTS, `${name}.txt`), `${text}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  progress('');
  if (error instanceof UsageError) console.error(`${error.message}\n${USAGE}`);
  else console.error(error instanceof Failure ? error.message : error);
  process.exitCode = 1;
}
