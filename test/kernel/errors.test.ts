import * as assert from 'uvu/assert';
import { CancelError, DeadlockError } from '../../src/kernel/errors.ts';
import { type Co, InternalError, isCancelled, MisuseError, sleep, TaskCancelledError } from '../../src/kernel/index.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('errors');

test('rule 9: a cancel has the name and code of Node, the source, the reason, and no stack', () => {
  const error = new CancelError('signal', 'SIGINT');
  assert.is(error.name, 'AbortError');
  assert.is(error.code, 'ABORT_ERR');
  assert.is(error.source, 'signal');
  assert.is(error.reason, 'SIGINT');
  assert.is(error.cause, 'SIGINT');
  assert.match(error.message, 'SIGINT');
  assert.not(/\n\s+at /.test(error.stack ?? ''));
  assert.instance(error, Error);
});

test('rule 9: a reason may be anything, and only text gets into the message', () => {
  const reason = new Error('why');
  const error = new CancelError('explicit', reason);
  assert.is(error.message, 'the task was cancelled');
  assert.is(error.cause, reason);
  assert.is(new CancelError('sibling', undefined).reason, undefined);
});

test('building a cancel leaves the length of other stacks as it was', () => {
  const before = Error.stackTraceLimit;
  new CancelError('shutdown', undefined);
  assert.is(Error.stackTraceLimit, before);
  assert.match(new Error('with a stack').stack ?? '', /\n\s+at /);
});

test('isCancelled knows our cancels and those of Node, and nothing that only looks alike', () => {
  assert.ok(isCancelled(new CancelError('explicit', undefined)));
  assert.ok(isCancelled(Object.assign(new Error('aborted'), { code: 'ABORT_ERR' })));
  for (const other of [new Error('no'), { code: 'ABORT_ERR' }, 'ABORT_ERR', null, undefined, new MisuseError('no')]) {
    assert.not(isCancelled(other));
  }
});

test('every error of our own has its code and its name', () => {
  const world = new World();
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      yield* sleep(1);
    })(),
    { name: 'napper' },
  );
  world.settle();
  const cause = new Error('cause');
  const joined = new TaskCancelledError(task, cause);
  assert.equal([joined.name, joined.code, joined.cause], ['TaskCancelledError', 'ERR_GENLOOP_CANCELLED', cause]);
  assert.match(joined.message, 'task 1 (napper)');
  const misuse = new MisuseError('do it so');
  assert.equal([misuse.name, misuse.code, misuse.message], ['MisuseError', 'ERR_GENLOOP_MISUSE', 'do it so']);
  const internal = new InternalError(cause);
  assert.equal([internal.name, internal.code, internal.cause], ['InternalError', 'ERR_GENLOOP_INTERNAL', cause]);
  assert.match(internal.message, 'please report it');
});

test('rule 44: a DeadlockError names every task, what it waits for, and where, if that is known', () => {
  const world = new World();
  const nap = function* (): Co<void> {
    yield* sleep(Number.POSITIVE_INFINITY);
  };
  const first = world.kernel.spawn(nap(), { name: 'first' });
  const second = world.kernel.spawn(nap(), { name: 'second' });
  world.settle();
  const error = new DeadlockError([first, second], (task) => (task === first ? 'nap.ts:7' : undefined));
  assert.is(error.code, 'ERR_GENLOOP_DEADLOCK');
  assert.is(error.name, 'DeadlockError');
  assert.equal(error.tasks, [first, second]);
  assert.match(error.message, 'task 1 (first) waits for sleep(Infinity) at nap.ts:7\n');
  assert.match(error.message, /task 2 \(second\) waits for sleep\(Infinity\)$/);
});

test.run();
