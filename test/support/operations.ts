/**
 * Operations that tests write with the public contract alone, as a user would: a queue, a `select` over any operations, and some
 * that misbehave.
 */

import { type Kernel, Op, PENDING, type Waker } from '../../src/kernel/index.ts';

/** A queue without a bound. A value that a waker refused goes to the next one, or stays. */
export class Queue<T> {
  readonly items: T[] = [];
  readonly takers: Waker<T>[] = [];

  put(value: T): void {
    for (let taker = this.takers.shift(); taker !== undefined; taker = this.takers.shift()) {
      if (taker.wake(value)) return;
    }
    this.items.push(value);
  }

  take(): Op<T> {
    return new Take(this);
  }
}

class Take<T> extends Op<T> {
  private readonly queue: Queue<T>;

  constructor(queue: Queue<T>) {
    super();
    this.queue = queue;
  }

  override try(): T | typeof PENDING {
    return this.queue.items.length > 0 ? (this.queue.items.shift() as T) : PENDING;
  }

  override park(waker: Waker<T>): void {
    this.queue.takers.push(waker);
  }

  override abort(waker: Waker<T>): boolean {
    const place = this.queue.takers.indexOf(waker);
    if (place >= 0) this.queue.takers.splice(place, 1);
    return true;
  }

  override describe(): string {
    return 'an item of the queue';
  }
}

/** One branch of a parked `select`: whoever claims it claims the waker of the whole, and the others are undone. */
class Branch implements Waker<unknown> {
  readonly kernel: Kernel;
  readonly operation: Op<unknown>;
  state: unknown;
  /** Whether the operation still knows this branch. */
  parked = true;
  private readonly parent: Waker<[number, unknown]>;
  private readonly branches: Branch[];
  private readonly index: number;

  constructor(parent: Waker<[number, unknown]>, branches: Branch[], index: number, operation: Op<unknown>) {
    this.kernel = parent.kernel;
    this.parent = parent;
    this.branches = branches;
    this.index = index;
    this.operation = operation;
  }

  wake(value: unknown): boolean {
    this.parked = false;
    return this.parent.wake([this.index, value]) && this.won();
  }

  fail(error: unknown): boolean {
    this.parked = false;
    return this.parent.fail(error) && this.won();
  }

  /** At most one abort for each park; `true` if nothing can come of it any more. */
  undo(): boolean {
    if (!this.parked) return true;
    this.parked = false;
    return this.operation.abort(this);
  }

  private won(): true {
    for (const branch of this.branches) branch.undo();
    return true;
  }
}

class Select extends Op<[number, unknown]> {
  private readonly operations: readonly Op<unknown>[];

  constructor(operations: readonly Op<unknown>[]) {
    super();
    this.operations = operations;
  }

  override try(kernel: Kernel): [number, unknown] | typeof PENDING {
    for (const [index, operation] of this.operations.entries()) {
      const value = operation.try(kernel);
      if (value !== PENDING) return [index, value];
    }
    return PENDING;
  }

  override park(waker: Waker<[number, unknown]>): void {
    const branches: Branch[] = [];
    waker.state = branches;
    for (const [index, operation] of this.operations.entries()) {
      const branch = new Branch(waker, branches, index, operation);
      branches.push(branch);
      try {
        operation.park(branch);
      } catch (error) {
        branch.fail(error);
      }
      // It has been decided already: what comes after it is not even parked.
      if (!branch.parked) return;
    }
  }

  override abort(waker: Waker<[number, unknown]>): boolean {
    const answers = (waker.state as Branch[]).map((branch) => branch.undo());
    return answers.every((undone) => undone);
  }

  override describe(): string {
    return `the first of ${this.operations.map((operation) => operation.describe()).join(', ')}`;
  }
}

/** Waits for the first of several operations: its index and its result. */
export function select(...operations: readonly Op<unknown>[]): Op<[number, unknown]> {
  return new Select(operations);
}

/** What an operation of {@link scripted} does at each call; what is left out is the ordinary thing. */
export interface Script<T> {
  try?: (kernel: Kernel) => T | typeof PENDING;
  park?: (waker: Waker<T>) => void;
  abort?: (waker: Waker<T>, cancel: unknown) => boolean;
}

/** An operation that does as told, and counts how often it was asked. */
export class Scripted<T> extends Op<T> {
  tried = 0;
  aborted = 0;
  /** The wakers that it was parked with. */
  readonly wakers: Waker<T>[] = [];
  private readonly script: Script<T>;

  constructor(script: Script<T> = {}) {
    super();
    this.script = script;
  }

  override try(kernel: Kernel): T | typeof PENDING {
    this.tried++;
    return this.script.try?.(kernel) ?? PENDING;
  }

  override park(waker: Waker<T>): void {
    this.wakers.push(waker);
    this.script.park?.(waker);
  }

  override abort(waker: Waker<T>, cancel?: unknown): boolean {
    this.aborted++;
    return this.script.abort?.(waker, cancel) ?? true;
  }

  override describe(): string {
    return 'a scripted operation';
  }

  /** The waker of the latest park. */
  get waker(): Waker<T> {
    return this.wakers.at(-1) as Waker<T>;
  }
}

/** An operation that cannot be stopped once it is parked. */
export function stubborn<T>(): Scripted<T> {
  return new Scripted<T>({ abort: () => false });
}

/** Completes at once with the value. */
export function immediate<T>(value: T): Scripted<T> {
  return new Scripted<T>({ try: () => value });
}
