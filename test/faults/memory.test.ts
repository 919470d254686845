/** Memory: a thousand clients that never read, in a server that may have 200 MB; and what a task costs that waits. */

import { readFileSync } from 'node:fs';
import { Socket } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { MemoryGroup } from '../../bench/harness/cgroup.ts';
import { Client } from '../examples/client.ts';
import { NODE, Program } from '../examples/program.ts';
import { untilReady } from '../support/backends.ts';
import { Opened } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('memory');
const LIMIT = 200e6;
const CLIENTS = 1_000;
/** What each of them sends, if it can: a server without a bound would hold most of it, half a gigabyte. */
const EACH = 1 << 19;
/** Small, so that it is the server that has to hold what nobody reads. */
const ROOM = 8_192;
const BYTES_PER_TASK = 1_024;

/** The most that a process has had in memory, in bytes. */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Sends for all of them as much as the system takes, until a whole round takes nothing more. `sent`: how much went, for each. */
function flood(sent: Map<Socket, number>): void {
  const block = new Uint8Array(65_536);
  for (let more = true; more; ) {
    more = false;
    for (const [client, bytes] of sent) {
      const taken = bytes < EACH ? (client.send(block) ?? 0) : 0;
      sent.set(client, bytes + taken);
      more ||= taken > 0;
    }
  }
}

if (process.platform !== 'linux') notRun('a thousand clients that never read: that takes /proc');
else if (process.env.LD_PRELOAD?.includes('asan')) notRun('a server in 200 MB: the sanitizer alone takes more');
else {
  test('a thousand clients that send and never read, in 200 MB: what is kept for each has a bound, and others are served', async () => {
    const opened = new Opened();
    const group = MemoryGroup.make(LIMIT);
    if ('missing' in group) notRun(`a server in 200 MB: ${group.missing}; its resident memory is looked at instead`);
    const wrapper = 'missing' in group ? [] : group.around([]);
    try {
      await using server = Program.example('serve-echo.ts', ['--port', '0', '--quiet'], { wrapper });
      const port = await server.port();
      const sent = new Map<Socket, number>();
      for (let n = 0; n < CLIENTS; n++) {
        const client = opened.keep(Socket.tcp());
        client.setOption('SOL_SOCKET', 'SO_RCVBUF', ROOM).setOption('SOL_SOCKET', 'SO_SNDBUF', ROOM);
        client.connect({ port });
        untilReady(client, Readiness.OUT);
        sent.set(client, 0);
      }
      for (let n = 0; n < 5; n++) {
        flood(sent);
        await using quick = new Client(port);
        await quick.send(`am I served? ${n}`).gets(`am I served? ${n}`);
      }
      // How much of it went lies with the kernel, which has buffers of its own for each.
      for (const bytes of sent.values()) assert.ok(bytes > 0);
      // What is resident has pages of Node's own file as well, which a group counts only for who was first to look at them.
      if ('missing' in group) assert.ok(peakOf(server.pid) <= LIMIT, `${peakOf(server.pid)} bytes`);
      else assert.is(group.kills(), 0);
      opened.close();
      assert.is((await server.kill('SIGINT').ended()).code, 0);
    } finally {
      opened.close();
      if (!('missing' in group)) group.remove();
    }
  });
}

test('a task that waits costs less than a kilobyte: a hundred thousand of them', async () => {
  await using program = new Program([...NODE, 'bench/programs/kernel-memory.ts', 'parked']);
  const { code, stdout, stderr } = await program.ended();
  assert.is(code, 0, stderr);
  const bytes = Number(stdout);
  assert.ok(bytes > 0 && bytes <= BYTES_PER_TASK, `${bytes} bytes for each`);
});

test.run();
