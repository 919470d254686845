/** Rule 46: each task has the AsyncLocalStorage context of its spawn. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Co, group, pass, sleep } from 'genloop/kernel';
import * as assert from 'uvu/assert';
import { eachSetup } from '../support/drives.ts';
import { Scheduler } from '../support/seeded.ts';
import { equalInAnyOrder } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';

const test = suite('async context');
const overAll = eachSetup(test);

overAll('rule 46: a task keeps the context in which it was spawned, whoever runs meanwhile', async (setup) => {
  const storage = new AsyncLocalStorage<string>();
  const scheduler = setup.make();
  const seen: [own: string | undefined, found: string | undefined][] = [];
  function* looking(own?: string): Co<void> {
    seen.push([own, storage.getStore()]);
    yield* pass();
    seen.push([own, storage.getStore()]);
    yield* sleep(0);
    seen.push([own, storage.getStore()]);
  }
  storage.run('a', () => scheduler.spawn(looking('a')));
  storage.run('b', () => scheduler.spawn(looking('b')));
  scheduler.spawn(looking());
  await storage.run('whoever runs', () => setup.run(scheduler));
  const round = ['a', 'b', undefined].map((own) => [own, own]);
  equalInAnyOrder(seen, [...round, ...round, ...round]);
});

test('rule 46: children have the context of the place of their spawn, and what a step sets ends with the step', () => {
  const storage = new AsyncLocalStorage<string>();
  const scheduler = new Scheduler();
  const seen: [who: string, found: string | undefined][] = [];
  function* child(name: string): Co<void> {
    seen.push([name, storage.getStore()]);
    yield* pass();
    seen.push([name, storage.getStore()]);
  }
  scheduler.spawn(
    group(function* (g): Co<void> {
      storage.run('inner', () => g.spawn(child('first')));
      g.spawn(child('second'));
      yield* pass();
      seen.push(['body', storage.getStore()]);
    }),
  );
  storage.run('outer', () => scheduler.runSync());
  equalInAnyOrder(seen, [
    ['first', 'inner'],
    ['second', undefined],
    ['body', undefined],
    ['first', 'inner'],
    ['second', undefined],
  ]);
});

test('rule 46: a task, and a scheduler, can be told not to', () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  function* looking(): Co<void> {
    yield* pass();
    seen.push(storage.getStore());
  }
  const scheduler = new Scheduler();
  storage.run('spawn', () => scheduler.spawn(looking(), { asyncContext: false }));
  storage.run('run', () => scheduler.runSync());
  const without = new Scheduler({ asyncContext: false });
  storage.run('spawn', () => without.spawn(looking()));
  storage.run('run', () => without.runSync());
  assert.equal(seen, ['run', 'run']);
});

test.run();
