/** The places of generators, as the debugger knows them. */

import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { type Co, failAfter, group, sleep } from 'genloop/kernel';
import { Scheduler } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { Locator } from '../../src/scheduler/locate.ts';
import { suite } from '../support/suite.ts';

const test = suite('locate');
const HERE = fileURLToPath(import.meta.url);

/** A generator of a script that no file holds, after its first `yield`, which stands in the second line. */
function scripted(filename?: string): Generator {
  const make = runInThisContext('(function* () {\n  yield 1;\n  yield 2;\n})', { filename }) as () => Generator;
  const generator = make();
  generator.next();
  return generator;
}

test('a place is a path and a line of the source, the one at which the generator is suspended', () => {
  using locator = new Locator();
  const line = Number(/:(\d+):\d+\)?$/.exec((new Error().stack ?? '').split('\n')[1] ?? '')?.[1]);
  const generator = (function* (): Generator<number> {
    yield 1;
    yield 2;
  })();
  generator.next();
  assert.is(locator.whereFrame(generator), `${HERE}:${line + 2}`);
  generator.next();
  assert.is(locator.whereFrame(generator), `${HERE}:${line + 3}`);
});

test('a place names the function as it is called when it is asked; one without a name has an empty one', () => {
  using locator = new Locator();
  function* named(): Generator<number> {
    yield 1;
  }
  const renamed = Object.defineProperty(
    function* (): Generator<number> {
      yield 2;
    },
    'name',
    { value: 'as it is called' },
  );
  const odd = Object.defineProperty(
    function* (): Generator<number> {
      yield 3;
    },
    'name',
    { value: 5 },
  );
  const bodies = [named, (() => function* () {})(), renamed, named, odd];
  const places = locator.places(bodies.map((body) => body()));
  assert.equal(
    places.map((place) => place?.functionName),
    ['named', '', 'as it is called', 'named', ''],
  );
  assert.equal(locator.places([]), []);
});

test('the place of a task is that of its innermost subroutine', () => {
  using locator = new Locator();
  const scheduler = new Scheduler();
  const inner = function* (): Co<void> {
    yield* sleep(60_000);
  };
  const task = scheduler.spawn(
    (function* (): Co<void> {
      yield inner();
    })(),
  );
  scheduler.turn();
  const frame = task.frame;
  assert.is(task.callers?.length, 1);
  assert.is(locator.where(task), locator.whereFrame(frame));
  assert.is.not(locator.where(task), locator.whereFrame(task.callers?.[0] as object));
  task.cancel();
  scheduler.runSync();
  assert.is(task.status, 'cancelled');
});

test('the place of a task is never one of the library', () => {
  using locator = new Locator();
  const scheduler = new Scheduler();
  const operation = scheduler.spawn(sleep(60_000));
  const grouped = scheduler.spawn(
    (function* (): Co<void> {
      yield* group(() => failAfter(60_000, sleep(30_000)));
    })(),
  );
  scheduler.turn();
  assert.is(locator.where(operation), undefined);
  assert.match(locator.where(grouped) as string, HERE);
  scheduler.cancel();
  assert.throws(() => scheduler.runSync());
});

test('a script that is no file has the place that it was named after', () => {
  using locator = new Locator();
  assert.is(locator.whereFrame(scripted('program.js')), 'program.js:2');
});

test('there is no place in code without a name, nor in a generator that is not of the language', () => {
  using locator = new Locator();
  const nameless = new Function('return (function* () { yield 1; })()')() as Generator;
  nameless.next();
  assert.is(locator.whereFrame(nameless), undefined);
  assert.is(locator.whereFrame({ next: () => ({ done: false }) }), undefined);
  assert.is(locator.whereFrame(Object.create(null)), undefined);
});

test('nothing is left behind where everybody can see it', () => {
  const before = Object.getOwnPropertyNames(globalThis);
  using locator = new Locator();
  locator.whereFrame(scripted('program.js'));
  assert.equal(Object.getOwnPropertyNames(globalThis), before);
});

test.run();
