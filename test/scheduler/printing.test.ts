/** What is printed of things that know everything: one line, also where Node prints an error that nobody caught. */

import { inspect } from 'node:util';
import * as assert from 'uvu/assert';
import {
  type Co,
  cancelScope,
  DeadlockError,
  group,
  runSync,
  Scheduler,
  Socket,
  sleep,
  WaitQueue,
} from '../../src/index.ts';
import { runningTask } from '../../src/kernel/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('printing');

test('a scheduler, a task, a group, a scope, a kernel and a descriptor are a line each', () => {
  using scheduler = new Scheduler({ backend: 'poll' });
  const lines: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      yield* group(function* (g): Co<void> {
        const { kernel } = runningTask();
        assert.is(inspect(g), 'group of 0 tasks');
        const task = g.spawn(sleep(0), { name: 'sleeper' });
        assert.not(g.isDaemon(task));
        using socket = Socket.tcp();
        for (const thing of [scheduler, kernel, kernel.tasks, g, kernel.root]) lines.push(inspect(thing));
        assert.is(inspect(socket), `Socket ${socket.fd}`);
        yield* cancelScope(function* (scope): Co<void> {
          scope.cancel();
          lines.push(inspect(scope));
        });
        g.cancel();
        lines.push(inspect(g), inspect(kernel.shelter));
      });
    })(),
    { name: 'main' },
  );
  scheduler.runSync();
  assert.equal(lines, [
    `${scheduler.name}, 2 tasks`,
    'kernel, 2 tasks',
    '[ task 1 (main), task 2 (sleeper) ]',
    'group of 1 task',
    'scope',
    'scope (cancelled)',
    'group of 1 task',
    'scope',
  ]);
});

test('a deadlock that nobody catches is printed with its sentence, and without the tree of all tasks', () => {
  let error: unknown;
  try {
    runSync(new WaitQueue('the door').wait());
  } catch (raised) {
    error = raised;
  }
  assert.instance(error, DeadlockError);
  assert.is((error as DeadlockError).tasks.length, 1);
  // So prints Node what ends a process.
  const printed = inspect(error, { customInspect: false, depth: Number.POSITIVE_INFINITY });
  assert.match(printed, 'waits for the door');
  assert.ok(printed.split('\n').length < 20, printed);
});

test.run();
