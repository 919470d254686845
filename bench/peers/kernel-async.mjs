/**
 * The kernel's measurements in plain async/await. What is missing there is left out: an async function is no task that could be cancelled,
 * nobody waits for those that a failed `Promise.all` left behind, and what a timeout ends runs on.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { CLIENTS, wires } from './kernel-wire.mjs';

const MANY = 100_000;
const FAR_MS = 1e6;
const TIMEOUT_MS = 30_000;
const resolved = Promise.resolve();

/** N async functions take turns with `await` of a resolved promise. */
export async function turns({ Batches, print }, _depth, tasks) {
  for (let i = 1; i < tasks; i++) void turning();
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) await resolved;
  }
  print(batches.median() / tasks);
}

async function turning() {
  for (;;) await resolved;
}

/** The same, with an `AsyncLocalStorage` that holds another store in each of them, or without. */
export async function context({ Batches, print }, mode) {
  const tasks = 1000;
  const storage = new AsyncLocalStorage();
  const call = (index, body) => (mode === 'on' ? storage.run(index, body) : body());
  for (let i = 1; i < tasks; i++) void call(i, turning);
  await call(0, async () => {
    await resolved;
    if (storage.getStore() !== (mode === 'on' ? 0 : undefined)) throw new Error('the store is not the right one');
    const batches = new Batches();
    while (batches.next()) {
      for (let i = 0; i < batches.turns; i++) await resolved;
    }
    print(batches.median() / tasks);
  });
}

/** An async function is called and awaited: no task, no order of its own, no handle. */
export async function spawn({ Batches, print }) {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) await immediate(i);
  }
  print(batches.median());
}

async function immediate(value) {
  return value;
}

/** An async function waits for ever, or for an `AbortSignal`; it is aborted, and its rejection awaited. */
export async function cancel({ Batches, print }) {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) {
      const controller = new AbortController();
      const task = forever(controller.signal);
      await resolved;
      controller.abort();
      try {
        await task;
      } catch {
        // That it was aborted.
      }
    }
  }
  print(batches.median());
}

async function forever(signal) {
  await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A race with `setTimeout`, which is cleared: how a timeout is written with promises. */
export async function timer({ Batches, print }) {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) await failAfter(FAR_MS, brief(i));
  }
  print(batches.median());
}

async function brief(value) {
  await resolved;
  return value;
}

async function failAfter(ms, work) {
  let timeout;
  const expired = new Promise((_, reject) => {
    timeout = setTimeout(() => reject(new Error('too late')), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timeout);
  }
}

/** Async functions that wait for ever. Somebody has to hold them, or they are garbage: as I/O would, by what resolves them. */
export async function parked({ heap, print }) {
  const held = new Array(MANY).fill(null);
  const before = heap();
  for (let i = 0; i < MANY; i++) {
    void waiting((resolve) => {
      held[i] = resolve;
    });
  }
  await resolved;
  print((heap() - before) / held.length);
}

async function waiting(executor) {
  await new Promise(executor);
}

/**
 * `plain`: nothing is guaranteed, and there is no timeout. `timeout`: a race with a timer; what it ends runs on. `abort`: a timer and an `AbortSignal` for all three calls, which each of them follows; the first failure
 * aborts the others, but they are not waited for.
 */
export async function request({ Batches, Backends, print }, mode) {
  const backends = new Backends(queueMicrotask);

  const call = (question) => new Promise((resolve) => backends.ask(question, resolve));

  async function fetchOne(question) {
    return await call(question);
  }

  async function plain() {
    const [a, b, c] = await Promise.all([fetchOne(1), fetchOne(2), fetchOne(3)]);
    return a + b + c;
  }

  async function fetchAbortably(question, signal) {
    let aborted;
    try {
      return await new Promise((resolve, reject) => {
        aborted = () => reject(signal.reason);
        signal.addEventListener('abort', aborted);
        backends.ask(question, resolve);
      });
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  }

  async function abortable() {
    const controller = new AbortController();
    const { signal } = controller;
    const timeout = setTimeout(() => controller.abort(new Error('too late')), TIMEOUT_MS);
    try {
      const calls = [fetchAbortably(1, signal), fetchAbortably(2, signal), fetchAbortably(3, signal)];
      const [a, b, c] = await Promise.all(calls);
      return a + b + c;
    } catch (error) {
      controller.abort(error);
      throw error;
    } finally {
      clearTimeout(timeout);
    }
  }

  const proxied = { plain, timeout: () => failAfter(TIMEOUT_MS, plain()), abort: abortable }[mode];
  if ((await proxied()) !== 6) throw new Error('an answer is wrong');
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) await proxied();
  }
  print(batches.median());
}

/** Proxied requests over sockets. `plain` and `timeout` as above. */
export async function proxy({ Batches, print }, mode, port) {
  const clients = await wires(port);
  const call = (wire) => new Promise((resolve) => wire.ask(resolve));

  async function fetchOne(wire) {
    return await call(wire);
  }

  async function plain([first, second, third]) {
    const [a, b, c] = await Promise.all([fetchOne(first), fetchOne(second), fetchOne(third)]);
    return a + b + c;
  }

  const proxied = mode === 'timeout' ? (client) => failAfter(TIMEOUT_MS, plain(client)) : plain;
  if ((await proxied(clients[0])) !== 6) throw new Error('an answer is wrong');
  for (const client of clients.slice(1)) {
    void (async () => {
      for (;;) await proxied(client);
    })();
  }
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) await proxied(clients[0]);
  }
  print(batches.median() / CLIENTS);
}
