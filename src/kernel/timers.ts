/**
 * Timers: a binary heap by deadline, equal deadlines in the order of their insertion. Each timer knows its place, so a
 * cancel takes it out at once: timers that never fire leave nothing behind.
 */

/** A timer that is set. */
export class Timer {
  /** Absolute, in milliseconds of the kernel's clock. */
  readonly deadline: number;
  /** Called once, when the deadline has passed. */
  readonly fire: () => void;
  /** @internal */
  readonly order: number;
  /** @internal Place in the heap, -1 when it is not in it. */
  place = -1;

  /** @internal */
  constructor(deadline: number, order: number, fire: () => void) {
    this.deadline = deadline;
    this.order = order;
    this.fire = fire;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}

/** All timers of a kernel. */
export class Timers {
  private readonly heap: Timer[] = [];
  private order = 0;
  /** The time of the pass that fires, if one does. */
  private firing = Number.NEGATIVE_INFINITY;

  /** How many are set. */
  get size(): number {
    return this.heap.length;
  }

  /** The nearest deadline, `Infinity` if there is none. */
  get next(): number {
    return this.heap[0]?.deadline ?? Number.POSITIVE_INFINITY;
  }

  /** Sets a timer. `fire` must not throw: it runs inside the scheduler itself, and an error there ends the run. */
  set(deadline: number, fire: () => void): Timer {
    // One that is set while others fire comes after all that are due: it must not stand before them in the heap.
    const timer = new Timer(Math.max(deadline, this.firing), this.order++, fire);
    this.heap.push(timer);
    this.rise(timer, this.heap.length - 1);
    return timer;
  }

  /** Takes a timer out; `false` if it is not set (any more). */
  cancel(timer: Timer): boolean {
    const { place } = timer;
    if (this.heap[place] !== timer) return false;
    timer.place = -1;
    const last = this.heap.pop() as Timer;
    if (last !== timer) {
      this.rise(last, place);
      this.sink(last, last.place);
    }
    return true;
  }

  /** Takes all timers out. */
  clear(): void {
    for (const timer of this.heap) timer.place = -1;
    this.heap.length = 0;
  }

  /** Fires all that are due, in their order, but none that is set meanwhile. How many. */
  fire(now: number): number {
    const newest = this.order;
    let fired = 0;
    this.firing = now;
    try {
      for (;;) {
        const timer = this.heap[0];
        if (timer === undefined || timer.deadline > now || timer.order >= newest) return fired;
        this.cancel(timer);
        fired++;
        timer.fire();
      }
    } finally {
      this.firing = Number.NEGATIVE_INFINITY;
    }
  }

  private rise(timer: Timer, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.heap[parent] as Timer;
      if (!before(timer, above)) break;
      this.heap[place] = above;
      above.place = place;
      place = parent;
    }
    this.heap[place] = timer;
    timer.place = place;
  }

  private sink(timer: Timer, from: number): void {
    const { heap } = this;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && before(heap[right] as Timer, heap[child] as Timer)) child = right;
      const below = heap[child] as Timer;
      if (!before(below, timer)) break;
      heap[place] = below;
      below.place = place;
      place = child;
    }
    heap[place] = timer;
    timer.place = place;
  }
}
