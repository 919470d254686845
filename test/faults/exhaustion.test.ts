/**
 * A process that has no descriptor left: each call that opens something throws, nothing half-built stays, and with as many
 * descriptors as it needs it works. The limit is the kernel's own, set once the program has started.
 */

import * as assert from 'uvu/assert';
import { has, NODE, Program } from '../examples/program.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('descriptor exhaustion');
const LIMIT = 100;

/**
 * Tries each way to open something with one descriptor less than it needs, and with as many; prints what came of it. What is held
 * afterwards is counted by opening counters until there are no more.
 */
const PROGRAM = `
  import { writeSync } from 'node:fs';
  import { run, runSync } from 'genloop';
  import { connect, TcpListener, UdpSocket, UnixDatagram, UnixListener } from 'genloop/net';
  import { Epoll, EventFd, open, pipe, Socket, TimerFd } from 'genloop/os';
  const say = (...words) => writeSync(1, words.join(' ') + '\\n');
  const counters = [];
  const fill = () => { let n = 0; try { for (;; n++) counters.push(EventFd.create()); } catch {} return n; };
  const room = (n) => { for (let i = 0; i < n; i++) counters.pop().close(); };

  function* main() {
    const listener = Socket.listener();
    const { port } = listener.localAddress;
    const path = '\\0genloop-exhaustion-' + process.pid;
    const WAYS = {
      socket: [1, () => Socket.tcp()],
      'socket (udp)': [1, () => UdpSocket.open()],
      'socket (listen)': [1, () => TcpListener.open()],
      'socket (unix)': [1, () => UnixListener.open({ path })],
      'socket (connect)': [1, () => connect({ port })],
      accept: [1, () => listener.accept()],
      socketpair: [2, () => Socket.pair()],
      'socketpair (datagrams)': [2, () => UnixDatagram.pair()],
      pipe: [2, () => { const { reader, writer } = pipe(); return [reader, writer]; }],
      dup: [1, () => listener.dup()],
      eventfd: [1, () => EventFd.create()],
      timerfd_create: [1, () => TimerFd.create()],
      epoll_create1: [1, () => Epoll.create()],
      open: [1, () => open('/dev/null')],
    };
    // What the first of a kind loads and keeps is there before the table is full; a connection waits to be accepted.
    (yield* connect({ port })).close();
    fill();
    for (const [way, [needs, open]] of Object.entries(WAYS)) {
      for (let free = 0; free < needs; free++) {
        room(free);
        let said = 'opened';
        try {
          const opened = open();
          if (way.endsWith('(connect)')) yield* opened;
        } catch (error) { said = [error.name, error.code, error.syscall].join(' '); }
        say(way + ':', said, fill() - free, 'lost');
      }
      room(needs);
      let opened = open();
      if (way.endsWith('(connect)')) opened = yield* opened;
      for (const thing of [opened].flat()) thing.close();
      say(way + ':', fill() - needs, 'lost with enough');
    }
    for (const each of [...counters, listener]) each.close();
  }
  say('ready');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.destroy();
  if (process.env.DRIVE === 'run') await run(main); else runSync(main);`;

const CALLS: readonly (readonly [way: string, syscall: string, needs: number])[] = [
  ...['socket', 'socket (udp)', 'socket (listen)', 'socket (unix)', 'socket (connect)'].map(
    (way) => [way, 'socket', 1] as const,
  ),
  ['accept', 'accept', 1],
  ['socketpair', 'socketpair', 2],
  ['socketpair (datagrams)', 'socketpair', 2],
  ['pipe', 'pipe', 2],
  ...['dup', 'eventfd', 'timerfd_create', 'epoll_create1', 'open'].map((way) => [way, way, 1] as const),
];

if (process.platform !== 'linux' || !has('prlimit')) notRun('a process without descriptors: no prlimit');
else {
  for (const [drive, backend] of [
    ['run', 'epoll'],
    ['runSync', 'epoll'],
    ['runSync', 'poll'],
    ['runSync', 'select'],
  ]) {
    test(`no descriptor is left for a socket, a pair, a pipe, a copy, a set: EMFILE with the name of the call, and nothing is lost (${drive}, ${backend})`, async () => {
      const env = { GENLOOP_BACKEND: backend as string, DRIVE: drive as string };
      await using program = new Program([...NODE, '--input-type=module', '-e', PROGRAM], { env, interactive: true });
      await program.says('ready\n');
      program.limit(LIMIT);
      program.type('\n');
      const { code, stdout, stderr } = await program.ended();
      assert.equal([code, stderr], [0, '']);
      const expected = CALLS.flatMap(([way, syscall, needs]) => [
        ...Array.from({ length: needs }, () => `${way}: SystemError EMFILE ${syscall} 0 lost`),
        `${way}: 0 lost with enough`,
      ]);
      assert.equal(stdout.trim().split('\n'), ['ready', ...expected]);
    });
  }
}

test.run();
