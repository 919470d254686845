/** Worker threads: each runs schedulers of its own, and hears `terminate()` wherever it is. */

import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { ROOT } from '../examples/program.ts';
import { openDescriptors } from '../support/leaks.ts';
import { suite } from '../support/suite.ts';
import { ended, firstMessage, startWorker } from '../support/worker.ts';

const test = suite('threads');

const WORKER = `
  const { workerData, parentPort } = require('node:worker_threads');
  (async () => {
    const { register } = await import(workerData.tsx);
    register();
    const { run, runSync, Scheduler, ReadWait } = await import(workerData.scheduler);
    const { sleep } = await import(workerData.kernel);
    const { Socket } = await import(workerData.os);
    const [one, other] = Socket.pair();
    function* main() {
      parentPort.postMessage('ready');
      BODY
    }
    try {
      DRIVE
      one.close();
      other.close();
      parentPort.postMessage('ended');
    } catch (error) {
      parentPort.postMessage(String(error));
    }
  })();
`;

function worker(drive: string, body: string): Worker {
  const url = (path: string): string => pathToFileURL(join(ROOT, path)).href;
  return new Worker(WORKER.replace('DRIVE', drive).replace('BODY', body), {
    eval: true,
    // As for the other programs: its backend is what the test says.
    env: { ...process.env, GENLOOP_BACKEND: '' },
    workerData: {
      tsx: import.meta.resolve('tsx/esm/api'),
      scheduler: url('src/scheduler/index.ts'),
      kernel: url('src/kernel/index.ts'),
      os: url('src/os/index.ts'),
    },
  });
}

const WORKER_DRIVES = {
  run: 'await run(main);',
  runSync: 'runSync(main);',
  'runSync on poll': "runSync(main, { backend: 'poll' });",
  'runSync on select': "runSync(main, { backend: 'select' });",
};

for (const [name, drive] of Object.entries(WORKER_DRIVES)) {
  test(`a worker thread runs to its end (${name})`, async () => {
    const thread = worker(drive, "yield* sleep(1); other.send('x'); yield* new ReadWait(one);");
    const messages: unknown[] = [];
    thread.on('message', (message) => messages.push(message));
    const [code] = await once(thread, 'exit');
    assert.equal([code, ...messages], [0, 'ready', 'ended']);
  });

  for (const body of ['yield* new ReadWait(one);', 'yield* sleep(60_000);', 'for (;;) yield;']) {
    test(`worker.terminate() ends a thread that is at \`${body}\`, and its descriptors are closed (${name})`, async () => {
      const before = openDescriptors().size;
      const thread = worker(drive, body);
      await once(thread, 'message');
      // Once more round its loop, so that it is where it waits.
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.is(await thread.terminate(), 1);
      assert.is(openDescriptors().size, before);
    });
  }
}

test('a thread whose Node loop has no descriptor runs all the same, deaf to its end while it is blocked', async () => {
  const thread = startWorker(`
    const refused = [];
    // What it answers where libuv has no such descriptor.
    os.nodeLoop().backendFd = () => {
      refused.push('asked');
      return -os.constants.ENOSYS;
    };
    const { currentTask } = scheduler;
    const result = scheduler.runSync(function* main() { yield; return currentTask().name; });
    parentPort.postMessage([...refused, result]);
  `);
  assert.equal(await firstMessage(thread), ['asked', 'main']);
  assert.is(await ended(thread), 0);
});

test.run();
