/** What serving costs in system calls, seen from outside. */

import * as assert from 'uvu/assert';
import { Client } from '../examples/client.ts';
import { NODE, Program } from '../examples/program.ts';
import { Trace, untraceable } from '../support/strace.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('system calls');
/** Registering the client, and what the end of the program takes. */
const A_HANDFUL = 12;
/** What the main thread of an idle Node may do by itself. */
const NODES_OWN = [
  ...['epoll_pwait', 'read', 'futex', 'sched_yield', 'getpid', 'gettid', 'getrusage'],
  ...['madvise', 'mprotect', 'munmap', 'mmap', 'mremap', 'brk'],
];

/** How often an echo server makes these calls while one client sends and receives so many times. */
async function countOf(roundTrips: number, drive: string[]): Promise<Record<string, number>> {
  const calls = ['epoll_ctl', 'recvfrom', 'sendto'];
  await using server = Program.example('echo-server.ts', ['--port', '0', '--quiet', ...drive]);
  const port = await server.port();
  await using trace = await Trace.attach(server, '-e', `trace=${calls.join(',')}`);
  await using client = new Client(port);
  for (let n = 0; n < roundTrips; n++) await client.send(`${n}.`).gets(`${n}.`);
  await client.finish();
  assert.is((await server.kill('SIGINT').ended()).code, 0);
  const counts: Record<string, number> = {};
  for (const call of calls) counts[call] = (await trace.calls(call)).length;
  return counts;
}

const obstacle = untraceable();
if (obstacle !== undefined) notRun(`the system calls of a server, counted: ${obstacle}`);
for (const [title, drive] of [
  ['blocking', ['--sync', '--backend', 'epoll']],
  ['as a guest', ['--backend', 'epoll']],
] as const) {
  if (obstacle !== undefined) break;
  test(`a loop of reads and sends changes no registration (${title})`, async () => {
    const few = await countOf(50, [...drive]);
    const many = await countOf(200, [...drive]);
    // One receive for each round trip, and one that finds the end.
    assert.is(few.recvfrom, 51);
    assert.is(many.recvfrom, 201);
    assert.is(many.sendto, 200);
    assert.ok((many.epoll_ctl as number) <= A_HANDFUL, `${many.epoll_ctl} calls of epoll_ctl`);
    assert.is(many.epoll_ctl, few.epoll_ctl);
  });
}

/** A program with a listener and a deadline far away, which falls asleep when it is told to, and wakes by a timer. */
const SLEEPER = `
  import fs from 'node:fs';
  import { currentScheduler, failAfter, ReadWait, run, runSync, sleep, Socket } from 'genloop';
  function* listening() {
    const listener = Socket.listener({ port: 0 });
    try { yield* failAfter(60_000, new ReadWait(listener)); } finally { listener.close(); }
  }
  function* main() {
    const task = currentScheduler().spawn(listening());
    // A guest that sleeps for the first time makes its timer.
    yield* sleep(200);
    fs.writeSync(1, 'ready\\n');
    yield* new ReadWait(0);
    fs.writeSync(1, 'asleep\\n');
    yield* sleep(200);
    fs.writeSync(1, 'awake\\n');
    task.cancel();
  }
  if (process.env.DRIVE === 'run') await run(main);
  else runSync(main);
`;

for (const [drive, most] of [
  ['runSync', { epoll_pwait2: 1 }],
  // Before it leaves the waiting to Node, for which it sets the alarm, it looks as long as its turn is not over; and again when it is woken.
  ['run', { timerfd_settime: 1, epoll_wait: 3 }],
] as [string, Record<string, number>][]) {
  if (obstacle !== undefined) break;
  test(`rule 30: an idle program makes no system call but the wait that its deadline ends (${drive})`, async () => {
    await using sleeper = new Program([...NODE, '--input-type=module', '-e', SLEEPER], {
      env: { GENLOOP_BACKEND: 'epoll', DRIVE: drive },
      interactive: true,
    });
    await sleeper.says('ready');
    await using trace = await Trace.attach(sleeper);
    sleeper.type('x');
    assert.is((await sleeper.ended()).code, 0);
    // Node's own: its loop may be woken by its compiler threads.
    const own = (await trace.between('asleep', 'awake')).filter((name) => !NODES_OWN.includes(name));
    assert.ok(own.length > 0);
    for (const name of own) {
      const count = own.filter((other) => other === name).length;
      assert.ok(count <= (most[name] ?? 0), String(own));
    }
  });
}

test.run();
