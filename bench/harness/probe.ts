/** Measurements that need no load: a program on its core that prints one number. */

import { once } from 'node:events';
import type { Context } from './context.ts';
import type { Program } from './programs.ts';
import { start } from './server.ts';
import { median, rotated } from './statistics.ts';

/** A program, and where its number goes. */
export interface Probe {
  key: string;
  title: string;
  program: Program;
}

/** Runs every probe once per round; medians by key. One that fails is not there: its reason is in `notRun`. */
export async function probe(
  probes: readonly Probe[],
  rounds: number,
  context: Context,
): Promise<{ values: Map<string, number>; notRun: string[] }> {
  const samples = new Map<string, number[]>();
  const notRun = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const { key, title, program } of rotated(probes, round)) {
      if (notRun.has(key)) continue;
      context.progress(`round ${round + 1}/${rounds}, ${title}`);
      const result = 'missing' in program ? program.missing : await runOnce(program.command, context.cores.server);
      if (typeof result === 'string') notRun.set(key, `${title}: ${result}`);
      else samples.set(key, [...(samples.get(key) ?? []), result]);
    }
  }
  const values = new Map([...samples].map(([key, list]) => [key, median(list)]));
  return { values, notRun: [...notRun.values()] };
}

/** The number it prints, or what it says instead. */
async function runOnce(command: readonly string[], core: number): Promise<number | string> {
  const child = start(command, core);
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const value = Number.parseFloat(output);
  if (code === 0 && Number.isFinite(value)) return value;
  return /^\w*Error.*$/m.exec(errors)?.[0] ?? `ended with ${code}`;
}
