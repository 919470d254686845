/** examples/time-server.ts, run as a program, with clients that know nothing of this library. */

import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { has, MODES, output, Program } from './program.ts';

const test = suite('time-server');
const python = has('python3');
if (!python) notRun("the time server with Python's clients: no python3");
const TIME = /^\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT.*\n$/;

for (const [mode, args] of MODES) {
  if (!python) break;
  test(`three ports answer everybody who asks, whatever they ask (${mode})`, async () => {
    await using server = Program.example('time-server.ts', ['--port', '0', '--port', '0', '--port', '0', ...args]);
    const ports = [await server.port(0), await server.port(1), await server.port(2)];
    const answer = await output(['python3', 'test/examples/time_client.py', ...ports.map(String)]);
    assert.match(answer, TIME);
    assert.ok(Math.abs(Date.now() - Date.parse(answer)) < 60_000, answer);
    const { code, stdout, stderr } = await server.kill('SIGINT').ended();
    assert.is(stderr, '');
    assert.is(code, 0);
    assert.match(stdout, /^(time: serving UDP on 127\.0\.0\.1:\d+\n){3}127\.0\.0\.1:\d+ asked for the time\n/);
    assert.match(stdout, /\nended\n$/);
  });
}

test('nc and socat get the time, and SIGTERM ends it with 0', async () => {
  await using server = Program.example('time-server.ts', ['--port', '0', '--quiet']);
  const port = String(await server.port());
  if (has('nc')) assert.match(await output(['nc', '-u', '-w1', '127.0.0.1', port], '\n'), TIME);
  else notRun('the time server with nc: not installed');
  if (has('socat')) assert.match(await output(['socat', '-t', '1', '-', `UDP:127.0.0.1:${port}`], '\n'), TIME);
  else notRun('the time server with socat: not installed');
  const { code, stdout } = await server.kill('SIGTERM').ended();
  assert.is(code, 0);
  assert.is(stdout, `time: serving UDP on 127.0.0.1:${port}\n\nended\n`);
});

test.run();
