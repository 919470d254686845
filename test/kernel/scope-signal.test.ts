/** Scopes and abort signals, both ways. */

import * as assert from 'uvu/assert';
import { type CancelError, type Co, cancelScope, failAfter, sleep, type Task } from '../../src/kernel/index.ts';
import { caught, forever, start } from '../support/cancelling.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('scope-signal');

test('the signal of a scope is aborted with the cancel in force as its reason, once', () => {
  const world = new World();
  const heard: unknown[] = [];
  const task = start(world, function* () {
    yield* failAfter(10, function* (scope) {
      const { signal } = scope;
      assert.is(scope.signal, signal);
      signal.addEventListener('abort', () => heard.push(signal.reason));
      const error = yield* caught(forever);
      assert.is(signal.reason, error);
      throw error;
    });
  });
  world.settle();
  assert.equal(heard, []);
  // By a scope around it: the cancel is inherited.
  task.cancel('outside');
  world.advance(10);
  assert.equal(heard.length, 1);
  assert.is((heard[0] as CancelError).reason, 'outside');
});

test('a signal that is made late is aborted already, and one behind a shield is not', () => {
  const world = new World();
  const task = start(world, function* (): Co<unknown> {
    yield* caught(forever);
    const inner = yield* cancelScope(function* (scope) {
      return scope.signal;
    });
    const shielded = yield* cancelScope(
      function* (scope) {
        const { signal } = scope;
        const before = signal.aborted;
        scope.cancel('by hand');
        return [before, signal.aborted, (signal.reason as CancelError).reason];
      },
      { shield: true },
    );
    return { own: task.signal, inner, shielded };
  });
  world.settle();
  task.cancel('why');
  world.settle();
  const { own, inner, shielded } = task.outcome as { own: AbortSignal; inner: AbortSignal; shielded: unknown[] };
  assert.ok(own.aborted && inner.aborted);
  assert.is(own.reason, inner.reason);
  assert.equal(shielded, [false, true, 'by hand']);
  assert.is(task.signal, own);
});

test('the signal of a scope that was left in peace is never aborted', () => {
  const world = new World();
  const task = start(world, function* () {
    const signal = yield* failAfter(10, function* (scope) {
      return scope.signal;
    });
    yield* sleep(20);
    return signal;
  });
  world.settle();
  world.advance(20);
  task.cancel();
  assert.not((task.outcome as AbortSignal).aborted);
});

test('a scope follows a signal until it is left, and its reason is handed on', () => {
  const world = new World();
  const controller = new AbortController();
  const added: string[] = [];
  const { signal } = controller;
  for (const name of ['addEventListener', 'removeEventListener'] as const) {
    const original = signal[name].bind(signal) as (...args: unknown[]) => void;
    signal[name] = (...args: unknown[]): void => {
      added.push(name);
      original(...args);
    };
  }
  const early = start(world, function* () {
    yield* cancelScope(sleep(5), { signal });
    yield* sleep(10);
    return 'not cancelled';
  });
  const late = start(world, function* () {
    return yield* cancelScope(
      function* (scope) {
        const error = (yield* caught(forever)) as CancelError;
        return [error.source, error.reason, error.scope === scope, error.by];
      },
      { signal },
    );
  });
  world.settle();
  world.advance(5);
  assert.equal(added, ['addEventListener', 'addEventListener', 'removeEventListener']);
  controller.abort('from outside');
  world.advance(10);
  assert.is(early.outcome, 'not cancelled');
  assert.equal(late.outcome, ['abort', 'from outside', true, null]);
  assert.equal(added.length, 4);
});

test('a signal that is aborted already cancels at once, before the first trap; what is none throws TypeError', () => {
  const world = new World();
  const log: unknown[] = [];
  const signal = AbortSignal.abort('before');
  const spawned = world.kernel.spawn(
    made(function* (): Co<void> {
      log.push('first step');
      yield* forever();
    }),
    { signal },
  );
  world.settle();
  start(world, function* () {
    yield* cancelScope(
      function* (scope) {
        log.push(scope.reason);
        yield* forever();
      },
      { signal },
    );
    for (const wrong of [{}, null, 'signal', { aborted: true }]) {
      const error = yield* caught(() => cancelScope(sleep(1), { signal: wrong as never })[Symbol.iterator]());
      log.push((error as Error).name);
    }
    // Nothing is left of the blocks that were not entered.
    log.push((world.kernel.current as Task<unknown>).scope === world.kernel.current);
  });
  world.settle();
  assert.is((spawned.outcome as CancelError).source, 'abort');
  assert.equal(log, ['first step', 'before', 'TypeError', 'TypeError', 'TypeError', 'TypeError', true]);
});

test.run();
