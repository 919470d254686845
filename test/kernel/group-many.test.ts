/**
 * Groups that are deep, wide or old, and groups in orders that nobody wrote down.
 */

import * as assert from 'uvu/assert';
import {
  type CancelScope,
  type Co,
  cleanup,
  failAfter,
  type Group,
  group,
  type Op,
  pass,
  routine,
  sleep,
  type Task,
} from '../../src/kernel/index.ts';
import { seededRandom } from '../../src/scheduler/random.ts';
import { inFewOrders, ownOrders } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('many groups');

const DEEP = 10_000;
const WIDE = 100_000;
const OLD = 1_000_000;
const SEEDS = 300;

/** Groups in groups; each has a task of its own, and cleans up. */
const nested: (depth: number, ended: { count: number }, innermost: Op<number>) => Op<number> = routine(function* nested(
  depth: number,
  ended: { count: number },
  innermost: Op<number>,
): Co<number> {
  if (depth === 0) return yield* innermost;
  return yield* group(function* (g): Co<number> {
    g.spawn(sleep(1));
    try {
      return (yield* nested(depth - 1, ended, innermost)) + 1;
    } finally {
      ended.count++;
    }
  });
});

const nothing = routine(function* (): Co<number> {
  yield* sleep(5);
  return 0;
});

test('ten thousand groups in each other return, fail, and are cancelled without touching the native stack', () => {
  inFewOrders();
  const error = new Error('of the innermost');
  const failing = routine(function* (): Co<number> {
    yield* sleep(5);
    throw error;
  });
  for (const [how, status] of [
    ['return', 'done'],
    ['fail', 'failed'],
    ['cancel', 'cancelled'],
  ] as const) {
    const world = new World();
    const ended = { count: 0 };
    const task = world.kernel.spawn(nested(DEEP, ended, how === 'fail' ? failing() : nothing()));
    world.settle();
    if (how === 'cancel') task.cancel('enough');
    world.advance(5);
    assert.is(task.status, status);
    if (how === 'return') assert.is(task.outcome, DEEP);
    if (how === 'fail') assert.is(task.outcome, error);
    assert.is(ended.count, DEEP);
    assert.is(world.kernel.tasks.size, 0);
    assert.is(world.kernel.timers.size, 0);
  }
});

test('a hundred thousand children return, or are cancelled by one that fails', () => {
  inFewOrders();
  for (const failing of [false, true]) {
    const world = new World();
    const error = new Error('one of many');
    let ended = 0;
    const task = world.kernel.spawn(
      group(
        function* (g): Co<unknown> {
          for (let i = 0; i < WIDE; i++) {
            g.spawn(
              made(function* (): Co<number> {
                try {
                  yield* sleep(5);
                  if (failing && i === WIDE / 2) throw error;
                  return i;
                } finally {
                  ended++;
                }
              }),
            );
          }
          let sum = 0;
          for (let next = yield* g.next(); next !== undefined; next = yield* g.next())
            sum += yield* next.join() as Op<number>;
          return [sum, g.results.length];
        },
        { keep: true },
      ),
    );
    world.settle();
    world.advance(5);
    assert.is(ended, WIDE);
    if (failing) assert.is(task.outcome, error);
    else assert.equal(task.outcome, [(WIDE * (WIDE - 1)) / 2, WIDE]);
    assert.is(world.kernel.tasks.size, 0);
  }
});

test('a hundred thousand daemons end with their group', () => {
  inFewOrders();
  const world = new World();
  let ended = 0;
  const task = world.kernel.spawn(
    group(function* (g): Co<void> {
      for (let i = 0; i < WIDE; i++) {
        g.spawn(
          made(function* (): Co<void> {
            try {
              yield* sleep(Number.POSITIVE_INFINITY);
            } finally {
              ended++;
            }
          }),
          { daemon: true },
        );
      }
      yield* pass();
    }),
  );
  world.settle();
  assert.is(ended, WIDE);
  assert.is(task.status, 'done');
});

/** How many things can be reached from a value over its own properties, collections included. */
function reachable(from: unknown): number {
  const seen = new Set<unknown>();
  const open = [from];
  while (open.length > 0) {
    const value = open.pop();
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof Map || value instanceof Set) open.push(...[...value.entries()].flat());
    for (const key of Reflect.ownKeys(value)) open.push(Object.getOwnPropertyDescriptor(value, key)?.value);
  }
  return seen.size;
}

test('a group that lives long keeps nothing of a million tasks that it spawned and that ended', () => {
  inFewOrders();
  const world = new World();
  let open: Group | undefined;
  let before = 0;
  let after = 0;
  const round = function* (g: Group, count: number): Co<void> {
    function* short(): Co<void> {}
    for (let i = 0; i < count; i++) {
      const task = g.spawn(short());
      if (i % 1_000 === 0) yield* task.join();
    }
    yield* pass();
    // One of each other kind: joined, cancelled, a daemon, with a signal, started, failed, and one that another waits for.
    const controller = new AbortController();
    const cancelled = g.spawn(sleep(Number.POSITIVE_INFINITY), { signal: controller.signal });
    g.spawn(sleep(0), { daemon: true });
    yield* g.start(function* (ready: (value: number) => void): Co<void> {
      ready(1);
    });
    try {
      yield* g.start(() => short());
    } catch {
      // It was never ready.
    }
    g.spawn(
      made(function* (): Co<void> {
        throw new Error('isolated');
      }),
    );
    yield* pass();
    cancelled.cancel();
    yield* sleep(1);
    // In a seeded order others that wake now may come later.
    while (g.size > 0) yield* pass();
  };
  world.kernel.spawn(
    group(
      function* (g): Co<void> {
        open = g;
        // The ready ring, which does not shrink, gets its size.
        yield* round(g, 1_001);
        before = reachable(world.kernel);
        for (let i = 0; i < OLD / 1_000; i++) yield* round(g, 1_001);
        after = reachable(world.kernel);
        yield* sleep(1);
      },
      { onError: () => {} },
    ),
  );
  world.settle();
  for (let i = 0; i < OLD / 1_000 + 3; i++) world.advance(1);
  assert.ok(before > 10);
  assert.ok(after <= before, `${after} instead of ${before}`);
  assert.is(world.kernel.tasks.size, 0);
  assert.is(world.kernel.timers.size, 0);
  assert.is(open?.size, 0);
});

/** What is counted of one task in a seeded run. */
interface Life {
  started: number;
  finals: number;
  ended: number;
}

/** A tree of tasks and groups that sleep, fail, cancel, join and start each other, drawn from a source of chance. */
class Chaos {
  readonly lives: Life[] = [];
  readonly handles: Task<unknown>[] = [];
  readonly groups: Group[] = [];
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  draw(below: number): number {
    return Math.floor(this.random() * below);
  }

  *live(depth: number, ready?: (value: number) => void): Co<number> {
    const life: Life = { started: 1, finals: 0, ended: 0 };
    this.lives.push(life);
    try {
      for (let step = this.draw(4); step >= 0; step--) yield* this.act(depth);
      if (this.draw(4) > 0) ready?.(1);
      if (this.draw(8) === 0) throw new Error('drawn');
      return depth;
    } finally {
      life.finals++;
      if (this.draw(2) === 0) yield* cleanup(50, sleep(this.draw(3)));
      life.ended++;
    }
  }

  *within(g: Group, depth: number): Co<number> {
    this.groups.push(g);
    for (let i = this.draw(4); i > 0; i--) {
      const options = { daemon: this.draw(4) === 0 };
      if (this.draw(4) === 0)
        yield* failAfter(
          2,
          g.start((ready: (value: number) => void) => this.live(depth, ready), options),
        );
      else this.handles.push(g.spawn(this.live(depth), options) as Task<unknown>);
    }
    return yield* this.live(depth);
  }

  private *act(depth: number): Co<void> {
    const pick = this.draw(10);
    const handle = this.handles[this.draw(this.handles.length)];
    const other = this.groups[this.draw(this.groups.length)];
    if (pick < 3) yield* sleep(this.draw(4));
    else if (pick === 3) yield* pass();
    else if (pick === 4) handle?.cancel();
    else if (pick === 5) {
      if (this.draw(3) === 0) other?.cancel();
    } else if (pick === 6 && other !== undefined && !(other as unknown as CancelScope).cancelled && depth > 0) {
      // From anywhere, also while that group is about to return.
      try {
        this.handles.push(other.spawn(this.live(depth - 1)) as Task<unknown>);
      } catch {
        // It has ended.
      }
    } else if (depth > 0) {
      yield* failAfter(
        this.draw(8),
        group((g) => this.within(g, depth - 1), { onError: this.draw(3) === 0 ? () => {} : 'cancel' }),
      );
    }
  }
}

test('rules 4, 14, 15: in any order each task has one outcome, cleans up once, and leaves nothing behind', () => {
  const endings = new Set<string>();
  let lives = 0;
  const seeds = ownOrders(SEEDS);
  for (let seed = 1; seed <= seeds; seed++) {
    const random = seededRandom(seed);
    const chaos = new Chaos(random);
    let outcomes = 0;
    const world: World = new World({
      shuffle: true,
      host: { now: () => world.now, random },
    });
    const task = world.kernel.spawn(group((g) => chaos.within(g, 4)));
    world.kernel.observer = {
      ended: ({ id }) => {
        if (id === task.id) outcomes++;
      },
    };
    world.settle();
    for (let i = 0; i < 400 && !task.ended; i++) world.advance(1);
    assert.ok(task.ended, `seed ${seed} goes on for ever`);
    assert.is(outcomes, 1);
    assert.is(world.kernel.tasks.size, 0, `seed ${seed}`);
    assert.is(world.kernel.timers.size, 0, `seed ${seed}`);
    assert.is(world.kernel.ready, 0);
    // A task whose failure comes out is the only one of the kernel's own.
    assert.is(world.failures.length, task.status === 'failed' ? 1 : 0);
    for (const life of chaos.lives) assert.equal(life, { started: 1, finals: 1, ended: 1 }, `seed ${seed}`);
    for (const handle of chaos.handles) assert.ok(handle.ended, `seed ${seed}`);
    for (const g of chaos.groups) assert.is(g.size, 0);
    endings.add(task.status);
    lives += chaos.lives.length;
  }
  // The runs differ, and are no empty ones.
  assert.equal([...endings].sort(), ['done', 'failed']);
  assert.ok(lives > 10 * seeds, `${lives} tasks`);
});

test.run();
