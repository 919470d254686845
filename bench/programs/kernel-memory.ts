/**
 * What tasks and timers hold, and what they leave behind. Prints bytes of the heap for each of 100,000.
 *
 *   kernel-memory parked|timers|sleepers
 *
 * `parked`: while they sleep for ever, in a group. `timers`: after that many deadlines were set and lifted, one after the other.
 * `sleepers`: after that many tasks had slept at the same time, with a timer each, and were cancelled.
 */

import { type Co, failAfter, group, pass, Scheduler, sleep } from 'genloop';
import { heap, MANY, print } from './kernel-kit.ts';

const FAR_MS = 1e6;

function* parked(ms: number): Co<void> {
  yield* sleep(ms);
}

// biome-ignore lint/correctness/useYield: it ends at once, which is the point
function* immediate(): Co<number> {
  return 1;
}

function* setTimers(): Co<void> {
  for (let i = 0; i < MANY; i++) yield* failAfter(FAR_MS, immediate);
}

function* sleepAndCancel(): Co<void> {
  yield* group(function* (g): Co<void> {
    for (let i = 0; i < MANY; i++) g.spawn(parked(FAR_MS));
    yield* pass();
    g.cancel();
  });
}

/** What is left after `work`; once before, so that code and structures that are made once do not count. */
function* leftBy(work: () => Co<void>): Co<void> {
  yield work();
  const before = heap();
  yield work();
  print((heap() - before) / MANY);
}

function* holding(): Co<void> {
  yield* group(function* (g): Co<void> {
    const before = heap();
    for (let i = 0; i < MANY; i++) g.spawn(parked(Number.POSITIVE_INFINITY));
    yield* pass();
    print((heap() - before) / MANY);
  });
}

const bodies = { parked: holding, timers: () => leftBy(setTimers), sleepers: () => leftBy(sleepAndCancel) };
const scheduler = new Scheduler({ backend: 'epoll' });
scheduler.spawn(bodies[process.argv[2] as keyof typeof bodies]());
scheduler.runSync();
