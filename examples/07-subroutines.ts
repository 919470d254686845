/**
 * Subroutines: a task calls a function that waits, and gets its result.
 *
 * `yield*` runs another generator as if its lines stood here: it may wait as often as it likes, returns a value, and throws
 * into its caller. Each level makes each wait a little slower, as the engine goes through all of them. `routine(f)` turns the calls
 * of `f` into operations that the scheduler keeps on a stack of its own: the same `yield*`, at the same cost at any depth.
 *
 *   node --import tsx examples/07-subroutines.ts
 */

import { type Co, ReadWait, routine, runSync, Socket, sleep } from 'genloop';

/** Receives a whole line, however many pieces it comes in. */
function* receiveLine(socket: Socket): Co<string> {
  let line = '';
  while (!line.endsWith('\n')) {
    yield new ReadWait(socket);
    const data = socket.recv(1); // one byte at a time, to wait often
    if (data?.length === 0) throw new Error(`the connection ended in the middle of '${line}'`);
    line += data ?? '';
  }
  return line.trimEnd();
}

/** The sum of a tree whose branches take their time, each a call of itself. */
const sum = routine(function* (depth: number): Co<number> {
  if (depth === 0) {
    yield sleep(1);
    return 1;
  }
  return (yield* sum(depth - 1)) + (yield* sum(depth - 1));
});

/** As deep as this, functions and plain `yield*` would have run out of stack. */
const deep = routine(function* (levels: number): Co<number> {
  return levels === 0 ? 0 : 1 + (yield* deep(levels - 1));
});

// `runSync` is the short form for one main task: it returns what the task returns.
const total = runSync(function* main(): Co<number> {
  const [one, other] = Socket.pair();
  other.send('first line\nsecond line\nhalf a li');
  other.close();
  try {
    for (;;) console.log(`line: ${yield* receiveLine(one)}`);
  } catch (error) {
    console.log(`caught: ${(error as Error).message}`);
  } finally {
    one.close();
  }
  console.log(`calls within calls, each waiting: ${yield* sum(5)} leaves`);
  return yield* deep(100_000);
});
console.log(`${total} levels deep`);
