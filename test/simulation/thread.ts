/** A thread of `pool.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { programOf } from './draw.ts';
import { type Found, MOST_FOUND, type Order, type Report, SHARE } from './pool.ts';
import { hasStreams } from './program.ts';
import { withoutStacks } from './stacks.ts';
import { StateField } from './states.ts';
import { runProgram } from './trial.ts';

withoutStacks();
const { first, count, until, next, field } = workerData as Order;
const states = new StateField(field);
const counter = new Int32Array(next);
const found: Found[] = [];
let programs = 0;
let steps = 0;
const streams = { wait: 0, task: 0 };
const sent = { round: 0, task: 0, left: 0 };
for (;;) {
  const from = Atomics.add(counter, 0, SHARE);
  if (from >= count || found.length >= MOST_FOUND || Date.now() >= until) break;
  const end = Math.min(from + SHARE, count);
  for (let at = from; at < end; at++) {
    const program = programOf(first + at);
    const outcome = runProgram(program, states);
    programs++;
    if (hasStreams(program)) {
      streams[program.receive]++;
      sent[program.send]++;
      if (outcome.together > 1) sent.left++;
    }
    steps += outcome.steps;
    if (outcome.violation !== null) found.push({ seed: first + at, violation: outcome.violation });
  }
}
(parentPort as NonNullable<typeof parentPort>).postMessage({ programs, steps, streams, sent, found } satisfies Report);
