/** A server with a thousand clients, looked into from outside: a page that a person can read. */

import * as assert from 'uvu/assert';
import { MODES, Program } from '../examples/program.ts';
import { suite } from '../support/suite.ts';

const test = suite('a crowd');
const CLIENTS = 1000;

for (const [mode, args] of MODES) {
  // More descriptors than select(2) has room for.
  if (mode.endsWith('select')) continue;
  test(`ps of the echo server with ${CLIENTS} clients is a page (${mode})`, async () => {
    await using server = Program.example('echo-server.ts', ['--port', '0', '--quiet', ...args], {
      env: { GENLOOP_PS: '1' },
    });
    await using crowd = Program.typescript('test/inspect/crowd.ts', [String(await server.port()), String(CLIENTS)]);
    await crowd.says('all answered');
    server.kill('SIGUSR2');
    await server.says(/echo\.ts:\d+ echo\n/, 'stderr');
    const lines = server.stderr.trim().split('\n');
    assert.is(lines.length, 5, server.stderr);
    assert.match(lines[1] as string, /^scheduler 1: 1,001 tasks, 1,001 parked$/);
    assert.match(lines[2] as string, /^tasks {2}ids +name +waits for +at$/);
    assert.match(
      lines[3] as string,
      /^ {4}1 {2}1 +echo server +ReadWait\(Socket \d+\) +examples\/servers\/echo\.ts:\d+ echoServer$/,
    );
    assert.match(
      lines[4] as string,
      /^1,000 {2}\d.* +echo +ReadWait\(Socket \d+…\d+\) +examples\/servers\/echo\.ts:\d+ echo$/,
    );
    for (const line of lines) assert.ok(line.length <= 120, line);
    assert.is(server.stdout.split('\n').length, 2, 'and it says nothing else');
    server.kill('SIGINT');
    assert.is((await server.ended()).code, 0);
  });
}

test.run();
