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
import { medianBatch } from './batches.ts';

const [mode, depth, tasks] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const scheduler = new Scheduler({ backend: 'epoll' });

function* passing(turns: number): Co<void> {
  for (let i = 0; i < turns; i++) yield* pass();
}

function* yielding(turns: number): Co<void> {
  for (let i = 0; i < turns; i++) yield;
}

/** The first task measures: tasks take turns, so between two turns of its own everybody has had one. */
function* bottom(first: boolean): Co<void> {
  const turn = mode === 'pass' ? passing : yielding;
  if (!first) return yield* turn(Infinity);
  writeSync(1, `${(yield* medianBatch(turn)) / tasks}\n`);
  process.exit(0);
}

const framed: (depth: number, first: boolean) => Op<void> = routine(function* (left: number, first: boolean): Co<void> {
  if (left > 1) yield* framed(left - 1, first);
  else yield* bottom(first);
});

function* nested(left: number, first: boolean): Co<void> {
  if (left > 1) yield* nested(left - 1, first);
  else yield* bottom(first);
}

function* listener(): Co<void> {
  yield new ReadWait(Socket.listener({ port: 0 }));
}

function* timer(): Co<void> {
  yield sleep(1e6);
}

function* task(first: boolean): Co<void> {
  if (mode === 'nested') yield* nested(depth, first);
  else yield* framed(depth, first);
}

scheduler.spawn(listener());
scheduler.spawn(timer());
for (let i = 0; i < tasks; i++) scheduler.spawn(task(i === 0));
scheduler.runSync();
