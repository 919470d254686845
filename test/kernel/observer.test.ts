/** Who looks on, and who of several is told what. */

import * as assert from 'uvu/assert';
import { type Co, type Observer, observers, sleep, type Task } from '../../src/kernel/index.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('observer');

/** An observer that writes down all that it is told, in short. */
function writer(name: string, log: string[]): Required<Observer> {
  const tell = (what: string): void => void log.push(`${name} ${what}`);
  return {
    spawned: (task) => tell(`spawned ${task.name}`),
    stepping: (task) => tell(`stepping ${task.name}`),
    stepped: (task) => tell(`stepped ${task.name} ${task.status}`),
    yielded: (yielded) => tell(`yielded ${'describe' in yielded ? yielded.describe() : 'a generator'}`),
    parked: (task, operation) => tell(`parked ${task.name} ${operation.describe()}`),
    woken: (task) => tell(`woken ${task.name}`),
    threw: (task, error) => tell(`threw ${task.name} ${(error as Error).message}`),
    interrupted: (task) => tell(`interrupted ${task.name}`),
    ended: (task) => tell(`ended ${task.name} ${task.ending}`),
    cancelled: (scope) => tell(`cancelled ${(scope as Task<unknown>).name}`),
  };
}

/** A task that parks, is cancelled, and fails in its clean-up: everything that can be told. */
function live(world: World): void {
  const napping = function* (): Co<void> {
    yield* sleep(10);
  };
  const task = world.kernel.spawn(
    (function* (): Co<void> {
      try {
        yield napping();
      } catch {
        throw new Error('in clean-up');
      }
    })(),
    { name: 'one' },
  );
  world.settle();
  task.cancel('enough');
  world.settle();
}

const LIFE = [
  'spawned one',
  'stepping one',
  'yielded a generator',
  'yielded sleep(10)',
  'parked one sleep(10)',
  'stepped one parked',
  'woken one',
  'cancelled one',
  'stepping one',
  'interrupted one',
  'threw one the task was cancelled: enough',
  'threw one in clean-up',
  'ended one failed',
  'stepped one failed',
];

test('an observer is told the whole life of a task, in its order', () => {
  const world = new World();
  const log: string[] = [];
  world.kernel.observer = observers([writer('a', log)]);
  live(world);
  assert.equal(
    log,
    LIFE.map((line) => `a ${line}`),
  );
});

test('of several each is told everything, in the order in which they look on; one that wants nothing is left in peace', () => {
  const world = new World();
  const log: string[] = [];
  world.kernel.observer = observers([writer('a', log), {}, writer('b', log)]);
  live(world);
  assert.equal(
    log,
    LIFE.flatMap((line) => [`a ${line}`, `b ${line}`]),
  );
});

test('several who want nothing change nothing', () => {
  const world = new World();
  world.kernel.observer = observers([{}, {}]);
  live(world);
  assert.equal(
    world.failures.map(([task, error]) => [task.name, (error as Error).message]),
    [['one', 'in clean-up']],
  );
  assert.is(world.kernel.tasks.size, 0);
});

test('nobody is no observer, and one is asked without a detour', () => {
  const one: Observer = {};
  assert.is(observers([]), null);
  assert.is(observers([one]), one);
});

test.run();
