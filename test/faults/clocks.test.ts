/** A wall clock that jumps, and a program that stands still for a while: deadlines are neither early nor lost, and come once. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Co, every, sleep } from 'genloop';
import * as assert from 'uvu/assert';
import { has, NODE, Program } from '../examples/program.ts';
import { VirtualClock } from '../support/seeded.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('clocks');
const DRIVES: readonly (readonly [drive: string, backend: string])[] = [
  ['run', 'epoll'],
  ['runSync', 'epoll'],
  ['runSync', 'poll'],
];

/** Compiles the wall clock that goes wild; the file, or why there is none. `folder` is the caller's to remove. */
function wildClock(folder: string): { file: string } | { missing: string } {
  if (process.platform !== 'linux') return { missing: 'preloading is tried on Linux only' };
  if (!has('cc')) return { missing: 'no C compiler (cc)' };
  const file = join(folder, 'wild_clock.so');
  const source = join(import.meta.dirname, 'wild_clock.c');
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', file, source], { encoding: 'utf8' });
  return status === 0 ? { file } : { missing: `the C compiler says ${stderr}` };
}

/** Waits in each way that there is while the wall clock jumps to and fro; prints how that went by the clock that only goes forward. */
const WILD = `
  import { writeSync } from 'node:fs';
  import { every, failAfter, group, moveOnAfter, ReadWait, run, runSync, sleep, Socket } from 'genloop';
  const say = (text) => writeSync(1, text + '\\n');
  const walls = [Date.now()];
  function* timed(least, operation) {
    const began = performance.now();
    yield operation;
    const took = performance.now() - began;
    walls.push(Date.now(), Date.now());
    if (took < least) say('early: ' + took + ' of ' + least);
  }
  function* main() {
    const [one, other] = Socket.pair();
    yield* group(function* (g) {
      for (const ms of [1, 5, 20, 50]) g.spawn(timed(ms, sleep(ms)));
      g.spawn(timed(30, moveOnAfter(30, new ReadWait(one))));
      g.spawn(timed(40, moveOnAfter(40, () => failAfter(60_000, sleep(Infinity)))));
      g.spawn((function* () {
        const began = performance.now();
        const beat = every(5);
        let ticks = 0;
        while (ticks < 10) ticks += yield* beat;
        if (performance.now() - began < ticks * 5) say('a burst');
      })());
    });
    one.close();
    other.close();
  }
  if (process.env.DRIVE === 'run') await run(main); else runSync(main);
  say(Math.max(...walls) - Math.min(...walls) > 9 * 86_400_000 ? 'the wall clock went wild' : 'it was an ordinary clock');
  say('done');`;

const folder = mkdtempSync(join(tmpdir(), 'genloop-clock-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const wild = wildClock(folder);
if ('missing' in wild) notRun(`a wall clock that jumps: ${wild.missing}`);
else {
  for (const [drive, backend] of DRIVES) {
    test(`the wall clock jumps by ten days to and fro: sleeps, deadlines and beats go by the clock that only goes forward (${drive}, ${backend})`, async () => {
      // A sanitizer that is preloaded already has to come first.
      const preload = `${process.env.LD_PRELOAD ?? ''} ${wild.file}`.trim();
      const env = { LD_PRELOAD: preload, GENLOOP_BACKEND: backend, DRIVE: drive };
      await using program = new Program([...NODE, '--input-type=module', '-e', WILD], { env });
      const { code, stdout, stderr } = await program.ended();
      assert.equal([code, stdout], [0, 'the wall clock went wild\ndone\n'], stderr);
    });
  }
}

const SLEEPERS = 100;
/** How long a program is stopped, in milliseconds: many times what its timers wait. */
const STOPPED = 500;

/** Sleeps and ticks until it has noticed that it was stopped, and a while longer; prints what came early or too often. */
const STOPPABLE = `
  import { writeSync } from 'node:fs';
  import { every, group, run, runSync, sleep } from 'genloop';
  const say = (text) => writeSync(1, text + '\\n');
  const [SLEEP, PERIOD] = [20, 10];
  let noticed = false;
  function* sleeper() {
    let more = 3;
    while (more > 0) {
      const began = performance.now();
      yield* sleep(SLEEP);
      if (performance.now() - began < SLEEP) say('early');
      if (noticed) more--;
    }
  }
  function* ticking() {
    const beat = every(PERIOD);
    const began = performance.now();
    let [ticks, wakes, before] = [0, 0, began];
    for (let more = 3; more > 0; ) {
      const passed = yield* beat;
      const now = performance.now();
      ticks += passed;
      wakes++;
      if (now - before >= ${STOPPED / 2}) noticed = true;
      before = now;
      if (noticed) more--;
    }
    const periods = (performance.now() - began) / PERIOD;
    if (ticks > periods) say(ticks + ' ticks in ' + periods + ' periods');
    // All that it missed came with one wake-up, or with two if it was stopped between a wake-up and its step.
    if (ticks - wakes < ${STOPPED / 2} / PERIOD - 3) say(wakes + ' wake-ups for ' + ticks + ' ticks');
  }
  function* main() {
    yield* group(function* (g) {
      g.spawn(ticking());
      for (let n = 0; n < ${SLEEPERS}; n++) g.spawn(sleeper());
      yield* sleep(1);
      say('ready');
    });
    say('done');
  }
  if (process.env.DRIVE === 'run') await run(main); else runSync(main);`;

for (const [drive, backend] of DRIVES.slice(0, 2)) {
  test(`stopped and continued with a hundred timers due meanwhile: each fires once, none early, and a beat does not make up for it (${drive}, ${backend})`, async () => {
    const env = { GENLOOP_BACKEND: backend, DRIVE: drive };
    await using program = new Program([...NODE, '--input-type=module', '-e', STOPPABLE], { env });
    await program.says('ready\n');
    program.kill('SIGSTOP');
    // The one thing here that takes its time: being stopped for a while is what is tried.
    await delay(STOPPED);
    const { code, stdout, stderr } = await program.kill('SIGCONT').ended();
    assert.equal([code, stdout], [0, 'ready\ndone\n'], stderr);
  });
}

test('a minute that nobody saw pass: every timer that was due fires once, and a beat gives one tick that says how many were missed', () => {
  const clock = new VirtualClock();
  using scheduler = clock.scheduler();
  const wakes: [number, number][] = [];
  const ticks: [number, number][] = [];
  function* sleeper(ms: number): Co<void> {
    yield* sleep(ms);
    wakes.push([ms, clock.now]);
  }
  function* ticking(): Co<void> {
    const beat = every(100);
    for (let n = 0; n < 3; n++) ticks.push([yield* beat, clock.now]);
  }
  for (let n = 1; n <= SLEEPERS; n++) scheduler.spawn(sleeper(n * 500));
  scheduler.spawn(sleeper(60_001));
  scheduler.spawn(ticking());
  scheduler.turn();
  clock.advance(60_000);
  while (scheduler.deadline === 0 || wakes.length < SLEEPERS) scheduler.turn();
  assert.is(wakes.length, SLEEPERS);
  assert.ok(wakes.every(([, at]) => at === 60_000));
  assert.is(new Set(wakes.map(([ms]) => ms)).size, SLEEPERS);
  assert.equal(ticks, [[600, 60_000]]);
  assert.is(scheduler.deadline, 1);
  clock.advance(1);
  scheduler.turn();
  assert.equal(wakes.at(-1), [60_001, 60_001]);
  for (const ms of [99, 100]) {
    clock.advance(ms);
    while (scheduler.deadline === 0) scheduler.turn();
  }
  assert.equal(ticks, [
    [600, 60_000],
    [1, 60_100],
    [1, 60_200],
  ]);
  assert.is(scheduler.size, 0);
});

test.run();
