/**
 * Recursion through `routine`. Prints how deep it was, once it has come back; a native stack ends at about ten thousand.
 *
 *   kernel-recursion DEPTH
 */

import { type Co, type Op, pass, routine, Scheduler } from 'genloop';
import { print } from './kernel-kit.ts';

const count: (left: number) => Op<number> = routine(function* (left: number): Co<number> {
  if (left > 1) return 1 + (yield* count(left - 1));
  yield* pass();
  return 1;
});

function* main(): Co<void> {
  print(yield* count(Number(process.argv[2])));
}

const scheduler = new Scheduler({ backend: 'epoll' });
scheduler.spawn(main());
scheduler.runSync();
