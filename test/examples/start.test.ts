/** examples/start.ts, which `npm start` runs: does what it tells a newcomer to type work? */

import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { has, MODES, NODE, output, Program } from './program.ts';

const test = suite('start');
const PORTS = ['--echo-port', '0', '--time-port', '0', '--time-port', '0', '--time-port', '0'];

for (const [mode, args] of MODES) {
  test(`serves echo and time in one scheduler; the lines that it prints work as they stand (${mode})`, async () => {
    await using program = Program.example('start.ts', [...PORTS, ...args]);
    await program.says('Ctrl-C ends.\n');
    assert.match(
      program.stdout,
      /^echo: serving TCP on 127\.0\.0\.1:\d+\n(time: serving UDP on 127\.0\.0\.1:\d+\n){3}/m,
    );
    assert.match(program.stdout, /^one thread, 4 tasks, readiness by \w+\./m);
    const lines = [...program.stdout.matchAll(/^ {2}((?:echo \| )?nc .*?) +# (.*)$/gm)].map(([, line, what]) => [
      line,
      what,
    ]);
    assert.equal(
      lines.map(([, what]) => what),
      ['type lines, they come back; Ctrl-D ends', 'the time', 'the time', 'the time'],
    );
    if (has('nc')) {
      for (const [line, what] of lines) {
        const answer = await output(['sh', '-c', line as string], 'one\ntwo\n');
        assert.match(answer, what === 'the time' ? /^\w{3} \w{3} \d\d \d{4} .*\n$/ : /^one\ntwo\n$/);
      }
      await program.says(/^127\.0\.0\.1:\d+ connected$/m);
      await program.says(/^127\.0\.0\.1:\d+ ended$/m);
      await program.says(/^127\.0\.0\.1:\d+ asked for the time$/m);
    } else {
      notRun('the lines that `npm start` prints: no nc');
    }
    const { code, stdout, stderr } = await program.kill('SIGINT').ended();
    assert.is(stderr, '');
    assert.is(code, 0);
    assert.match(stdout, /\nended\n$/);
  });
}

for (const [mode, args] of MODES) {
  if (!has('python3')) break;
  test(`Ctrl-C in a terminal, as soon as it is told of, ends it cleanly (${mode})`, async () => {
    const terminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
    const command = ['python3', '-c', terminal, ...NODE, 'examples/start.ts', ...PORTS, ...args];
    await using program = new Program(command, { interactive: true });
    await program.says('Ctrl-C ends.');
    program.type('\x03');
    const { code, stdout } = await program.ended();
    assert.match(stdout, /\nended\r\n$/);
    assert.is(code, 0);
  });
}
if (!has('python3')) notRun('Ctrl-C in a terminal: no python3');

test('without options it takes the ports of the textbook, or says which one is taken', async () => {
  await using program = Program.example('start.ts', []);
  await Promise.race([program.says('Ctrl-C ends.\n'), program.ended()]).catch(() => {});
  if (program.stderr === '')
    assert.match(program.stdout, /TCP on 127\.0\.0\.1:15000\n(.*UDP on 127\.0\.0\.1:1[567]000\n){3}/);
  else assert.match(program.stderr, /^(TCP|UDP) port 1[567]000 on 127\.0\.0\.1 is in use: /);
});

test.run();
