/** Timing inside a task: batches long enough for the clock, and the median of several. */

import type { Co } from 'genloop';

/** A batch lasts at least this long. */
const BATCH_MS = 20;
/** The first ones warm the compiler up. */
const DISCARDED = 5;
const BATCHES = 15;

/** Runs `body(turns)` in batches; the median of nanoseconds per turn. */
export function* medianBatch(body: (turns: number) => Co<void>): Co<number> {
  let turns = 1;
  const samples: number[] = [];
  while (samples.length < DISCARDED + BATCHES) {
    const start = performance.now();
    yield* body(turns);
    const elapsed = performance.now() - start;
    if (elapsed < BATCH_MS) turns *= 2;
    else samples.push((elapsed * 1e6) / turns);
  }
  return samples.slice(DISCARDED).sort((a, b) => a - b)[BATCHES >> 1] as number;
}
