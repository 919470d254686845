/** What a trace contains: every event well formed, slices that nest, arrows that bind; and that it leaves nothing behind. */

import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTrace } from 'genloop/inspect';
import { type Co, failAfter, type Group, group, Op, PENDING, sleep, type Waker } from 'genloop/kernel';
import { realSys, Socket, type Sys } from 'genloop/os';
import { ReadWait, Scheduler, until } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { currentObserver } from '../../src/scheduler/observe.ts';
import { NODE, Program } from '../examples/program.ts';
import { overSetups } from '../support/drives.ts';
import { suite } from '../support/suite.ts';

const test = suite('trace');
const NEVER = Number.POSITIVE_INFINITY;

interface Event {
  ph: string;
  pid: number;
  tid: number;
  name: string;
  cat: string;
  ts: number;
  dur: number;
  id: number;
  bp?: string;
  args: Record<string, unknown>;
}

/** What a sink has got, as JSON. */
class Pieces {
  text = '';
  readonly sink = (piece: string): void => {
    this.text += piece;
  };

  get events(): Event[] {
    return JSON.parse(this.text) as Event[];
  }
}

/** In nanoseconds: sums of microseconds with fractions are not exact. */
function nanos(micros: number): number {
  return Math.round(micros * 1000);
}

/** Refuses a trace that Perfetto would drop something of. */
function check(events: readonly Event[]): void {
  const named = new Set(events.filter(({ name }) => name === 'thread_name').map(({ pid, tid }) => `${pid}/${tid}`));
  const tracks = new Map<string, Event[]>();
  for (const event of events) {
    assert.ok(['M', 'X', 'i', 's', 'f'].includes(event.ph), JSON.stringify(event));
    assert.ok(Number.isInteger(event.pid) && Number.isInteger(event.tid) && event.name !== '', JSON.stringify(event));
    const key = `${event.pid}/${event.tid}`;
    assert.ok(named.has(key), `${key} has no name`);
    if (event.ph === 'M') continue;
    assert.ok(event.ts > 0 && typeof event.cat === 'string', JSON.stringify(event));
    if (event.ph === 'X') {
      assert.ok(event.dur >= 0, JSON.stringify(event));
      tracks.set(key, [...(tracks.get(key) ?? []), event]);
    }
  }
  // Threads of different processes do not share a number either.
  assert.is(new Set([...named].map((key) => key.split('/')[1])).size, named.size);
  for (const slices of tracks.values()) {
    const sorted = [...slices].sort((a, b) => nanos(a.ts) - nanos(b.ts) || nanos(b.dur) - nanos(a.dur));
    const open: number[] = [];
    for (const { ts, dur, name } of sorted) {
      const [start, end] = [nanos(ts), nanos(ts) + nanos(dur)];
      while (open.length > 0 && (open.at(-1) as number) <= start) open.pop();
      assert.ok(
        open.length === 0 || end <= (open.at(-1) as number),
        `${name} at ${ts} reaches out of the slice around it`,
      );
      open.push(end);
    }
  }
  const around = ({ pid, tid, ts }: Event): Event[] =>
    (tracks.get(`${pid}/${tid}`) ?? []).filter(
      (slice) => nanos(slice.ts) <= nanos(ts) && nanos(ts) <= nanos(slice.ts) + nanos(slice.dur),
    );
  const starts = new Map(events.filter(({ ph }) => ph === 's').map((event) => [event.id, event]));
  for (const end of events.filter(({ ph }) => ph === 'f')) {
    const start = starts.get(end.id) as Event;
    assert.ok(start !== undefined, `arrow ${end.id} comes from nowhere`);
    assert.equal([start.name, start.cat, end.bp], [end.name, end.cat, 'e']);
    assert.ok(start.ts <= end.ts, `arrow ${end.id} goes back in time`);
    assert.ok(
      around(start).some(({ cat }) => cat === 'step' || cat === 'loop'),
      `arrow ${end.id} starts outside`,
    );
    assert.ok(
      around(end).some(({ cat, ts }) => cat === 'step' && ts === end.ts),
      `arrow ${end.id} ends outside`,
    );
  }
}

/** The events of the tracks with this name, in the order of their times. */
function trackOf(events: readonly Event[], name: string): Event[] {
  const track = events.find((event) => event.name === 'thread_name' && event.args.name === name);
  assert.ok(track !== undefined, `no track ${name}`);
  return events
    .filter(({ ph, pid, tid }) => ph !== 'M' && pid === track?.pid && tid === track?.tid)
    .sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
}

function names(events: readonly Event[], cat: string): string[] {
  return events.filter((event) => event.cat === cat && event.ph === 'X').map(({ name }) => name);
}

overSetups(
  test,
  'a track for each task: steps, what it waited for, its calls, and arrows from what woke it',
  async (setup) => {
    const pieces = new Pieces();
    const [mine, other] = Socket.pair();
    const { fd } = mine;
    const scheduler = setup.make({});
    {
      using _ = startTrace({ sink: pieces.sink });
      const reader = scheduler.spawn(
        (function* (): Co<string> {
          yield* new ReadWait(mine);
          return String(mine.recv(10));
        })(),
        { name: 'reader' },
      );
      scheduler.spawn(
        (function* (): Co<void> {
          yield* sleep(2);
          other.send('x');
          yield;
          yield* reader.join();
        })(),
        { name: 'writer' },
      );
      await setup.run(scheduler);
    }
    mine.close();
    other.close();
    const { events } = pieces;
    check(events);
    const reader = trackOf(events, 'reader (1)');
    assert.equal(names(reader, 'wait'), [`ReadWait(Socket ${fd})`]);
    assert.is(names(reader, 'step').length, 2);
    assert.is(names(reader, 'ready').length, 2);
    const recv = reader.find(({ name }) => name === 'recv') as Event;
    assert.equal([recv.cat, recv.args], ['syscall', { fd, result: 1 }]);
    assert.equal(
      reader.filter(({ ph }) => ph === 'f').map(({ name }) => name),
      ['spawn', 'wake'],
    );
    assert.is(reader.filter(({ cat, ph }) => cat === 'step' && ph === 'X').at(-1)?.args.ending, 'done');
    const writer = trackOf(events, 'writer (2)');
    assert.ok(names(writer, 'wait').includes('sleep(2)'));
    assert.ok(names(writer, 'syscall').includes('send'));
    const slept = writer.find(({ name }) => name === 'sleep(2)') as Event;
    // From the end of the step on, which may be long after the sleep began.
    assert.ok(slept.dur > 0, String(slept.dur));
    const loop = events.filter(({ name }) => name === 'ask for readiness');
    assert.ok(loop.length > 0);
    const process_ = events.filter(({ name }) => name === 'process_name').map(({ args }) => args.name);
    assert.ok(process_.includes(`${scheduler.name} of process ${process.pid}`), String(process_));
  },
);

test('arrows lead from the task that woke another, from Node, and from the loop', async () => {
  const pieces = new Pieces();
  const scheduler = new Scheduler();
  {
    using _ = startTrace({ sink: pieces.sink });
    const first = scheduler.spawn(until(new Promise((resolve) => setTimeout(resolve, 5))), { name: 'promise' });
    scheduler.spawn(first.join(), { name: 'joiner' });
    await scheduler.run();
  }
  const { events } = pieces;
  check(events);
  const start = (track: Event[]): Event => {
    const end = track.filter(({ ph }) => ph === 'f').at(-1) as Event;
    return events.find(({ ph, id }) => ph === 's' && id === end.id) as Event;
  };
  const promise = trackOf(events, 'promise (1)');
  const between = trackOf(events, 'between steps');
  assert.equal(names(promise, 'wait'), ['a promise']);
  assert.is(start(promise).tid, between[0]?.tid);
  assert.is(start(trackOf(events, 'joiner (2)')).tid, promise[0]?.tid);
});

test('cancels, failures, and tasks that wake themselves', () => {
  const pieces = new Pieces();
  const scheduler = new Scheduler();
  {
    using _ = startTrace({ sink: pieces.sink });
    scheduler.spawn(
      (function* (): Co<void> {
        try {
          yield* failAfter(1, sleep(NEVER));
        } catch {
          yield;
        }
        yield* group(function* (g: Group): Co<void> {
          g.spawn(sleep(NEVER), { name: 'child' });
          yield;
          g.cancel('enough');
          yield* sleep(0);
        });
        throw new Error('mine');
      })(),
      { name: 'main' },
    );
    assert.throws(() => scheduler.runSync(), /mine/);
  }
  const { events } = pieces;
  check(events);
  const main = trackOf(events, 'main (1)');
  const instants = events.filter(({ ph }) => ph === 'i').map(({ name, args }) => `${name} ${args.source}`);
  assert.equal(instants, ['cancel deadline', 'cancel explicit', 'cancel sibling']);
  assert.is(main.filter(({ name }) => name === 'step').at(-1)?.args.ending, 'failed');
  const child = trackOf(events, 'child (2)').filter(({ name }) => name === 'step');
  assert.is(child.at(-1)?.args.ending, 'cancelled');
});

test('a wait that is undone before its step has ended is none', () => {
  class Suicidal extends Op<void> {
    override try(): typeof PENDING {
      return PENDING;
    }
    override park(waker: Waker<void>): void {
      waker.kernel.current?.cancel('by its own operation');
    }
    override abort(): boolean {
      return true;
    }
    override describe(): string {
      return 'its own end';
    }
  }
  const pieces = new Pieces();
  const scheduler = new Scheduler();
  {
    using _ = startTrace({ sink: pieces.sink });
    scheduler.spawn(new Suicidal(), { name: 'main' });
    scheduler.runSync();
  }
  check(pieces.events);
  const main = trackOf(pieces.events, 'main (1)');
  assert.equal(names(main, 'wait'), []);
  assert.equal(names(main, 'ready'), ['ready', 'ready']);
  // The second arrow leads from its first step to its last.
  const arrows = main.filter(({ ph }) => ph === 's' || ph === 'f').map(({ ph, name }) => `${ph} ${name}`);
  assert.equal(arrows, ['f spawn', 's wake', 'f wake']);
});

test('begun and ended in the middle of a run: what was there before is there, and what goes on is marked', () => {
  const pieces = new Pieces();
  const scheduler = new Scheduler();
  scheduler.spawn(sleep(NEVER), { name: 'before' });
  scheduler.spawn(
    (function* (): Co<void> {
      yield;
      const trace = startTrace({ sink: pieces.sink });
      scheduler.spawn(sleep(NEVER), { name: 'later' });
      yield* sleep(1);
      yield;
      trace.stop();
      trace.stop();
      yield;
      yield* sleep(1);
      scheduler.cancel('over');
    })(),
    { name: 'main' },
  );
  assert.throws(() => scheduler.runSync(), /over/);
  const { events } = pieces;
  check(events);
  for (const name of ['before (1)', 'later (3)']) {
    const last = trackOf(events, name)
      .filter(({ ph }) => ph === 'X')
      .at(-1);
    assert.equal([last?.cat, last?.name, last?.args], ['wait', 'sleep(Infinity)', { unfinished: true }]);
  }
  const main = trackOf(events, 'main (2)').filter(({ cat }) => cat === 'step');
  assert.equal(main.at(-1)?.args, { unfinished: true });
});

test('once it has ended nothing is left: no observer, no tapped call, no listener, no timer', () => {
  const sys = realSys();
  const before = { ...sys };
  const listeners = process.listenerCount('exit');
  assert.is(currentObserver(), null);
  const first = startTrace({ sink: () => {} });
  const second = startTrace({ sink: () => {} });
  assert.is.not(currentObserver(), null);
  assert.is.not(sys.recv, before.recv);
  assert.is(sys.now, before.now);
  first.stop();
  assert.is.not(sys.recv, before.recv);
  second.stop();
  assert.is(currentObserver(), null);
  for (const name of Object.keys(before) as (keyof Sys)[]) assert.is(sys[name], before[name], name);
  assert.is(process.listenerCount('exit'), listeners);
  const scheduler = new Scheduler();
  scheduler.spawn(sleep(0));
  assert.is(scheduler.kernel.observer, null);
  scheduler.runSync();
  assert.is(scheduler.kernel.observer, null);
});

test('a system of the program is listened to as well, once, and given back as it was', () => {
  const pieces = new Pieces();
  const own = Object.assign(Object.create(realSys()) as Sys, {
    epollWait: (epfd: number, rows: Int32Array, timeout: number): number => realSys().epollWait(epfd, rows, timeout),
  });
  const keys = Object.keys(own);
  const { epollWait } = own;
  const frozen = Object.freeze(Object.assign(Object.create(realSys()) as Sys, { platform: 'frozen' }));
  const [mine, theirs] = Socket.pair();
  theirs.close();
  for (const sys of [own, frozen]) {
    const scheduler = new Scheduler({ sys, backend: 'epoll' });
    using trace = startTrace({ sink: pieces.sink });
    // It is ready, but only the kernel says so: there is a wait, however slow the machine.
    scheduler.spawn(new ReadWait(mine), { name: 'reader' });
    scheduler.runSync();
    trace.stop();
    check(pieces.events);
    const waits = pieces.events.filter(({ name }) => name === 'epollWait');
    // Not twice: the own call makes the real one.
    assert.ok(waits.length >= 1 && waits.length <= 3, String(waits.length));
    assert.ok(waits.every(({ args }) => typeof args.fd === 'number' && typeof args.result === 'number'));
    pieces.text = '';
  }
  mine.close();
  assert.equal(Object.keys(own), keys);
  assert.is(own.epollWait, epollWait);
});

test('an output that fails at its end is told of as well', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const trace = startTrace({
    sink: (text) => {
      if (text.trimEnd().endsWith(']')) throw new Error('no room for the end');
    },
  });
  trace.stop();
  assert.match((await warned).message, /has ended: no room for the end$/);
});

test('an output that fails ends the trace with a warning, and not the program', async () => {
  const warned = new Promise<Error & { code?: string }>((resolve) => process.once('warning', resolve));
  const scheduler = new Scheduler();
  scheduler.spawn(sleep(1));
  using trace = startTrace({
    sink: () => {
      throw new Error('the disk is full');
    },
  });
  scheduler.runSync();
  trace.stop();
  const warning = await warned;
  assert.equal(
    [warning.code, warning.message],
    ['GENLOOP_TRACE', 'the trace to a function has ended: the disk is full'],
  );
  assert.is(currentObserver(), null);
});

test('the limit ends it, with a whole array', async () => {
  const pieces = new Pieces();
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const scheduler = new Scheduler();
  scheduler.spawn(
    (function* (): Co<void> {
      for (let n = 0; n < 10_000; n++) yield;
    })(),
  );
  using _ = startTrace({ sink: pieces.sink, limit: 100_000 });
  scheduler.runSync();
  assert.match((await warned).message, /limit of 100000 bytes/);
  check(pieces.events);
  assert.ok(pieces.text.length >= 100_000 && pieces.text.length < 300_000, String(pieces.text.length));
});

test('what is no output is refused', () => {
  for (const options of [{}, undefined, { file: 'a', sink: () => {} }, { file: 7 }, { sink: 'a' }]) {
    assert.throws(() => startTrace(options as never), TypeError);
  }
  assert.throws(() => startTrace({ sink: () => {}, limit: 0 }), RangeError);
  assert.throws(() => startTrace({ file: '/no/such/folder/trace.json' }), /ENOENT/);
  assert.is(currentObserver(), null);
});

const PROGRAM = `
  import fs from 'node:fs';
  import { run, runSync, sleep } from 'genloop';
  const say = (line) => fs.writeSync(1, line + '\\n');
  function* napper() { yield* sleep(60_000); }
  function* main() {
    for (let n = 0; n < 5; n++) yield;
    say('ready');
    yield* sleep(60_000);
  }
`;

for (const [how, source, end, complete] of [
  ['process.exit, run', 'setTimeout(() => process.exit(0), 300); await run(main);', null, true],
  ['Ctrl-C, run', 'await run(main);', 'SIGINT', true],
  ['Ctrl-C, runSync', 'runSync(main);', 'SIGINT', true],
  ['an uncaught error', "runSync(function* main() { say('ready'); throw new Error('x'); });", null, true],
  [
    'SIGKILL',
    "let n = 0; runSync(function* main() { for (;;) { yield* sleep(20); if (++n === 40) say('ready'); } });",
    'SIGKILL',
    false,
  ],
] as const) {
  test(`GENLOOP_TRACE=file writes a file that is whole however the program ends (${how})`, async () => {
    const file = join(tmpdir(), `genloop-trace-${process.pid}-%p.json`);
    await using child = new Program([...NODE, '--input-type=module', '-e', PROGRAM + source], {
      env: { GENLOOP_TRACE: file },
    });
    await child.says('ready');
    if (end !== null) child.kill(end);
    await child.ended();
    const path = file.replace('%p', String(child.pid));
    const events = JSON.parse(readFileSync(path, 'utf8')) as Event[];
    rmSync(path);
    check(events);
    const main = trackOf(events, 'main (1)');
    assert.ok(names(main, 'step').length > 0);
    if (complete) assert.ok(main.some(({ args }) => args?.ending !== undefined || args?.unfinished === true));
  });
}

test('a trace may go to a pipe, and a file that cannot be made ends the program at once', async () => {
  await using piped = new Program(
    [
      'sh',
      '-c',
      '"$@" | cat',
      'sh',
      ...NODE,
      '--input-type=module',
      '-e',
      "import { runSync, sleep } from 'genloop'; runSync(function* main() { yield* sleep(1); });",
    ],
    { env: { GENLOOP_TRACE: '/dev/stdout' } },
  );
  const end = await piped.ended();
  assert.is(end.code, 0, end.stderr);
  check(JSON.parse(end.stdout) as Event[]);
  await using failing = new Program([...NODE, '--input-type=module', '-e', "import 'genloop';"], {
    env: { GENLOOP_TRACE: '/no/such/folder/x.json' },
  });
  const failure = await failing.ended();
  assert.is(failure.code, 1);
  assert.match(failure.stderr, /ENOENT.*'\/no\/such\/folder\/x\.json'/);
});

test.run();
