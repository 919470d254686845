/** What accept may say, said by strace and by a limit: `serve` goes on, and so do those who are connected. */

import * as assert from 'uvu/assert';
import { Client } from '../examples/client.ts';
import { Program } from '../examples/program.ts';
import { Trace, untraceable } from '../support/strace.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('faults of accept');
const DRIVES: readonly (readonly [title: string, args: string[]])[] = [
  ['blocking', ['--sync', '--backend', 'epoll']],
  ['as a guest', ['--backend', 'epoll']],
];
const CLIENTS = 200;
/** No pause is shorter, in milliseconds; a clock that is read before and after makes this an upper bound at any speed. */
const PAUSE = 100;

const obstacle = untraceable();
if (obstacle !== undefined) notRun(`accept under strace: ${obstacle}`);

/** Starts the server of `serve`. */
function server(args: readonly string[]): Program {
  return Program.example('serve-echo.ts', ['--port', '0', '--quiet', ...args]);
}

async function talk(client: Client, text: string): Promise<void> {
  await client.send(text).gets(text);
}

for (const [drive, args] of DRIVES) {
  if (obstacle !== undefined) break;

  // All the others: test/net/listener.test.ts, test/net/serve-pause.test.ts.
  for (const code of drive === 'blocking' ? ['ECONNABORTED', 'EPERM', 'ENETDOWN'] : ['EPROTO']) {
    test(`rule 22: a connection is gone before it is accepted (${code}): the next is served, without a word (${drive})`, async () => {
      await using program = server(args);
      const port = await program.port();
      await using before = new Client(port);
      await talk(before, 'one');
      await using trace = await Trace.attach(
        program,
        '-e',
        'trace=accept4',
        '-e',
        `inject=accept4:error=${code}:when=1`,
      );
      await using after = new Client(port);
      await talk(after, 'two');
      await talk(before, 'three');
      assert.equal([(await program.kill('SIGINT').ended()).code, program.stderr], [0, '']);
      const calls = await trace.calls('accept4');
      assert.match(calls[0] as string, new RegExp(`= -1 ${code} .*\\(INJECTED\\)`));
      // The one that failed, the connection, and one that finds nothing, here and at the end.
      assert.ok(calls.length <= 5, calls.join('\n'));
    });
  }

  for (const code of drive === 'blocking' ? ['EMFILE', 'ENOBUFS'] : ['EMFILE']) {
    test(`rule 22: nothing is left to accept with for a while (${code}): one message, and it goes on (${drive})`, async () => {
      await using program = server(args);
      const port = await program.port();
      await using before = new Client(port);
      await talk(before, 'one');
      await using trace = await Trace.attach(
        program,
        '-e',
        'trace=accept4',
        '-e',
        `inject=accept4:error=${code}:when=1..4`,
      );
      await using after = new Client(port);
      after.send('two');
      await program.says('accepting pauses', 'stderr');
      await talk(before, 'three');
      await after.gets('two');
      assert.is((await program.kill('SIGINT').ended()).code, 0);
      assert.match(program.stderr, new RegExp(`^accepting pauses: accept ${code}: [^\\n]*\\n$`));
      const calls = await trace.calls('accept4');
      assert.is(calls.filter((line) => line.includes('(INJECTED)')).length, 4);
      assert.ok(calls.length <= 8, calls.join('\n'));
    });
  }

  test(`rule 22: 200 clients and 64 descriptors: those who are in are served, the others wait their turn (${drive})`, async () => {
    await using program = server(args);
    const port = await program.port();
    program.limit(64);
    await using before = new Client(port);
    await talk(before, 'one');
    await using trace = await Trace.attach(program, '-e', 'trace=accept4');
    const began = performance.now();
    const clients = Array.from({ length: CLIENTS }, () => new Client(port));
    try {
      for (const client of clients) client.send('here');
      await program.says('accepting pauses', 'stderr');
      for (let n = 0; n < 20; n++) await talk(before, `still here ${n}`);
      // Who has been served makes room: nobody is forgotten.
      await Promise.all(
        clients.map(async (client) => {
          await client.gets('here');
          assert.is(await client.finish(), '');
        }),
      );
      await talk(before, 'two');
      assert.is((await program.kill('SIGINT').ended()).code, 0);
    } finally {
      for (const client of clients) await client[Symbol.asyncDispose]();
    }
    const elapsed = performance.now() - began;
    const refused = (await trace.calls('accept4')).filter((line) => line.includes('EMFILE'));
    assert.ok(refused.length > 0);
    assert.ok(refused.length <= 1 + elapsed / PAUSE, `${refused.length} refusals in ${elapsed} ms`);
    assert.match(program.stderr, /^(accepting pauses: accept EMFILE: [^\n]*\n)+$/);
  });

  test(`rule 23: Ctrl-C with clients in the queue and clients that idle: all see the end, and none a reset (${drive})`, async () => {
    await using program = server(args);
    const port = await program.port();
    const clients = Array.from({ length: 50 }, () => new Client(port));
    const resets: string[] = [];
    for (const { socket } of clients)
      socket.on('error', (error: NodeJS.ErrnoException) => resets.push(error.code ?? ''));
    try {
      await talk(clients[0] as Client, 'served');
      // Nobody is in the middle of anything: the end comes at once, and not with the grace.
      assert.is((await program.kill('SIGINT').ended()).code, 0);
      for (const client of clients) await client.finish();
    } finally {
      for (const client of clients) await client[Symbol.asyncDispose]();
    }
    // Who has not connected by then is refused, which is another matter.
    assert.equal(
      resets.filter((code) => code !== 'ECONNREFUSED'),
      [],
    );
  });
}

test.run();
