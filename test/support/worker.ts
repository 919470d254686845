/** A thread that runs a few lines on the library's sources. */

import { Worker } from 'node:worker_threads';

const ends = new WeakMap<Worker, Promise<number>>();
const LAYERS = ['os', 'poller', 'scheduler'] as const;

/**
 * Starts a worker with `code` as the body of an async function, in which `os`, `poller`, `scheduler` and `parentPort` are at hand. `code`
 * is JavaScript.
 */
export function startWorker(code: string): Worker {
  const imports = LAYERS.map((layer) => {
    const url = new URL(`../../src/${layer}/index.ts`, import.meta.url).href;
    return `const ${layer} = await import(${JSON.stringify(url)});`;
  });
  const program = `
    const { parentPort } = require('node:worker_threads');
    (async () => {
      const { register } = await import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))});
      register();
      ${imports.join('\n      ')}
      ${code}
    })().catch((error) => { setImmediate(() => { throw error; }); });`;
  return runWorker(program);
}

/** A worker whose end is noted from the start: it may come in the same breath as its last message, before anybody asks. */
export function runWorker(program: string): Worker {
  // Its backend is what the test says: a guest cannot run on every one.
  const env = { ...process.env, GENLOOP_BACKEND: '' };
  const worker = new Worker(program, { eval: true, execArgv: [], env });
  ends.set(worker, new Promise((resolve) => worker.once('exit', resolve)));
  return worker;
}

/** The first message of a worker; rejects if it fails or ends without one. */
export function firstMessage(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended (${code}) without a message`)));
  });
}

/** Resolves with the exit code. */
export function ended(worker: Worker): Promise<number> {
  return ends.get(worker) as Promise<number>;
}
