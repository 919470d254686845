/**
 * Cutting a program down that breaks an invariant: parts are taken away, blocks are replaced by what is in them, numbers are made small,
 * and whatever still breaks the same invariant is kept, until nothing more can go. Large parts first.
 */

import { bodiesOf, type Program, type Statement, type Wait } from './program.ts';
import { runProgram } from './trial.ts';
import type { Invariant } from './witness.ts';

/** Runs that may be spent. */
const MOST_RUNS = 3000;

/** The smallest program found that breaks this invariant as well. */
export function shrink(program: Program, invariant: Invariant, run: typeof runProgram = runProgram): Program {
  let smallest = program;
  let runs = 0;
  const breaks = (candidate: Program): boolean => {
    runs++;
    return run(candidate).violation?.invariant === invariant;
  };
  for (let found = true; found && runs < MOST_RUNS; ) {
    found = false;
    for (const candidate of smallerThan(smallest)) {
      if (runs >= MOST_RUNS) break;
      if (!breaks(candidate)) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return smallest;
}

/** Programs that are simpler by one thing, the simplest first. */
export function* smallerThan(program: Program): Generator<Program> {
  const { tasks } = program;
  for (let index = tasks.length - 1; index >= 0; index--) {
    // The others keep their numbers.
    if ((tasks[index] as readonly Statement[]).length > 0) yield { ...program, tasks: changed(tasks, index, 1, []) };
    if (index === tasks.length - 1 && index > 0) yield { ...program, tasks: tasks.slice(0, -1) };
  }
  if (program.spurious > 0) yield { ...program, spurious: 0 };
  if (program.short > 0) yield { ...program, short: 0 };
  if (program.delay > 0) yield { ...program, delay: 0 };
  if (program.drive !== 'round') yield { ...program, drive: 'round' };
  if (program.room !== 'small') yield { ...program, room: 'small' };
  if (program.receive !== 'task') yield { ...program, receive: 'task' };
  if (program.send !== 'task') yield { ...program, send: 'task' };
  if (program.errors > 0) yield { ...program, errors: 0 };
  if (program.shuffled) yield { ...program, shuffled: false };
  if (program.fragile) yield { ...program, fragile: false };
  if (program.backend !== 'epoll') yield { ...program, backend: 'epoll' };
  if (program.pairs.length > 1) yield { ...program, pairs: program.pairs.slice(0, -1) };
  for (const [index, kind] of program.pairs.entries()) {
    if (kind === 'tcpStream') yield { ...program, pairs: changed(program.pairs, index, 1, 'unixStream') };
    if (kind === 'tcp' || kind === 'udp') yield { ...program, pairs: changed(program.pairs, index, 1, 'socket') };
  }
  for (const [index, body] of tasks.entries()) {
    for (const smaller of smallerLists(body)) yield { ...program, tasks: changed(tasks, index, 1, smaller) };
  }
}

function* smallerLists(list: readonly Statement[]): Generator<readonly Statement[]> {
  if (list.length > 2) {
    const half = list.length >> 1;
    yield list.slice(half);
    yield list.slice(0, half);
  }
  for (let at = list.length - 1; at >= 0; at--) yield changed(list, at, 1);
  for (const [at, each] of list.entries()) {
    for (const [, body] of bodiesOf(each)) if (body.length > 0) yield changed(list, at, 1, ...body);
    for (const simpler of simplerThan(each)) yield changed(list, at, 1, simpler);
  }
}

function* simplerThan(statement: Statement): Generator<Statement> {
  for (const [key, body] of bodiesOf(statement)) {
    for (const smaller of smallerLists(body)) yield { ...statement, [key]: smaller } as Statement;
  }
  if (statement.do === 'select') {
    for (const wait of statement.of) yield wait;
    if (statement.of.length > 2) {
      for (const at of statement.of.keys()) yield { do: 'select', of: changed(statement.of, at, 1) };
    }
  }
  if (statement.do === 'loud') yield statement.wait satisfies Wait;
  for (const key of ['ms', 'count', 'bytes'] as const) {
    const value = (statement as unknown as Record<string, number | undefined>)[key];
    if (value !== undefined && value > 1) yield { ...statement, [key]: 1 } as Statement;
  }
}

/** A copy, with other items in the place of some. */
function changed<T>(list: readonly T[], at: number, count: number, ...items: readonly T[]): T[] {
  return [...list.slice(0, at), ...items, ...list.slice(at + count)];
}
