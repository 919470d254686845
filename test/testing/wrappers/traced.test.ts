/** src/testing/wrappers/traced.ts and format.ts: every call is told, as it was, and reads like strace. */

import {
  type Backend,
  constants,
  currentSys,
  Epoll,
  EventFd,
  open,
  poll,
  realSys,
  Socket,
  type Sys,
  select,
} from 'genloop/os';
import { failing, formatCall, type TracedCall, traced } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.ts';
import { constant, inside, overriding } from '../../support/systems.ts';

const test = suite('traced');
const real = realSys();

/** What a body calls. */
function callsOf(body: () => void, sys: Sys = real, bytes?: number): TracedCall[] {
  const calls: TracedCall[] = [];
  const options = bytes === undefined ? {} : { bytes };
  inside(
    traced(sys, (call) => calls.push(call), options),
    body,
  );
  return calls;
}

/** Its lines, with descriptors as letters in the order in which they appear after `fds`. */
function linesOf(body: (fds: number[]) => void, contents = false, sys: Sys = real): string[] {
  const fds: number[] = [];
  const calls = callsOf(() => body(fds), sys);
  return calls.map((call) =>
    formatCall(call, { contents }).replace(/\b\d+\b/g, (number) => {
      const place = fds.indexOf(Number(number));
      return place < 0 ? number : String.fromCharCode('A'.charCodeAt(0) + place);
    }),
  );
}

test('a conversation over TCP, line by line', () => {
  let port = 0;
  const lines = linesOf((fds) => {
    const listener = Socket.listener();
    port = listener.localAddress.port;
    fds.push(listener.fd);
    assert.is(listener.accept(), undefined);
    const client = Socket.tcp();
    fds.push(client.fd);
    client.connect({ port });
    poll([[listener, constants.POLLIN as number]]);
    const server = listener.accept() as Socket;
    fds.push(server.fd);
    assert.is(client.send('hello\n'), 6);
    assert.is(String(server.recv(64)), 'hello\n');
    assert.is(server.recv(64), undefined);
    client.shutdown('write');
    for (const socket of [server, client, listener]) socket.close();
  });
  const shown = lines.map((line) => line.replaceAll(String(port), 'PORT'));
  const expected = [
    'socket(AF_INET, SOCK_STREAM, 0) = A',
    /^setsockopt\(A, SOL_SOCKET, \d+, 4 bytes\) = 0$/,
    'packAddress("127.0.0.1", 0, 0) = 0',
    'bind(A, 127.0.0.1:0) = 0',
    'listen(A, 4096) = 0',
    'getsockname(A) = 0',
    'unpackAddress(127.0.0.1:PORT) = 127.0.0.1:PORT',
    'accept(A) = -EAGAIN',
    'socket(AF_INET, SOCK_STREAM, 0) = B',
    'packAddress("127.0.0.1", PORT, 0) = 0',
    /^connect\(B, 127\.0\.0\.1:PORT\) = (0|-EINPROGRESS)$/,
    'poll(1 rows, -1) = 1',
    'accept(A) = C',
    'send(B, 6 bytes, 0) = 6',
    'recv(C, 64 bytes, 0) = 6',
    'recv(C, 64 bytes, 0) = -EAGAIN',
    'shutdown(B, SHUT_WR) = 0',
    'close(C) = 0',
    'close(B) = 0',
    'close(A) = 0',
  ];
  assert.is(shown.length, expected.length, shown.join('\n'));
  expected.forEach((line, index) => {
    if (typeof line === 'string') assert.is(shown[index], line);
    else assert.match(shown[index] as string, line);
  });
});

test('with contents: what was sent, received and filled in, printable, and no more than was kept', () => {
  const lines = linesOf((fds) => {
    const receiver = Socket.udp({ port: 0 });
    fds.push(receiver.fd);
    const sender = Socket.udp();
    fds.push(sender.fd);
    sender.sendTo(`a"\\\t\n\x7fé${'z'.repeat(100)}`, receiver.localAddress);
    receiver.recvFrom(200);
    receiver.getOption('SOL_SOCKET', 'SO_TYPE');
    for (const socket of [receiver, sender]) socket.close();
  }, true);
  const head = `"a\\"\\\\\\t\\n\\x7f\\xc3\\xa9${'z'.repeat(24)}"`;
  const find = (name: string): string => lines.find((line) => line.startsWith(`${name}(`)) ?? '';
  assert.match(find('getsockname'), /^getsockname\(A\) = 0 127\.0\.0\.1:\d+$/);
  assert.ok(find('sendto').startsWith(`sendto(B, 108 bytes ${head}, 0, 127.0.0.1:`), find('sendto'));
  assert.ok(find('recvfrom').startsWith(`recvfrom(A, 200 bytes, 0) = 108 ${head} 127.0.0.1:`), find('recvfrom'));
  assert.match(find('getsockopt'), /^getsockopt\(A, SOL_SOCKET, \d+, 4 bytes\) = 4 "\\x02\\x00\\x00\\x00"$/);
});

test('sends of many in one call: the parts that go, and the result of each', () => {
  const lines = linesOf((fds) => {
    const [near, far] = Socket.pair();
    fds.push(near.fd, far.fd);
    far.close();
    const rows = Int32Array.from([near.fd, 1, 2, 99, near.fd, 4, 1, 99]);
    currentSys().sendEach(rows, 2, Buffer.from('-ab-c-'));
    near.close();
  }, true);
  assert.match(lines[2] as string, /^sendEach\(.*"abc".*\) = 0 /);
  assert.ok((lines[2] as string).includes(`${-constant('EPIPE')}`), lines[2]);
});

test('pairs, paths, flags, select and floating times', () => {
  const lines = linesOf((fds) => {
    const [near, far] = Socket.pair();
    fds.push(near.fd, far.fd);
    near.send('x');
    select([far], [near], [], 1.5);
    open('/dev/null').close();
    for (const socket of [near, far]) socket.close();
  }, true);
  assert.is(lines[0], 'socketpair(AF_UNIX, SOCK_STREAM, 0) = 0 [A, B]');
  assert.ok(lines.includes('select(2 rows, 1.5) = 2 [1, 2]'), lines.join('\n'));
  assert.match(lines.join('\n'), /^open\("\/dev\/null", /m);
});

if ('EPOLLIN' in real.constants) {
  test('epoll: the names of its operations and events', () => {
    const lines = linesOf((fds) => {
      const event = EventFd.create(1);
      fds.push(event.fd);
      const set = Epoll.create();
      fds.push(set.fd);
      set.add(event, (constants.EPOLLIN as number) | (constants.EPOLLRDHUP as number), 42);
      set.wait(0);
      set.close();
      event.close();
    }, true);
    assert.match(lines[2] as string, /^epollCtl\(B, EPOLL_CTL_ADD, A, EPOLLIN\|EPOLLRDHUP, 42, 0\) = 0$/);
    assert.is(lines[3], 'epollWait(B, room for 256 rows, 0) = 1 [1 42 0]');
  });
}

test('times are those of the tracer’s clock, and the system is not asked for them', () => {
  let clock = 1000;
  const calls: TracedCall[] = [];
  const sys = traced(overriding(real, { pipe: () => clock++ }), (call) => calls.push(call), {
    now: () => (clock += 2),
  });
  sys.pipe(new Int32Array(2));
  const [call] = calls as [TracedCall];
  assert.equal([calls.length, call.time, call.duration], [1, 1002, 3]);
  assert.match(formatCall(call, { times: true }), /^1\.002000 pipe\(\) = 1002 <0\.003000>$/);
});

test('a call keeps what it was: arrays that are used again do not change it', () => {
  const [near, far] = Socket.pair();
  const calls: TracedCall[] = [];
  const sys = traced(real, (call) => calls.push(call));
  const buffer = Uint8Array.of(1, 2, 3, 4);
  sys.send(near.fd, buffer, 1, 2, 0);
  buffer.fill(9);
  sys.recv(far.fd, buffer, 2, 2, 0);
  buffer.fill(8);
  const [sent, received] = calls as [TracedCall, TracedCall];
  assert.equal([...(sent.inputs[1] as Uint8Array)], [2, 3]);
  assert.equal([...(received.outputs[0] as Uint8Array)], [2, 3]);
  near.close();
  far.close();
});

test('at most so many bytes of a buffer are kept, and its size is told all the same', () => {
  const [near, far] = Socket.pair();
  const calls: TracedCall[] = [];
  const sys = traced(real, (call) => calls.push(call), { bytes: 3 });
  sys.send(near.fd, Buffer.from('abcdef'), 0, 6, 0);
  assert.is(formatCall(calls[0] as TracedCall, { contents: true }), `send(${near.fd}, 6 bytes "abc", 0) = 6`);
  near.close();
  far.close();
});

test('a call that throws is told with what it threw, and throws', () => {
  const calls: TracedCall[] = [];
  const sys = traced(real, (call) => calls.push(call));
  assert.throws(() => sys.close('x' as unknown as number), TypeError);
  assert.instance(calls[0]?.error, TypeError);
  assert.is(calls[0]?.result, undefined);
  assert.match(formatCall(calls[0] as TracedCall), /^close\(x\) = threw TypeError: /);
});

test('outside of a failing system it sees the failures, inside of it the calls that happened', () => {
  const seen: string[] = [];
  const note = (where: string) => (call: TracedCall) => seen.push(`${where} ${formatCall(call)}`);
  const sys = traced(failing(traced(real, note('inner')), 'dup', 1, 'EMFILE'), note('outer'));
  assert.is(sys.dup(0), -constant('EMFILE'));
  const copy = sys.dup(0);
  sys.close(copy);
  assert.equal(seen, [
    'outer dup(0) = -EMFILE',
    `inner dup(0) = ${copy}`,
    `outer dup(0) = ${copy}`,
    `inner close(${copy}) = 0`,
    `outer close(${copy}) = 0`,
  ]);
});

test('the calls of a backend that the system brings are told by its verbs', () => {
  const backend: Backend = {
    name: 'poll',
    fd: -1,
    rows: new Int32Array(3),
    change: () => 0,
    remove: () => -constant('EBADF'),
    wait: () => 1,
    close: () => {},
  };
  const lines: string[] = [];
  const sys = traced(overriding(real, { backend: () => backend }), (call) => lines.push(formatCall(call)));
  const wrapped = sys.backend?.('poll') as Backend;
  const registration = { fd: 7, generation: 3, interest: 1, armed: -1 };
  wrapped.change(registration);
  wrapped.remove(registration);
  assert.is(wrapped.wait(2.5), 1);
  wrapped.close();
  assert.is(wrapped.rows, backend.rows);
  assert.not.ok('alarm' in wrapped);
  assert.equal(lines, [
    'backend.change(7, 3, 1, -1) = 0',
    'backend.remove(7, 3, 1, -1) = -EBADF',
    'backend.wait(2.5) = 1',
    'backend.close() = nothing',
  ]);
});

test('a sink that is no function is refused', () => {
  assert.throws(() => traced(real, null as never), /the sink is a function that gets each call, not null/);
});

test.run();
