/**
 * What Node's `AsyncLocalStorage` adds to a switch: 1,000 tasks take turns, each spawned with a store of its own. Prints nanoseconds from
 * one task to the next.
 *
 *   kernel-context on|off
 *
 * `off`: the tasks were told not to carry it.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Co, pass, Scheduler } from 'genloop';
import { Batches } from './batches.ts';
import { print } from './kernel-kit.ts';

const TASKS = 1000;

const carried = process.argv[2] === 'on';
const scheduler = new Scheduler({ backend: 'epoll' });
const storage = new AsyncLocalStorage<number>();

function* main(index: number): Co<void> {
  yield* pass();
  if (storage.getStore() !== (carried ? index : undefined)) {
    throw new Error(`a task ${carried ? 'lost' : 'has'} the store of its spawn`);
  }
  while (index > 0) yield* pass();
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* pass();
  }
  print(batches.median() / TASKS);
}

for (let i = 0; i < TASKS; i++) storage.run(i, () => scheduler.spawn(main(i), { asyncContext: carried }));
scheduler.runSync();
