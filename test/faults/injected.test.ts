/** System calls that fail because strace says so: the clients get their bytes, and the server lives. */

import * as assert from 'uvu/assert';
import { Client } from '../examples/client.ts';
import { NODE, Program } from '../examples/program.ts';
import { Trace, untraceable } from '../support/strace.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('injected faults');
const LONG = 'genloop '.repeat(1 << 15);

interface Fault {
  readonly title: string;
  /** What strace injects, e.g. `accept4:error=EMFILE:when=1..3`. */
  readonly inject: string;
  /** One of several of a kind, of which one is tried in every drive and this one only in the blocking drive. */
  readonly another?: boolean;
  /** What the clients do while the call fails. */
  readonly session: (port: number, server: Program) => Promise<void>;
  /** Looks at the call's lines in the trace, and at what the server printed. */
  readonly check?: (calls: string[], server: Program) => void;
}

/** Two clients, one of them with more than one receive can take. */
async function serves(port: number): Promise<void> {
  await using one = new Client(port);
  await using other = new Client(port);
  for (let n = 0; n < 10; n++) {
    await one.send(`one ${n}\n`).gets(`one ${n}\n`);
    await other.send(`other ${n}\n`).gets(`other ${n}\n`);
  }
  assert.ok((await one.send(LONG).finish()) === LONG, 'the long message came back otherwise than it was sent');
  assert.is(await other.send('last').finish(), 'last');
}

/** One client that is turned away, and others that are not. */
async function servesAllButTheFirst(port: number): Promise<void> {
  await using unlucky = new Client(port);
  assert.is(await unlucky.finish(), '');
  await serves(port);
}

/** A client that goes without waiting for the server's end: it will not come, as the close that fails closes nothing here. */
async function leaves(port: number, server: Program): Promise<void> {
  {
    await using client = new Client(port);
    await client.send('here').gets('here');
  }
  await server.says(/ (ended|failed: \w+)\n/);
  await serves(port);
}

function atMost(limit: number): (calls: string[]) => void {
  return (calls) => assert.ok(calls.length <= limit, `${calls.length} calls:\n${calls.join('\n')}`);
}

/** Not every architecture has the first; its C library calls the second instead. */
const WAITS = '?epoll_wait,?epoll_pwait,epoll_pwait2';

const FAULTS: readonly Fault[] = [
  { title: 'the wait is interrupted', inject: `${WAITS}:error=EINTR:when=1+2`, session: serves },
  { title: 'a receive is interrupted', inject: 'recvfrom:error=EINTR:when=1+2', session: serves },
  { title: 'a send is interrupted', inject: 'sendto:error=EINTR:when=1+2', session: serves },
  { title: 'an accept is interrupted', inject: 'accept4:error=EINTR:when=1+2', session: serves },
  {
    title: 'readiness turns out to be none: it waits again, without a spin and without an end',
    inject: 'recvfrom:error=EAGAIN:when=1',
    session: async (port) => {
      await using client = new Client(port);
      await client.send('one').gets('one');
      assert.is(await client.send('two').finish(), 'two');
    },
    // One that is refused, one for each message (or both in one), and one that finds the end.
    check: atMost(4),
  },
  { title: 'every second send would block', inject: 'sendto:error=EAGAIN:when=1+2', session: serves },
  ...['ECONNABORTED', 'EPROTO', 'EPERM', 'ENETDOWN', 'EHOSTUNREACH'].map((code, index) => ({
    another: index > 0,
    title: `a connection is gone before it is accepted (${code})`,
    inject: `accept4:error=${code}:when=1`,
    session: serves,
    check: (calls: string[], server: Program) => {
      atMost(10)(calls);
      assert.is(server.stderr, '');
    },
  })),
  ...['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].map((code, index) => ({
    another: index > 0,
    title: `nothing is left to accept with, for a while (${code})`,
    inject: `accept4:error=${code}:when=1..3`,
    session: serves,
    check: (calls: string[], server: Program) => {
      atMost(10)(calls);
      assert.match(server.stderr, new RegExp(`^accepting pauses: accept ${code}`));
    },
  })),
  ...['ENOSPC', 'ENOMEM'].map((code, index) => ({
    another: index > 0,
    title: `a client cannot be watched: that one is turned away (${code})`,
    inject: `epoll_ctl:error=${code}:when=1`,
    session: servesAllButTheFirst,
    check: (_: string[], server: Program) => assert.match(server.stdout, new RegExp(` failed: ${code}\n`)),
  })),
  {
    title: 'a close is interrupted: it is not tried again',
    inject: 'close:error=EINTR:when=1',
    session: leaves,
    check: (calls) => {
      const [first] = calls as [string];
      const number = first.slice(0, first.indexOf(')') + 1);
      assert.is(calls.filter((call) => call.startsWith(number)).length, 1, calls.join('\n'));
    },
  },
  {
    title: 'a receive fails: that client ends',
    inject: 'recvfrom:error=ECONNRESET:when=1',
    session: async (port) => {
      await using unlucky = new Client(port);
      // What it has sent has not been read, so that the end is a reset.
      await unlucky
        .send('lost')
        .finish()
        .catch(() => {});
      assert.is(unlucky.received, '');
      await serves(port);
    },
    check: (_, server) => assert.match(server.stdout, / failed: ECONNRESET\n/),
  },
];

const obstacle = untraceable();
if (obstacle !== undefined) notRun(`system calls that fail because strace says so: ${obstacle}`);

const DRIVES: readonly (readonly [title: string, args: string[]])[] = [
  ['blocking', ['--sync']],
  ['as a guest', []],
];
const CASES = DRIVES.flatMap(([drive, args]) =>
  FAULTS.filter(({ another }) => drive === 'blocking' || !another).map((fault) => ({ ...fault, drive, args })),
);

for (const { title, inject, session, check, drive, args } of CASES) {
  if (obstacle !== undefined) break;
  test(`${title} (${drive})`, async () => {
    const [call = ''] = inject.split(':');
    await using server = Program.example('echo-server.ts', ['--port', '0', '--backend', 'epoll', ...args]);
    const port = await server.port();
    await using trace = await Trace.attach(server, '-e', `trace=${call}`, '-e', `inject=${inject}`);
    await session(port, server);
    assert.is((await server.kill('SIGINT').ended()).code, 0, server.stderr);
    const calls = (await Promise.all(call.split(',').map((name) => trace.calls(name.replace('?', ''))))).flat();
    assert.ok(
      calls.some((line) => line.includes('(INJECTED)')),
      `nothing was injected:\n${calls.join('\n')}`,
    );
    check?.(calls, server);
  });
}

/** Sleeps five times twenty milliseconds in the blocking drive; prints how long that took. */
const SLEEPER = `
  import { runSync, sleep } from 'genloop';
  const started = performance.now();
  runSync(function* () { for (let n = 0; n < 5; n++) yield sleep(20); });
  console.log(performance.now() - started);`;

for (const [title, inject, least, most] of [
  ['a wait with an end is interrupted: it goes on to the same deadline', 'error=EINTR:when=1+2', 5, 20],
  ['the kernel is too old for nanoseconds: the older call takes over', 'error=ENOSYS', 1, 1],
  ['a sandbox does not know the call: the older one takes over', 'error=EPERM', 1, 1],
] as const) {
  if (obstacle !== undefined) break;
  test(title, async () => {
    const strace = ['strace', '-qq', '-e', 'trace=epoll_pwait2', '-e', `inject=epoll_pwait2:${inject}`];
    const env = { GENLOOP_BACKEND: 'epoll' };
    await using program = new Program([...strace, ...NODE, '--input-type=module', '-e', SLEEPER], { env });
    const { code, stdout, stderr } = await program.ended();
    assert.is(code, 0, stderr);
    assert.ok(Number(stdout) >= 100, stdout);
    const calls = stderr.split('\n').filter((line) => line.startsWith('epoll_pwait2('));
    assert.match(stderr, /\(INJECTED\)/);
    // How long it takes on a busy machine says nothing; what it asks for does: never more than what is left of a sleep. (Of a
    // call that is not made strace does not say what it was asked for.)
    for (const [at, line] of calls.entries()) {
      const nanoseconds = /tv_sec=0, tv_nsec=(\d+)/.exec(line)?.[1];
      if (line.includes('INJECTED')) continue;
      assert.ok(calls[at - 1]?.includes('EINTR') ? Number(nanoseconds) < 20e6 : Number(nanoseconds) <= 20e6, stderr);
    }
    assert.ok(calls.length >= least && calls.length <= most, stderr);
  });
}

/** Waits for a timer over `ppoll`, cleans up, and tells what came out of the run. */
const WAITER = `
  import { runSync, sleep } from 'genloop';
  try {
    runSync(function* () {
      try { for (let n = 0; n < 3; n++) yield sleep(1); console.log('slept'); }
      finally { console.log('cleaned up'); }
    });
  } catch (error) { console.log(error.name, error.syscall, error.code); }`;

for (const [title, inject, expected] of [
  ['there is no memory for a wait, for a moment: it is tried again', 'ENOMEM:when=1..2', 'slept\ncleaned up\n'],
  ['a wait is refused for good: all clean up', 'EINVAL', 'cleaned up\nSystemError poll EINVAL\n'],
] as const) {
  if (obstacle !== undefined) break;
  test(title, async () => {
    const strace = ['strace', '-qq', '-e', 'trace=ppoll', '-e', `inject=ppoll:error=${inject}`];
    const env = { GENLOOP_BACKEND: 'poll' };
    await using program = new Program([...strace, ...NODE, '--input-type=module', '-e', WAITER], { env });
    const { code, stdout, stderr } = await program.ended();
    assert.is(code, 0, stderr);
    assert.match(stderr, /\(INJECTED\)/);
    assert.is(stdout, expected, stderr);
  });
}

test.run();
