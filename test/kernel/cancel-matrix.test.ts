/**
 * A cancel through subroutines with clean-up in every frame, for each source of a cancel, each way to call a subroutine and both
 * forms of a scope: a table, since every combination has its own path through the kernel, and other libraries lose the cancel in some.
 */

import * as assert from 'uvu/assert';
import {
  type Co,
  cleanup,
  deadline,
  failAfter,
  Op,
  PENDING,
  pass,
  routine,
  shield,
  sleep,
  type Waker,
} from '../../src/kernel/index.ts';
import { seededRandom } from '../../src/scheduler/random.ts';
import { AMPLE_MS, type Moment, type Prepared, SOURCES } from '../support/cancel-sources.ts';
import { Queue, Scripted } from '../support/operations.ts';
import { inOrder, ownOrders } from '../support/seeds.ts';
import { suite } from '../support/suite.ts';
import { World } from '../support/world.ts';

const test = suite('cancel-matrix');

const STYLES = ['bare yield', 'yield*', 'routine'] as const;
const FORMS = ['failAfter', 'using deadline'] as const;
const DEPTHS = [1, 2, 3] as const;
const MOMENTS: Readonly<Record<string, Moment>> = { 'while it waits': 10, 'before its first step': 0 };
const SEEDS = 300;

type Style = (typeof STYLES)[number];
type Form = (typeof FORMS)[number];

/** Output that takes its time: it completes when the test says so. What is aborted was never written. */
class Output {
  readonly written: string[] = [];
  aborted = 0;
  private readonly pending: [Waker<string>, string][] = [];

  write(text: string): Op<string> {
    const output = this;
    return new (class Write extends Op<string> {
      override try(): typeof PENDING {
        return PENDING;
      }
      override park(waker: Waker<string>): void {
        output.pending.push([waker, text]);
      }
      override abort(): boolean {
        output.aborted++;
        return true;
      }
      override describe(): string {
        return `the end of writing ${text}`;
      }
    })();
  }

  complete(): void {
    for (const [waker, text] of this.pending.splice(0)) if (waker.wake(`wrote ${text}`)) this.written.push(text);
  }
}

/** One victim: frames of a style inside of each other, in a scope of a form. What they do goes into the log. */
class Victim {
  readonly log: string[] = [];
  readonly output = new Output();
  /** What unshielded traps in `finally` threw. */
  readonly thrown: unknown[] = [];
  private readonly style: Style;
  private readonly form: Form;
  private readonly depth: number;
  private readonly wait: Op<unknown>;

  constructor(style: Style, form: Form, depth: number, wait: Op<unknown>) {
    this.style = style;
    this.form = form;
    this.depth = depth;
    this.wait = wait;
  }

  *body(ms: number): Co<unknown> {
    this.log.push('begin');
    const result =
      this.form === 'failAfter' ? yield* failAfter(ms, () => this.call(this.depth)) : yield* this.bounded(ms);
    this.log.push('after the scope');
    return result;
  }

  private *bounded(ms: number): Co<unknown> {
    using _ = deadline(ms);
    return this.style === 'bare yield' ? yield this.call(this.depth) : yield* this.call(this.depth);
  }

  private call(level: number): Co<unknown> | Op<unknown> {
    return this.style === 'routine' ? this.routine(level) : this.frame(level);
  }

  private readonly routine = routine((level: number): Co<unknown> => this.frame(level));

  private *frame(level: number): Co<unknown> {
    const { log, style, output } = this;
    log.push(`enter ${level}`);
    try {
      const inner = level === 1 ? this.wait : this.call(level - 1);
      const result = style === 'bare yield' ? yield inner : yield* inner;
      log.push(`after ${level}`);
      return result;
    } finally {
      log.push(`finally ${level}`);
      const traps = [sleep(1), pass(), output.write('unshielded')];
      for (const trap of traps) yield* this.again(trap);
      const text = `file ${level}`;
      const write = cleanup(AMPLE_MS, output.write(text));
      log.push(`${style === 'bare yield' ? yield write : yield* write}`);
      using _ = shield(AMPLE_MS);
      if (style === 'bare yield') yield sleep(3);
      else yield* sleep(3);
      log.push(`slept ${level}`);
    }
  }

  private *again(trap: Op<unknown>): Co<void> {
    try {
      if (this.style === 'bare yield') yield trap;
      else yield* trap;
      this.log.push('an unshielded trap did not throw');
    } catch (error) {
      this.thrown.push(error);
    }
  }
}

/** What a victim that is cut short must have done. */
function expectedLog(depth: number): string[] {
  const levels = Array.from({ length: depth }, (_, i) => i + 1);
  const entries = [...levels].reverse().map((level) => `enter ${level}`);
  return [
    'begin',
    ...entries,
    ...levels.flatMap((level) => [`finally ${level}`, `wrote file ${level}`, `slept ${level}`]),
  ];
}

/** Lets time pass and output complete until all tasks have ended. */
function drive(world: World, output: Output): void {
  world.settle();
  for (let i = 0; i < 200 && world.kernel.tasks.size > 0; i++) {
    output.complete();
    world.advance(1);
  }
  assert.equal([...world.kernel.tasks].map(String), [], 'all tasks end');
}

/** Runs one cell of the table, and asserts all that it has to show. */
function runCell(source: string, style: Style, form: Form, depth: number, moment: Moment, world: World): void {
  const wait = new Scripted<never>();
  const victim = new Victim(style, form, depth, wait);
  const prepared = (SOURCES[source] as (typeof SOURCES)[string])({ world, moment, victim: (ms) => victim.body(ms) });
  drive(world, victim.output);
  // Nothing after the yield, every `finally` once, innermost first, and its clean-up complete.
  assert.equal(victim.log, expectedLog(depth));
  assert.equal(
    victim.output.written,
    expectedLog(depth).flatMap((line) => line.match(/^wrote (.*)$/)?.[1] ?? []),
  );
  // Each unshielded trap threw at once, and what it threw is the one cancel.
  assert.is(victim.thrown.length, 3 * depth);
  assert.is(new Set(victim.thrown).size, 1);
  assert.is(victim.output.aborted, 0);
  // The wait was undone once, or never begun.
  assert.is(wait.aborted, wait.wakers.length);
  if (moment > 0) assert.is(wait.aborted, 1);
  prepared.check(true);
  const { status, outcome } = prepared.task();
  if (status === 'cancelled') assert.is(victim.thrown[0], outcome);
  assert.is(world.kernel.timers.size, 0);
}

for (const source of Object.keys(SOURCES)) {
  for (const style of STYLES) {
    for (const form of FORMS) {
      for (const depth of DEPTHS) {
        test(`rule 1: ${source} through ${depth} × ${style} in ${form}: every \`finally\` once, clean-up complete`, () => {
          for (const moment of Object.values(MOMENTS)) runCell(source, style, form, depth, moment, new World());
        });
      }
    }
  }
}

for (const source of Object.keys(SOURCES)) {
  test(`rule 39: ${source} cuts through frames in the same way in ${SEEDS} seeded orders`, () => {
    const seeds = ownOrders(SEEDS);
    for (let seed = 0; seed < seeds; seed++) {
      const random = seededRandom(seed);
      const world: World = new World({ shuffle: true, host: { now: () => world.now, random } });
      const style = STYLES[seed % STYLES.length] as Style;
      const form = FORMS[seed % FORMS.length] as Form;
      const depth = DEPTHS[Math.floor(random() * DEPTHS.length)] as number;
      runCell(source, style, form, depth, seed % 4 < 2 ? 10 : 0, world);
    }
  });
}

/** A victim that takes an item of a queue, and then returns or waits on. */
class Taker {
  readonly log: string[] = [];
  readonly queue = new Queue<string>();
  private readonly form: Form;
  private readonly style: Style;
  private readonly returns: boolean;

  constructor(style: Style, form: Form, returns: boolean) {
    this.style = style;
    this.form = form;
    this.returns = returns;
  }

  *body(ms: number): Co<unknown> {
    if (this.form === 'failAfter') return yield* failAfter(ms, () => this.call());
    using _ = deadline(ms);
    return this.style === 'bare yield' ? yield this.call() : yield* this.call();
  }

  private call(): Co<unknown> | Op<unknown> {
    return this.style === 'routine' ? routine(() => this.take())() : this.take();
  }

  private *take(): Co<unknown> {
    const item = this.style === 'bare yield' ? yield this.queue.take() : yield* this.queue.take();
    this.log.push(`took ${item}`);
    if (!this.returns) {
      yield* sleep(Number.POSITIVE_INFINITY);
      this.log.push('after the next trap');
    }
    return item;
  }
}

function prepare(source: string, taker: Taker, world: World): Prepared {
  const set = SOURCES[source] as (typeof SOURCES)[string];
  return set({ world, moment: 10, victim: (ms) => taker.body(ms) });
}

/** Puts at the time of the cancel, but after it: its timer is set behind those of all others. */
function* putLate(taker: Taker, source: string, world: World): Co<void> {
  for (let i = 0; i < 5; i++) yield* pass();
  // A deadline acts while timers fire, the other sources in steps.
  if (source === 'a timeout') world.kernel.timers.set(10, () => taker.queue.put('item'));
  else {
    yield* sleep(10);
    taker.queue.put('item');
  }
}

for (const source of Object.keys(SOURCES)) {
  for (const style of STYLES) {
    for (const form of FORMS) {
      test(`rule 4: a value that came just before ${source} is kept, through ${style} in ${form}`, () => {
        for (const returns of [true, false]) {
          const world = new World();
          const taker = new Taker(style, form, returns);
          world.kernel.timers.set(10, () => taker.queue.put('item'));
          const prepared = prepare(source, taker, world);
          world.settle();
          world.advance(10);
          assert.is(world.kernel.tasks.size, 0);
          assert.equal([taker.log, taker.queue.items], [['took item'], []]);
          prepared.check(!returns);
          const { status, outcome } = prepared.task();
          if (returns) assert.equal([status, outcome], ['done', 'item']);
        }
      });

      test(`rule 4: a value that came just after ${source} stays in its queue, through ${style} in ${form}`, () => {
        inOrder();
        const world = new World();
        const taker = new Taker(style, form, true);
        const prepared = prepare(source, taker, world);
        world.kernel.spawn(putLate(taker, source, world));
        world.settle();
        world.advance(10);
        assert.is(world.kernel.tasks.size, 0);
        assert.equal([taker.log, taker.queue.items], [[], ['item']]);
        prepared.check(true);
      });
    }
  }
}

for (const source of Object.keys(SOURCES)) {
  test(`rule 4: a value in the round of ${source} is taken or stays, never both or neither, in ${SEEDS} seeded orders`, () => {
    const seeds = ownOrders(SEEDS);
    const seen = new Map<string, number>();
    for (let seed = 0; seed < seeds; seed++) {
      const random = seededRandom(seed);
      const world: World = new World({ shuffle: true, host: { now: () => world.now, random } });
      const taker = new Taker(STYLES[seed % 3] as Style, FORMS[seed % 2] as Form, seed % 4 < 2);
      const put = function* (): Co<void> {
        yield* sleep(10);
        taker.queue.put('item');
      };
      // A deadline is no task whose place could change, so the putter's timer comes before or after it.
      const byTimer = source === 'a timeout' && random() < 0.5;
      if (byTimer) world.kernel.timers.set(10, () => taker.queue.put('item'));
      else world.kernel.spawn(put());
      const prepared = prepare(source, taker, world);
      world.settle();
      world.advance(10);
      assert.is(world.kernel.tasks.size, 0);
      const took = taker.log.length > 0;
      assert.equal([taker.log, taker.queue.items], took ? [['took item'], []] : [[], ['item']], `seed ${seed}`);
      const { status } = prepared.task();
      prepared.check(status !== 'done');
      assert.is(status === 'done', took && seed % 4 < 2);
      const key = took ? 'taken' : 'left';
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    // Otherwise the orders would not be worth their time.
    for (const key of ['taken', 'left']) assert.ok((seen.get(key) ?? 0) > seeds / 20, `${key}: ${seen.get(key)}`);
  });
}

test.run();
