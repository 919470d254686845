/**
 * Every order of a model: depth first over all that can happen in each state. A run goes on as long as it comes to states that nobody has
 * seen; for each other way that was open on its path, a new run repeats the path up to there.
 */

import { type Action, Model, type Over, type Target } from './model.ts';

/** What was found. */
export interface Exploration {
  readonly states: number;
  /** Steps from a state to another, each of which was made. */
  readonly transitions: number;
  /** Longest path. */
  readonly depth: number;
  /** What was violated, with the path; exploring ends there. */
  readonly violation: string | null;
}

/** Goes everywhere. */
export function explore(
  targets: readonly Target[],
  over: Over = 'descriptors',
  make: (targets: readonly Target[], over: Over) => Model = (...given) => new Model(...given),
): Exploration {
  const seen = new Set<string>();
  const open: (readonly Action[])[] = [[]];
  let transitions = 0;
  let depth = 0;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const model = make(targets, over);
    for (const action of path) model.perform(action);
    const walked = [...path];
    if (path.length > 0) transitions++;
    for (;;) {
      if (model.violation !== null) return { states: seen.size, transitions, depth, violation: told(model, walked) };
      const key = model.key();
      if (seen.has(key)) break;
      seen.add(key);
      depth = Math.max(depth, walked.length);
      const [next, ...others] = model.actions();
      if (next === undefined) {
        model.finish();
        if (model.violation !== null) return { states: seen.size, transitions, depth, violation: told(model, walked) };
        break;
      }
      for (const other of others) open.push([...walked, other]);
      model.perform(next);
      transitions++;
      walked.push(next);
    }
  }
  return { states: seen.size, transitions, depth, violation: null };
}

function told({ violation }: Model, path: readonly Action[]): string {
  return `${violation?.invariant}: ${violation?.what}, after ${path.join(', ')}`;
}
