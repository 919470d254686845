/** Async iterables in tasks: every item has its body, and the iterator is closed on every path. */

import { PassThrough, Readable } from 'node:stream';
import { type Co, errorsOf, isCancelled, pass, routine, sleep, type Task, TimeoutError } from 'genloop/kernel';
import * as assert from 'uvu/assert';
import { each, type Items } from '../../src/scheduler/each.ts';
import { NoHostError } from '../../src/scheduler/promises.ts';
import { thrownBy } from '../support/drives.ts';
import { turn } from '../support/leaks.ts';
import { run, runSync } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('each');

/** A promise with its handles. */
class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise: Promise<T> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** An async iterable whose answers a test gives, and which counts what it was asked for. */
class Source implements AsyncIterable<string>, AsyncIterator<string> {
  readonly nexts: Deferred<IteratorResult<string>>[] = [];
  readonly returns: Deferred<IteratorResult<string>>[] = [];
  iterators = 0;

  [Symbol.asyncIterator](): this {
    this.iterators++;
    return this;
  }

  next(): Promise<IteratorResult<string>> {
    const next = new Deferred<IteratorResult<string>>();
    this.nexts.push(next);
    return next.promise;
  }

  return(): Promise<IteratorResult<string>> {
    const answer = new Deferred<IteratorResult<string>>();
    this.returns.push(answer);
    return answer.promise;
  }

  async give(value: string): Promise<void> {
    this.nexts.at(-1)?.resolve({ done: false, value });
    await turn();
  }

  async close(): Promise<void> {
    this.returns.at(-1)?.resolve({ done: true, value: undefined });
    await turn();
  }
}

/** A kernel whose steps a test takes, in a process whose promises settle. */
function hosted(): World {
  const world = new World();
  Object.assign(world.kernel.host, { promises: true });
  return world;
}

/** A source with a task on its way through it, which has got its first item. */
async function started(
  body: (item: string, stop: () => void) => Co<unknown>,
  options?: { cleanup?: number },
): Promise<{ world: World; source: Source; task: Task<void> }> {
  const world = hosted();
  const source = new Source();
  const task = world.kernel.spawn(each(source, body, options));
  world.settle();
  await source.give('first');
  world.settle();
  return { world, source, task };
}

function* nothing(): Co<void> {}

function* forever(): Co<void> {
  yield* sleep(Number.POSITIVE_INFINITY);
}

function failing(error: unknown): () => Co<never> {
  return function* (): Co<never> {
    throw error;
  };
}

async function* letters(log: string[] = []): AsyncGenerator<string> {
  try {
    for (const letter of 'abc') {
      await turn();
      yield letter;
    }
    log.push('end');
  } finally {
    await turn();
    log.push('closed');
  }
}

test('each runs its body for each item, one after the other', async () => {
  const log: string[] = [];
  const result = await run(() =>
    each(letters(log), function* (letter): Co<void> {
      log.push(`begin ${letter}`);
      yield* sleep(1);
      log.push(letter);
    }),
  );
  assert.is(result, undefined);
  assert.equal(log, ['begin a', 'a', 'begin b', 'b', 'begin c', 'c', 'end', 'closed']);
});

test('a body may be an operation or a routine, and the source a stream of Node', async () => {
  const seen: unknown[] = [];
  const note = routine(function* note(item: unknown): Co<void> {
    yield;
    seen.push(item);
  });
  await run(function* main(): Co<void> {
    yield* each(Readable.from(['a', 'b']), note);
    yield* each(Readable.from(['c']), () => sleep(0));
  });
  assert.equal(seen, ['a', 'b']);
});

test('an iterator that ends by itself, or by an error, is not closed', async () => {
  const error = new Error('mine');
  const done = await started(nothing);
  done.source.nexts.at(-1)?.resolve({ done: true, value: undefined });
  await turn();
  done.world.settle();
  assert.is(done.task.status, 'done');
  assert.equal([done.source.iterators, done.source.nexts.length, done.source.returns.length], [1, 2, 0]);

  const failed = await started(nothing);
  failed.source.nexts.at(-1)?.reject(error);
  await turn();
  failed.world.settle();
  assert.is(failed.task.outcome, error);
  assert.equal([failed.source.nexts.length, failed.source.returns.length], [2, 0]);

  const world = hosted();
  const throwing = new Source();
  throwing.next = () => {
    throw error;
  };
  const task = world.kernel.spawn(each(throwing, nothing));
  world.settle();
  assert.is(task.outcome, error);
  assert.is(throwing.returns.length, 0);
});

test('rule 15: an error of the body closes the iterator, waits for that, and is thrown', async () => {
  const error = new Error('mine');
  const { world, source, task } = await started(failing(error));
  assert.is(source.returns.length, 1);
  assert.is(task.status, 'parked');
  await source.close();
  world.settle();
  assert.is(task.outcome, error);
  assert.equal(errorsOf(error), [error]);

  const log: string[] = [];
  assert.is(await thrownBy(run(() => each(letters(log), failing(error)))), error);
  assert.equal(log, ['closed']);
});

test('rule 15: what goes wrong in closing comes after the error of the body', async () => {
  const error = new Error('mine');
  const second = new Error('second');
  const { world, source, task } = await started(failing(error));
  source.returns[0]?.reject(second);
  await turn();
  world.settle();
  assert.is(task.outcome, error);
  assert.equal(errorsOf(error), [error, second]);
});

test('rule 10: a cancel in the body closes the iterator behind a shield, and waits for that', async () => {
  const { world, source, task } = await started(forever);
  task.cancel();
  world.settle();
  assert.is(source.returns.length, 1);
  assert.is(task.status, 'parked');
  await source.close();
  world.settle();
  assert.is(task.status, 'cancelled');
});

test('rule 12: an error in closing replaces the cancel', async () => {
  const error = new Error('mine');
  for (const how of ['rejects', 'throws']) {
    const { world, source, task } = await started(forever);
    if (how === 'throws') {
      source.return = () => {
        throw error;
      };
    }
    task.cancel();
    world.settle();
    source.returns[0]?.reject(error);
    await turn();
    world.settle();
    assert.is(task.status, 'failed');
    assert.is(task.outcome, error);
  }
});

test('a cancel while the next item is waited for calls return() and does not wait for it', async () => {
  const rejections: unknown[] = [];
  const listener = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', listener);
  const { world, source, task } = await started(nothing);
  assert.is(source.nexts.length, 2);
  task.cancel();
  assert.is(source.returns.length, 0);
  world.settle();
  assert.is(source.returns.length, 1);
  assert.is(task.status, 'cancelled');
  // What both become is nobody's business any more.
  source.nexts[1]?.reject(new Error('late'));
  source.returns[0]?.reject(new Error('late too'));
  await turn();
  await turn();
  process.off('unhandledRejection', listener);
  assert.equal(rejections, []);
  assert.is(world.kernel.ready, 0);
});

test('a generator that is cancelled in its next() is closed as soon as that answers', async () => {
  const log: string[] = [];
  const gate = new Deferred<void>();
  const world = hosted();
  const task = world.kernel.spawn(
    each(
      (async function* (): AsyncGenerator<string> {
        try {
          await gate.promise;
          yield 'an item that nobody gets';
        } finally {
          log.push('closed');
        }
      })(),
      function* (item): Co<void> {
        log.push(item);
      },
    ),
  );
  world.settle();
  task.cancel();
  world.settle();
  assert.is(task.status, 'cancelled');
  gate.resolve();
  await turn();
  assert.equal(log, ['closed']);
});

test('a stream of Node that is cancelled in its next() is destroyed, as return() would wait for its next data', async () => {
  const stream = new PassThrough();
  const stop = new AbortController();
  const seen: string[] = [];
  const error = await thrownBy(
    run(
      function* main(): Co<void> {
        stream.write('some');
        yield* each(stream, function* (chunk: Buffer): Co<void> {
          seen.push(String(chunk));
          setImmediate(() => stop.abort('enough'));
        });
      },
      { signal: stop.signal },
    ),
  );
  assert.ok(isCancelled(error));
  assert.equal(seen, ['some']);
  assert.ok(stream.destroyed);
});

test('an item that comes after the cancel and before the step is lost, and the iterator is closed', async () => {
  const { world, source, task } = await started(nothing);
  task.cancel();
  await source.give('lost');
  world.settle();
  // It is idle again, so this return() does not queue behind anything.
  assert.is(source.returns.length, 1);
  assert.is(task.status, 'parked');
  await source.close();
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.is(source.nexts.length, 2);
});

test('a failure that comes after the cancel and before the step needs no closing', async () => {
  const { world, source, task } = await started(nothing);
  task.cancel();
  source.nexts.at(-1)?.reject(new Error('late'));
  await turn();
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.is(source.returns.length, 0);
});

test('rule 2: a task that is cancelled before it asks takes no item, and closes the iterator', async () => {
  const world = hosted();
  const source = new Source();
  const task = world.kernel.spawn(each(source, nothing));
  task.cancel();
  world.settle();
  assert.equal([source.nexts.length, source.returns.length], [0, 1]);
  await source.close();
  world.settle();
  assert.is(task.status, 'cancelled');
});

test('stop() ends the loop after this body, and waits until the iterator is closed', async () => {
  const log: string[] = [];
  const { world, source, task } = await started(function* (item, stop): Co<void> {
    stop();
    yield;
    log.push(item);
  });
  assert.equal(log, ['first']);
  assert.is(task.status, 'parked');
  assert.equal([source.nexts.length, source.returns.length], [1, 1]);
  // Rule 4: it is complete, and a cancel comes at the next trap after it.
  task.cancel();
  await source.close();
  world.settle();
  assert.is(task.status, 'done');

  const error = new Error('mine');
  const failed = await started(function* (_item, stop): Co<void> {
    stop();
  });
  failed.source.returns[0]?.reject(error);
  await turn();
  failed.world.settle();
  assert.is(failed.task.outcome, error);
});

test('an iterator without return() is left as it is', async () => {
  for (const close of [undefined, null]) {
    const world = hosted();
    const source = new Source();
    source.return = close as never;
    const task = world.kernel.spawn(
      each(source, function* (_item, stop): Co<void> {
        stop();
      }),
    );
    world.settle();
    await source.give('first');
    world.settle();
    assert.is(task.status, 'done');
  }
});

test('rule 10: a return() that does not answer is waited for for as long as was said', async () => {
  const error = new Error('mine');
  for (const [options, limit] of [
    [undefined, 1000],
    [{ cleanup: 5 }, 5],
    [{ cleanup: 0 }, 0],
  ] as const) {
    const stopped = await started(function* (_item, stop): Co<void> {
      stop();
    }, options);
    stopped.world.advance(limit / 2);
    if (limit > 0) assert.is(stopped.task.status, 'parked');
    stopped.world.advance(limit / 2);
    assert.instance(stopped.task.outcome, TimeoutError);
    assert.is((stopped.task.outcome as TimeoutError).ms, limit);

    // Rule 12, for a cancel; rule 15, for an error.
    const cancelled = await started(forever, options);
    cancelled.task.cancel();
    cancelled.world.settle();
    cancelled.world.advance(limit);
    assert.is(cancelled.task.status, 'failed');
    assert.instance(cancelled.task.outcome, TimeoutError);

    const own = new Error('own');
    const failed = await started(failing(own), options);
    failed.world.advance(limit);
    assert.is(failed.task.outcome, own);
    assert.instance(errorsOf(own)[1], TimeoutError);
  }
  const patient = await started(failing(error), { cleanup: Number.POSITIVE_INFINITY });
  patient.world.advance(1e12);
  assert.is(patient.task.status, 'parked');
  await patient.source.close();
  patient.world.settle();
  assert.is(patient.task.outcome, error);
});

test('rule 10: the bound of a cancel on all clean-up holds for the closing too', async () => {
  const { world, task } = await started(forever);
  task.cancel('enough', { cleanup: 5 });
  world.settle();
  world.advance(4);
  assert.is(task.status, 'parked');
  world.advance(1);
  assert.is(task.status, 'cancelled');
  // Where the body had failed, that counts, and not the cancel which cut the closing short.
  const error = new Error('mine');
  const failed = await started(failing(error));
  failed.task.cancel('enough', { cleanup: 5 });
  failed.world.advance(5);
  assert.is(failed.task.outcome, error);
  assert.equal(errorsOf(error), [error]);
});

test('plain iterables work in every drive, their items as they are, and are closed on every path', async () => {
  const error = new Error('mine');
  const promise = Promise.resolve('p');
  for (const drive of [run, runSync]) {
    const seen: unknown[] = [];
    const log: string[] = [];
    const counted = function* (): Generator<number> {
      try {
        yield 1;
        yield 2;
      } finally {
        log.push('closed');
      }
    };
    await drive(function* main(): Co<void> {
      yield* each(['a', promise], function* (item): Co<void> {
        yield;
        seen.push(item);
      });
      yield* each('xy', function* (item): Co<void> {
        seen.push(item);
      });
      yield* each(counted(), function* (item, stop): Co<void> {
        seen.push(item);
        stop();
      });
      try {
        yield* each(counted(), failing(error));
      } catch (caught) {
        seen.push(caught);
      }
    });
    assert.equal(seen.length, 6);
    assert.is(seen[1], promise);
    assert.equal([seen[0], ...seen.slice(2, 5)], ['a', 'x', 'y', 1]);
    assert.is(seen[5], error);
    assert.equal(log, ['closed', 'closed']);
  }
  const world = new World();
  let closed = false;
  const endless = function* (): Generator<number> {
    try {
      for (;;) yield 1;
    } finally {
      closed = true;
    }
  };
  const task = world.kernel.spawn(each(endless(), () => sleep(1)));
  world.settle();
  task.cancel();
  world.settle();
  assert.is(task.status, 'cancelled');
  assert.ok(closed);
});

test('an async iterable in the blocking drive, or in a kernel without a loop, is refused before it is touched', () => {
  const source = new Source();
  assert.throws(
    () => runSync(() => each(source, nothing)),
    (error: unknown) => error instanceof NoHostError && /runSync\(\)/.test(error.message),
  );
  const world = new World();
  const task = world.kernel.spawn(each(source, nothing));
  world.settle();
  assert.instance(task.outcome, NoHostError);
  assert.equal([source.iterators, source.nexts.length, source.returns.length], [0, 0, 0]);
});

test('each refuses what is no iterable, and a limit that is no duration', () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /not undefined/],
    [null, /not null/],
    [5, /not 5/],
    [{}, /not an object \(Object\)/],
    [pass(), /an operation; yield it as it is/],
  ];
  for (const [source, message] of cases) {
    assert.throws(
      () => runSync(() => each(source as Items<unknown>, nothing)),
      (error: unknown) => error instanceof TypeError && message.test(error.message),
    );
  }
  for (const cleanup of [-1, Number.NaN]) {
    assert.throws(
      () => runSync(() => each([], nothing, { cleanup })),
      (error: unknown) => error instanceof RangeError && /cleanup/.test(error.message),
    );
  }
  assert.throws(
    () => runSync(() => each(['a'], (async () => {}) as never)),
    (error: unknown) => error instanceof TypeError && /until\(promise\)/.test(error.message),
  );
});

test('a task says that it waits for an item', async () => {
  const { task, world } = await started(nothing);
  assert.is(task.waitsFor, 'the next item of an async iterable');
  task.cancel();
  world.settle();
  assert.is(task.status, 'cancelled');
});

test('each is an operation: it can be yielded again, and goes through the source anew', async () => {
  const seen: number[] = [];
  const twice = each(
    [1, 2],
    routine(function* note(item: number): Co<void> {
      seen.push(item);
    }),
  );
  await run(
    made(function* (): Co<void> {
      yield* twice;
      yield* twice;
    }),
  );
  assert.equal(seen, [1, 2, 1, 2]);
});

test.run();
