/** The guest in Node's loop: what it shares with its host, and when it lets the process end. */

import { type Co, type Op, sleep, type Task } from 'genloop/kernel';
import { type BackendName, realSys, Socket, type Sys } from 'genloop/os';
import { ReadWait } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { abandon, closeBehind, SETS } from '../support/backends.ts';
import { thrownBy } from '../support/drives.ts';
import { turn } from '../support/leaks.ts';
import { Queue } from '../support/operations.ts';
import { run, Scheduler } from '../support/seeded.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('guest');
const FOREVER = sleep(Number.POSITIVE_INFINITY);

function* once<T>(operation: Op<T>): Co<T> {
  return yield* operation;
}

/** How many watches keep Node's loop alive. */
function referenced(): number {
  const { libuv } = (process.report as NodeJS.ProcessReport).getReport() as unknown as {
    libuv: { type: string; is_active: boolean; is_referenced: boolean }[];
  };
  return libuv.filter((handle) => handle.type === 'poll' && handle.is_active && handle.is_referenced).length;
}

/** A program in a process of its own; its output and exit code. */
async function program(source: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const head = `
    import { run, runSync, Scheduler, ReadWait } from 'genloop/scheduler';
    import { sleep, Op, PENDING } from 'genloop/kernel';
    import { Socket } from 'genloop/os';
    const never = () => ({ queue: new (class extends Op { try() { return PENDING; } park() {} abort() { return true; } describe() { return 'what never comes'; } })() }).queue;
  `;
  await using child = new Program([...NODE, '--input-type=module', '-e', head + source]);
  return await child.ended();
}

test('rule 17: run returns before the first step', async () => {
  const log: string[] = [];
  const scheduler = new Scheduler();
  scheduler.spawn(
    (function* (): Co<void> {
      log.push('step');
    })(),
  );
  const promise = scheduler.run();
  log.push('returned');
  await Promise.resolve();
  log.push('microtask');
  await promise;
  assert.equal(log, ['returned', 'microtask', 'step']);
});

/** How many steps a task that only yields takes in each turn of Node's loop, while the clock moves on by `ms` at each look. */
async function stepsPerTurn(ms: number): Promise<number[]> {
  const TURNS = 4;
  let time = 0;
  let steps = 0;
  let going = true;
  const sys = overriding(realSys(), {
    now: () => {
      time += ms;
      return time;
    },
  });
  const scheduler = new Scheduler({ sys, backend: SETS[0]?.name as BackendName });
  scheduler.spawn(
    (function* (): Co<void> {
      for (; going; steps++) yield;
    })(),
  );
  const end = scheduler.run();
  const taken: number[] = [];
  for (let before = 0; taken.length < TURNS; before = steps) {
    await turn();
    taken.push(steps - before);
  }
  going = false;
  await end;
  // A turn of the test may fall before the first of the guest.
  return taken.filter((count) => count > 0).slice(1);
}

test('a turn of Node takes eight rounds as long as no millisecond has passed, and one otherwise', async () => {
  // In each the readiness is asked for once, between 64 steps and 64.
  assert.equal([...new Set(await stepsPerTurn(0))], [8 * 2 * 64]);
  assert.equal([...new Set(await stepsPerTurn(1))], [2 * 64]);
});

test('a spawn from a callback of Node wakes the guest', async () => {
  const scheduler = new Scheduler();
  const queue = new Queue<string>();
  const main = scheduler.spawn(once(queue.take()));
  const promise = scheduler.run();
  await turn();
  await turn();
  setTimeout(() => {
    scheduler.spawn(
      (function* (): Co<void> {
        queue.put('from outside');
      })(),
    );
  }, 1);
  await promise;
  assert.is(main.outcome, 'from outside');
});

test('a waker called, and a task cancelled, from a callback of Node wake the guest', async () => {
  const scheduler = new Scheduler();
  const queue = new Queue<string>();
  const taker = scheduler.spawn(once(queue.take()));
  const sleeper = scheduler.spawn(once(FOREVER));
  const promise = scheduler.run();
  await turn();
  queue.put('woken');
  assert.is(await taker.promise, 'woken');
  await turn();
  sleeper.cancel();
  await promise;
  assert.is(sleeper.status, 'cancelled');
});

test('rule 45: several runs live side by side, and hand over to each other through promises', async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on('warning', listener);
  const before = process.listenerCount('beforeExit');
  const runs = Array.from({ length: 20 }, (_, i) =>
    run(function* (): Co<number> {
      yield* sleep(i % 3);
      return i;
    }),
  );
  assert.equal(
    await Promise.all(runs),
    Array.from({ length: 20 }, (_, i) => i),
  );
  await turn();
  process.off('warning', listener);
  assert.equal(warnings, []);
  assert.is(process.listenerCount('beforeExit'), before);
});

test('rule 45: a scheduler that runs already refuses a second run, and the first goes on', async () => {
  const scheduler = new Scheduler();
  const task = scheduler.spawn(once(sleep(1)));
  const promise = scheduler.run();
  for (const verb of ['run', 'runSync', 'turn'] as const) {
    assert.throws(() => void scheduler[verb](), /already running/);
  }
  await promise;
  assert.is(task.status, 'done');
});

test('a step of one guest wakes a task of another', async () => {
  const one = new Scheduler();
  const two = new Scheduler();
  const queue = new Queue<string>();
  const taker = one.spawn(once(queue.take()));
  const first = one.run();
  await turn();
  await turn();
  two.spawn(
    (function* (): Co<void> {
      queue.put('across');
    })(),
  );
  await Promise.all([first, two.run()]);
  assert.is(taker.outcome, 'across');
});

test('rule 30: an idle guest asks nothing of the kernel while Node turns', async () => {
  const [one, other] = Socket.pair();
  const scheduler = new Scheduler();
  const reader = scheduler.spawn(once(new ReadWait(one)));
  const sleeper = scheduler.spawn(once(sleep(60_000)));
  const promise = scheduler.run();
  for (let i = 0; i < 20; i++) await turn();
  const { waits } = scheduler.counters;
  for (let i = 0; i < 200; i++) await turn();
  assert.is(scheduler.counters.waits, waits);
  sleeper.cancel();
  other.send('x');
  await promise;
  assert.is(reader.status, 'done');
  one.close();
  other.close();
});

test('rule 30: an alarm for a sleep that was cancelled makes one wake-up at most', async () => {
  const [one, other] = Socket.pair();
  const scheduler = new Scheduler();
  const reader = scheduler.spawn(once(new ReadWait(one)));
  const sleeper = scheduler.spawn(once(sleep(5)));
  const promise = scheduler.run();
  for (let i = 0; i < 5; i++) await turn();
  sleeper.cancel();
  for (let i = 0; i < 5; i++) await turn();
  const { waits } = scheduler.counters;
  await new Promise((resolve) => setTimeout(resolve, 30));
  // One for the alarm; and one more, as a turn that found an event asks again.
  assert.ok(scheduler.counters.waits - waits <= 2, `${scheduler.counters.waits - waits} waits`);
  other.send('x');
  await promise;
  assert.is(reader.status, 'done');
  one.close();
  other.close();
});

test("rule 40: a storm of yields does not starve Node's timers, immediates and promises", async () => {
  const scheduler = new Scheduler();
  let over = false;
  let steps = 0;
  for (let i = 0; i < 3; i++) {
    scheduler.spawn(
      (function* (): Co<void> {
        while (!over) {
          steps++;
          yield;
        }
      })(),
    );
  }
  const promise = scheduler.run();
  await new Promise((resolve) => setTimeout(resolve, 1));
  await turn();
  await new Promise((resolve) => setTimeout(resolve, 1));
  over = true;
  await promise;
  assert.ok(steps > 0);
});

test('rule 47: one guest turn does not go on for ever where every round has an event', async () => {
  const [one, other] = Socket.pair();
  const scheduler = new Scheduler();
  let rounds = 0;
  let over = false;
  scheduler.spawn(
    (function* (): Co<void> {
      while (!over) {
        other.send('x');
        yield* new ReadWait(one);
        one.recv();
        rounds++;
      }
    })(),
  );
  const promise = scheduler.run();
  const seen: number[] = [];
  for (let i = 0; i < 10; i++) {
    await turn();
    seen.push(rounds);
  }
  over = true;
  await promise;
  assert.ok(
    seen.every((count, i) => i === 0 || count - (seen[i - 1] as number) <= 20),
    seen.join(),
  );
  one.close();
  other.close();
});

test('a scheduler that is closed in the middle of a run wakes its waiters, and the run goes on', async () => {
  const [one, other] = Socket.pair();
  const scheduler = new Scheduler({ onError: () => {} });
  const reader = scheduler.spawn(once(new ReadWait(one)));
  const main = scheduler.spawn(
    (function* (): Co<string> {
      yield* sleep(1);
      scheduler.close();
      yield* sleep(1);
      other.send('x');
      yield* new ReadWait(one);
      yield* sleep(1);
      return String(one.recv());
    })(),
  );
  await scheduler.run();
  assert.is((reader.outcome as { code: string }).code, 'ERR_GENLOOP_CLOSED');
  assert.is(main.outcome, 'x');
  one.close();
  other.close();
});

test('the kernel set is built anew in the middle of a run: the guest watches the new one', async () => {
  const [one, other] = Socket.pair();
  const scheduler = new Scheduler();
  const reader = scheduler.spawn(once(new ReadWait(one)));
  const promise = scheduler.run();
  for (let i = 0; i < 3; i++) await turn();
  // A duplicate keeps alive in the set what was closed behind our back, and it is ready all the time.
  const [loud, far] = Socket.pair();
  const noisy = scheduler.spawn(once(new ReadWait(loud)));
  for (let i = 0; i < 3; i++) await turn();
  const keeper = loud.dup();
  noisy.cancel();
  for (let i = 0; i < 3; i++) await turn();
  closeBehind(loud);
  far.send('x');
  for (let i = 0; i < 1000 && scheduler.counters.rebuilds === 0; i++) await turn();
  const sleeper = scheduler.spawn(once(sleep(2)));
  await sleeper.promise;
  other.send('x');
  await promise;
  assert.is(reader.status, 'done');
  abandon(loud);
  for (const socket of [one, other, far, keeper]) socket.close();
  assert.is(scheduler.counters.rebuilds, 1);
});

test('a kernel set that cannot be opened fails the wait, and a sleep goes on without one', async () => {
  const [one, other] = Socket.pair();
  const { EMFILE } = realSys().constants as Record<string, number>;
  const sys: Sys = overriding(realSys(), { epollCreate: () => -(EMFILE as number) });
  const scheduler = new Scheduler({ sys, backend: 'epoll' });
  const log: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      yield* sleep(1);
      log.push('slept');
      try {
        yield* new ReadWait(one);
      } catch (error) {
        log.push((error as { code: string }).code);
      }
      yield* sleep(1);
      log.push('slept again');
    })(),
  );
  assert.is(await thrownBy(scheduler.run()), undefined);
  assert.equal(log, ['slept', 'EMFILE', 'slept again']);
  one.close();
  other.close();
});

test("a watch that Node's loop refuses ends the run with clean-up, and leaves nothing", async () => {
  const scheduler = new Scheduler();
  const log: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      try {
        yield* sleep(60_000);
      } finally {
        log.push('cleaned up');
      }
    })(),
  );
  // A number that is no descriptor: uv_poll refuses it.
  Object.defineProperty(scheduler.poller, 'fd', { get: () => 987_654 });
  const error = await thrownBy(scheduler.run());
  assert.match(String(error), /refuses to watch/);
  assert.equal(log, ['cleaned up']);
  assert.is(scheduler.size, 0);
  scheduler.close();
});

test('the handle is referenced exactly while something waits for I/O or time', async () => {
  const [one, other] = Socket.pair();
  const queue = new Queue<string>();
  const scheduler = new Scheduler();
  const before = referenced();
  const counts: number[] = [];
  const look = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await turn();
    counts.push(referenced() - before);
  };
  scheduler.spawn(
    (function* (): Co<void> {
      yield* queue.take();
      yield* new ReadWait(one);
      yield* queue.take();
      yield* sleep(60_000);
    })(),
  );
  const promise = scheduler.run();
  await look();
  queue.put('x');
  await look();
  other.send('x');
  await look();
  queue.put('y');
  await look();
  scheduler.cancel();
  await thrownBy(promise);
  await look();
  assert.equal(counts, [0, 1, 0, 1, 0]);
  one.close();
  other.close();
});

test('the process ends by itself when nothing is left', async () => {
  const { code, stdout, stderr } = await program(`
    const scheduler = new Scheduler();
    scheduler.spawn((function* () { yield* sleep(1); console.log('slept'); })());
    scheduler.run().then(() => console.log('ended'));
  `);
  assert.equal([code, stdout, stderr], [0, 'slept\nended\n', '']);
});

test('rule 44: as a guest a deadlock is decided when Node has nothing left to do', async () => {
  const { code, stdout } = await program(`
    const scheduler = new Scheduler();
    scheduler.spawn((function* lost() { try { yield* never(); } finally { console.log('finally'); } })(), { name: 'lost' });
    scheduler.run().catch((error) => console.log(error.code, error.message.split('\\n')[1]));
    setTimeout(() => console.log('not yet'), 20);
  `);
  assert.is(code, 0);
  const lines = stdout.trim().split('\n');
  assert.equal(lines.slice(0, 2), ['not yet', 'finally']);
  assert.match(lines[2] as string, /^ERR_GENLOOP_DEADLOCK {3}task 1 \(lost\) waits for what never comes/);
});

test('rule 44: a deadlock that nobody catches, at the top level or not, is loud', async () => {
  for (const await_ of ['await ', '']) {
    const { code, stderr } = await program(`${await_}run(function* main() { yield* never(); });`);
    assert.is(code, 1, stderr);
    assert.match(stderr, 'DeadlockError');
    assert.match(stderr, /task 1 \(main\) waits for what never comes/);
  }
});

test('rule 44: a task that cannot be stopped does not keep the process, and the deadlock is told', async () => {
  const { code, stdout } = await program(`
    class Firm extends Op { try() { return PENDING; } park() {} abort() { return false; } describe() { return 'firm'; } }
    const scheduler = new Scheduler();
    scheduler.spawn((function* () { yield* new Firm(); })());
    scheduler.run().catch((error) => console.log(error.code));
  `);
  assert.equal([code, stdout], [0, 'ERR_GENLOOP_DEADLOCK\n']);
});

test('two guests that wait for each other are one deadlock', async () => {
  const { code, stdout } = await program(`
    const runs = [1, 2].map((n) => run(function* () { try { yield* never(); } finally { console.log('finally', n); } }));
    for (const { reason } of await Promise.allSettled(runs)) console.log(reason.code);
  `);
  assert.equal([code, stdout], [0, 'finally 1\nfinally 2\nERR_GENLOOP_DEADLOCK\nERR_GENLOOP_DEADLOCK\n']);
});

test('process.exit in a task ends the process with its code, in both drives', async () => {
  for (const [drive, tail] of [
    ['run', 'scheduler.run();'],
    ['runSync', 'scheduler.runSync();'],
  ]) {
    const { code, stdout, stderr } = await program(`
      const [one] = Socket.pair();
      const scheduler = new Scheduler();
      scheduler.spawn((function* () { yield* new ReadWait(one); })());
      scheduler.spawn((function* () { yield* sleep(1); console.log('${drive}'); process.exit(7); })());
      ${tail}
    `);
    assert.equal([code, stdout, stderr], [7, `${drive}\n`, '']);
  }
});

test('an uncaught exception with tasks parked ends the process with it', async () => {
  const { code, stderr } = await program(`
    const [one] = Socket.pair();
    const scheduler = new Scheduler();
    scheduler.spawn((function* () { yield* new ReadWait(one); })());
    scheduler.run();
    setTimeout(() => { throw new Error('elsewhere'); }, 5);
  `);
  assert.is(code, 1);
  assert.match(stderr, 'Error: elsewhere');
});

test('a run whose failure nobody catches is an unhandled rejection with the very error', async () => {
  const { code, stderr } = await program(`
    run(function* () { yield* sleep(1); throw new Error('mine'); });
  `);
  assert.is(code, 1);
  assert.match(stderr, 'Error: mine');
});

test('task.promise of a failing task and the promise of the run both reject, with one error', async () => {
  const scheduler = new Scheduler();
  const error = new Error('mine');
  const task: Task<void> = scheduler.spawn(
    (function* (): Co<void> {
      yield* sleep(1);
      throw error;
    })(),
  );
  const [own, all] = await Promise.allSettled([task.promise, scheduler.run()]);
  assert.is((own as PromiseRejectedResult).reason, error);
  assert.is((all as PromiseRejectedResult).reason, error);
});

test('a system that cannot tell Node about time, and throws instead of refusing, ends the run with clean-up', async () => {
  const error = new Error('no time outside of here');
  // As a simulated system does, whose clock no descriptor follows.
  const sys: Sys = overriding(realSys(), {
    timerfd: () => {
      throw error;
    },
  });
  const scheduler = new Scheduler({ sys });
  const log: string[] = [];
  scheduler.spawn(
    (function* (): Co<void> {
      try {
        yield* sleep(60_000);
      } finally {
        log.push('cleaned up');
      }
    })(),
  );
  const watches = referenced();
  assert.is(await thrownBy(scheduler.run()), error);
  assert.equal([log, scheduler.size, referenced()], [['cleaned up'], 0, watches]);
});

test('rule 47: wake-ups from outside cost one turn together, however many come between two rounds of the host', async () => {
  const scheduler = new Scheduler();
  const queue = new Queue<number>();
  const got: number[] = [];
  for (let i = 0; i < 50; i++) {
    scheduler.spawn(
      (function* (): Co<void> {
        got.push(yield* queue.take());
      })(),
    );
  }
  // The last one stays, so that the run does not end in that turn.
  const last = scheduler.spawn(sleep(60_000));
  const promise = scheduler.run();
  for (let i = 0; i < 3; i++) await turn();
  let rounds = 0;
  const round = scheduler.round.bind(scheduler);
  scheduler.round = (limit) => {
    rounds++;
    return round(limit);
  };
  for (let i = 0; i < 50; i++) void Promise.resolve(i).then((value) => queue.put(value));
  await turn();
  await turn();
  assert.is(got.length, 50);
  assert.is(rounds, 1);
  last.cancel();
  await promise;
});

test.run();
