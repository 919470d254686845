/** The kernel's measurements in tj/co: generators that yield promises. It has no cancelling and no timeouts. */

import co from 'co';

const MANY = 100_000;
const resolved = Promise.resolve();

function* nested(depth, body) {
  if (depth > 1) yield nested(depth - 1, body);
  else yield body();
}

/** N coroutines take turns by yielding a resolved promise. */
export function turns({ Batches, print }, depth, tasks) {
  function* turning() {
    for (;;) yield resolved;
  }
  function* measuring() {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield resolved;
    }
    print(batches.median() / tasks);
  }
  for (let i = 1; i < tasks; i++) void co(nested(Number(depth), turning));
  void co(nested(Number(depth), measuring));
}

/** A coroutine that returns at once is started and waited for. */
export function spawn({ Batches, print }) {
  // biome-ignore lint/correctness/useYield: it ends at once, which is the point
  function* immediate(value) {
    return value;
  }
  void co(function* () {
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield co(immediate(i));
    }
    print(batches.median());
  });
}

/** Coroutines that wait for ever, held by what resolves them. */
export function parked({ heap, print }) {
  const held = new Array(MANY).fill(null);
  function* waiting(executor) {
    yield new Promise(executor);
  }
  void co(function* () {
    const before = heap();
    for (let i = 0; i < MANY; i++) {
      void co(
        waiting((resolve) => {
          held[i] = resolve;
        }),
      );
    }
    yield resolved;
    print((heap() - before) / held.length);
  });
}

/** Three calls at once, without a timeout, and without any word to the others when one fails. */
export function request({ Batches, Backends, print }) {
  const backends = new Backends(queueMicrotask);
  const call = (question) => new Promise((resolve) => backends.ask(question, resolve));
  function* fetchOne(question) {
    return yield call(question);
  }
  function* proxied() {
    const [a, b, c] = yield [fetchOne(1), fetchOne(2), fetchOne(3)];
    return a + b + c;
  }
  void co(function* () {
    if ((yield proxied()) !== 6) throw new Error('an answer is wrong');
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) yield proxied();
    }
    print(batches.median());
  });
}
