/** A scheduler in a loop of somebody else's, which registers its descriptor once, and what may be called when. */

import * as assert from 'uvu/assert';
import { type Co, sleep } from '../../src/kernel/index.ts';
import { constants, Epoll, realSys, Socket } from '../../src/os/index.ts';
import { ReadWait } from '../../src/scheduler/index.ts';
import { thrownBy } from '../support/drives.ts';
import { Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';

const test = suite('embedding');
const EPOLL = 'EPOLLIN' in constants;
/** Turns that a test's program may take: one that spins takes thousands. */
const FEW = 20;

/** Waits as a loop of epoll does that registered the descriptor once, and takes a turn whenever it is readable. */
function loop(scheduler: Scheduler): number {
  using outer = Epoll.create();
  outer.add(scheduler.fd, constants.EPOLLIN as number);
  let turns = 0;
  for (;;) {
    outer.wait();
    turns++;
    if (!scheduler.turn()) return turns;
  }
}

if (EPOLL) {
  test('a loop that registers the descriptor once hears of deadlines, earlier ones and later ones, and does not spin', () => {
    const scheduler = new Scheduler({ backend: 'epoll' });
    const order: string[] = [];
    const nap = function* (name: string, ms: number): Co<void> {
      yield* sleep(ms);
      order.push(name);
    };
    scheduler.spawn(nap('late', 40));
    scheduler.spawn(
      (function* (): Co<void> {
        yield* nap('early', 10);
        scheduler.spawn(nap('spawned', 10));
      })(),
    );
    const turns = loop(scheduler);
    // On a busy machine the late one may be due before the other two have had their turns.
    assert.equal([...order].sort(), ['early', 'late', 'spawned']);
    assert.ok(order.indexOf('early') < order.indexOf('spawned'));
    assert.ok(turns < FEW, `${turns} turns`);
  });

  test('a loop that registers the descriptor once hears of a task that is spawned from outside, and of readiness', () => {
    const scheduler = new Scheduler({ backend: 'epoll' });
    const [one, other] = Socket.pair();
    using outer = Epoll.create();
    const wait = function* (): Co<string> {
      yield* new ReadWait(one);
      return String(one.recv());
    };
    const first = scheduler.spawn(wait());
    outer.add(scheduler.fd, constants.EPOLLIN as number);
    while (outer.wait(0).length > 0) scheduler.turn();
    scheduler.spawn(
      (function* (): Co<void> {
        other.send('hello');
        yield;
      })(),
    );
    for (let turns = 0; turns < FEW && !first.ended; turns++) {
      outer.wait();
      scheduler.turn();
    }
    assert.is(first.outcome, 'hello');
    one.close();
    other.close();
    scheduler.close();
  });
}

test('a scheduler can run again as soon as its last task has ended', async () => {
  const scheduler = new Scheduler(EPOLL ? { backend: 'epoll' } : {});
  const nap = function* (): Co<string> {
    yield* sleep(1);
    return 'rested';
  };
  const first = scheduler.spawn(nap());
  const run = scheduler.run();
  assert.is(await first.promise, 'rested');
  const second = scheduler.spawn(nap());
  await scheduler.run();
  assert.is(second.outcome, 'rested');
  await run;
});

test('close() inside a blocking run is refused, as it would not hear Ctrl-C any more', async () => {
  const scheduler = new Scheduler();
  scheduler.spawn(
    (function* (): Co<void> {
      yield;
      scheduler.close();
    })(),
  );
  const error = await thrownBy((async () => scheduler.runSync())());
  assert.is((error as { code: string }).code, 'ERR_GENLOOP_MISUSE');
});

test('a bare number is told to the kernel again, also if its owner was closed behind our back', () => {
  const scheduler = new Scheduler();
  const sys = realSys();
  const [one, other] = Socket.pair();
  const number = one.fd;
  const first = scheduler.spawn(new ReadWait(one));
  scheduler.turn();
  // The reader has been woken, so nobody waits, and the registration is still armed.
  other.send('x');
  scheduler.turn();
  assert.is(first.status, 'done');
  sys.close(number);
  const [three, four] = Socket.pair();
  assert.is(three.fd, number);
  const second = scheduler.spawn(new ReadWait(number));
  scheduler.turn();
  four.send('y');
  scheduler.turn();
  assert.is(second.status, 'done');
  one.detach();
  for (const descriptor of [other, three, four]) descriptor.close();
  scheduler.close();
});

test.run();
