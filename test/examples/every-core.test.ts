/** examples/every-core.ts: one port, several processes; none outlives its parent, whatever becomes of that. */

import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { Client } from './client.ts';
import { has, output, Program } from './program.ts';

const test = suite('every core');
const PROCESSES = 2;

interface Family {
  readonly port: number;
  readonly pids: number[];
}

/** The port, and the processes that serve it, once there are so many in all. */
async function serving(program: Program, count: number): Promise<Family> {
  let pids: number[] = [];
  let port = 0;
  await program.says(new RegExp(`(?:process \\d+ serves TCP on 127\\.0\\.0\\.1:\\d+\\n[^]*){${count}}`));
  for (const [, pid, at] of program.stdout.matchAll(/^process (\d+) serves TCP on 127\.0\.0\.1:(\d+)$/gm)) {
    pids = [...pids, Number(pid)];
    port = Number(at);
  }
  return { port, pids };
}

/** Connects until each of these processes has greeted a client, which is kept. */
async function clientOfEach(port: number, pids: readonly number[]): Promise<Map<number, Client>> {
  const clients = new Map<number, Client>();
  while (clients.size < pids.length) {
    const client = new Client(port);
    await client.until(/^process (\d+) greets you\n/);
    const pid = Number(/^process (\d+)/.exec(client.received)?.[1]);
    assert.ok(pids.includes(pid), `${pid} is none of ${pids}`);
    if (clients.has(pid)) await client.finish();
    else clients.set(pid, client);
  }
  return clients;
}

async function leave(clients: Map<number, Client>): Promise<void> {
  for (const client of clients.values()) await client[Symbol.asyncDispose]();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Clients that know nothing of this library. */
async function foreignClients(port: number): Promise<void> {
  const expected = /^process \d+ greets you\nhello\n$/;
  if (has('nc')) assert.match(await output(['nc', '-N', '127.0.0.1', String(port)], 'hello\n'), expected);
  else notRun('several processes with nc: not installed');
  const code = [
    'import socket',
    `with socket.create_connection(("127.0.0.1", ${port})) as s:`,
    '  s.sendall(b"hello\\n"); s.shutdown(socket.SHUT_WR)',
    '  print(b"".join(iter(lambda: s.recv(100), b"")).decode(), end="")',
  ].join('\n');
  if (has('python3')) assert.match(await output(['python3', '-c', code]), expected);
  else notRun('several processes with Python: no python3');
}

if (process.platform === 'linux') {
  test('each process serves, on one port; SIGTERM to the parent ends all, and who is connected sees the end', async () => {
    await using program = Program.example('every-core.ts', ['0', String(PROCESSES)]);
    const { port, pids } = await serving(program, PROCESSES);
    assert.is(new Set(pids).size, PROCESSES);
    const clients = await clientOfEach(port, pids);
    try {
      for (const client of clients.values()) await client.send('hello\n').gets('hello\n');
      await foreignClients(port);
      const { code, stderr } = await program.kill('SIGTERM').ended();
      assert.equal([code, stderr], [0, '']);
      for (const client of clients.values()) await client.finish();
    } finally {
      await leave(clients);
    }
    assert.not.ok(pids.some(isAlive));
  });

  test('when the parent is killed its children notice, and end', async () => {
    await using program = Program.example('every-core.ts', ['0', String(PROCESSES)]);
    const { port, pids } = await serving(program, PROCESSES);
    const clients = await clientOfEach(port, pids);
    try {
      // Its output is theirs as well: it has ended when the last of them has.
      const { signal } = await program.kill('SIGKILL').ended();
      assert.is(signal, 'SIGKILL');
      for (const client of clients.values()) await client.finish();
    } finally {
      await leave(clients);
    }
  });

  test('another takes the place of one that dies, and the others go on', async () => {
    await using program = Program.example('every-core.ts', ['0', '2']);
    const { port, pids } = await serving(program, 2);
    const clients = await clientOfEach(port, pids);
    try {
      const [victim, survivor] = pids as [number, number];
      process.kill(victim, 'SIGKILL');
      await program.says(`process ${victim} has ended (SIGKILL); another takes its place`);
      await clients.get(survivor)?.send('still here?\n').gets('still here?\n');
      const next = await serving(program, 3);
      const newcomer = next.pids[2] as number;
      assert.not.ok(pids.includes(newcomer));
      await leave(await clientOfEach(port, [survivor, newcomer]));
    } finally {
      await leave(clients);
    }
    assert.is((await program.kill('SIGINT').ended()).code, 0);
  });
} else {
  notRun('several processes on one port: the kernel spreads connections on Linux only');
}

test('what is no port and no number of processes gives a sentence', async () => {
  for (const args of [['http'], ['0', '0'], ['0', '1.5']]) {
    await using program = Program.example('every-core.ts', args);
    const { code, stderr } = await program.ended();
    assert.equal([code, stderr], [2, 'usage: every-core [PORT [PROCESSES]]; port 0 lets the system choose\n']);
  }
});

test.run();
