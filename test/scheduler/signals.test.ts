/**
 * Ctrl-C, and a program that must hear it while it is blocked: in processes of their own.
 *
 * This file stands for `blocking.ts`, `interrupts.ts` and the interrupts of `run.ts`.
 */

import { existsSync, readFileSync } from 'node:fs';
import { type Co, sleep } from 'genloop/kernel';
import { realSys } from 'genloop/os';
import { availableBackends } from 'genloop/poller';
import { runSync } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { has, NODE, Program } from '../examples/program.ts';
import { suite } from '../support/suite.ts';
import { ended, firstMessage, startWorker } from '../support/worker.ts';

const test = suite('signals');

const HEAD = `
  import fs from 'node:fs';
  import { run, runSync, Scheduler, ReadWait } from 'genloop/scheduler';
  import { sleep, isCancelled } from 'genloop/kernel';
  import { Socket, pipe } from 'genloop/os';
  const say = (line) => fs.writeSync(1, line + '\\n');
  const [one, other] = Socket.pair();
  function* main() {
    say('ready');
    try { yield* new ReadWait(one); } finally { say('finally'); }
  }
`;

function program(source: string): Program {
  return new Program([
    'sh',
    '-c',
    'ulimit -n 200; exec "$@"',
    'sh',
    ...NODE,
    '--input-type=module',
    '-e',
    HEAD + source,
  ]);
}

/** What the drives have in common: a main task that waits for a descriptor. */
const DRIVES = {
  'run, not caught': 'await run(main);',
  'run, caught': "await run(main).catch((error) => say([error.code, error.source, error.reason].join(' ')));",
  'runSync, not caught': 'runSync(main);',
  'runSync, caught':
    "try { runSync(main); } catch (error) { say([error.code, error.source, error.reason].join(' ')); }",
  'runSync on poll': "runSync(main, { backend: 'poll' });",
  'runSync on select': "runSync(main, { backend: 'select' });",
};

for (const [drive, source] of Object.entries(DRIVES)) {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} cancels the tasks, finally blocks run, and the exit code is ${code} (${drive})`, async () => {
      await using child = program(source);
      await child.says('ready');
      child.kill(signal);
      const end = await child.ended();
      assert.is(end.signal, null, end.stderr);
      assert.is(end.code, code, end.stderr);
      const lines = end.stdout.trim().split('\n');
      assert.equal(lines.slice(0, 2), ['ready', 'finally']);
      if (drive.endsWith(', caught')) assert.is(lines[2], `ABORT_ERR signal ${signal}`);
    });
  }
}

for (const [drive, source] of [
  ['run', 'await run(stubborn);'],
  ['runSync', 'runSync(stubborn);'],
]) {
  test(`a second signal exits at once, with the code of that signal (${drive})`, async () => {
    await using child = program(`
      function* stubborn() {
        say('ready');
        let told = false;
        for (;;) {
          try { yield* sleep(60_000); }
          catch { if (!told) say('swallowed'); told = true; }
        }
      }
      ${source}
    `);
    await child.says('ready');
    child.kill('SIGINT');
    await child.says('swallowed');
    child.kill('SIGTERM');
    const end = await child.ended();
    assert.equal([end.code, end.signal], [143, null]);
  });
}

test('run leaves SIGINT to whoever listens already, and a Scheduler never listens', async () => {
  for (const source of [
    "process.on('SIGINT', () => { say('mine'); other.send('x'); }); await run(main); say('ended');",
    "const scheduler = new Scheduler(); scheduler.spawn(main()); process.on('SIGINT', () => { say('mine'); other.send('x'); }); await scheduler.run(); say('ended');",
  ]) {
    await using child = program(source);
    await child.says('ready');
    child.kill('SIGINT');
    const end = await child.ended();
    assert.equal([end.code, end.stdout], [0, 'ready\nmine\nfinally\nended\n']);
  }
  await using child = program('const scheduler = new Scheduler(); scheduler.spawn(main()); await scheduler.run();');
  await child.says('ready');
  child.kill('SIGINT');
  assert.is((await child.ended()).signal, 'SIGINT');
});

test('Ctrl-C reaches all runs that live side by side', async () => {
  await using child = program(`
    function* second() {
      say('ready');
      try { yield* new ReadWait(other); } finally { say('finally'); }
    }
    const results = await Promise.allSettled([run(main), run(second)]);
    for (const { reason } of results) say(reason.code);
  `);
  await child.says(/ready\nready/);
  child.kill('SIGINT');
  const end = await child.ended();
  assert.equal([end.code, end.stdout], [130, 'ready\nready\nfinally\nfinally\nABORT_ERR\nABORT_ERR\n']);
});

for (const [drive, call] of [
  ['run', 'await run'],
  ['runSync', 'runSync'],
]) {
  test(`after ${drive} the old action of a signal is back: the default, or the program's listener`, async () => {
    await using first = program(`
      ${call}(function* () { yield* sleep(1); });
      say('over');
      setInterval(() => {}, 1000);
    `);
    await first.says('over');
    first.kill('SIGINT');
    assert.is((await first.ended()).signal, 'SIGINT');

    await using second = program(`
      const timer = setInterval(() => {}, 1000);
      process.on('SIGINT', () => { say('mine'); clearInterval(timer); });
      ${call}(function* () { yield* sleep(1); });
      say('over');
    `);
    await second.says('over');
    second.kill('SIGINT');
    const end = await second.ended();
    assert.equal([end.code, end.stdout], [0, 'over\nmine\n']);
  });
}

test("runSync takes SIGINT also where the program listens, since Node's handler sleeps; a second run is as deaf to the first", async () => {
  await using child = program(`
    process.on('SIGINT', () => say('mine'));
    for (let i = 0; i < 2; i++) {
      try { runSync(main); } catch (error) { say(error.code); }
    }
  `);
  await child.says('ready');
  child.kill('SIGINT');
  await child.says(/ABORT_ERR\nready/);
  child.kill('SIGINT');
  const end = await child.ended();
  assert.equal([end.code, end.stdout], [130, 'ready\nfinally\nABORT_ERR\nready\nfinally\nABORT_ERR\n']);
});

test('runSync that finds no descriptor for its set throws, gives the signals back, and works once there is one', async () => {
  await using child = program(`
    import { EventFd } from 'genloop/os';
    const scheduler = new Scheduler();
    const task = scheduler.spawn(main());
    const taken = [];
    try { for (;;) taken.push(EventFd.create()); } catch (error) { say(error.code); }
    // One for the set, and then there are not two for the signal pipe.
    taken.pop().close();
    taken.pop().close();
    try { scheduler.runSync(); } catch (error) { say(error.name + ' ' + error.code); }
    say([task.ending, scheduler.size].join(' '));
    for (const counter of taken) counter.close();
    other.send('x');
    scheduler.runSync();
    say('over');
    setInterval(() => {}, 1000);
  `);
  await child.says('over');
  assert.is(child.stdout, 'EMFILE\nSystemError EMFILE\n 1\nready\nfinally\nover\n');
  child.kill('SIGINT');
  assert.is((await child.ended()).signal, 'SIGINT');
});

for (const backend of availableBackends(realSys())) {
  for (const limit of ['hard', 'soft']) {
    test(`runSync with few descriptors left (${limit} limit, ${backend}) hears signals or throws EMFILE`, async () => {
      // Node itself raises the soft limit to the hard one as it starts.
      if (limit === 'soft' && !has('prlimit')) return;
      const lower = limit === 'soft' ? "execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=100:']);" : '';
      const needed = backend === 'poll' || backend === 'select' ? 2 : 3;
      for (let spare = limit === 'soft' ? needed - 1 : 0; spare <= needed; spare++) {
        await using child = program(
          `
          import { EventFd } from 'genloop/os';
          import { execFileSync } from 'node:child_process';
          ${lower}
          // All modules and caches are there before the table is full.
          runSync(function* () { yield* sleep(1); }, { backend: '${backend}' });
          const scheduler = new Scheduler({ backend: '${backend}' });
          scheduler.spawn(main());
          const counters = [];
          try { for (;;) counters.push(EventFd.create()); } catch {}
          for (let n = 0; n < ${spare}; n++) counters.pop().close();
          try { scheduler.runSync(); }
          catch (error) { say([error.name, error.code, scheduler.size].join(' ')); }
          scheduler.close();
          // Nothing is left open: neither by it, nor by a run that has a scheduler of its own.
          if (scheduler.size > 0) {
            try { runSync(main, { backend: '${backend}' }); } catch {}
            for (let n = 0; n < ${spare}; n++) EventFd.create();
          }
        `,
        );
        if (spare < needed) {
          const end = await child.ended();
          assert.equal([end.code, end.stdout], [0, 'SystemError EMFILE 1\n'], `${spare} spare: ${end.stderr}`);
          continue;
        }
        await child.says('ready');
        child.kill('SIGINT');
        const end = await child.ended();
        assert.equal([end.code, end.stdout], [130, 'ready\nfinally\nAbortError ABORT_ERR 0\n'], end.stderr);
      }
    });
  }
}

for (const [what, before] of [
  ['a signal that is unread when the last task has ended', ''],
  [
    'the second of two, where the first has been heard',
    "process.kill(process.pid, 'SIGINT'); try { yield; yield* sleep(60_000); } catch { say('cancelled'); }",
  ],
]) {
  test(`${what} is given back: it ends the process, or is the listener's`, async () => {
    for (const [listener, code, signal, after] of [
      ['', null, 'SIGTERM', ''],
      ["process.on('SIGTERM', () => { say('mine'); });", 0, null, 'over\nmine\n'],
    ]) {
      await using child = program(`
        ${listener}
        try {
          runSync(function* () {
            ${before}
            process.kill(process.pid, 'SIGTERM');
            say('sent');
          });
        } catch (error) { say(error.code); }
        say('over');
        // It comes at once; on a busy machine that may be later.
        await new Promise((resolve) => setTimeout(resolve, ${signal === null ? 50 : 10_000}));
      `);
      const end = await child.ended();
      const cancelled = before === '' ? '' : 'cancelled\n';
      const lines = before === '' ? after : after === '' ? '' : `ABORT_ERR\n${after}`;
      assert.is(end.stdout, `${cancelled}sent\n${lines}`);
      assert.equal([end.code, end.signal], [code === 0 && before !== '' ? 130 : code, signal]);
    }
  });
}

/** Waits until no signal is pending in a process: its handler has begun. (Without /proc: long enough on a machine at rest.) */
async function taken(pid: number): Promise<void> {
  const status = `/proc/${pid}/status`;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  if (!existsSync(status)) return pause(200);
  while (/^S(?:hd|ig)Pnd:\s*0*[1-9a-f]/m.test(readFileSync(status, 'utf8'))) await pause(1);
}

test('a task that computes is ended by the second signal, as it would be without a run, or by a scheduler that looks', async () => {
  for (const [first, second] of [
    ['SIGINT', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
  ] as const) {
    await using child = program("runSync(function* () { say('ready'); for (;;); });");
    await child.says('ready');
    child.kill(first);
    // Two of the same that are pending together are one.
    await taken(child.pid);
    child.kill(second);
    const end = await child.ended();
    assert.equal([end.code, end.signal], [null, second]);
  }
});

for (const [drive, call] of [
  ['run', 'await run'],
  ['runSync', 'runSync'],
]) {
  test(`only the cancel itself that is let through makes the exit code; a later failure exits with 1 (${drive})`, async () => {
    const caught = `let caught; try { ${call}(main); } catch (error) { caught = error; say(error.code); }`;
    for (const [source, expected] of [
      [`${caught} throw caught;`, 130],
      [`${caught} throw new Error('mine');`, 1],
      [`${caught} await Promise.reject(new Error('mine'));`, 1],
      [`${caught} setTimeout(() => { throw new Error('mine'); });`, 1],
      [`${caught} throw new Error('mine', { cause: caught });`, 1],
      [`process.on('uncaughtException', () => process.exit(1)); ${caught} throw caught;`, 1],
    ] as const) {
      await using child = program(source);
      await child.says('ready');
      child.kill('SIGINT');
      const end = await child.ended();
      assert.is(end.code, expected, `${source}\n${end.stderr}`);
    }
  });
}

test('Ctrl-C is heard in a storm of yields, and while only time is waited for', async () => {
  for (const body of ['for (;;) yield;', 'yield* sleep(60_000);', 'yield* sleep(Infinity);']) {
    // The last one alone would be a deadlock.
    const company = body.includes('Infinity') ? 'scheduler.spawn((function* () { yield* new ReadWait(one); })());' : '';
    await using child = program(`
      const scheduler = new Scheduler();
      ${company}
      scheduler.spawn((function* () { say('ready'); try { ${body} } finally { say('finally'); } })());
      try { scheduler.runSync(); } catch (error) { say(error.source); }
    `);
    await child.says('ready');
    child.kill('SIGINT');
    const end = await child.ended();
    assert.equal([end.code, end.stdout], [130, 'ready\nfinally\nsignal\n']);
  }
});

for (const [drive, call] of [
  ['run', 'await run'],
  ['runSync', 'runSync'],
]) {
  test(`a stop and a storm of signals disturb neither a sleep nor a wait (${drive})`, async () => {
    await using child = program(`
      process.on('SIGWINCH', () => {});
      ${call}(function* () {
        say('ready');
        const start = performance.now();
        yield* sleep(300);
        say(performance.now() - start >= 300 ? 'slept' : 'early');
        other.send('x');
        yield* new ReadWait(one);
        say('read');
      });
    `);
    await child.says('ready');
    for (let i = 0; i < 50; i++) {
      child.kill('SIGWINCH');
      if (i % 10 === 0) child.kill('SIGSTOP').kill('SIGCONT');
    }
    const end = await child.ended();
    assert.equal([end.code, end.stdout], [0, 'ready\nslept\nread\n']);
  });
}

for (const backend of availableBackends(realSys())) {
  test(`a signal pipe that is readable and has nothing to read disturbs nothing, and the signal is heard after all (${backend})`, async () => {
    await using child = program(`
      import { realSys } from 'genloop/os';
      const sys = realSys();
      const { read } = sys;
      let reads = 0;
      // As after a wake-up for which somebody else was quicker.
      sys.read = (...question) => (reads++ === 0 ? -sys.constants.EAGAIN : read(...question));
      try { runSync(main, { backend: '${backend}' }); }
      catch (error) { say([error.source, error.reason, reads].join(' ')); }
    `);
    await child.says('ready');
    child.kill('SIGINT');
    const end = await child.ended();
    assert.equal([end.code, end.stdout], [130, 'ready\nfinally\nsignal SIGINT 2\n'], end.stderr);
  });
}

test('a signal that the program itself has taken into the pipe is none of the run, which Ctrl-C still ends', async () => {
  await using child = program(`
    import { realSys } from 'genloop/os';
    const sys = realSys();
    sys.signalOpen(sys.constants.SIGUSR2);
    function* signalled() {
      sys.raise(sys.constants.SIGUSR2);
      yield* sleep(1);
      say('still here');
      sys.raise(sys.constants.SIGINT);
      yield* main();
    }
    try { runSync(signalled); } catch (error) { say([error.source, error.reason].join(' ')); }
    say(sys.signalClose(sys.constants.SIGUSR2));
  `);
  const end = await child.ended();
  assert.equal([end.code, end.stdout], [130, 'still here\nready\nfinally\nsignal SIGINT\n0\n'], end.stderr);
});

test('a blocking run leaves the signals to the thread that has taken them', async () => {
  const worker = startWorker(`
    const sys = os.realSys();
    const { SIGINT } = sys.constants;
    const pipe = sys.signalOpen(SIGINT);
    parentPort.once('message', () => {
      const heard = new Uint8Array(8);
      const count = sys.read(pipe, heard, 0, heard.length);
      parentPort.postMessage([...heard.subarray(0, count)]);
      sys.signalClose(SIGINT);
    });
    parentPort.postMessage('taken');
  `);
  assert.is(await firstMessage(worker), 'taken');
  const sys = realSys();
  const SIGINT = sys.constants.SIGINT as number;
  assert.is(sys.signalOpen(SIGINT), -(sys.constants.EBUSY as number));
  const result = runSync(function* (): Co<string> {
    sys.raise(SIGINT);
    yield* sleep(1);
    return 'not cancelled';
  });
  assert.is(result, 'not cancelled');
  const heard = firstMessage(worker);
  worker.postMessage('what have you heard?');
  assert.equal(await heard, [SIGINT]);
  assert.is(await ended(worker), 0);
});

test.run();
