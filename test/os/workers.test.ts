/** The addon in worker threads: each has its own, and what a thread opened ends with it, however it ends. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { realSys } from 'genloop/os';
import { availableBackends } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { openDescriptors } from '../support/leaks.ts';
import { suite } from '../support/suite.ts';
import { ended, firstMessage, runWorker, startWorker } from '../support/worker.ts';

const TERMINATED = 1;
const ROUNDS = 50;
/** As the loader chooses; the threads that come by the dozen do without TypeScript. */
const ADDON = process.env.GENLOOP_ADDON || fileURLToPath(new URL('../../build/Release/addon.node', import.meta.url));

const test = suite('worker threads');

/** A worker that has nothing but the addon. */
function bareWorker(code: string): Worker {
  const program = `
    const { parentPort } = require('node:worker_threads');
    const sys = require(${JSON.stringify(ADDON)});
    ${code}`;
  return runWorker(program);
}

/** Opens one of everything; not closed. */
const OPEN_ALL = `
  const { AF_INET, AF_UNIX, SOCK_STREAM, O_RDONLY } = sys.constants;
  const pair = new Int32Array(2);
  const opened = [sys.socket(AF_INET, SOCK_STREAM, 0), sys.open('/dev/null', O_RDONLY, 0), sys.eventfd(0, 0), sys.timerfd()];
  opened.push(sys.dup(opened[0]), sys.epollCreate(), sys.kqueue());
  sys.pipe(pair); opened.push(...pair);
  sys.socketpair(AF_UNIX, SOCK_STREAM, 0, pair); opened.push(...pair);
  opened.push(sys.own(sys.disown(opened[0]) === 0 ? opened[0] : -1) === 0 ? opened[0] : -1);
`;

test('load the addon, two at once, and see the same system', async () => {
  const workers = [1, 2].map(() =>
    startWorker('parentPort.postMessage([os.realSys().platform, os.constants.AF_INET]);'),
  );
  const messages = await Promise.all(workers.map(firstMessage));
  assert.equal(await Promise.all(workers.map(ended)), [0, 0]);
  const expected = [realSys().platform, realSys().constants.AF_INET];
  assert.equal(messages, [expected, expected]);
});

test('that end leave nothing open', async () => {
  const before = openDescriptors();
  const worker = bareWorker(`${OPEN_ALL} parentPort.postMessage(opened.filter((fd) => fd >= 0).length);`);
  assert.ok(((await firstMessage(worker)) as number) >= 9);
  assert.is(await ended(worker), 0);
  assert.equal([...openDescriptors().keys()], [...before.keys()]);
});

test('that call process.exit leave nothing open', async () => {
  const before = openDescriptors();
  const worker = bareWorker(`${OPEN_ALL} process.exit(7);`);
  assert.is(await ended(worker), 7);
  assert.equal([...openDescriptors().keys()], [...before.keys()]);
});

test('that are terminated leave nothing open', async () => {
  const before = openDescriptors();
  const worker = bareWorker(`${OPEN_ALL} parentPort.postMessage('open'); setInterval(() => {}, 1000);`);
  await firstMessage(worker);
  assert.is(await worker.terminate(), TERMINATED);
  assert.equal([...openDescriptors().keys()], [...before.keys()]);
});

test('leave open what they gave away', async () => {
  const sys = realSys();
  const worker = bareWorker(`const fd = sys.eventfd(5, 0); sys.disown(fd); parentPort.postMessage(fd);`);
  const fd = (await firstMessage(worker)) as number;
  await ended(worker);
  const cell = new Uint8Array(8);
  assert.is(sys.read(fd, cell, 0, 8), 8);
  assert.is(cell[0], 5);
  assert.is(sys.close(fd), 0);
});

test(`are terminated ${ROUNDS} times while they watch a descriptor from their loop`, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const worker = bareWorker(`
      ${OPEN_ALL}
      // Readable at every turn: the callback may be running when the end comes.
      const ready = sys.eventfd(1, 0);
      sys.watch(ready, () => {});
      sys.setRef(sys.watch(opened[0], () => {}), ${round % 2 === 0});
      sys.unwatch(sys.watch(sys.eventfd(0, 0), () => {}));
      parentPort.postMessage('watching');`);
    await firstMessage(worker);
    assert.is(await worker.terminate(), TERMINATED);
  }
});

test('end by themselves once what they watch is not referenced', async () => {
  const worker = bareWorker(`
    const fd = sys.eventfd(0, 0);
    sys.setRef(sys.watch(fd, () => {}), false);
    parentPort.postMessage('watching');`);
  await firstMessage(worker);
  assert.is(await ended(worker), 0);
});

test('share the signal pipe with nobody, and give it back at their end', async () => {
  const sys = realSys();
  const signal = sys.constants.SIGUSR2 as number;
  const worker = bareWorker(`parentPort.postMessage(sys.signalOpen(${signal})); setInterval(() => {}, 1000);`);
  assert.ok(((await firstMessage(worker)) as number) >= 0);
  assert.is(sys.signalOpen(signal), -(sys.constants.EBUSY as number));
  assert.is(sys.signalClose(signal), -(sys.constants.EINVAL as number));
  await worker.terminate();
  assert.ok(sys.signalOpen(signal) >= 0);
  assert.is(sys.signalClose(signal), 0);
});

for (const backend of availableBackends(realSys())) {
  const task = `
    function* () {
      const { reader } = os.pipe();
      parentPort.postMessage('waiting');
      yield new scheduler.ReadWait(reader);
    }`;

  test(`blocked in runSync over ${backend} hear that they are terminated`, async () => {
    const worker = startWorker(`
      const one = new scheduler.Scheduler({ backend: ${JSON.stringify(backend)} });
      one.spawn((${task})());
      one.runSync();`);
    assert.is(await firstMessage(worker), 'waiting');
    assert.is(await worker.terminate(), TERMINATED);
  });

  test(`two at once, blocked in runSync over ${backend}, hear it each for itself`, async () => {
    const workers = [1, 2].map(() =>
      startWorker(`
        const one = new scheduler.Scheduler({ backend: ${JSON.stringify(backend)} });
        one.spawn((${task})());
        one.runSync();`),
    );
    await Promise.all(workers.map(firstMessage));
    assert.is(await (workers[0] as Worker).terminate(), TERMINATED);
    assert.is(await (workers[1] as Worker).terminate(), TERMINATED);
  });
}

test('attached to their loop as a guest are terminated too', async () => {
  const worker = startWorker(`
    const one = new scheduler.Scheduler();
    one.spawn((function* () {
      const { reader } = os.pipe();
      parentPort.postMessage('waiting');
      yield new scheduler.ReadWait(reader);
    })());
    await one.run();`);
  assert.is(await firstMessage(worker), 'waiting');
  assert.is(await worker.terminate(), TERMINATED);
});

assert.ok(existsSync(ADDON), ADDON);
test.run();
