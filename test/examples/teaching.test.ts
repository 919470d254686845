/** The numbered examples, run as their heads say: they print what they promise, serve what they say, and end. */

import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { ask, Client } from './client.ts';
import { has, NODE, Program } from './program.ts';

const test = suite('teaching examples');
const TIME = /^\w{3} \w{3} \d\d \d{4} .*\n$/;

async function outputOf(example: string): Promise<string[]> {
  await using program = Program.example(example);
  const { code, stdout, stderr } = await program.ended();
  assert.is(stderr, '');
  assert.is(code, 0);
  return stdout.trimEnd().split('\n');
}

test('01 counts down in three columns, in turn', async () => {
  const numbers = (await outputOf('01-countdown.ts')).map(Number);
  assert.equal(numbers.slice(0, 6), [5, 10, 15, 4, 9, 14]);
  assert.is(numbers.length, 5 + 10 + 15);
});

test('02 prints the ready ring at each step, and the joined result at the end', async () => {
  assert.equal(await outputOf('02-ready-ring.ts'), [
    'from1 says 1     ready: from2 from4 waiter',
    'from2 says 2     ready: from4 waiter from1',
    'from4 says 4     ready: waiter from1 from2',
    'from2 says 1     ready: from4 waiter',
    'from4 says 3     ready: waiter from2',
    'from4 says 2     ready: waiter',
    'from4 says 1     ready: (nobody)',
    'all have ended, after 7 numbers',
  ]);
});

for (const example of ['03-select-loop.ts', '04-event-dispatcher.ts', '09-echo-server.ts', '10-echo-class.ts']) {
  test(`${example} echoes to several clients, and survives one that resets`, async () => {
    await using program = Program.example(example, ['0']);
    const port = await program.port();
    await using one = new Client(port);
    await using other = new Client(port);
    await using victim = new Client(port);
    await victim.send('here').gets('here');
    await one.send('one').gets('one');
    victim.reset();
    await other.send('other').gets('other');
    // More than the buffers in between hold, so that the server has to wait until it can send.
    const long = 'genloop '.repeat(1 << 20);
    assert.ok((await one.send(long).finish()) === long, 'the long message came back otherwise than it was sent');
    assert.is(await other.send('last').finish(), 'last');
    await program.kill('SIGINT').ended();
  });
}

for (const [example, ports] of [
  ['05-scheduler-from-scratch.ts', 3],
  ['08-time-server.ts', 3],
  ['04-event-dispatcher.ts', 1],
] as const) {
  test(`${example} tells the time on ${ports} port${ports === 1 ? '' : 's'}`, async () => {
    await using program = Program.example(
      example,
      Array.from({ length: ports }, () => '0'),
    );
    for (let n = 0; n < ports; n++) {
      const port = await program.port(n);
      assert.match(await ask(port), TIME);
      assert.match(await ask(port), TIME);
    }
    await program.kill('SIGINT').ended();
  });
}

test('06 plays ping-pong', async () => {
  assert.equal(await outputOf('06-read-wait.ts'), [
    ...[1, 2, 3].flatMap((n) => [`ping ${n}`, `     pong ${n}`]),
    'both have ended',
  ]);
});

test('07 calls subroutines that wait, as deep as it likes', async () => {
  assert.equal(await outputOf('07-subroutines.ts'), [
    'line: first line',
    'line: second line',
    "caught: the connection ended in the middle of 'half a li'",
    'calls within calls, each waiting: 32 leaves',
    '100000 levels deep',
  ]);
});

const ANYTHING = ['child: the end', 'eventfd: signalled 3 times', 'fifo: "from far away\\n"', 'fifo: the end'];

test('11 waits for a pipe, an eventfd and a FIFO, and is told why not for a regular file', async () => {
  const lines = (await outputOf('11-waiting-for-anything.ts')).sort();
  // How many reads it takes is for the machine to decide.
  const said = /^child: (".*")$/;
  const pieces = lines.filter((line) => said.test(line)).map((line) => JSON.parse(said.exec(line)?.[1] as string));
  assert.is(pieces.join(''), 'one\ntwo\n');
  lines.splice(0, pieces.length);
  assert.match(lines.pop() as string, /^regular file: .*EPERM.*regular files and directories are always ready/);
  assert.equal(lines, ANYTHING);
});

test('11 waits for a terminal', async () => {
  if (!has('python3')) {
    notRun('example 11 in a terminal: no python3');
    return;
  }
  const terminal = ['python3', '-c', 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))'];
  await using program = new Program([...terminal, ...NODE, 'examples/11-waiting-for-anything.ts'], {
    interactive: true,
  });
  await program.says('terminal: press Enter');
  program.type('hello\n');
  await program.says('terminal: "hello\\n"');
  assert.is((await program.ended()).code, 0);
});

test.run();
