/** How a simulation ends badly, in words that say how to see it again. */

import { keepsPlaces, type OpenDescriptor } from './table.ts';

/** A simulated program failed. What it threw is the `cause`. `code` is `'ERR_GENLOOP_SIMULATION'`. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError' as const;
  readonly code = 'ERR_GENLOOP_SIMULATION' as const;
  /** The seed that repeats it. */
  readonly seed: number;

  /** @internal */
  constructor(seed: number, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`simulate(${seed}, …) failed, and will again with this seed: ${what}`, { cause });
    this.seed = seed;
    if (!(cause instanceof Error)) return;
    // What test runners make their comparison of.
    for (const key of ['actual', 'expected', 'operator', 'details'] as const) {
      if (key in cause) Object.defineProperty(this, key, { value: (cause as unknown as Record<string, unknown>)[key] });
    }
  }
}

/** A simulated program has ended and left descriptors open. `code` is `'ERR_GENLOOP_LEAK'`. */
export class LeakError extends Error {
  override readonly name = 'LeakError' as const;
  readonly code = 'ERR_GENLOOP_LEAK' as const;
  /** What is open. */
  readonly descriptors: readonly OpenDescriptor[];

  /** @internal */
  constructor(descriptors: readonly OpenDescriptor[]) {
    const lines = descriptors.map(({ fd, kind, call, frames }) => {
      const head = `  descriptor ${fd}, a ${kind}, opened by ${call}`;
      return [head, ...frames.map((frame) => `  ${frame}`)].join('\n');
    });
    const advice = keepsPlaces()
      ? ''
      : '\nafter so many runs in one process the lines are not noted any more: run this one alone';
    super(`the program has ended and did not close:\n${lines.join('\n')}${advice}`);
    this.descriptors = descriptors;
  }
}
