/** Who is told of a wake, and of whom. The other events are tested by those who use them. */

import { type Co, type Observer, observers, sleep, type Task, WaitQueue } from 'genloop/kernel';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('woken');
const NEVER = Number.POSITIVE_INFINITY;

function told(fill: (world: World) => void): string[] {
  const world = new World();
  const lines: string[] = [];
  const one: Observer = {
    woken: (task: Task<unknown>, by: Task<unknown> | null) => lines.push(`${task.name} by ${by?.name ?? 'nobody'}`),
  };
  // Several, of which one does not care.
  world.kernel.observer = observers([one, {}]);
  fill(world);
  world.settle();
  world.advance(1);
  world.advance(9);
  return lines;
}

test('is told of each wake, and which task did it', () => {
  const queue = new WaitQueue('a turn');
  const lines = told(({ kernel }) => {
    kernel.spawn(queue.wait(), { name: 'waiter' });
    const sleeper = kernel.spawn(sleep(5), { name: 'sleeper' });
    const cancelled = kernel.spawn(sleep(NEVER), { name: 'cancelled' });
    kernel.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        queue.wake();
        cancelled.cancel();
        yield* sleeper.join();
      })(),
      { name: 'main' },
    );
  });
  assert.equal(lines, [
    'main by nobody',
    'waiter by main',
    'cancelled by main',
    'sleeper by nobody',
    'main by sleeper',
  ]);
});

test('is not told of a claim that came too late, nor of an operation that never waited', () => {
  const queue = new WaitQueue('a turn');
  const lines = told(({ kernel }) => {
    const waiter = kernel.spawn(queue.wait(), { name: 'waiter' });
    kernel.spawn(
      (function* (): Co<void> {
        yield* sleep(1);
        waiter.cancel();
        queue.wake();
      })(),
      { name: 'main' },
    );
    kernel.spawn(waiter.join(), { name: 'joiner' }).promise.catch(() => {});
  });
  assert.equal(lines, ['main by nobody', 'waiter by main', 'joiner by waiter']);
});

test.run();
