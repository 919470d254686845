/** Work in a thread of its own: a module that gets something and answers once. */

import { Worker } from 'node:worker_threads';

/** Most objects live as long as their program: with a small nursery much of the time goes to collecting them. */
const NURSERY_MB = 64;

/**
 * Runs a module (of TypeScript: the thread loads what it takes) with this as its `workerData`. Resolves with the first message that it
 * sends, once the thread has ended; rejects if it fails, or ends without one.
 */
export function workInThread<Answer>(module: URL, data: unknown): Promise<Answer> {
  const program = `
    import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})
      .then(({ register }) => { register(); return import(${JSON.stringify(module.href)}); })
      .catch((error) => { setImmediate(() => { throw error; }); });`;
  const thread = new Worker(program, {
    eval: true,
    execArgv: ['--conditions=genloop-source'],
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MB },
  });
  return new Promise((settle, reject) => {
    let answers: [Answer] | [] = [];
    thread.once('message', (answer: Answer) => {
      answers = [answer];
    });
    thread.once('error', reject);
    thread.once('exit', (code) => {
      if (answers.length > 0) settle(answers[0] as Answer);
      else reject(new Error(`the thread of ${module.pathname} ended with ${code}, and said nothing`));
    });
  });
}
