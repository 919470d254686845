/**
 * What `switch-cost` measures, for `await` of a resolved promise: N async functions take turns in Node's microtask queue.
 * Prints nanoseconds per switch.
 *
 *   await-cost TASKS
 */

import { writeSync } from 'node:fs';
import { Batches } from './batches.ts';

const tasks = Number(process.argv[2]);
const resolved = Promise.resolve();

async function measuring(): Promise<void> {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) await resolved;
  }
  writeSync(1, `${batches.median() / tasks}\n`);
  process.exit(0);
}

async function turning(): Promise<void> {
  for (;;) await resolved;
}

for (let i = 1; i < tasks; i++) void turning();
void measuring();
