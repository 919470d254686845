/** Clients that are there, and do nothing more: the modes `idle` and `slow` of native/bench/load.cc. */

import { once } from 'node:events';
import { Failure } from './context.ts';
import { cxx } from './programs.ts';
import { type Server, start } from './server.ts';

/** What they have done until they came to rest. */
export interface Held {
  /** How many there are. */
  ready: number;
  /** Of `slow`: bytes that each got rid of, in the mean, and at most. */
  sent?: number;
  most?: number;
}

/** Calls `during` while `count` of them are connected. Throws if one of them was not there any more in the end. */
export async function hold(
  server: Server,
  mode: 'idle' | 'slow',
  count: number,
  core: number,
  during: (held: Held) => Promise<void>,
): Promise<void> {
  const options = ['--port', String(server.port), '--connections', String(count)];
  const child = start([cxx('load'), mode, ...options], core, 'pipe');
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  try {
    const stdout = child.stdout as NodeJS.ReadableStream;
    const ready = await Promise.race([once(stdout, 'data') as Promise<[Buffer]>, closed.then(() => undefined)]);
    if (ready !== undefined) await during(JSON.parse(ready[0].toString()) as Held);
  } finally {
    child.stdin?.end();
  }
  const [code] = await closed;
  if (code !== 0) throw new Failure(`${server.name}: ${errors.trim()}`);
}
