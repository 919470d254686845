/**
 * All small models: what each of three tasks waits for, of two descriptors; and each of two tasks, of two streams, with both ways to receive
 * for parked readers. The tasks are alike, so it does not matter which of them waits for what. Each model is explored in a thread of its own.
 *
 * A stream has one reader: a third task that reads from it is refused as a second one is, and models of three would take an hour.
 */

import { workInThread } from '../work.ts';
import type { Exploration } from './explore.ts';
import type { Over, Target } from './model.ts';

const TARGETS: readonly Target[] = ['first', 'second', 'either'];
const THREAD = new URL('thread.ts', import.meta.url);

/** A model: what each task waits for, and over what. */
export interface Configuration {
  readonly targets: readonly Target[];
  readonly over: Over;
}

/** What came of all. */
export interface Exhausted {
  readonly configurations: number;
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly seconds: number;
  readonly found: readonly string[];
}

/** The models, each once. */
export function configurations(): Configuration[] {
  const overs = ['wait', 'task', 'writes by the round', 'writes by the task'] as const;
  const streams = overs.flatMap((over) => pairs().map((targets) => ({ targets, over })));
  return [...triples().map((targets) => ({ targets, over: 'descriptors' as const })), ...streams];
}

function pairs(): Target[][] {
  return TARGETS.flatMap((one, first) => TARGETS.slice(first).map((other) => [one, other]));
}

function triples(): Target[][] {
  return TARGETS.flatMap((one, first) =>
    TARGETS.slice(first).flatMap((other, second) => TARGETS.slice(first + second).map((third) => [one, other, third])),
  );
}

/** Explores all of these, `jobs` at a time; `onEach` is told of each. */
export async function exploreAll(
  all: readonly Configuration[],
  jobs: number,
  onEach: (configuration: Configuration, found: Exploration) => void = () => {},
): Promise<Exhausted> {
  const began = performance.now();
  const explorations: Exploration[] = [];
  const found: string[] = [];
  const left = [...all];
  const work = async (): Promise<void> => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) {
      const exploration = await workInThread<Exploration>(THREAD, each);
      explorations.push(exploration);
      if (exploration.violation !== null) found.push(`${nameOf(each)}: ${exploration.violation}`);
      onEach(each, exploration);
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

/** A model in words. */
export function nameOf({ targets, over }: Configuration): string {
  const what = targets.join(', ');
  if (over === 'descriptors') return what;
  return over === 'wait' || over === 'task' ? `${what}, of two streams received by the ${over}` : `${what}, of ${over}`;
}
