/**
 * How soon a thread that is blocked in a wait hears that it shall end: `worker.terminate()` for a worker, Ctrl-C for a process.
 * Prints the longest of some tries, in milliseconds, from the call to the end of the thread, or to the task's clean-up.
 *
 *   hear-cost terminate|interrupt BACKEND
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const [what, backend] = process.argv.slice(2);
const TRIES = 10;

const BLOCKED = `
  const { runSync, ReadWait, Socket } = await import('genloop');
  const { writeSync } = await import('node:fs');
  try {
    runSync(function* () {
      const listener = Socket.listener();
      ready();
      try { yield new ReadWait(listener); } finally { writeSync(1, 'heard'); }
    }, { backend: '${backend}' });
  } catch {}`;

/** From `terminate` to the end of the worker. */
async function terminate(): Promise<number> {
  const code = `const ready = () => require('node:worker_threads').parentPort.postMessage('ready'); (async () => {${BLOCKED}})();`;
  const worker = new Worker(code, { eval: true });
  await once(worker, 'message');
  const start = performance.now();
  await worker.terminate();
  return performance.now() - start;
}

/** From the signal to the clean-up of the task. */
async function interrupt(): Promise<number> {
  const code = `const ready = () => writeSync(1, 'ready'); ${BLOCKED}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const start = performance.now();
  child.kill('SIGINT');
  await once(child.stdout, 'data');
  const elapsed = performance.now() - start;
  await once(child, 'exit');
  return elapsed;
}

let longest = 0;
for (let i = 0; i < TRIES; i++) longest = Math.max(longest, await (what === 'terminate' ? terminate() : interrupt()));
writeSync(1, `${longest}\n`);
