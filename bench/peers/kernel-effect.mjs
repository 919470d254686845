/**
 * The kernel's measurements in Effect. `immediates`: as it comes, where a fiber that gives way goes on in a `setImmediate`. `microtasks`: with its
 * other scheduler, which uses microtasks; cheaper where few fibers run, and nothing of Node's runs meanwhile.
 */

import { Effect, Fiber, Scheduler } from 'effect';
import { CLIENTS, wires } from './kernel-wire.mjs';

const MANY = 100_000;
const FAR_MS = 1e6;
const TIMEOUT_MS = 30_000;

function start(main, mode) {
  const scheduler = new Scheduler.MixedScheduler(mode === 'microtasks' ? 'sync' : 'async');
  Effect.runFork(Effect.provideService(main, Scheduler.Scheduler, scheduler));
}

function nested(depth, body) {
  return depth > 1 ? Effect.gen(() => delegate(nested(depth - 1, body))) : body;
}

function* delegate(inner) {
  return yield* inner;
}

/** N fibers take turns with `Effect.yieldNow`. */
export function turns({ Batches, print }, mode, depth, tasks) {
  const turning = Effect.gen(function* () {
    for (;;) yield* Effect.yieldNow;
  });
  const measuring = Effect.gen(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* Effect.yieldNow;
    }
    print(batches.median() / tasks);
  });
  const main = Effect.gen(function* () {
    const first = yield* Effect.forkChild(nested(Number(depth), measuring));
    for (let i = 1; i < tasks; i++) yield* Effect.forkChild(nested(Number(depth), turning));
    yield* Fiber.join(first);
  });
  start(main, mode);
}

/** A fiber that returns at once is forked and joined. */
export function spawn({ Batches, print }, mode) {
  const immediate = (value) =>
    // biome-ignore lint/correctness/useYield: it ends at once, which is the point
    Effect.gen(function* () {
      return value;
    });
  const main = Effect.gen(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* Fiber.join(yield* Effect.forkChild(immediate(i)));
    }
    print(batches.median());
  });
  start(main, mode);
}

/** A fiber that waits for ever is forked, started at once, and interrupted, which waits for its end. */
export function cancel({ Batches, print }, mode) {
  const forever = Effect.gen(function* () {
    yield* Effect.never;
  });
  const main = Effect.gen(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) {
        const fiber = yield* Effect.forkChild(forever, { startImmediately: true });
        yield* Fiber.interrupt(fiber);
      }
    }
    print(batches.median());
  });
  start(main, mode);
}

/** `Effect.timeout` around a body that gives way once: without that, Effect sets no timer. */
export function timer({ Batches, print }, mode) {
  const brief = (value) =>
    Effect.gen(function* () {
      yield* Effect.yieldNow;
      return value;
    });
  const main = Effect.gen(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* Effect.timeout(brief(i), FAR_MS);
    }
    print(batches.median());
  });
  start(main, mode);
}

/** Fibers that wait for ever; the parent holds them. */
export function parked({ heap, print }, mode) {
  const waiting = Effect.gen(function* () {
    yield* Effect.never;
  });
  const main = Effect.gen(function* () {
    const before = heap();
    for (let i = 0; i < MANY; i++) yield* Effect.forkChild(waiting);
    yield* Effect.yieldNow;
    print((heap() - before) / MANY);
  });
  start(main, mode);
}

/** `Effect.all` without a bound, inside `Effect.timeout`: the same guarantees as genloop's. */
export function request({ Batches, Backends, print }, mode) {
  const backends = new Backends(queueMicrotask);
  const fetchOne = (question) =>
    Effect.callback((resume) => backends.ask(question, (answer) => resume(Effect.succeed(answer))));
  const proxied = Effect.timeout(
    Effect.gen(function* () {
      const [a, b, c] = yield* Effect.all([fetchOne(1), fetchOne(2), fetchOne(3)], { concurrency: 'unbounded' });
      return a + b + c;
    }),
    TIMEOUT_MS,
  );
  const main = Effect.gen(function* () {
    if ((yield* proxied) !== 6) throw new Error('an answer is wrong');
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* proxied;
    }
    print(batches.median());
  });
  start(main, mode);
}

/** The same over sockets. */
export async function proxy({ Batches, print }, mode, port) {
  const clients = await wires(port);
  const fetchOne = (wire) => Effect.callback((resume) => wire.ask((answer) => resume(Effect.succeed(answer))));
  const proxied = ([first, second, third]) =>
    Effect.timeout(
      Effect.gen(function* () {
        const calls = [fetchOne(first), fetchOne(second), fetchOne(third)];
        const [a, b, c] = yield* Effect.all(calls, { concurrency: 'unbounded' });
        return a + b + c;
      }),
      TIMEOUT_MS,
    );
  const requesting = (client) =>
    Effect.gen(function* () {
      for (;;) yield* proxied(client);
    });
  const main = Effect.gen(function* () {
    if ((yield* proxied(clients[0])) !== 6) throw new Error('an answer is wrong');
    for (const client of clients.slice(1)) yield* Effect.forkChild(requesting(client));
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* proxied(clients[0]);
    }
    print(batches.median() / CLIENTS);
  });
  start(main, mode);
}
