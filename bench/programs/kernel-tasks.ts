/**
 * What it costs to have a task, to end one, and to bound one in time. Prints nanoseconds.
 *
 *   kernel-tasks spawn|cancel|cancel-group|timer
 *
 * `spawn`: a child that returns at once is spawned into a group and joined. `cancel`: a child that sleeps for ever is spawned, gets its
 * turn, is cancelled by its handle, and joined, which throws. `cancel-group`: the same child in a group of its own, which is cancelled;
 * nothing is thrown there. `timer`: a body gets a deadline, gives way once, and returns. (Effect sets no timer for a body that
 * completes at once; so none of those measured does.)
 */

import { type Co, failAfter, type Group, group, pass, Scheduler, sleep } from 'genloop';
import { Batches } from './batches.ts';
import { print } from './kernel-kit.ts';

const FAR_MS = 1e6;

// biome-ignore lint/correctness/useYield: it ends at once, which is the point
function* immediate(value: number): Co<number> {
  return value;
}

function* brief(value: number): Co<number> {
  yield* pass();
  return value;
}

function* forever(): Co<void> {
  yield* sleep(Number.POSITIVE_INFINITY);
}

function* spawn(g: Group): Co<void> {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* g.spawn(immediate(i)).join();
  }
  print(batches.median());
}

function* cancel(g: Group): Co<void> {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) {
      const task = g.spawn(forever());
      yield* pass();
      task.cancel();
      try {
        yield* task.join();
      } catch {
        // That it was cancelled.
      }
    }
  }
  print(batches.median());
}

function* cancelled(g: Group): Co<void> {
  g.spawn(forever());
  yield* pass();
  g.cancel();
}

function* cancelGroup(): Co<void> {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* group(cancelled);
  }
  print(batches.median());
}

function* timer(): Co<void> {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* failAfter(FAR_MS, () => brief(i));
  }
  print(batches.median());
}

const bodies = { spawn, cancel, 'cancel-group': cancelGroup, timer };
const body = bodies[process.argv[2] as keyof typeof bodies];
const scheduler = new Scheduler({ backend: 'epoll' });
scheduler.spawn(group((g) => body(g)));
scheduler.runSync();
