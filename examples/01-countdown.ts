/**
 * Multitasking with nothing but generators: the textbook's scheduler. No library yet.
 *
 * A generator stops at each `yield` and goes on when somebody calls `next()`. So a task can be a generator that gives up
 * the thread at its yields, and a scheduler a list of them: take the first, run it to its next yield, put it back at the end.
 * No thread, no callback, and each task reads from top to bottom.
 *
 *   node --import tsx examples/01-countdown.ts
 */

/** A task: counts down, and lets the others run after each number. */
function* countdown(from: number): Generator<void, void> {
  for (let n = from; n > 0; n--) {
    console.log(`${' '.repeat(from - 5)}${n}`);
    yield;
  }
}

/** Runs tasks in turn until all have ended. */
function scheduler(tasks: Generator<void, void>[]): void {
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const { done } = task.next(); // runs to the next yield
    if (!done) tasks.push(task); // and again, when its turn comes
  }
}

// Three tasks, one column each: watch them take turns.
scheduler([countdown(5), countdown(10), countdown(15)]);

// What this cannot do: wait. A task that has nothing to do still gets its turns, and uses the processor up. The next step is to
// let a task say *what* it waits for, by yielding it: 05-scheduler-from-scratch.ts.
