/** What a child process gets of our descriptors, and what becomes of a socket that nobody holds any more. */

import { readlinkSync } from 'node:fs';
import { type Co, ReadWait, Scheduler, Socket } from 'genloop';
import { Epoll, EventFd, open, pipe } from 'genloop/os';
import * as assert from 'uvu/assert';
import { NODE, output, Program } from '../examples/program.ts';
import { connection, Opened } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('descriptors elsewhere');

/** What a child has open: `number -> what it refers to`. */
async function listed(): Promise<Map<number, string>> {
  const lines = await output(['ls', '-l', '/proc/self/fd']);
  return new Map([...lines.matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd, what]) => [Number(fd), what as string]));
}

function* waiting(socket: Socket): Co<void> {
  yield new ReadWait(socket);
}

if (process.platform === 'linux') {
  test('a child process inherits none of ours', async () => {
    const before = await listed();
    const opened = new Opened();
    try {
      const { client, server } = connection(opened);
      const { reader, writer } = pipe();
      const ours: { readonly fd: number; close(): void }[] = [client, server, reader, writer, ...Socket.pair()];
      ours.push(Socket.listener(), Socket.udp({ port: 0 }), client.dup());
      ours.push(EventFd.create(), Epoll.create(), open('/dev/null'));
      const scheduler = new Scheduler({ backend: 'epoll' });
      const targets = ours.map(({ fd }) => readlinkSync(`/proc/self/fd/${fd}`));
      const reading = scheduler.spawn(waiting(server));
      scheduler.turn();
      const set = scheduler.fd;
      assert.is(readlinkSync(`/proc/self/fd/${set}`), 'anon_inode:[eventpoll]');
      const inherited = await listed();
      reading.cancel();
      while (scheduler.turn());
      for (const descriptor of ours) descriptor.close();
      assert.equal([...inherited.keys()], [...before.keys()]);
      const found = [...inherited.values()];
      for (const target of targets.filter((what) => !what.startsWith('/dev/')))
        assert.not.ok(found.includes(target), target);
      assert.not.ok(
        found.some((what) => what.startsWith('anon_inode')),
        found.join('\n'),
      );
    } finally {
      opened.close();
    }
  });
} else {
  notRun('what a child process inherits: that takes /proc');
}

const DROPPED = `
  import { closeSync, fstatSync, openSync } from 'node:fs';
  import { setImmediate as turn } from 'node:timers/promises';
  import { ReadWait, Scheduler, Socket } from 'genloop';

  const collected = new Set();
  const registry = new FinalizationRegistry((name) => collected.add(name));
  async function collect() {
    for (let n = 0; n < 5; n++) { gc(); await turn(); }
  }

  // A task that waits for a socket which only its wait holds.
  const scheduler = new Scheduler();
  let waited;
  let peer;
  (() => {
    const [one, other] = Socket.pair();
    peer = other;
    waited = one.fd;
    scheduler.spawn((function* () { yield new ReadWait(one); console.log('woken'); })());
  })();
  const run = scheduler.run();
  await turn();
  const before = fstatSync(waited).ino;
  await collect();
  console.log(fstatSync(waited).ino === before ? 'still open' : 'closed');
  peer.send('x');
  await run;

  // Sockets that nobody holds, whose numbers have a next owner.
  const numbers = (() => Array.from({ length: 8 }, () => {
    const socket = Socket.tcp();
    registry.register(socket, socket.fd);
    return socket.fd;
  }))();
  for (const fd of numbers) closeSync(fd);
  const next = numbers.map(() => openSync('/dev/null'));
  await collect();
  console.log(collected.size > 0 ? 'collected' : 'not collected');
  console.log(next.sort().join() === numbers.sort().join() ? 'reused' : 'not reused');
  for (const fd of next) fstatSync(fd);
  console.log('not closed');
`;

test('a socket that is dropped is not closed behind its number’s back, and a wait holds its own', async () => {
  await using program = new Program([...NODE, '--expose-gc', '--input-type=module', '-e', DROPPED]);
  const { code, stdout, stderr } = await program.ended();
  assert.is(code, 0, stderr);
  assert.equal(stdout.trim().split('\n'), ['still open', 'woken', 'collected', 'reused', 'not closed']);
});

test.run();
