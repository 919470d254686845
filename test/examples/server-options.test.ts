/** The command line of the server programs: what is wrong is told in a sentence, not in a stack. */

import { Socket } from 'genloop';
import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { type End, Program, type ProgramOptions } from './program.ts';

const test = suite('server options');

async function run(example: string, args: readonly string[], options?: ProgramOptions): Promise<End> {
  await using program = Program.example(example, [...args], options);
  return await program.ended();
}

for (const [example, args, sentence] of [
  [
    'echo-server.ts',
    ['--port', 'http'],
    "echo-server: --port takes a number from 0 to 65535, not 'http'\n\nusage: echo-server ",
  ],
  ['echo-server.ts', ['--port', '65536'], "echo-server: --port takes a number from 0 to 65535, not '65536'\n\nusage: "],
  ['echo-server.ts', ['--colour'], "echo-server: Unknown option '--colour'"],
  ['time-server.ts', ['15000'], "time-server: Unexpected argument '15000'"],
  [
    'start.ts',
    ['--time-port', '1.5'],
    "npm start --: --time-port takes a number from 0 to 65535, not '1.5'\n\nusage: ",
  ],
  ['start.ts', ['--backend', 'iocp'], "no backend 'iocp' on "],
] as const) {
  test(`${example} ${args.join(' ')}: a sentence, and exit code 2`, async () => {
    const { code, stdout, stderr } = await run(example, args);
    assert.ok(stderr.startsWith(sentence), stderr);
    assert.not.match(stderr, /^\s+at /m);
    assert.is(stdout, '');
    assert.is(code, 2);
  });
}

test('--help tells the options, and exits with 0', async () => {
  const { code, stdout, stderr } = await run('start.ts', ['--help']);
  assert.match(stdout, /^usage: npm start -- \[--host ADDRESS\] \[--echo-port N\]\.\.\. \[--time-port N\]\.\.\.\n/);
  assert.is(stderr, '');
  assert.is(code, 0);
});

test('a TCP port in use gives a sentence, and exit code 1', async () => {
  await using first = Program.example('echo-server.ts', ['--port', '0']);
  const port = await first.port();
  const { code, stdout, stderr } = await run('echo-server.ts', ['--port', String(port)]);
  const advice = 'end the program that has it, or choose another port';
  assert.is(stderr, `TCP port ${port} on 127.0.0.1 is in use: ${advice}\n`);
  assert.is(stdout, '');
  assert.is(code, 1);
});

test('a UDP port in use gives a sentence, and exit code 1', async () => {
  await using first = Program.example('time-server.ts', ['--port', '0']);
  const port = await first.port();
  const { code, stderr } = await run('start.ts', ['--echo-port', '0', '--time-port', String(port)]);
  assert.match(stderr, new RegExp(`^UDP port ${port} on 127\\.0\\.0\\.1 is in use: `));
  assert.is(code, 1);
});

for (const [example, kind] of [
  ['03-select-loop.ts', 'TCP'],
  ['04-event-dispatcher.ts', 'TCP'],
  ['05-scheduler-from-scratch.ts', 'UDP'],
  ['08-time-server.ts', 'UDP'],
  ['09-echo-server.ts', 'TCP'],
  ['10-echo-class.ts', 'TCP'],
  ['12-chat.ts', 'TCP'],
] as const) {
  test(`${example}: a port in use gives a sentence, and exit code 1`, async () => {
    using taken = kind === 'TCP' ? Socket.listener() : Socket.udp({ port: 0 });
    const { port } = taken.localAddress;
    const { code, stdout, stderr } = await run(example, [String(port)]);
    assert.ok(stderr.startsWith(`${kind} port ${port} on 127.0.0.1 is in use: `), stderr);
    assert.is(stderr.split('\n').length, 2);
    assert.is(stdout, '');
    assert.is(code, 1);
  });
}

test('a port that this user may not have gives a sentence', async () => {
  if (process.getuid?.() === 0) {
    notRun('a server on a port below 1024 without the right to it: this user may');
    return;
  }
  assert.is(
    (await run('echo-server.ts', ['--port', '1'])).stderr,
    'TCP port 1 is not allowed for this user: choose one above 1023\n',
  );
});

test('a host that is no address of this machine, or no address, gives a sentence', async () => {
  const foreign = await run('echo-server.ts', ['--port', '0', '--host', '203.0.113.1']);
  assert.is(foreign.stderr, '203.0.113.1 is no address of this machine\n');
  assert.is(foreign.code, 1);
  const name = await run('echo-server.ts', ['--port', '0', '--host', 'localhost']);
  assert.match(name.stderr, /^'localhost' is not a numeric IPv4 or IPv6 address/);
  assert.is(name.code, 1);
});

test('an unknown backend in the environment is named, with those that there are', async () => {
  const { code, stderr } = await run('echo-server.ts', ['--port', '0'], { env: { GENLOOP_BACKEND: 'iocp' } });
  assert.match(stderr, /^no backend 'iocp' \(from GENLOOP_BACKEND\) on \w+; there are: .*poll, select\n$/);
  assert.is(code, 2);
});

test('a backend that cannot live in Node’s loop gets the blocking drive, and the program says so', async () => {
  await using server = Program.example('echo-server.ts', ['--port', '0'], { env: { GENLOOP_BACKEND: 'poll' } });
  await server.port();
  assert.match(server.stdout, /^poll cannot live in Node's loop, so the scheduler owns the thread \(--sync\)\n/);
});

test.run();
