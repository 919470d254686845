/**
 * What becomes of the threads that look up names when nobody waits for them any more: the resolver is one that answers when the test says
 * so. Each case is a program of its own; one that waited for the resolver would never end.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type End, NODE, Program } from '../examples/program.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('threads that look up names');
const folder = mkdtempSync(join(tmpdir(), 'genloop-resolver-'));
const LIBRARY = join(folder, 'slow_resolver.so');
const GATE = join(folder, 'gate');

/** Why it cannot be tried here; `undefined` if it can. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux') return 'the resolver is replaced by LD_PRELOAD';
  const source = fileURLToPath(new URL('slow_resolver.c', import.meta.url));
  const { status, error, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', LIBRARY, source, '-ldl'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return 'there is no C compiler';
  assert.is(status, 0, stderr);
  assert.is(spawnSync('mkfifo', [GATE]).status, 0);
  return undefined;
}

const PRELUDE = `
  import { closeSync, constants as flags, openSync, readdirSync, readlinkSync } from 'node:fs';
  import { constants, NameLookup, poll, realSys } from 'genloop/os';
  const gate = process.env.GENLOOP_TEST_GATE;

  /** Comes back once a slow lookup is under way; it ends when the number that this gives is closed. */
  function underWay() {
    for (;;) {
      try {
        return openSync(gate, flags.O_WRONLY | flags.O_NONBLOCK);
      } catch (error) {
        if (error.code !== 'ENXIO') throw error;
      }
    }
  }
  /** The pipes that this process has open, without those of Node and its output. */
  function pipes() {
    return readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return Number(fd) > 2 && readlinkSync('/proc/self/fd/' + fd).startsWith('pipe:');
      } catch {
        return false;
      }
    }).length;
  }
  function answered(lookup) {
    while (lookup.answer() === undefined) poll([[lookup, constants.POLLIN]]);
  }
`;

/** Runs a program with the slow resolver to its end. */
async function run(code: string): Promise<End> {
  const preload = `${process.env.LD_PRELOAD ?? ''} ${LIBRARY}`.trim();
  await using program = new Program([...NODE, '--input-type=module', '-e', `${PRELUDE}\n${code}`], {
    env: { LD_PRELOAD: preload, GENLOOP_TEST_GATE: GATE },
  });
  return await program.ended();
}

async function prints(expected: string, code: string): Promise<void> {
  const { stdout, stderr, ...end } = await run(code);
  assert.equal(end, { code: 0, signal: null }, stderr);
  assert.is(stdout, `${expected}\n`, stderr);
}

const why = obstacle();
if (why !== undefined) notRun(`names that are never answered: ${why}`);

const add = (name: string, body: () => Promise<void>): void => {
  if (why === undefined) test(name, body);
};

add('a process that exits does not wait for them', async () => {
  const { code, stderr } = await run(`NameLookup.start('slow'); underWay(); process.exit(7);`);
  assert.is(code, 7, stderr);
});

add('a process that comes to its end does not wait for them', async () => {
  await prints(
    'the end',
    `const lookup = NameLookup.start('slow'); underWay(); lookup.close(); console.log('the end');`,
  );
});

add('nor does one in which an answer is still wanted, when its tasks are cancelled', async () => {
  await prints(
    'cancelled',
    `const { group, pass, runSync } = await import('genloop');
    const { resolve } = await import('genloop/net');
    runSync(function* () {
      yield* group(function* (g) {
        g.spawn(resolve('slow.invalid'));
        yield* pass();
        underWay();
        g.cancel();
      });
    });
    console.log('cancelled');`,
  );
});

add('an answer that nobody wants any more closes what it came with', async () => {
  await prints(
    'closed',
    `const before = pipes();
    const lookup = NameLookup.start('slow');
    const held = underWay();
    lookup.close();
    closeSync(held);
    while (pipes() !== before);
    console.log('closed');`,
  );
});

add('a worker may end while its lookup is under way, and take the addon with it', async () => {
  await prints(
    'alive',
    `const { Worker } = await import('node:worker_threads');
    const addon = process.env.GENLOOP_ADDON || ${JSON.stringify(fileURLToPath(new URL('../../build/Release/addon.node', import.meta.url)))};
    const before = pipes();
    for (let n = 0; n < 5; n++) {
      const worker = new Worker(
        'require(' + JSON.stringify(addon) + ').getaddrinfo("slow", 0); setInterval(() => {}, 1000);',
        { eval: true, execArgv: [] },
      );
      const held = await new Promise((resolve) => worker.once('online', () => resolve(underWay())));
      await worker.terminate();
      closeSync(held);
      while (pipes() !== before) await new Promise((resolve) => setImmediate(resolve));
    }
    console.log('alive');`,
  );
});

add(
  'when all of them are stuck, the next name waits, and those that nobody wants any more are not looked up',
  async () => {
    await prints(
      '127.0.0.1:0',
      `const stuck = Array.from({ length: 8 }, (_, n) => NameLookup.start('slow' + n));
    for (let n = 0; n < 20; n++) NameLookup.start('never' + n).close();
    const lookup = NameLookup.start('localhost', { family: 'IPv4' });
    if (lookup.answer() !== undefined) throw new Error('there is a ninth thread');
    let found;
    // One that comes late to the gate needs it opened again.
    while ((found = lookup.answer()) === undefined) closeSync(underWayOrDone());
    console.log(String(found));
    for (const one of stuck) one.close();
    function underWayOrDone() {
      try {
        return openSync(gate, flags.O_WRONLY | flags.O_NONBLOCK);
      } catch {
        return openSync('/dev/null', 'r');
      }
    }`,
    );
  },
);

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
