/** Leaving scopes: out of order, by the wrong task, or not at all. */

import * as assert from 'uvu/assert';
import {
  type CancelScope,
  type Co,
  deadline,
  effectiveDeadline,
  failAfter,
  group,
  MisuseError,
  shield,
  sleep,
  type Task,
  type TimeoutError,
} from '../../src/kernel/index.ts';
import { caught, forever, start } from '../support/cancelling.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('scope-leaving');

test('rule 27: scopes that are left out of order are detected, and everything is in order afterwards', () => {
  const world = new World();
  const seen: unknown[] = [];
  const task = start(world, function* (): Co<string> {
    const outer = deadline(10);
    const middle = deadline(20);
    const inner = deadline(5);
    assert.throws(
      () => outer[Symbol.dispose](),
      (error: unknown) => error instanceof MisuseError && /entered inside/.test(error.message),
    );
    seen.push(task.scope === task, world.kernel.timers.size, effectiveDeadline());
    // Those inside went with it.
    for (const scope of [middle, inner, outer]) scope[Symbol.dispose]();
    middle.cancel();
    seen.push(middle.cancelCalled, task.scope === task);
    using _ = deadline(50);
    seen.push(effectiveDeadline());
    yield* sleep(30);
    return 'not touched by any of them';
  });
  world.settle();
  world.advance(30);
  assert.equal(seen, [true, 0, Number.POSITIVE_INFINITY, false, true, 50]);
  assert.is(task.outcome, 'not touched by any of them');
  assert.is(world.kernel.timers.size, 0);
});

test('rule 27: a scope that a body forgot is left with the block around it, with an error that says so', () => {
  const world = new World();
  const task = start(world, function* () {
    const error = yield* caught(() =>
      failAfter(100, function* () {
        deadline(5);
        return 'result';
      })[Symbol.iterator](),
    );
    yield* sleep(10);
    return error;
  });
  world.settle();
  world.advance(10);
  assert.instance(task.outcome, MisuseError);
  assert.is(world.kernel.timers.size, 0);
});

test('rule 12: an error on its way out is not replaced by the scopes that were forgotten on its way', () => {
  const world = new World();
  const error = new Error('mine');
  const task = start(world, function* (): Co<unknown> {
    const seen: unknown[] = [];
    seen.push(
      yield* caught(() =>
        failAfter(100, function* () {
          deadline(50);
          deadline(5);
          throw error;
        })[Symbol.iterator](),
      ),
    );
    seen.push(
      yield* failAfter(100, function* (scope) {
        deadline(50);
        scope.cancel();
        yield* forever();
        return 'never';
      }),
    );
    return [...seen, task.scope === task, world.kernel.timers.size];
  });
  world.settle();
  assert.equal(task.outcome, [error, undefined, true, 0]);
});

test('a scope is left by the task that entered it, and by nobody else', () => {
  const world = new World();
  let scope: CancelScope | null = null;
  const refused = (error: unknown): boolean => error instanceof MisuseError && /cancel it/.test(error.message);
  const owner = start(world, function* () {
    using own = deadline(10);
    scope = own;
    yield* forever();
  });
  world.settle();
  start(world, function* () {
    assert.throws(() => (scope as unknown as CancelScope)[Symbol.dispose](), refused);
    // A task is a scope, and no block.
    assert.throws(() => owner[Symbol.dispose](), refused);
    assert.throws(() => (world.kernel.current as Task<unknown>)[Symbol.dispose](), refused);
  });
  world.settle();
  // From a callback, as after an await.
  assert.throws(() => (scope as unknown as CancelScope)[Symbol.dispose](), refused);
  assert.throws(() => world.kernel.root[Symbol.dispose](), refused);
  assert.equal(world.failures, []);
  assert.is(owner.scope, scope);
  world.advance(10);
  assert.equal([owner.status, (owner.outcome as TimeoutError).ms], ['failed', 10]);
  (scope as unknown as CancelScope)[Symbol.dispose]();
  owner[Symbol.dispose]();
});

test('a group whose tasks still run cannot be left from within, nor a scope around it; both go on as if nothing was', () => {
  const world = new World();
  const refused = (error: unknown): boolean => error instanceof MisuseError && /tasks still run/.test(error.message);
  const log: string[] = [];
  const task = start(world, function* (): Co<boolean> {
    const around = deadline(100);
    yield* group(function* (g) {
      g.spawn(
        made(function* (): Co<void> {
          yield* sleep(10);
          log.push('child');
        }),
      );
      using _inner = deadline(50);
      assert.throws(() => g[Symbol.dispose](), refused);
      assert.throws(() => around[Symbol.dispose](), refused);
      log.push(`${effectiveDeadline()}`);
    });
    log.push(`${effectiveDeadline()}`);
    around[Symbol.dispose]();
    return task.scope === task;
  });
  world.settle();
  world.advance(10);
  assert.equal(log, ['50', 'child', '90']);
  assert.is(task.outcome, true);
});

test('a group that its body has left as if it were a block says so', () => {
  const world = new World();
  const task = start(world, function* (): Co<unknown> {
    const error = yield* caught(() =>
      group(function* (g) {
        g[Symbol.dispose]();
      })[Symbol.iterator](),
    );
    return [error, task.scope === task];
  });
  world.settle();
  const [error, whole] = task.outcome as [MisuseError, boolean];
  assert.instance(error, MisuseError);
  assert.match(error.message, 'a group ends by itself');
  assert.ok(whole);
});

test('scopes that a task forgot are left when it ends: no timer and no listener stays', () => {
  const world = new World();
  const controller = new AbortController();
  let forgotten: CancelScope | null = null;
  const log: string[] = [];
  const ending = start(world, function* () {
    forgotten = deadline(10);
    shield(20);
    deadline(30);
    forgotten.signal.addEventListener('abort', () => log.push('aborted'));
    yield* sleep(1);
    return 'ended';
  });
  const followed = world.kernel.spawn(sleep(1), { signal: controller.signal });
  world.settle();
  assert.is(world.kernel.timers.size, 5);
  world.advance(1);
  assert.equal([ending.outcome, followed.status, world.kernel.timers.size], ['ended', 'done', 0]);
  controller.abort();
  (forgotten as unknown as CancelScope).cancel();
  world.kernel.root.cancelFor('shutdown', null);
  world.advance(100);
  assert.equal([ending.status, followed.status, log], ['done', 'done', []]);
});

test.run();
