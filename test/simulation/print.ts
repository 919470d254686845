/** A program as text that a person can read. */

import { bodiesOf, hasStreams, type Program, type Statement } from './program.ts';

const INDENT = '  ';

/** The text: first the world, then the tasks. */
export function printProgram(program: Program): string {
  const { tasks, pairs, backend, drive, shuffled, fragile, receive, send, room, ...world } = program;
  const head = [
    `world: ${backend}${drive === 'turn' ? ', embedded in another loop' : ''}, ${shuffled ? 'shuffled' : 'first in, first out'}, a failure ${fragile ? 'cancels all' : 'is kept to its task'}`,
    ...(hasStreams(program) ? [`  received by the ${receive}, sent by the ${send}, ${room} buffers`] : []),
    `  ${Object.entries(world)
      .filter(([, value]) => value !== 0)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
    ...pairs.map((kind, index) => `  ends ${2 * index} and ${2 * index + 1}: a ${kind}`),
  ];
  const bodies = tasks.flatMap((body, index) => [`task ${index}:`, ...linesOf(body, INDENT)]);
  return [...head, ...bodies].join('\n');
}

function linesOf(list: readonly Statement[], indent: string): string[] {
  if (list.length === 0) return [`${indent}(nothing)`];
  return list.flatMap((each) => {
    const [body, last] = bodiesOf(each);
    const lines = [`${indent}${headOf(each)}`];
    if (body !== undefined) lines.push(...linesOf(body[1], indent + INDENT));
    if (last !== undefined)
      lines.push(`${indent}${each.do === 'start' ? 'is ready' : 'finally'}`, ...linesOf(last[1], indent + INDENT));
    return lines;
  });
}

/** `sleep ms 3`, `select (take queue 0 | sleep ms 2)`. */
function headOf(statement: Statement): string {
  if (statement.do === 'select') return `select (${statement.of.map(headOf).join(' | ')})`;
  if (statement.do === 'loud') return `${headOf(statement.wait)}, and fail if that fails`;
  const { do: verb, ...rest } = statement as Statement & Record<string, unknown>;
  const parts = Object.entries(rest)
    .filter(([, value]) => typeof value !== 'object' && value !== false)
    .map(([name, value]) => (value === true ? name : `${name} ${value}`));
  return [verb, ...parts].join(' ');
}
