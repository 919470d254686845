/**
 * Timing inside a task: batches long enough for the clock, and the median of several. The loop itself stays where it is
 * measured, since another generator around it would be measured too:
 *
 *   for (const batches = new Batches(); batches.next(); ) {
 *     for (let i = 0; i < batches.turns; i++) …
 *   }
 *
 * What is counted is the CPU time of this process, which never waits for anything here: on a quiet machine the same as the
 * time that passed, on a busy one without what others took.
 */

/** A batch lasts at least this long. */
const BATCH_US = 20_000;
/** The first ones warm the compiler up. */
const DISCARDED = 5;
const BATCHES = 15;

/** See the head of this file. */
export class Batches {
  /** Turns of the batch to come. */
  turns = 1;
  private start: number = Number.POSITIVE_INFINITY;
  private readonly samples: number[] = [];

  /** Ends a batch and begins the next; false when there have been enough. */
  next(): boolean {
    const elapsed = cpuTime() - this.start;
    if (elapsed >= BATCH_US) this.samples.push((elapsed * 1e3) / this.turns);
    else if (elapsed >= 0) this.turns *= 2;
    this.start = cpuTime();
    return this.samples.length < DISCARDED + BATCHES;
  }

  /** Nanoseconds per turn. */
  median(): number {
    return this.samples.slice(DISCARDED).sort((a, b) => a - b)[BATCHES >> 1] as number;
  }
}

/** CPU time of this process, µs. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
