/** `onSignal`: signals that a program listens to, in every drive. Stands for `signals.ts`. */

import { onSignal } from 'genloop/scheduler';
import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { suite } from '../support/suite.ts';

const test = suite('onSignal');

function program(source: string): Program {
  const head = `
    import fs from 'node:fs';
    import { run, runSync, onSignal, sleep, Scheduler } from 'genloop';
    const say = (line) => fs.writeSync(1, line + '\\n');
  `;
  return new Program([...NODE, '--input-type=module', '-e', head + source]);
}

for (const [drive, call] of [
  ['run', 'await run'],
  ['runSync', 'runSync'],
]) {
  test(`calls every listener for every signal while tasks wait, and none once it is disposed (${drive})`, async () => {
    await using child = program(`
      const said = [];
      const first = onSignal('SIGHUP', () => said.push('first'));
      const second = onSignal('SIGHUP', () => said.push('second'));
      ${call}(function* main() {
        process.kill(process.pid, 'SIGHUP');
        while (said.length < 2) yield* sleep(1);
        second[Symbol.dispose]();
        process.kill(process.pid, 'SIGHUP');
        while (said.length < 3) yield* sleep(1);
        say(said.join(' '));
      });
      first[Symbol.dispose]();
      say(process.listenerCount('SIGHUP'));
      process.kill(process.pid, 'SIGHUP');
      setInterval(() => {}, 1000);
    `);
    const end = await child.ended();
    // The default action is back.
    assert.equal([end.stdout, end.signal], ['first second first\n0\n', 'SIGHUP'], end.stderr);
  });

  test(`a listener that throws ends the program, in runSync after the clean-up of the tasks (${drive})`, async () => {
    await using child = program(`
      onSignal('SIGHUP', () => { throw new Error('my listener'); });
      ${call}(function* main() {
        process.kill(process.pid, 'SIGHUP');
        try { yield* sleep(60_000); } finally { say('finally'); }
      });
    `);
    const end = await child.ended();
    assert.is(end.code, 1);
    assert.match(end.stderr, /Error: my listener/);
    assert.is(end.stdout, drive === 'runSync' ? 'finally\n' : '');
  });
}

test('a Ctrl-C that finds another signal unread cancels the run; a second one that finds the first unread ends it', async () => {
  const body = (signals: string) => `
    onSignal('SIGUSR2', () => say('SIGUSR2'));
    runSync(function* main() {
      for (const signal of ${signals}) process.kill(process.pid, signal);
      try { yield* sleep(60_000); } finally { say('finally'); }
    });
  `;
  await using once = program(body("['SIGUSR2', 'SIGUSR2', 'SIGINT', 'SIGUSR2']"));
  const first = await once.ended();
  assert.equal([first.stdout, first.code], ['SIGUSR2\nSIGUSR2\nSIGUSR2\nfinally\n', 130], first.stderr);
  await using twice = program(body("['SIGUSR2', 'SIGINT', 'SIGUSR2', 'SIGINT']"));
  const second = await twice.ended();
  assert.equal([second.stdout, second.signal], ['', 'SIGINT'], second.stderr);
});

test('a listener that another takes away as the signal is told is not called any more', () => {
  const said: string[] = [];
  const taken: Disposable[] = [];
  const taking = (): void => {
    for (const one of taken.splice(0)) one[Symbol.dispose]();
  };
  process.on('SIGHUP', taking);
  try {
    taken.push(onSignal('SIGHUP', () => said.push('too late')));
    process.emit('SIGHUP', 'SIGHUP');
    assert.equal(said, []);
  } finally {
    process.off('SIGHUP', taking);
  }
});

test('the blocking drive takes signals in the middle of a run as well, and Ctrl-C stays what it is', async () => {
  await using child = program(`
    let heard = 0;
    try {
      runSync(function* main() {
        const early = onSignal('SIGHUP', () => heard++);
        early[Symbol.dispose]();
        const again = onSignal('SIGHUP', () => heard++);
        process.kill(process.pid, 'SIGHUP');
        while (heard === 0) yield* sleep(1);
        say('ready ' + heard);
        yield* sleep(60_000);
      });
    } catch (error) { say(error.source); }
    process.kill(process.pid, 'SIGHUP');
    setTimeout(() => say(heard), 100);
  `);
  await child.says('ready 1');
  child.kill('SIGINT');
  const end = await child.ended();
  // After the run Node's own listener hears it.
  assert.equal([end.code, end.stdout], [130, 'ready 1\nsignal\n2\n'], end.stderr);
});

test('a listener may look at the tasks, and may not drive them', async () => {
  await using child = program(`
    const other = new Scheduler();
    let error;
    const heard = onSignal("SIGHUP", () => { try { other.turn(); } catch (raised) { error = raised; } });
    runSync(function* main() {
      process.kill(process.pid, 'SIGHUP');
      while (error === undefined) yield* sleep(1);
    });
    say(error.code);
  `);
  const end = await child.ended();
  assert.equal([end.code, end.stdout], [0, 'ERR_GENLOOP_MISUSE\n'], end.stderr);
});

test('what cannot be listened to is refused, and changes nothing', async () => {
  await using child = program(`
    for (const [name, listener] of [['SIGINT', say], ['SIGTERM', say], ['SIGNONE', say], ['SIGHUP', null], ['SIGKILL', say]]) {
      try { onSignal(name, listener); } catch (error) { say([name, error.name, error.code].join(' ')); }
      if (process.listenerCount(name) > 0) say(name + ' has listeners');
    }
  `);
  const end = await child.ended();
  assert.equal(end.stdout.trim().split('\n'), [
    'SIGINT MisuseError ERR_GENLOOP_MISUSE',
    'SIGTERM MisuseError ERR_GENLOOP_MISUSE',
    'SIGNONE TypeError ',
    'SIGHUP TypeError ',
    'SIGKILL Error EINVAL',
  ]);
});

test.run();
