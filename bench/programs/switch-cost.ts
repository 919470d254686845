/**
 * What it costs to go from one task to the next: N tasks take turns, each at some depth of subroutines, while a
 * listener is watched and a timer is armed, as in any server. Prints nanoseconds per switch.
 *
 *   switch-cost pass|yield|nested DEPTH TASKS
 *
 * `pass`: `yield* pass()`; `yield`: a bare yield; both through `routine`. `nested`: a bare yield below plain
 * generators that delegate to each other, which is what `routine` is there to avoid.
 */

import { writeSync } from 'node:fs';
import { type Co, type Op, pass, ReadWait, routine, Scheduler, sleep } from 'genloop';
import { Socket } from 'genloop/os';
import { Batches } from './batches.ts';

type Call = (left: number, first: boolean) => Op<void>;

const [mode, depth, tasks] = [process.argv[2] ?? '', Number(process.argv[3]), Number(process.argv[4])];
const scheduler = new Scheduler({ backend: 'epoll' });

/** The first task measures. Everybody takes turns, so between two turns of its own all the others have had one. */
function print(batches: Batches): never {
  writeSync(1, `${batches.median() / tasks}\n`);
  process.exit(0);
}

const passing: Call = routine(function* (left: number, first: boolean): Co<void> {
  if (left > 1) return yield* passing(left - 1, first);
  while (!first) yield* pass();
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield* pass();
  }
  print(batches);
});

const yielding: Call = routine(function* (left: number, first: boolean): Co<void> {
  if (left > 1) return yield* yielding(left - 1, first);
  while (!first) yield;
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield;
  }
  print(batches);
});

function* nested(left: number, first: boolean): Co<void> {
  if (left > 1) return yield* nested(left - 1, first);
  while (!first) yield;
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) yield;
  }
  print(batches);
}

function* listener(): Co<void> {
  yield new ReadWait(Socket.listener({ port: 0 }));
}

function* timer(): Co<void> {
  yield sleep(1e6);
}

const bodies = { pass: passing, yield: yielding, nested };

scheduler.spawn(listener());
scheduler.spawn(timer());
for (let i = 0; i < tasks; i++) scheduler.spawn(bodies[mode as keyof typeof bodies](depth, i === 0));
scheduler.runSync();
