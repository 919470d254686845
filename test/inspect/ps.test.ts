/** What `ps` and `where` say of tasks in every kind of wait. */

import { ps, type TaskRow, where } from 'genloop/inspect';
import {
  type Co,
  cancelScope,
  cleanup,
  deadline,
  every,
  type Group,
  group,
  Op,
  PENDING,
  pass,
  routine,
  select,
  sleep,
  type Task,
  WaitQueue,
  type Waker,
} from 'genloop/kernel';
import { pipe, Socket } from 'genloop/os';
import { PriorityWait, ReadWait, Scheduler, until, WriteWait } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { overSetups, thrownBy } from '../support/drives.ts';
import { suite } from '../support/suite.ts';

const test = suite('ps');
const NEVER = Number.POSITIVE_INFINITY;
const HERE = 'test/inspect/ps.test.ts';

/** Looks once all tasks of `fill` have come as far as they can, and ends the run then. */
function looked(fill: (scheduler: Scheduler) => void, look: (scheduler: Scheduler) => void): void {
  const scheduler = new Scheduler();
  fill(scheduler);
  scheduler.spawn(
    (function* looker(): Co<void> {
      yield* sleep(1);
      look(scheduler);
      scheduler.cancel('seen');
    })(),
    { name: 'looker' },
  );
  assert.throws(() => scheduler.runSync(), /seen/);
}

function rowsOf(fill: (scheduler: Scheduler) => void): Map<string, TaskRow> {
  let rows: TaskRow[] = [];
  looked(fill, (scheduler) => {
    rows = ps(scheduler);
  });
  return new Map(rows.map((row) => [row.name, row]));
}

function row(rows: ReadonlyMap<string, TaskRow>, name: string): TaskRow {
  const found = rows.get(name);
  assert.ok(found !== undefined, `no row of ${name}`);
  return found as TaskRow;
}

function close(actual: number, most: number): void {
  assert.ok(actual > 0 && actual <= most, `${actual} is not in ]0, ${most}]`);
}

test('a sleeper: how long it has to sleep, and where', () => {
  const rows = rowsOf((scheduler) => {
    scheduler.spawn(
      (function* napper(): Co<void> {
        yield* sleep(60_000);
      })(),
      { name: 'nap' },
    );
    scheduler.spawn(sleep(NEVER), { name: 'for ever' });
  });
  const nap = row(rows, 'nap');
  assert.equal([nap.id, nap.state, nap.waitsFor, nap.fd], [1, 'parked', 'sleep(60000)', undefined]);
  close(nap.wakesIn, 60_000);
  assert.ok(nap.wakesIn > 50_000);
  assert.equal(
    [nap.remaining, nap.cancelled, nap.daemon, nap.owner, nap.parents],
    [NEVER, false, false, undefined, []],
  );
  assert.match(nap.scheduler, /^scheduler \d+$/);
  const [frame] = nap.frames;
  assert.is(nap.frames.length, 1);
  assert.match(frame?.file as string, new RegExp(`${HERE}$`));
  assert.equal([frame?.functionName, frame?.library], ['napper', false]);
  assert.ok((frame?.line ?? 0) > 1 && (frame?.column ?? 0) >= 1);
  const forever = row(rows, 'for ever');
  assert.is(forever.wakesIn, NEVER);
  // An operation that was spawned has no place of its own in the program.
  assert.ok(forever.frames.every(({ library }) => library));
});

test('who waits for a descriptor: which one, in each direction', () => {
  const [first, other] = Socket.pair();
  const { reader: reading, writer: writing } = pipe();
  const again = reading.dup();
  const opened = [first, other, reading, writing, again];
  const full = Buffer.alloc(65_536);
  while (writing.write(full) !== undefined);
  const rows = rowsOf((scheduler) => {
    scheduler.spawn(new ReadWait(first), { name: 'reads' });
    scheduler.spawn(new PriorityWait(first), { name: 'urgent' });
    scheduler.spawn(new WriteWait(writing), { name: 'writes' });
    scheduler.spawn(select({ data: new PriorityWait(again), late: sleep(50_000) }), { name: 'either' });
  });
  assert.equal([row(rows, 'reads').fd, row(rows, 'reads').waitsFor], [first.fd, `ReadWait(Socket ${first.fd})`]);
  assert.equal([row(rows, 'urgent').fd, row(rows, 'writes').fd], [first.fd, writing.fd]);
  assert.match(row(rows, 'writes').waitsFor as string, /^WriteWait\(\w+ \d+\)$/);
  assert.is(
    row(rows, 'either').waitsFor,
    `the first of data: PriorityWait(Descriptor ${again.fd}), late: sleep(50000)`,
  );
  assert.is(row(rows, 'either').fd, undefined);
  for (const descriptor of opened) descriptor.close();
});

test('who waits for tasks: for one by a join, for those of its group', () => {
  const rows = rowsOf((scheduler) => {
    const slow = scheduler.spawn(sleep(NEVER), { name: 'slow' });
    scheduler.spawn(slow.join(), { name: 'joiner' });
    scheduler.spawn(
      (function* owner(): Co<void> {
        yield* group(function* (g: Group): Co<void> {
          g.spawn(sleep(NEVER), { name: 'child' });
          g.spawn(sleep(NEVER), { name: 'daemon', daemon: true });
          yield* pass();
        });
      })(),
      { name: 'owner' },
    );
  });
  assert.equal([row(rows, 'joiner').waitsFor, row(rows, 'joiner').blockedBy], ['the end of task 1 (slow)', [1]]);
  const owner = row(rows, 'owner');
  const [child, daemon] = [row(rows, 'child'), row(rows, 'daemon')];
  assert.equal([owner.waitsFor, owner.blockedBy], ['the tasks of its group', [child.id, daemon.id]]);
  assert.equal([child.owner, child.daemon, daemon.owner, daemon.daemon], [owner.id, false, owner.id, true]);
  assert.equal(
    child.parents.map(({ kind, id, name }) => [kind, id, name]),
    [
      ['group', owner.id, 'owner'],
      ['task', owner.id, 'owner'],
    ],
  );
  // For itself it stands in the group whose end it waits for.
  assert.equal(
    owner.parents.map(({ kind, name }) => [kind, name]),
    [['group', 'owner']],
  );
  assert.equal(
    owner.frames.map(({ functionName, library }) => [functionName, library]),
    [
      ['inGroup', true],
      ['group', true],
      ['owner', false],
    ],
  );
});

test('promises, queues, ticks and operations of anybody', async () => {
  class Stubborn extends Op<void> {
    private waker: Waker<void> | null = null;
    override try(): typeof PENDING {
      return PENDING;
    }
    override park(waker: Waker<void>): void {
      this.waker = waker;
    }
    override abort(): boolean {
      // It cannot be stopped; it comes to its end a little later.
      setImmediate(() => this.waker?.wake());
      return false;
    }
    override describe(): string {
      throw new Error('no words');
    }
    override blockedBy(): Task<unknown> {
      throw new Error('nobody');
    }
  }
  const scheduler = new Scheduler();
  const queue = new WaitQueue('a turn');
  scheduler.spawn(until(new Promise<void>(() => {})), { name: 'promise' });
  scheduler.spawn(queue.wait(), { name: 'queue' });
  scheduler.spawn(every(70_000), { name: 'tick' });
  scheduler.spawn(new Stubborn(), { name: 'stubborn' });
  let rows = new Map<string, TaskRow>();
  let afterwards = new Map<string, TaskRow>();
  scheduler.spawn(
    (function* (): Co<void> {
      yield* sleep(1);
      const look = (): Map<string, TaskRow> => new Map(ps(scheduler).map((one) => [one.name, one]));
      rows = look();
      scheduler.cancel('seen');
      afterwards = look();
    })(),
  );
  assert.match(String(await thrownBy(scheduler.run())), /seen/);
  assert.equal(
    ['promise', 'queue', 'tick', 'stubborn'].map((name) => row(rows, name).waitsFor),
    ['a promise', 'a turn', 'the next tick of every(70000)', 'Stubborn, which cannot describe itself'],
  );
  assert.equal(row(rows, 'stubborn').blockedBy, []);
  const stubborn = row(afterwards, 'stubborn');
  assert.equal([stubborn.state, stubborn.cancelled, stubborn.remaining], ['parked', true, 0]);
  assert.equal([row(afterwards, 'queue').state, row(afterwards, 'queue').waitsFor], ['ready', undefined]);
});

test('ready, running and not yet started tasks, and nothing of those that have ended', () => {
  const scheduler = new Scheduler();
  const early = scheduler.spawn(
    (function* body(): Co<number> {
      yield;
      return 7;
    })(),
    { name: 'early' },
  );
  assert.equal([where(early).state, where(early).scheduler, where(early).frames.length], ['ready', '', 1]);
  const seen: string[][] = [];
  scheduler.spawn(
    (function* looker(): Co<void> {
      seen.push(ps().map(({ name, state }) => `${name} ${state}`));
      yield* early.join();
      yield;
      seen.push(ps().map(({ name, state }) => `${name} ${state}`));
    })(),
    { name: 'looker' },
  );
  scheduler.runSync();
  assert.equal(seen, [['early ready', 'looker running'], ['looker running']]);
  const ended = where(early);
  assert.equal([ended.state, ended.waitsFor, ended.frames, ended.remaining], ['done', undefined, [], NEVER]);
  assert.equal(ps(scheduler), []);
});

test('deadlines: the nearest counts, a shield keeps those outside away, a cancel leaves no time', () => {
  let asked: TaskRow | undefined;
  const rows = rowsOf((scheduler) => {
    scheduler.spawn(
      (function* (): Co<void> {
        using _ = deadline(30_000);
        yield* cancelScope(sleep(NEVER), { timeout: 90_000 });
      })(),
      { name: 'bounded' },
    );
    const cleaning = scheduler.spawn(
      (function* (): Co<void> {
        try {
          yield* sleep(NEVER);
        } finally {
          yield* cleanup(20_000, sleep(3));
        }
      })(),
      { name: 'cleaning' },
    );
    scheduler.spawn(
      (function* (): Co<void> {
        yield;
        cleaning.cancel('enough');
        asked = where(cleaning);
      })(),
    );
  });
  const bounded = row(rows, 'bounded');
  close(bounded.remaining, 30_000);
  assert.is(bounded.wakesIn, NEVER);
  assert.equal(
    bounded.parents.map(({ kind, name, remaining }) => [kind, name, remaining <= 30_000]),
    [
      ['scope', 'bounded', false],
      ['scope', 'bounded', true],
    ],
  );
  const cleaning = row(rows, 'cleaning');
  close(cleaning.remaining, 20_000);
  assert.is(cleaning.cancelled, false);
  assert.equal(
    cleaning.parents.map(({ kind, shielded }) => [kind, shielded]),
    [['scope', true]],
  );
  assert.equal([asked?.cancelled, asked?.remaining, asked?.state], [true, 0, 'ready']);
});

test('every frame that the kernel holds, and of plain yield* calls the outermost', () => {
  const leaf = routine(function* leaf(): Co<void> {
    yield* sleep(NEVER);
  });
  function* plain(): Co<void> {
    yield* leaf();
  }
  function* middle(): Co<void> {
    yield* plain();
  }
  function* top(): Co<void> {
    yield middle();
  }
  const rows = rowsOf((scheduler) => {
    scheduler.spawn(top(), { name: 'deep' });
  });
  const { frames } = row(rows, 'deep');
  assert.equal(
    frames.map(({ functionName }) => functionName),
    ['leaf', 'middle', 'top'],
  );
  const lines = frames.map(({ line }) => line);
  // In this file they stand in this order, with other lines in between.
  assert.ok((lines[0] as number) < (lines[1] as number) && (lines[1] as number) < (lines[2] as number), String(lines));
});

test('names of methods and of functions without a name', () => {
  const object = {
    *method(): Co<void> {
      yield* sleep(NEVER);
    },
  };
  const rows = rowsOf((scheduler) => {
    scheduler.spawn(object.method(), { name: 'method' });
    scheduler.spawn(
      (function* (): Co<void> {
        yield* sleep(NEVER);
      })(),
      { name: 'nameless' },
    );
  });
  assert.is(row(rows, 'method').frames[0]?.functionName, 'method');
  assert.is(row(rows, 'nameless').frames[0]?.functionName, '');
});

overSetups(test, 'is asked from inside a step, and changes nothing', async (setup) => {
  const [mine, other] = Socket.pair();
  const lines: string[] = [];
  const scheduler = setup.make({});
  scheduler.spawn(
    (function* (): Co<void> {
      yield* new ReadWait(mine);
      lines.push(`read ${mine.recv(10)}`);
    })(),
    { name: 'reader' },
  );
  scheduler.spawn(
    (function* (): Co<void> {
      for (let n = 0; n < 3; n++) {
        yield;
        lines.push(
          ps()
            .map(({ name, state, fd }) => `${name} ${state} ${fd === mine.fd}`)
            .join(', '),
        );
      }
      other.send('x');
    })(),
    { name: 'looker' },
  );
  await setup.run(scheduler);
  mine.close();
  other.close();
  const line = 'reader parked true, looker running false';
  assert.equal(lines, [line, line, line, 'read x']);
});

test('without an argument: all schedulers that run, whichever way they are driven; none afterwards', async () => {
  const guest = new Scheduler();
  const embedded = new Scheduler();
  guest.spawn(sleep(NEVER), { name: 'guest' });
  guest.spawn(sleep(1), { name: 'short' });
  embedded.spawn(sleep(NEVER), { name: 'embedded' });
  const idle = new Scheduler();
  idle.spawn(sleep(NEVER), { name: 'nobody drives it' });
  assert.equal(ps(), []);
  const run = guest.run().catch(() => 'cancelled');
  embedded.turn();
  const names = (): string[] => ps().map(({ name }) => name);
  assert.equal(names(), ['guest', 'short', 'embedded']);
  assert.equal(new Set(ps().map(({ scheduler }) => scheduler)), new Set([guest.name, embedded.name]));
  embedded.close();
  assert.equal(names(), ['guest', 'short']);
  guest.cancel();
  assert.is(await run, 'cancelled');
  assert.equal(names(), []);
});

test('places are looked up for so many tasks, the oldest first', () => {
  looked(
    (scheduler) => {
      for (let n = 0; n < 5; n++) {
        scheduler.spawn(
          (function* (): Co<void> {
            yield* sleep(NEVER);
          })(),
        );
      }
    },
    (scheduler) => {
      assert.equal(
        ps(scheduler, { places: 2 }).map(({ frames }) => frames.length),
        [1, 1, 0, 0, 0, 0],
      );
      assert.ok(ps(scheduler, { places: 0 }).every(({ frames }) => frames.length === 0));
    },
  );
});

test('rows are plain data', () => {
  looked(
    (scheduler) => scheduler.spawn(sleep(NEVER), { name: 'for ever' }),
    (scheduler) => {
      const [first] = JSON.parse(JSON.stringify(ps(scheduler))) as { name: string; remaining: null }[];
      assert.equal([first?.name, first?.remaining], ['for ever', null]);
    },
  );
});

test('what is no scheduler, no task or no number is refused', () => {
  const scheduler = new Scheduler();
  const task = scheduler.spawn(sleep(0));
  assert.throws(() => ps(task as never), /ps takes a scheduler.*where\(task\)/);
  assert.throws(() => ps(null as never), TypeError);
  assert.throws(() => where(scheduler as never), /where takes a task/);
  assert.throws(() => ps(scheduler, { places: -1 }), RangeError);
  assert.throws(() => ps(scheduler, { places: Number.NaN }), RangeError);
  scheduler.runSync();
});

test.run();
