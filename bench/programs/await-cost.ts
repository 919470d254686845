/**
 * The same for `await` of a resolved promise: N async functions take turns in Node's microtask queue. Prints
 * nanoseconds per switch.
 *
 *   await-cost TASKS
 */

import { writeSync } from 'node:fs';

const BATCH_MS = 20;
const DISCARDED = 5;
const BATCHES = 15;

const tasks = Number(process.argv[2]);
const resolved = Promise.resolve();
let done = false;

async function measuring(): Promise<void> {
  let turns = 1;
  const samples: number[] = [];
  while (samples.length < DISCARDED + BATCHES) {
    const start = performance.now();
    for (let i = 0; i < turns; i++) await resolved;
    const elapsed = performance.now() - start;
    if (elapsed < BATCH_MS) turns *= 2;
    else samples.push((elapsed * 1e6) / turns);
  }
  done = true;
  const median = samples.slice(DISCARDED).sort((a, b) => a - b)[BATCHES >> 1] as number;
  writeSync(1, `${median / tasks}\n`);
}

async function turning(): Promise<void> {
  while (!done) await resolved;
}

for (let i = 1; i < tasks; i++) void turning();
void measuring();
