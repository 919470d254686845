/**
 * What `yield* pass()` costs in a program that uses what the kernel has: a listener is watched, a timer is armed, and each task stands in
 * three scopes, two of them with deadlines, and has a store of its own. Prints nanoseconds from one task to the next.
 *
 *   kernel-switch DEPTH TASKS
 *
 * DEPTH: how many routines deep the task stands, below the three of its scopes.
 */

import { type Co, cancelScope, failAfter, Local, type Op, pass, ReadWait, routine, Scheduler, sleep } from 'genloop';
import { Socket } from 'genloop/os';
import { Batches } from './batches.ts';
import { print } from './kernel-kit.ts';

const FAR_MS = 1e6;

const [depth, tasks] = [Number(process.argv[2]), Number(process.argv[3])];
const scheduler = new Scheduler({ backend: 'epoll' });
const store = new Local(-1);

/** The first task measures. Everybody takes turns, so between two turns of its own all the others have had one. */
const passing: (left: number, first: boolean) => Op<void> = routine(function* (left: number, first: boolean): Co<void> {
  if (left > 1) return yield* passing(left - 1, first);
  while (!first) yield* pass();
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* pass();
  }
  print(batches.median() / tasks);
});

function* main(index: number): Co<void> {
  using _ = store.set(index);
  yield* failAfter(FAR_MS, () => cancelScope(() => failAfter(FAR_MS, () => passing(depth, index === 0))));
}

function* listener(): Co<void> {
  yield* new ReadWait(Socket.listener({ port: 0 }));
}

scheduler.spawn(listener());
scheduler.spawn(sleep(FAR_MS));
for (let i = 0; i < tasks; i++) scheduler.spawn(main(i));
scheduler.runSync();
