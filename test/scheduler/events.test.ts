/** Waiting for events: what comes of them, and that no listener outlives its wait. */

import { EventEmitter, getEventListeners } from 'node:events';
import { Server } from 'node:net';
import { CancelError, type Co, type Op, sleep, type Task } from 'genloop/kernel';
import { currentScheduler } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { once } from '../../src/scheduler/events.ts';
import { NODE, Program } from '../examples/program.ts';
import { SETS } from '../support/backends.ts';
import { select } from '../support/operations.ts';
import { run, runSync } from '../support/seeded.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { made, World } from '../support/world.ts';

const test = suite('events');
/** A guest needs a backend with a descriptor of its own, whatever the environment asks for. */
const GUEST = { backend: (SETS[0] as (typeof SETS)[0]).name };

/** How many listeners an emitter has, of whatever event. */
function listeners(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

/** A task that waits, in a kernel of its own. */
function waiting<T>(operation: Op<T>): { world: World; task: Task<T> } {
  const world = new World();
  const task = world.kernel.spawn(operation);
  world.settle();
  assert.is(task.status, 'parked');
  return { world, task };
}

test("an emitter's event gives its arguments, and leaves no listener", () => {
  const emitter = new EventEmitter();
  const { world, task } = waiting(once<[number, string]>(emitter, 'news'));
  assert.is(listeners(emitter), 2);
  emitter.emit('other', 0);
  world.settle();
  assert.is(task.status, 'parked');
  emitter.emit('news', 1, 'two');
  assert.is(listeners(emitter), 0);
  emitter.emit('news', 3, 'four');
  world.settle();
  assert.equal(task.outcome, [1, 'two']);
});

test('an event without arguments gives an empty array; a symbol names one too', () => {
  const emitter = new EventEmitter();
  const event = Symbol('news');
  const { world, task } = waiting(once(emitter, event));
  emitter.emit(event);
  world.settle();
  assert.equal(task.outcome, []);
  assert.is(listeners(emitter), 0);
});

test("an emitter's 'error' is thrown, and leaves no listener", () => {
  const emitter = new EventEmitter();
  const error = new Error('mine');
  const { world, task } = waiting(once(emitter, 'news'));
  emitter.emit('error', error, 'more');
  assert.is(listeners(emitter), 0);
  world.settle();
  assert.is(task.status, 'failed');
  assert.is(task.outcome, error);
});

test("who waits for 'error' itself gets it as an event", () => {
  const emitter = new EventEmitter();
  const error = new Error('mine');
  // Emitters that declare their events, and those with overloads, are taken as they are.
  const declared = new EventEmitter<{ error: [Error]; news: [string] }>();
  const operations: Op<unknown[]>[] = [once(declared, 'news'), once(process, 'exit'), once(new Server(), 'close')];
  assert.is(operations.length, 3);
  const { world, task } = waiting(once(emitter, 'error'));
  assert.is(listeners(emitter), 1);
  emitter.emit('error', error);
  world.settle();
  assert.equal(task.status, 'done');
  assert.is((task.outcome as unknown[])[0], error);
  assert.is(listeners(emitter), 0);
});

test("an EventTarget's event is given as it is, its 'error' is an event like others, and no listener stays", () => {
  const target = new EventTarget();
  const { world, task } = waiting(once<MessageEvent>(target, 'news'));
  assert.is(getEventListeners(target, 'news').length, 1);
  target.dispatchEvent(new Event('error'));
  world.settle();
  assert.is(task.status, 'parked');
  const event = new Event('news');
  target.dispatchEvent(event);
  target.dispatchEvent(new Event('news'));
  world.settle();
  assert.is(task.outcome, event);
  assert.is(getEventListeners(target, 'news').length, 0);
  assert.is(getEventListeners(target, 'error').length, 0);
});

test('what is an emitter and a target at once counts as an emitter', () => {
  const { port1, port2 } = new MessageChannel();
  const { world, task } = waiting(once(port1, 'news'));
  (port1 as unknown as EventEmitter).emit('news', 'a');
  world.settle();
  assert.equal(task.outcome, ['a']);
  port1.close();
  port2.close();
});

test('a cancel and a lost select take the listeners away', () => {
  const emitter = new EventEmitter();
  const target = new EventTarget();
  const { signal } = new AbortController();
  for (const operation of [once(emitter, 'news', { signal }), once(target, 'news', { signal })]) {
    const { world, task } = waiting<unknown>(operation);
    assert.is(listeners(emitter) + getEventListeners(target, 'news').length > 0, true);
    task.cancel();
    assert.is(listeners(emitter), 0);
    assert.is(getEventListeners(target, 'news').length, 0);
    assert.is(getEventListeners(signal, 'abort').length, 0);
    world.settle();
    assert.is(task.status, 'cancelled');
  }
  const { world, task } = waiting(
    select(once(emitter, 'news', { signal }), once(target, 'news', { signal }), sleep(1)),
  );
  world.advance(1);
  assert.is((task.outcome as [number, unknown])[0], 2);
  assert.is(listeners(emitter), 0);
  assert.is(getEventListeners(target, 'news').length, 0);
  assert.is(getEventListeners(signal, 'abort').length, 0);
});

test('rule 6: of two events that wait in one select, exactly one takes effect', () => {
  const emitter = new EventEmitter();
  const { world, task } = waiting(select(once(emitter, 'a'), once(emitter, 'b')));
  emitter.emit('b', 1);
  emitter.emit('a', 2);
  world.settle();
  assert.equal(task.outcome, [1, [1]]);
  assert.is(listeners(emitter), 0);
});

test('one operation can be waited for many times, and by several tasks', () => {
  const emitter = new EventEmitter();
  const news = once(emitter, 'news');
  const world = new World();
  const log: unknown[] = [];
  for (const name of ['a', 'b']) {
    world.kernel.spawn(
      made(function* (): Co<void> {
        for (let i = 0; i < 2; i++) log.push([name, ...(yield* news)]);
      }),
    );
  }
  world.settle();
  emitter.emit('news', 1);
  world.settle();
  emitter.emit('news', 2);
  world.settle();
  equalInAnyOrder(log, [
    ['a', 1],
    ['b', 1],
    ['a', 2],
    ['b', 2],
  ]);
  assert.is(listeners(emitter), 0);
});

test('a signal ends the wait with its reason: aborted before it, and during it', () => {
  const emitter = new EventEmitter();
  const target = new EventTarget();
  const reason = new Error('not wanted');
  for (const source of [emitter, target]) {
    const controller = new AbortController();
    const { signal } = controller;
    const operation = once(source as EventEmitter, 'news', { signal });
    const { world, task } = waiting(operation);
    controller.abort(reason);
    world.settle();
    // Aborted already: it does not even listen.
    const after = world.kernel.spawn(operation);
    world.settle();
    for (const { status, outcome } of [task, after]) {
      assert.is(status, 'failed');
      assert.instance(outcome, CancelError);
      assert.equal(
        [(outcome as CancelError).source, (outcome as CancelError).reason, (outcome as CancelError).code],
        ['abort', reason, 'ABORT_ERR'],
      );
    }
    assert.is(listeners(emitter), 0);
    assert.is(getEventListeners(target, 'news').length, 0);
    assert.is(getEventListeners(signal, 'abort').length, 0);
  }
});

test('a signal has no listener left after the event', () => {
  const emitter = new EventEmitter();
  const { signal } = new AbortController();
  const { world, task } = waiting(once(emitter, 'news', { signal }));
  assert.is(getEventListeners(signal, 'abort').length, 1);
  emitter.emit('news');
  assert.is(getEventListeners(signal, 'abort').length, 0);
  world.settle();
  assert.is(task.status, 'done');
});

test('an emitter that emits while it is being listened to, or refuses, is left without listeners', () => {
  const early = new EventEmitter();
  early.on('newListener', (name) => {
    if (name === 'error') early.emit('news', 'early');
  });
  const world = new World();
  const task = world.kernel.spawn(once(early, 'news'));
  world.settle();
  assert.equal(task.outcome, ['early']);
  assert.equal(early.eventNames(), ['newListener']);

  const error = new Error('no more');
  const refusing = new EventEmitter();
  refusing.on('newListener', (name) => {
    if (name === 'error') throw error;
  });
  const refused = world.kernel.spawn(once(refusing, 'news'));
  world.settle();
  assert.is(refused.outcome, error);
  assert.equal(refusing.eventNames(), ['newListener']);
});

test('as a guest, events of Node arrive', async () => {
  const result = await run(function* main(): Co<unknown> {
    const emitter = new EventEmitter();
    setImmediate(() => emitter.emit('news', 'from a callback'));
    const [text] = yield* once<[string]>(emitter, 'news');
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const event: Event = yield* once(controller.signal, 'abort');
    return [text, event.type];
  }, GUEST);
  assert.equal(result, ['from a callback', 'abort']);
});

test('in the blocking drive the events of other tasks arrive', () => {
  const emitter = new EventEmitter();
  const result = runSync(function* main(): Co<unknown> {
    currentScheduler().spawn(
      made(function* (): Co<void> {
        yield* sleep(0);
        emitter.emit('news', 'from a task');
      }),
    );
    const [, args] = yield* select(sleep(60_000), once(emitter, 'news'));
    return args;
  });
  assert.equal(result, ['from a task']);
  assert.is(listeners(emitter), 0);
});

test('rule 44: an event that nothing can bring is a deadlock, which names it', async () => {
  const source = `
    import { EventEmitter } from 'node:events';
    import { run, runSync } from 'genloop/scheduler';
    import { once } from './src/scheduler/events.ts';
    const waits = function* main() { yield* once(new EventEmitter(), 'news'); };
    const tell = (error) => console.log(error.code, error.message.split('\\n')[1].replace(/ at .*/, ''));
    await run(waits).catch(tell);
    try { runSync(waits); } catch (error) { tell(error); }
  `;
  await using child = new Program([...NODE, '--input-type=module', '-e', source]);
  const { code, stdout, stderr } = await child.ended();
  const line = "ERR_GENLOOP_DEADLOCK   task 1 (main) waits for the event 'news' of EventEmitter\n";
  assert.equal([code, stdout, stderr], [0, line + line, '']);
});

test('a task says which event of what it waits for', () => {
  class Door extends EventTarget {}
  assert.is(waiting(once(new Door(), 'open')).task.waitsFor, "the event 'open' of Door");
  assert.is(waiting(once(process, Symbol('s'))).task.waitsFor, "the event 'Symbol(s)' of process");
  const bare = Object.assign(Object.create(null), { on: () => {}, off: () => {} });
  assert.is(waiting(once(bare, 'open')).task.waitsFor, "the event 'open' of an object");
});

test('once refuses what has no events, and what is no signal', () => {
  for (const source of [undefined, null, {}, 'text', { on: () => {} }]) {
    assert.throws(
      () => once(source as never, 'news'),
      (error: unknown) => error instanceof TypeError && /EventEmitter or an EventTarget/.test(error.message),
    );
  }
  assert.throws(
    () => once(new EventEmitter(), 'news', { signal: {} as never }),
    (error: unknown) => error instanceof TypeError && /AbortSignal/.test(error.message),
  );
});

test.run();
