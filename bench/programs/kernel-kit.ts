/**
 * What the programs of the section `kernel` share. It is handed to the peers too, which are plain JavaScript and cannot import it:
 * so all of them are measured by the same code.
 */

import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Batches } from './batches.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Prints the one number, and ends the process: what is measured here never ends by itself. */
export function print(value: number): never {
  writeSync(1, `${value}\n`);
  process.exit(0);
}

/** Bytes of the heap that are in use, once all garbage is gone. */
export function heap(): number {
  // What one collection lets go of may be the last that held something else.
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().heapUsed;
}

/**
 * Backends that answer in a later turn of the queue: what stands for them in a proxy is a socket. One turn answers all that were asked
 * before it, as one wait for readiness does. The same for all; only who calls `answer` differs.
 */
export class Backends {
  private asked: [number, (answer: number) => void][] = [];
  private readonly later: (answer: () => void) => void;

  /** `later` calls what it is given in a later turn. */
  constructor(later: (answer: () => void) => void) {
    this.later = later;
  }

  /** Asks one of them. `reply` may come too late to be wanted. */
  ask(question: number, reply: (answer: number) => void): void {
    if (this.asked.push([question, reply]) === 1) this.later(this.answer);
  }

  private readonly answer = (): void => {
    const { asked } = this;
    this.asked = [];
    for (const [question, reply] of asked) reply(question);
  };
}

/** What a peer is given. */
export interface Kit {
  Batches: typeof Batches;
  Backends: typeof Backends;
  print: typeof print;
  heap: typeof heap;
}

/** @see Kit */
export const kit: Kit = { Batches, Backends, print, heap };

/** How many tasks are parked, and how many timers are set, where memory is counted. */
export const MANY = 100_000;
