/**
 * All small models: what each of three tasks waits for. The tasks are alike, so it does not matter which of them waits for what. Each model
 * is explored in a thread of its own.
 */

import { workInThread } from '../work.ts';
import type { Exploration } from './explore.ts';
import type { Target } from './model.ts';

const TARGETS: readonly Target[] = ['first', 'second', 'either'];
const THREAD = new URL('thread.ts', import.meta.url);

/** What came of all. */
export interface Exhausted {
  readonly configurations: number;
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly seconds: number;
  readonly found: readonly string[];
}

/** The models of three tasks, each once. */
export function configurations(): Target[][] {
  return TARGETS.flatMap((one, first) =>
    TARGETS.slice(first).flatMap((other, second) => TARGETS.slice(first + second).map((third) => [one, other, third])),
  );
}

/** Explores all of these, `jobs` at a time; `onEach` is told of each. */
export async function exploreAll(
  all: readonly (readonly Target[])[],
  jobs: number,
  onEach: (targets: readonly Target[], found: Exploration) => void = () => {},
): Promise<Exhausted> {
  const began = performance.now();
  const explorations: Exploration[] = [];
  const found: string[] = [];
  const left = [...all];
  const work = async (): Promise<void> => {
    for (let targets = left.shift(); targets !== undefined; targets = left.shift()) {
      const exploration = await workInThread<Exploration>(THREAD, targets);
      explorations.push(exploration);
      if (exploration.violation !== null) found.push(`${targets.join(', ')}: ${exploration.violation}`);
      onEach(targets, exploration);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, work));
  return {
    configurations: all.length,
    states: explorations.reduce((sum, { states }) => sum + states, 0),
    transitions: explorations.reduce((sum, { transitions }) => sum + transitions, 0),
    depth: Math.max(0, ...explorations.map(({ depth }) => depth)),
    seconds: (performance.now() - began) / 1000,
    found,
  };
}
