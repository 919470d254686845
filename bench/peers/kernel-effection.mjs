/** The kernel's measurements in Effection. */

import { action, all, race, run, sleep, spawn as spawnTask, suspend } from 'effection';
import { CLIENTS, wires } from './kernel-wire.mjs';

const MANY = 100_000;
const FAR_MS = 1e6;
const TIMEOUT_MS = 30_000;

/**
 * Lets tasks of the same depth in the tree run: an action that is resolved at once, which queues its task again. The cheapest that there is:
 * `sleep(0)` waits for a timer of Node, a millisecond.
 */
function pass() {
  return action((resolve) => {
    resolve();
    return () => {};
  });
}

function* nested(depth, body) {
  if (depth > 1) yield* nested(depth - 1, body);
  else yield* body();
}

/** N tasks take turns. */
export function turns({ Batches, print }, depth, tasks) {
  // Whether they do take turns: a count of the others' between two of the first.
  let others = 0;
  function* turning() {
    for (;;) {
      others++;
      yield* pass();
    }
  }
  function* measuring() {
    yield* pass();
    others = 0;
    for (let i = 0; i < 10; i++) yield* pass();
    if (others !== 10 * (tasks - 1)) throw new Error(`the others had ${others} turns`);
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* pass();
    }
    print(batches.median() / tasks);
  }
  run(function* () {
    for (let i = 1; i < tasks; i++) yield* spawnTask(() => nested(Number(depth), turning));
    yield* yield* spawnTask(() => nested(Number(depth), measuring));
  });
}

/** A task that returns at once is spawned and waited for. */
export function spawn({ Batches, print }) {
  // biome-ignore lint/correctness/useYield: it ends at once, which is the point
  function* immediate(value) {
    return value;
  }
  run(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* yield* spawnTask(() => immediate(i));
    }
    print(batches.median());
  });
}

/** A task that is suspended is spawned, gets its turn, and is halted, which waits for its end. */
export function cancel({ Batches, print }) {
  function* forever() {
    yield* suspend();
  }
  run(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) {
        const task = yield* spawnTask(forever);
        yield* childrenFirst();
        yield* task.halt();
      }
    }
    print(batches.median());
  });
}

/** Lets children run, which come after their parents: it goes on in a microtask, when all tasks have come to rest. */
function childrenFirst() {
  return action((resolve) => {
    queueMicrotask(resolve);
    return () => {};
  });
}

function* expiry(ms) {
  yield* sleep(ms);
  throw new Error('too late');
}

/** A race with `sleep`: Effection has no timeout of its own. */
export function timer({ Batches, print }) {
  function* brief(value) {
    yield* pass();
    return value;
  }
  run(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* race([brief(i), expiry(FAR_MS)]);
    }
    print(batches.median());
  });
}

/** Tasks that are suspended. */
export function parked({ heap, print }) {
  function* waiting() {
    yield* suspend();
  }
  run(function* () {
    const before = heap();
    for (let i = 0; i < MANY; i++) yield* spawnTask(waiting);
    yield* childrenFirst();
    print((heap() - before) / MANY);
  });
}

/** `all` in a race with `sleep`: the same guarantees as genloop's. */
export function request({ Batches, Backends, print }) {
  const backends = new Backends(queueMicrotask);
  const call = (question) =>
    action((resolve) => {
      backends.ask(question, resolve);
      return () => {};
    });
  function* sum() {
    const [a, b, c] = yield* all([call(1), call(2), call(3)]);
    return a + b + c;
  }
  run(function* () {
    if ((yield* race([sum(), expiry(TIMEOUT_MS)])) !== 6) throw new Error('an answer is wrong');
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* race([sum(), expiry(TIMEOUT_MS)]);
    }
    print(batches.median());
  });
}

/** The same over sockets. */
export async function proxy({ Batches, print }, port) {
  const clients = await wires(port);
  const call = (wire) =>
    action((resolve) => {
      wire.ask(resolve);
      return () => {};
    });
  function* sum([first, second, third]) {
    const [a, b, c] = yield* all([call(first), call(second), call(third)]);
    return a + b + c;
  }
  const proxied = (client) => race([sum(client), expiry(TIMEOUT_MS)]);
  run(function* () {
    if ((yield* proxied(clients[0])) !== 6) throw new Error('an answer is wrong');
    for (const client of clients.slice(1)) {
      yield* spawnTask(function* () {
        for (;;) yield* proxied(client);
      });
    }
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield* proxied(clients[0]);
    }
    print(batches.median() / CLIENTS);
  });
}
