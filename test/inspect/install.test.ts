/** The table on a signal, in programs of their own: both drives, by code and by the environment. Also `environment.ts`. */

import { installPs } from 'genloop/inspect';
import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { suite } from '../support/suite.ts';
import { runWorker } from '../support/worker.ts';

const test = suite('ps on a signal');

const HEAD = `
  import fs from 'node:fs';
  import { run, runSync, Scheduler, ReadWait, Socket, sleep, group, deadline, onSignal } from 'genloop';
  const say = (line) => fs.writeSync(1, line + '\\n');
  const [one, other] = Socket.pair();
  function* reader() { deadline(600_000); say('ready'); yield* new ReadWait(one); say('read'); }
  function* main() {
    yield* group(function* (g) {
      for (let n = 0; n < 100; n++) g.spawn(sleep(500_000), { name: 'sleeper', daemon: true });
      // The last: when it speaks, all others have come to their waits.
      g.spawn(reader(), { name: 'reader' });
    });
  }
`;

function program(source: string, env: Record<string, string> = {}): Program {
  return new Program([...NODE, '--input-type=module', '-e', HEAD + source], { env });
}

const DRIVES = {
  run: 'await run(main);',
  runSync: 'runSync(main);',
  'runSync on poll': "runSync(main, { backend: 'poll' });",
  'runSync on select': "runSync(main, { backend: 'select' });",
};

/** A line of the table, as far as it is certain. */
const LINES = [
  /^genloop, process \d+, at \d{4}-.*Z$/m,
  /^scheduler 1: 102 tasks, 102 parked$/m,
  /^ +1 +1 +main +the tasks of its group: 101 /m,
  /^ +1 +102 +reader +ReadWait\(Socket \d+\) +(?:9|10) min +.*:\d+ reader +1 main$/m,
  /^ +100 +2…101 +sleeper \(daemon\) +sleep\(500000\), 8(?:\.\d)? min left +1 main$/m,
];

for (const [drive, source] of Object.entries(DRIVES)) {
  test(`GENLOOP_PS=1 makes a program that imports genloop alone print its tasks on SIGUSR2 (${drive})`, async () => {
    await using child = program(source, { GENLOOP_PS: '1' });
    await child.says('ready');
    for (let n = 1; n <= 2; n++) {
      child.stderr = '';
      child.kill('SIGUSR2');
      await child.says(/reader.*\n/, 'stderr');
      for (const line of LINES) assert.ok(line.test(child.stderr), `${line} in\n${child.stderr}`);
    }
    assert.is(child.stdout, 'ready\n');
    // And goes on: Ctrl-C is what it was.
    child.kill('SIGINT');
    assert.is((await child.ended()).code, 130);
  });
}

for (const [drive, call] of [
  ['run', 'await run'],
  ['runSync', 'runSync'],
]) {
  test(`installPs() does it in code, also in the middle of a run, and ends when it is disposed (${drive})`, async () => {
    await using child = program(`
      import { installPs } from 'genloop/inspect';
      let told;
      const signalled = new Promise((resolve) => { told = resolve; });
      ${call}(function* main() {
        let text = '';
        const first = installPs({ signal: 'SIGUSR1', write: (table) => { text += table; } });
        const second = installPs({ signal: 'SIGUSR1', write: () => say('heard twice') });
        process.kill(process.pid, 'SIGUSR1');
        while (text === '') yield* sleep(1);
        say(/main +sleep\\(1\\)/.test(text) ? 'told' : text);
        second[Symbol.dispose]();
        first[Symbol.dispose]();
        first[Symbol.dispose]();
        say(process.listenerCount('SIGUSR1'));
        process.on('SIGUSR1', () => say('mine again'));
      });
      process.kill(process.pid, 'SIGUSR1');
      await sleepy();
      async function sleepy() { await new Promise((resolve) => setTimeout(resolve, 200)); }
    `);
    const end = await child.ended();
    assert.equal([end.code, end.stdout], [0, 'heard twice\ntold\n0\nmine again\n'], end.stderr);
  });
}

test('between runs, and where nothing runs, it says so', async () => {
  await using child = program("say('ready'); setInterval(() => {}, 1000);", { GENLOOP_PS: '1' });
  await child.says('ready');
  child.kill('SIGUSR2');
  await child.says('no scheduler runs tasks in the main thread', 'stderr');
});

test('without GENLOOP_PS=1 nobody listens, and nothing of it has begun', async () => {
  for (const value of ['', '0']) {
    await using child = program(
      "say(process.listenerCount('SIGUSR2')); runSync(function* main() { say('ready'); yield* sleep(60_000); });",
      { GENLOOP_PS: value },
    );
    await child.says('0\nready');
    child.kill('SIGUSR2');
    assert.is((await child.ended()).signal, 'SIGUSR2');
  }
});

test('a worker has no signals: the variable is not for it, and a call says so', async () => {
  assert.throws(() => installPs({ signal: 'SIGINT' }), /SIGINT cancels a run/);
  assert.throws(() => installPs({ signal: 'SIGNONE' as never }), /no signal 'SIGNONE'/);
  const index = JSON.stringify(new URL('../../src/index.ts', import.meta.url).href);
  const inspect = JSON.stringify(new URL('../../src/inspect/index.ts', import.meta.url).href);
  const worker = runWorker(`
    process.env.GENLOOP_PS = '1';
    (async () => {
      const { register } = await import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))});
      register();
      await import(${index});
      const { installPs } = await import(${inspect});
      const { parentPort } = require('node:worker_threads');
      try { installPs(); } catch (error) { parentPort.postMessage([error.code, error.message]); }
    })();
  `);
  const [code, message] = await new Promise<[string, string]>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  await worker.terminate();
  assert.is(code, 'ERR_GENLOOP_MISUSE');
  assert.match(message, /only the main thread gets signals/);
});

test.run();
