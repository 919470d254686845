/** examples/echo-server.ts, run as a program, with clients that know nothing of this library. */

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Socket } from 'genloop';
import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { echoClients, has, MODES, output, Program } from './program.ts';

const test = suite('echo-server');
/** The calls that wait, and which argument says for how long: a number of milliseconds, or where a time stands. */
const WAITS: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  // epoll_wait, epoll_pwait, epoll_pwait2, ppoll, pselect6
  x64: { 232: 3, 281: 3, 441: 3, 271: 2, 270: 4 },
  arm64: { 22: 3, 441: 3, 73: 2, 72: 4 },
};
const TIMEOUTS: Readonly<Record<number, number>> = WAITS[process.arch] ?? {};
/** -1, or no time at all. */
const FOREVER = /^0x(0|f{8}|f{16})$/;
/** Between two looks, in milliseconds, and how many there are before it counts as restless. */
const LOOK_MS = 20;
const MOST_LOOKS = 4000;
const python = has('python3');
if (!python) notRun("the echo server with Python's clients: no python3");

for (const [mode, args] of MODES) {
  if (!python) break;
  test(`serves several clients, slow and half-closed ones, and survives resets (${mode})`, async () => {
    await using server = Program.example('echo-server.ts', ['--port', '0', ...args]);
    await echoClients(await server.port(), 'several', 'half_close', 'reset', 'slow');
    const { code, stderr } = await server.kill('SIGINT').ended();
    assert.is(stderr, '');
    assert.is(code, 0);
    assert.match(server.stdout, /^echo: serving TCP on 127\.0\.0\.1:\d+\n/);
    assert.match(server.stdout, /^127\.0\.0\.1:\d+ connected$/m);
    assert.match(server.stdout, /^127\.0\.0\.1:\d+ ended$/m);
    assert.match(server.stdout, /^127\.0\.0\.1:\d+ failed: (ECONNRESET|EPIPE)$/m);
    assert.match(server.stdout, /\nended\n$/);
  });

  test(`ends with 0 on SIGTERM while a client is connected, and the client sees the end (${mode})`, async () => {
    await using server = Program.example('echo-server.ts', ['--port', '0', '--quiet', ...args]);
    const port = await server.port();
    await using guest = new Program(['python3', 'test/examples/echo_client.py', '127.0.0.1', String(port), 'stay']);
    await guest.says('served');
    const { code, stdout } = await server.kill('SIGTERM').ended();
    assert.is(code, 0);
    assert.is(stdout, `echo: serving TCP on 127.0.0.1:${port}\n\nended\n`);
    assert.is((await guest.ended()).stdout, 'served\nstay: fine\n');
  });

  test(`a log that nobody reads any more does not disturb it (${mode})`, async () => {
    await using server = Program.example('echo-server.ts', ['--port', '0', ...args]);
    const port = await server.port();
    server.deafen();
    await echoClients(port, 'several');
    assert.is((await server.kill('SIGINT').ended()).code, 0);
  });
}

if (process.platform === 'linux' && process.arch in WAITS && canLook() && python) {
  for (const [mode, args] of MODES) {
    test(`rule 30: with a client that says nothing it makes no wake-ups (${mode})`, async () => {
      await using server = Program.example('echo-server.ts', ['--port', '0', '--quiet', ...args]);
      const port = String(await server.port());
      await using guest = new Program(['python3', 'test/examples/echo_client.py', '127.0.0.1', port, 'stay']);
      await guest.says('served');
      // Node tidies up after its start. Then it waits, and has asked for no end of that: nothing but a descriptor wakes it.
      for (let looks = 0; !waitsWithoutEnd(server.pid); looks++) {
        assert.ok(looks < MOST_LOOKS, `it does not come to rest: ${waitOf(server.pid)}`);
        await setTimeout(LOOK_MS);
      }
    });
  }
} else {
  notRun('the wake-ups of an idle server: that takes python3, and /proc/PID/syscall on x64 or arm64');
}

/** Whether this process may see in which call another one is. */
function canLook(): boolean {
  try {
    waitOf(process.pid);
    return true;
  } catch {
    return false;
  }
}

/** The system call in which the main thread of a process is, by its number, and its arguments; `running` if it is in none. */
function waitOf(pid: number): string {
  return readFileSync(`/proc/${pid}/syscall`, 'utf8').trim();
}

/** Whether it waits for descriptors, and for no time. */
function waitsWithoutEnd(pid: number): boolean {
  const [number, ...given] = waitOf(pid).split(' ');
  const place = TIMEOUTS[Number(number)];
  return place !== undefined && FOREVER.test(given[place] as string);
}

test('nc and socat get back what they send', async () => {
  await using server = Program.example('echo-server.ts', ['--port', '0']);
  const port = String(await server.port());
  if (has('nc')) assert.is(await output(['nc', '-N', '127.0.0.1', port], 'hello\n'), 'hello\n');
  else notRun('the echo server with nc: not installed');
  if (has('socat')) assert.is(await output(['socat', '-t', '10', '-', `TCP:127.0.0.1:${port}`], 'hello\n'), 'hello\n');
  else notRun('the echo server with socat: not installed');
});

test('it serves IPv6', async () => {
  try {
    Socket.listener({ host: '::1' }).close();
  } catch (error) {
    notRun(`the echo server on ::1: ${(error as Error).message}`);
    return;
  }
  await using server = Program.example('echo-server.ts', ['--port', '0', '--host', '::1']);
  const port = await server.port();
  assert.match(server.stdout, /^echo: serving TCP on \[::1\]:\d+$/m);
  if (python) await output(['python3', 'test/examples/echo_client.py', '::1', String(port), 'several']);
});

test.run();
