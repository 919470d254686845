/** `--broken`: hunts all broken kernels and pollers, and prints what caught each, after how many seeds. */

import { BREAKAGES } from './breakages.ts';
import { type Catch, hunt } from './hunt.ts';

/** How many were caught, and how many not. */
export interface Hunted {
  readonly caught: number;
  readonly missed: number;
}

/** Hunts those whose name has this text in it, `jobs` at a time, each for at most `limit` seeds. */
export async function huntAll(filter: string, limit: number, jobs: number): Promise<Hunted> {
  const wanted = BREAKAGES.filter(({ name }) => name.includes(filter));
  const rows: string[] = new Array(wanted.length).fill('');
  const order = [...wanted.keys()];
  let missed = 0;
  const work = async (): Promise<void> => {
    for (let at = order.shift(); at !== undefined; at = order.shift()) {
      const breakage = wanted[at] as (typeof wanted)[number];
      try {
        const result = await hunt(breakage, limit);
        if (result.seed === null) missed++;
        rows[at] = rowOf(breakage.name, result);
      } catch (error) {
        missed++;
        rows[at] = `| ${breakage.name} | **not caught**: ${String(error)} | | |`;
      }
      if (filter !== '') console.log(rows[at]);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, work));
  console.log(['| broken | caught by | seeds | statements left |', '|---|---|---:|---:|', ...rows].join('\n'));
  return { caught: wanted.length - missed, missed };
}

function rowOf(name: string, { seed, seeds, invariant, size }: Catch): string {
  return seed === null
    ? `| ${name} | **not caught** | ${seeds} | |`
    : `| ${name} | ${invariant} | ${seeds} | ${size} |`;
}
