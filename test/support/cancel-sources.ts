/**
 * All ways in which a task gets cancelled, as one table: each sets up a victim and what ends it, and afterwards tells whether it ended as
 * it should. Used by the tests that have to hold for every one of them.
 */

import * as assert from 'uvu/assert';
import {
  CancelError,
  type CancelSource,
  type Co,
  type Group,
  group,
  type Spawnable,
  sleep,
  type Task,
  TimeoutError,
} from '../../src/kernel/index.ts';
import type { World } from './world.ts';

/** When the source acts, in milliseconds; 0: in its first step, which comes before the victim's. */
export type Moment = 0 | 10;

/** What a source gets to work with. */
export interface Setting {
  readonly world: World;
  readonly moment: Moment;
  /** Makes the victim's body; call it once. `ms` is the time that its scope gives it. */
  readonly victim: (ms: number) => Co<unknown>;
}

/** Sets everything up. The result checks the outcome, after the end of all tasks. */
export type Source = (setting: Setting) => Prepared;

/** A victim on its way to its end. */
export interface Prepared {
  /** The victim; known after its spawn. */
  readonly task: () => Task<unknown>;
  /** Asserts that the victim and whoever owns it ended rightly. `cut`: the victim did not complete. */
  readonly check: (cut: boolean) => void;
}

/** Longer than any of these tests takes. */
export const AMPLE_MS = 10_000;

function* after(moment: Moment, act: () => void): Co<void> {
  if (moment > 0) yield* sleep(moment);
  act();
}

function assertCancelled(task: Task<unknown>, source: CancelSource, reason: unknown, scope: unknown): void {
  const error = task.outcome as CancelError;
  assert.is(task.status, 'cancelled');
  assert.instance(error, CancelError);
  assert.is(error.source, source);
  assert.is(error.reason, reason);
  assert.is(error.scope, scope);
}

/** A task of its own, which somebody else's step cancels. */
function lone(
  source: CancelSource,
  set: (setting: Setting) => { act: () => void; task: Task<unknown>; scope: unknown },
) {
  return (setting: Setting): Prepared => {
    let act = (): void => {};
    // Spawned first, so that it comes first.
    setting.world.kernel.spawn(after(setting.moment, () => act()));
    const { task, scope, act: chosen } = set(setting);
    act = chosen;
    return {
      task: () => task,
      check: (cut) => {
        if (cut) assertCancelled(task, source, 'why', scope);
        assert.equal(setting.world.failures, []);
      },
    };
  };
}

/** A group whose body spawns the victim; `main` is the task of the group. */
function grouped(
  setting: Setting,
  body: (g: Group, spawnVictim: () => Task<unknown>) => Co<unknown>,
  check: (main: Task<unknown>, g: Group, victim: Task<unknown>, cut: boolean) => void,
): Prepared & { main: Task<unknown> } {
  let g: Group | null = null;
  let task: Task<unknown> | null = null;
  const main = setting.world.kernel.spawn(
    group((own) => {
      g = own;
      return body(own, () => {
        task = own.spawn(setting.victim(AMPLE_MS));
        return task;
      });
    }),
  );
  return {
    main,
    task: () => task as unknown as Task<unknown>,
    check: (cut) => check(main, g as unknown as Group, task as unknown as Task<unknown>, cut),
  };
}

/** A race that is as small as it can be: whoever ends first ends the others. */
function race<T>(onSpawn: (g: Group, tasks: Task<unknown>[]) => void, ...bodies: Spawnable<T>[]): Spawnable<T> {
  return group(function* (g): Co<T> {
    const winners: T[] = [];
    const run = function* (body: Spawnable<T>): Co<T> {
      const value = (yield body) as T;
      winners.push(value);
      g.cancel('lost');
      return value;
    };
    const tasks = bodies.map((body) => g.spawn(run(body)));
    onSpawn(g, tasks as Task<unknown>[]);
    for (const task of tasks) yield* task.join();
    return winners[0] as T;
  });
}

/** Every source of a cancel, by name. */
export const SOURCES: Readonly<Record<string, Source>> = {
  'task.cancel': lone('explicit', ({ world, victim }) => {
    const task = world.kernel.spawn(victim(AMPLE_MS));
    return { task, scope: task, act: () => task.cancel('why') };
  }),

  'group end': (setting) =>
    grouped(
      setting,
      function* (g, spawnVictim) {
        spawnVictim();
        yield* after(setting.moment, () => g.cancel('why'));
        return 'of the body';
      },
      (main, g, victim, cut) => {
        if (cut) assertCancelled(victim, 'explicit', 'why', g);
        assert.equal([main.status, main.outcome], ['done', 'of the body']);
        assert.equal(setting.world.failures, []);
      },
    ),

  "a sibling's error": (setting) => {
    const error = new Error("the sibling's");
    return grouped(
      setting,
      function* (g, spawnVictim) {
        g.spawn(
          after(setting.moment, () => {
            throw error;
          }),
        );
        spawnVictim();
      },
      (main, g, victim, cut) => {
        if (cut) assertCancelled(victim, 'sibling', error, g);
        assert.is(main.status, 'failed');
        assert.is(main.outcome, error);
        assert.equal(setting.world.failures, [[main, error]]);
      },
    );
  },

  'a lost race': (setting) => {
    let g: Group | null = null;
    let victim: Task<unknown> | null = null;
    const quick = function* (): Co<unknown> {
      yield* after(setting.moment, () => {});
      return 'quick';
    };
    const main = setting.world.kernel.spawn(
      race(
        (own, tasks) => {
          g = own;
          victim = tasks[1] as Task<unknown>;
        },
        quick(),
        setting.victim(AMPLE_MS),
      ),
    );
    return {
      task: () => victim as unknown as Task<unknown>,
      check: (cut) => {
        if (cut) assertCancelled(victim as unknown as Task<unknown>, 'explicit', 'lost', g);
        // Cut short while it joined them: `group` gives no result then.
        assert.is(main.status, 'done');
        assert.equal(setting.world.failures, []);
      },
    };
  },

  'a timeout': ({ world, moment, victim }) => {
    const task = world.kernel.spawn(victim(moment));
    return {
      task: () => task,
      check: (cut) => {
        if (!cut) return;
        assert.is(task.status, 'failed');
        assert.instance(task.outcome, TimeoutError);
        assert.is((task.outcome as TimeoutError).ms, moment);
        assert.equal(world.failures, [[task, task.outcome]]);
      },
    };
  },

  "the parent's cancel": (setting) => {
    let main: Task<unknown> | null = null;
    setting.world.kernel.spawn(after(setting.moment, () => main?.cancel('why')));
    const prepared = grouped(
      setting,
      function* (_g, spawnVictim) {
        yield* spawnVictim().join();
        yield* sleep(Number.POSITIVE_INFINITY);
      },
      (own, _g, victim, cut) => {
        if (cut) assertCancelled(victim, 'explicit', 'why', own);
        assertCancelled(own, 'explicit', 'why', own);
        assert.equal(setting.world.failures, []);
      },
    );
    main = prepared.main;
    return prepared;
  },

  'an AbortSignal': lone('abort', ({ world, victim }) => {
    const controller = new AbortController();
    const task = world.kernel.spawn(victim(AMPLE_MS), { signal: controller.signal });
    return { task, scope: task, act: () => controller.abort('why') };
  }),

  'the shutdown': lone('shutdown', ({ world, victim }) => {
    const task = world.kernel.spawn(victim(AMPLE_MS));
    return { task, scope: world.kernel.root, act: () => world.kernel.root.cancelFor('shutdown', 'why') };
  }),
};
