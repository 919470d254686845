/**
 * Worker threads with the addon that are started and terminated, at whichever moment: no crash, and as many descriptors as before.
 * What is open after each test is counted by the suite itself; here also in between, so that one leak cannot hide another's close.
 */

import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { openDescriptors } from '../support/leaks.ts';
import { notRun, suite } from '../support/suite.ts';
import { ended, firstMessage, runWorker } from '../support/worker.ts';

const test = suite('threads that come and go');
const WANTED = 1_000;
/** A thousand take half a minute of two processors; these show the same, if less often. */
const COUNT = Number(process.env.GENLOOP_TEST_WORKERS || 60);
if (COUNT < WANTED) notRun(`${WANTED} worker threads: ${COUNT} of them (GENLOOP_TEST_WORKERS=${WANTED} for all)`);
/** How many there are at a time. */
const LANES = 4;
const ROUND = 20;
const TERMINATED = 1;
const CODE = 7;
const ADDON = process.env.GENLOOP_ADDON || fileURLToPath(new URL('../../build/Release/addon.node', import.meta.url));

const OPENS = `
  const { parentPort } = require('node:worker_threads');
  const sys = require(${JSON.stringify(ADDON)});
  const { AF_INET, AF_UNIX, SOCK_STREAM } = sys.constants;
  const pair = new Int32Array(2);
  sys.socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  sys.pipe(pair);
  sys.socket(AF_INET, SOCK_STREAM, 0);
  const ready = sys.eventfd(1, 0);`;
const WATCHES = `${OPENS} sys.watch(ready, () => {}); parentPort.postMessage('watching');`;
const WAITS = `${OPENS} parentPort.postMessage('waiting');
  // One wait after the other, as a blocking drive does: where no JavaScript runs it cannot be ended, so none lasts.
  const rows = new Int32Array(3);
  for (;;) { rows.set([pair[0], 1, 0]); sys.poll(rows, 1, 1); }`;

/** What becomes of a thread, in turn. */
const FATES: readonly ((round: number) => Promise<void>)[] = [
  async () => {
    // Perhaps before it has begun, or while the addon is being loaded.
    const worker = runWorker(WATCHES);
    assert.ok([0, TERMINATED].includes(await worker.terminate()));
  },
  () => terminated(runWorker(WATCHES)),
  () => terminated(runWorker(WAITS)),
  async () => {
    const worker = runWorker(`${OPENS} parentPort.postMessage('here');`);
    await firstMessage(worker);
    assert.is(await ended(worker), 0);
  },
  async () => assert.is(await ended(runWorker(`${OPENS} process.exit(${CODE});`)), CODE),
];

async function terminated(worker: Worker): Promise<void> {
  await firstMessage(worker);
  assert.is(await worker.terminate(), TERMINATED);
}

test('worker threads are started and terminated, at whichever moment: the number of descriptors stays, and nothing crashes', async () => {
  await FATES[0]?.(0);
  const before = openDescriptors().size;
  for (let done = 0; done < COUNT; ) {
    const last = Math.min(done + ROUND, COUNT);
    const lane = async (): Promise<void> => {
      while (done < last) {
        const n = done++;
        await FATES[n % FATES.length]?.(n);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    assert.is(openDescriptors().size, before, `after ${last} threads`);
  }
});

test.run();
