/**
 * In place of `test/support/suite.ts` while mutants are tried: the same tests, but kept in a list, so that those which reach a
 * mutant can be run alone, the first failure can end the run, and checking what a test leaves open costs microseconds.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import fc from 'fast-check';
import type { Hook, Suite, TestBody } from '../support/suite.ts';

/** A test in the list. */
export interface Listed {
  readonly name: string;
  readonly body: TestBody;
}

/** The tests of one suite, with what stands around them. */
export interface ListedSuite {
  readonly tests: readonly Listed[];
  readonly before: readonly TestBody[];
  readonly after: readonly TestBody[];
  readonly beforeEach: readonly TestBody[];
  readonly afterEach: readonly TestBody[];
}

/** Handles close in a turn or two of Node's loop, unless a process has to end for that. */
const MOST_TURNS = 50;
const MOST_PAUSES = 500;
const PAUSE_MS = 2;

/** What Node lists among the resources and is none: work that is on its way. */
const PASSING = new Set(['Immediate', 'TickObject', 'FSReqPromise', 'FSReqCallback', 'CloseReq', 'Microtask']);

// What is missed today is missed tomorrow.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 1 });

const suites: ListedSuite[] = [];

/** The suites that were made since the last call. */
export function takeSuites(): ListedSuite[] {
  return suites.splice(0);
}

/** As in `test/support/suite.ts`. */
export function suite(title: string): Suite {
  const tests: Listed[] = [];
  const add = (name: string, body: TestBody): void => {
    tests.push({ name: `${title}: ${name}`, body });
  };
  const hook = (): [Hook, TestBody[], TestBody[]] => {
    const once: TestBody[] = [];
    const each: TestBody[] = [];
    const put = (body: TestBody): void => {
      once.push(body);
    };
    return [Object.assign(put, { each: (body: TestBody): void => void each.push(body) }), once, each];
  };
  const [before, beforeAll, beforeEach] = hook();
  const [after, afterAll, afterEach] = hook();
  return Object.assign(add, {
    only: add,
    before,
    after,
    run: (): void => void suites.push({ tests, before: beforeAll, after: afterAll, beforeEach, afterEach }),
  });
}

/** As in `test/support/suite.ts`. */
export function notRun(): void {}

/** What is open: descriptors with what they refer to, and what keeps Node's loop alive, by type. */
export interface Open {
  readonly descriptors: string;
  readonly handles: ReadonlyMap<string, number>;
}

/** What is open now. */
export function open(): Open {
  const descriptors: string[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      descriptors.push(`${name} ${readlinkSync(`/proc/self/fd/${name}`)}`);
    } catch {
      // The descriptor that readdirSync itself used.
    }
  }
  const handles = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (!PASSING.has(type)) handles.set(type, (handles.get(type) ?? 0) + 1);
  }
  return { descriptors: descriptors.sort().join('\n'), handles };
}

/** Throws if other descriptors stay open than before, or more handles. */
export async function settled(before: Open): Promise<void> {
  for (let turn = 0; ; turn++) {
    const now = open();
    const more = [...now.handles].filter(([type, count]) => count > (before.handles.get(type) ?? 0));
    if (more.length === 0 && now.descriptors === before.descriptors) return;
    if (turn === MOST_TURNS + MOST_PAUSES) {
      throw new Error(`left something behind: ${more.join(' ')}\n${now.descriptors}\nbefore:\n${before.descriptors}`);
    }
    await new Promise((resolve) => (turn < MOST_TURNS ? setImmediate(resolve) : setTimeout(resolve, PAUSE_MS)));
  }
}
