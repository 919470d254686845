/**
 * Signals that arrive in the middle of a call, said by strace: every second call of each kind is interrupted, and the program does
 * not notice. What a server does with sockets is in `injected.test.ts`, a connect in `connect.test.ts`.
 */

import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { Trace, untraceable } from '../support/strace.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('interrupted calls');

/** Ten rounds through a pipe, a pair of sockets, datagrams one by one and in batches, and messages; prints what came. */
const PROGRAM = `
  import { writeSync } from 'node:fs';
  import { group, pass, runSync } from 'genloop';
  import { FdStream, receiveMessage, sendMessage, UdpSocket, UnixStream } from 'genloop/net';
  import { DatagramBatch, pipe, realSys, Socket } from 'genloop/os';
  const ROUNDS = 10;
  const say = (text) => writeSync(1, text + '\\n');
  const came = [];
  function* hears(stream, bytes) { came.push(String(yield* stream.readExactly(bytes))); }
  function* main() {
    const ends = pipe();
    const [source, sink] = [new FdStream(ends.reader), new FdStream(ends.writer)];
    const [near, far] = Socket.pair().map((socket) => new UnixStream(socket));
    const one = UdpSocket.open({ port: 0 });
    const other = UdpSocket.connect(one.localAddress);
    const batch = new DatagramBatch({ capacity: 8, size: 32 });
    for (let n = 0; n < ROUNDS; n++) {
      yield* group(function* (g) {
        // Those who read are parked before anything comes.
        g.spawn(hears(source, 4));
        g.spawn(hears(far, 6));
        yield* pass();
        yield* pass();
        yield* sink.write('pipe');
        yield* near.writev([Buffer.from('soc'), Buffer.from('ket')]);
      });
      yield* sendMessage(near, 'message');
      const message = yield* receiveMessage(far);
      came.push(String(message.data));
      yield* other.send('datagram');
      const { data, address } = yield* one.receive();
      came.push(String(data));
      yield* one.send('answer', address);
      came.push(String((yield* other.receive()).data));
      yield* other.send('many');
      yield* one.receiveMany(batch);
      yield* one.sendMany(batch);
      came.push(String((yield* other.receive()).data));
    }
    for (const each of [source, sink, near, far, one, other]) each.close();
  }
  // The addon is loaded now, since it is read from a file.
  realSys();
  say('ready');
  // Until strace is attached: what Node does at its start is neither counted nor hit.
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.destroy();
  try { runSync(main); } catch (error) { say(error.stack); }
  const wanted = ['pipe', 'socket', 'message', 'datagram', 'answer', 'many'];
  say(came.length === ROUNDS * wanted.length && came.every((text, n) => wanted.includes(text)) ? 'all' : came.join());
  say(wanted.map((text) => came.filter((other) => other === text).length).join());`;

/** What each backend waits with. Not every architecture has the first; its C library calls the second instead. */
const WAITS: Readonly<Record<string, string>> = {
  epoll: '?epoll_wait,?epoll_pwait,epoll_pwait2',
  poll: '?poll,ppoll',
  select: '?select,pselect6',
};
const CALLS = ['read', 'write', 'sendmsg', 'recvmsg', 'recvfrom', 'sendto', 'recvmmsg', 'sendmmsg'];

const obstacle = untraceable();
if (obstacle !== undefined) notRun(`calls that a signal interrupts because strace says so: ${obstacle}`);

for (const [backend, waits] of Object.entries(WAITS)) {
  if (obstacle !== undefined) break;
  const names = waits.replaceAll('?', '').split(',');
  test(`EINTR in every second wait, read, write, send and receive, alone and in batches: nobody notices (${backend})`, async () => {
    const env = { GENLOOP_BACKEND: backend };
    await using program = new Program([...NODE, '--input-type=module', '-e', PROGRAM], { env, interactive: true });
    await program.says('ready\n');
    const all = [waits, ...CALLS].join(',');
    await using trace = await Trace.attach(program, '-e', `trace=${all}`, '-e', `inject=${all}:error=EINTR:when=1+2`);
    program.type('\n');
    const { code, stdout, stderr } = await program.ended();
    assert.equal([code, stdout], [0, 'ready\nall\n10,10,10,10,10,10\n'], stderr);
    const interrupted = async (name: string): Promise<number> =>
      (await trace.calls(name)).filter((line) => line.includes('(INJECTED)')).length;
    for (const name of CALLS) assert.ok((await interrupted(name)) > 0, `no ${name} was interrupted`);
    const hit = await Promise.all(names.map(interrupted));
    assert.ok(
      hit.some((count) => count > 0),
      `no wait was interrupted: ${names}`,
    );
  });
}

test.run();
