/** The socket calls, one by one: what they give, when they would block, and how they fail. */

import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClosedError, constants, realSys, Socket, SocketAddress, SystemError } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import * as assert from 'uvu/assert';
import { untilReady } from '../support/backends.ts';
import {
  connection,
  fill,
  finished,
  holding,
  type Opened,
  refused,
  reset,
  resetBeforeAccept,
  thrown,
  urgent,
} from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const { IN, OUT } = Readiness;

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

const tcp = suite('TCP sockets');

tcp(
  'connect, accept, and carry bytes both ways',
  holding((opened) => {
    const listener = opened.keep(Socket.listener());
    const { address, port, family } = listener.localAddress;
    assert.equal([family, address], ['IPv4', '127.0.0.1']);
    assert.ok(port > 0);
    assert.is(listener.accept(), undefined, 'nobody yet');
    const client = opened.keep(Socket.tcp());
    assert.ok([true, undefined].includes(client.connect({ port })));
    untilReady(client, OUT);
    assert.is(client.error(), null);
    untilReady(listener, IN);
    const server = opened.keep(listener.accept() as Socket);
    assert.is(server.remoteAddress?.toString(), client.localAddress.toString());
    assert.is(server.peerAddress.port, client.localAddress.port);
    assert.is(client.peerAddress.port, port);
    assert.is(client.recv(), undefined, 'would block');
    assert.is(client.send('grüße'), 7);
    untilReady(server, IN);
    assert.is(server.recv()?.toString(), 'grüße');
    assert.is(server.send(Uint8Array.of(1, 2, 3), 1), 2);
    untilReady(client, IN);
    const room = new Uint8Array(10);
    assert.is(client.recvInto(room, 4), 2);
    assert.equal([...room.subarray(4, 7)], [2, 3, 0]);
    server.shutdown('write');
    untilReady(client, Readiness.RDHUP);
    assert.is(client.recv()?.length, 0, 'the end');
    assert.is(client.recvInto(room), 0);
  }),
);

tcp(
  'receive only as much as asked, and keep the rest',
  holding((opened) => {
    const { client, server } = connection(opened);
    server.send('abcdef');
    untilReady(client, IN);
    assert.is(client.recv(2)?.toString(), 'ab');
    assert.is(client.recv(1, constant('MSG_PEEK'))?.toString(), 'c');
    const room = new Uint8Array(8);
    assert.is(client.recvInto(room, 1, 3), 3);
    assert.is(Buffer.from(room).toString('latin1'), '\0cde\0\0\0\0');
    assert.is(client.recv(1_000_000)?.toString(), 'f');
  }),
);

tcp(
  'give each receiver a buffer of its own',
  holding((opened) => {
    const [one, other] = Socket.pair();
    opened.keep(one);
    opened.keep(other);
    other.send('first');
    const first = one.recv();
    other.send('other');
    one.recv();
    assert.is(first?.toString(), 'first');
  }),
);

tcp(
  'send what fits, and then would block',
  holding((opened) => {
    const { client, server } = connection(opened);
    const block = new Uint8Array(1 << 20);
    let total = 0;
    let partial = false;
    for (;;) {
      const sent = client.send(block);
      if (sent === undefined) break;
      partial ||= sent < block.length;
      total += sent;
    }
    assert.ok(partial);
    assert.ok(total > 0);
    assert.is(server.closed, false);
  }),
);

tcp(
  'carry one urgent byte apart',
  holding((opened) => {
    const client = urgent(opened);
    assert.is(client.recv(1, constant('MSG_OOB'))?.toString(), '!');
    assert.is(client.recv(), undefined);
  }),
);

tcp(
  'rule 37: say why a connection failed, once',
  holding((opened) => {
    const socket = refused(opened);
    const error = socket.error();
    assert.instance(error, SystemError);
    assert.equal([error?.code, error?.syscall, error?.errno], ['ECONNREFUSED', 'connect', -constant('ECONNREFUSED')]);
    assert.is(socket.error(), null);
  }),
);

tcp(
  'rule 37: report a reset once, then the end, and EPIPE for writing',
  holding((opened) => {
    const socket = reset(opened);
    const error = thrown(() => socket.recv());
    assert.equal([error.name, error.code, error.syscall, error.fd], ['SystemError', 'ECONNRESET', 'recv', socket.fd]);
    assert.is(socket.recv()?.length, 0);
    assert.is(thrown(() => socket.send('x')).code, 'EPIPE');
    assert.is(thrown(() => socket.peerAddress).code, 'ENOTCONN');
    assert.is(finished(opened).recv()?.length, 0);
  }),
);

tcp(
  'accept a connection that was reset meanwhile, with its peer’s address',
  holding((opened) => {
    const socket = opened.keep(resetBeforeAccept(opened).accept() as Socket);
    assert.is(socket.remoteAddress?.address, '127.0.0.1');
    assert.is(thrown(() => socket.recv()).code, 'ECONNRESET');
  }),
);

tcp(
  'refuse an address in use, naming it, and close what was half built',
  holding((opened) => {
    const { port } = opened.keep(Socket.listener()).localAddress;
    for (const open of [
      () => Socket.listener({ port }),
      () => Socket.listener({ host: '127.0.0.1', port, backlog: 1 }),
    ]) {
      const error = thrown(open);
      assert.equal([error.code, error.address, error.port], ['EADDRINUSE', '127.0.0.1', port]);
      assert.match(error.message, `address already in use 127.0.0.1:${port}`);
    }
    assert.is(thrown(() => Socket.tcp({ host: '203.0.113.1', port: 0 })).code, 'EADDRNOTAVAIL');
    assert.instance(
      thrown(() => Socket.tcp({ host: 'localhost', port: 0 })),
      TypeError,
    );
    assert.instance(
      thrown(() => Socket.tcp({ port: 70_000 })),
      RangeError,
    );
    assert.instance(
      thrown(() => Socket.tcp({ family: 'IPv5' as 'IPv4' })),
      TypeError,
    );
  }),
);

tcp('close what is half built whichever step fails', () => {
  const sys = realSys();
  const refuse = (): number => -constant('ENOBUFS');
  for (const call of ['bind', 'listen', 'setsockopt'] as const) {
    inside(overriding(sys, { [call]: refuse }), () => {
      assert.is(thrown(() => Socket.listener({ port: 0 })).syscall, call);
    });
  }
  inside(overriding(sys, { socket: refuse, socketpair: refuse }), () => {
    assert.is(thrown(() => Socket.tcp()).syscall, 'socket');
    assert.is(thrown(() => Socket.pair()).syscall, 'socketpair');
  });
});

tcp(
  'treat an interrupted connect as one under way',
  holding((opened) => {
    for (const errno of ['EINTR', 'EINPROGRESS', 'EALREADY']) {
      inside(overriding(realSys(), { connect: () => -constant(errno) }), () => {
        assert.is(opened.keep(Socket.tcp()).connect({ port: 1 }), undefined);
      });
    }
    inside(overriding(realSys(), { connect: () => -constant('ENETUNREACH') }), () => {
      const error = thrown(() => opened.keep(Socket.tcp()).connect({ host: '192.0.2.1', port: 9 }));
      assert.equal([error.code, error.syscall, error.address, error.port], ['ENETUNREACH', 'connect', '192.0.2.1', 9]);
    });
  }),
);

tcp(
  'accept throws what the kernel says, and nothing is left open',
  holding((opened) => {
    for (const errno of ['EMFILE', 'ECONNABORTED', 'EPROTO']) {
      inside(overriding(realSys(), { accept: () => -constant(errno) }), () => {
        const error = thrown(() => opened.keep(Socket.listener()).accept());
        assert.equal([error.code, error.syscall], [errno, 'accept']);
      });
    }
    assert.is(thrown(() => opened.keep(Socket.tcp()).accept()).code, 'EINVAL');
  }),
);

tcp(
  'work over IPv6',
  holding((opened) => {
    if (!hasIPv6) {
      notRun('no IPv6 loopback: TCP over IPv6');
      return;
    }
    const listener = opened.keep(Socket.listener({ host: '::1' }));
    const client = opened.keep(Socket.tcp({ family: 'IPv6' }));
    client.connect(listener.localAddress);
    untilReady(listener, IN);
    const server = opened.keep(listener.accept() as Socket);
    assert.equal([server.remoteAddress?.family, server.remoteAddress?.address], ['IPv6', '::1']);
    assert.is(listener.localAddress.toString(), `[::1]:${listener.localAddress.port}`);
    const bound = opened.keep(Socket.tcp({ family: 'IPv6', port: 0 }));
    assert.is(bound.localAddress.address, '::1');
  }),
);

tcp(
  "the peer's address is each socket's own, byte for byte, and stays: when others are accepted, and after the close",
  holding((opened) => {
    const listener = opened.keep(Socket.listener());
    const pairs = [1, 2, 3].map((): [Socket, Socket] => {
      const client = opened.keep(Socket.tcp());
      client.connect(listener.localAddress);
      untilReady(listener, IN);
      return [client, opened.keep(listener.accept() as Socket)];
    });
    const expected = pairs.map(([client]) => [...client.localAddress.bytes]);
    const [, first] = pairs[0] as [Socket, Socket];
    first.close();
    for (const [index, [client, server]] of pairs.entries()) {
      const { remoteAddress } = server;
      assert.equal([...(remoteAddress as SocketAddress).bytes], expected[index]);
      assert.is(server.remoteAddress, remoteAddress, 'one object, whoever asks');
      assert.equal(remoteAddress?.toJSON(), client.localAddress.toJSON());
      assert.is(client.remoteAddress, undefined, 'this one was not accepted');
      // It can be used as any other: to connect to where the client is says that nobody listens there.
    }
    const { slot } = (pairs[1] as [Socket, Socket])[1].remoteAddress as SocketAddress;
    assert.is(slot.buffer.byteLength, slot.length, 'in memory of its own');
  }),
);

tcp.run();

const udp = suite('UDP sockets');

udp(
  'carry datagrams with their sender',
  holding((opened) => {
    const [one, other] = [opened.keep(Socket.udp({ port: 0 })), opened.keep(Socket.udp({ host: '127.0.0.1' }))];
    assert.is(one.recvFrom(), undefined);
    assert.is(other.sendTo('what time is it?', one.localAddress), 16);
    untilReady(one, IN);
    const request = one.recvFrom(8192);
    assert.is(request?.data.toString(), 'what time is it?');
    assert.is(request?.truncated, false);
    assert.is(request?.address.port, other.localAddress.port);
    assert.is(one.sendTo(Uint8Array.of(7), request?.address as SocketAddress), 1);
    untilReady(other, IN);
    const sender = SocketAddress.empty();
    const room = new Uint8Array(16);
    assert.is(other.recvFromInto(room, sender), 1);
    assert.is(sender.port, one.localAddress.port);
    const kept = sender.clone();
    assert.is(other.recvFromInto(room, sender), undefined);
    assert.is(kept.port, one.localAddress.port);
  }),
);

udp(
  'leave the address of a datagram as it is when others come',
  holding((opened) => {
    const one = opened.keep(Socket.udp({ port: 0 }));
    const others = [1, 2, 3].map(() => opened.keep(Socket.udp({ host: '127.0.0.1', port: 0 })));
    for (const other of others) other.sendTo('who?', one.localAddress);
    const senders: (SocketAddress | undefined)[] = [];
    while (senders.length < others.length) {
      untilReady(one, IN);
      senders.push(one.recvFrom()?.address);
    }
    assert.equal(
      senders.map((sender) => sender?.port).sort(),
      others.map(({ localAddress }) => localAddress.port).sort(),
    );
  }),
);

udp(
  'keep the limits of datagrams: an empty one, a longer one, two that do not merge',
  holding((opened) => {
    const [one, other] = [opened.keep(Socket.udp({ port: 0 })), opened.keep(Socket.udp())];
    for (const text of ['', 'a longer one', 'next']) other.sendTo(text, { port: one.localAddress.port });
    untilReady(one, IN);
    const [empty, cut, next] = [one.recvFrom(4), one.recvFrom(4), one.recvFrom(4)];
    assert.equal([empty?.data.length, empty?.truncated], [0, false]);
    assert.equal([cut?.data.toString(), cut?.truncated], ['a lo', true]);
    assert.equal([next?.data.toString(), next?.truncated], ['next', false]);
    assert.is(one.recvFrom(), undefined);
  }),
);

udp(
  'give no byte of an earlier datagram to one that asks for the length (MSG_TRUNC)',
  holding((opened) => {
    const [one, other] = [opened.keep(Socket.udp({ port: 0 })), opened.keep(Socket.udp())];
    other.sendTo('a secret that was received before', one.localAddress);
    other.sendTo('0123456789', one.localAddress);
    untilReady(one, IN);
    one.recv();
    assert.is(one.recv(3, constant('MSG_TRUNC'))?.toString(), '012');
  }),
);

udp(
  'refuse a datagram that is too long',
  holding((opened) => {
    const [one, other] = [opened.keep(Socket.udp({ port: 0 })), opened.keep(Socket.udp())];
    const { port } = one.localAddress;
    const error = thrown(() => other.sendTo(new Uint8Array(65_508), one.localAddress));
    assert.equal([error.code, error.syscall, error.address, error.port], ['EMSGSIZE', 'sendto', '127.0.0.1', port]);
    one.setOption('SOL_SOCKET', 'SO_RCVBUF', 1 << 20);
    assert.is(other.sendTo(new Uint8Array(65_507), one.localAddress), 65_507);
  }),
);

udp(
  'hear on a connected socket that nobody is there, once',
  holding((opened) => {
    const nobody = Socket.udp({ port: 0 });
    const address = nobody.localAddress;
    nobody.close();
    const socket = opened.keep(Socket.udp());
    assert.is(socket.connect(address), true);
    socket.send('x');
    untilReady(socket, Readiness.ERR);
    assert.is(thrown(() => socket.recv()).code, 'ECONNREFUSED');
    assert.is(socket.recv(), undefined);
  }),
);

udp(
  'work over IPv6',
  holding((opened) => {
    if (!hasIPv6) {
      notRun('no IPv6 loopback: UDP over IPv6');
      return;
    }
    const one = opened.keep(Socket.udp({ host: '::1' }));
    opened.keep(Socket.udp({ family: 'IPv6' })).sendTo('x', one.localAddress);
    untilReady(one, IN);
    assert.is(one.recvFrom()?.address.family, 'IPv6');
  }),
);

udp.run();

const unix = suite('Unix sockets');

/** A path in a folder that goes at the end. */
function socketPath(opened: Opened): string {
  const folder = mkdtempSync(join(tmpdir(), 'genloop-unix-'));
  opened.later(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'socket');
}

unix(
  'connect through a path',
  holding((opened) => {
    const path = socketPath(opened);
    const listener = opened.keep(Socket.listener({ path }));
    assert.equal(listener.localAddress.toJSON(), { family: 'unix', address: path, port: 0 });
    const client = opened.keep(Socket.unix());
    assert.is(client.connect({ path }), true);
    const server = opened.keep(listener.accept() as Socket);
    assert.is(server.remoteAddress?.toString(), '(unnamed)');
    assert.is(client.peerAddress.address, path);
    client.send('x');
    assert.is(server.recv()?.toString(), 'x');
  }),
);

unix(
  'connect through an abstract name, where there are any',
  holding((opened) => {
    if (process.platform !== 'linux') return;
    const path = `\0genloop-${process.pid}`;
    const listener = opened.keep(Socket.listener({ path }));
    assert.is(listener.localAddress.address, path);
    assert.is(listener.localAddress.toString(), `@${path.slice(1)}`);
    const client = opened.keep(Socket.unix());
    assert.is(client.connect({ path }), true);
    opened.keep(listener.accept() as Socket);
    const error = thrown(() => Socket.listener({ path }));
    assert.equal([error.code, error.path], ['EADDRINUSE', path]);
  }),
);

unix(
  'carry datagrams and sequenced packets',
  holding((opened) => {
    const path = socketPath(opened);
    const receiver = opened.keep(Socket.unix({ path, type: 'datagram' }));
    const sender = opened.keep(Socket.unix({ path: `${path}-2`, type: 'datagram' }));
    assert.is(sender.sendTo('x', { path }), 1);
    const datagram = receiver.recvFrom();
    assert.equal([datagram?.data.toString(), datagram?.address.address], ['x', `${path}-2`]);
    const missing = thrown(() => sender.sendTo('x', { path: `${path}-3` }));
    assert.equal([missing.code, missing.path, missing.address], ['ENOENT', `${path}-3`, undefined]);
    const [one, other] = Socket.pair('SOCK_SEQPACKET');
    opened.keep(one);
    opened.keep(other);
    one.send('ab');
    one.send('c');
    assert.equal([other.recv()?.toString(), other.recv()?.toString()], ['ab', 'c']);
    opened.keep(Socket.unix({ type: 'seqpacket' }));
    assert.throws(() => Socket.unix({ type: 'raw' as 'stream' }), /type must be stream, datagram, seqpacket/);
  }),
);

unix(
  'refuse a path that nobody listens to, and a full queue',
  holding((opened) => {
    const path = socketPath(opened);
    const client = opened.keep(Socket.unix());
    const error = thrown(() => client.connect({ path }));
    assert.equal([error.code, error.path, error.syscall], ['ENOENT', path, 'connect']);
    const listener = opened.keep(Socket.listener({ path, backlog: 0 }));
    let refusal: SystemError | undefined;
    for (let queued = 0; queued < 10 && refusal === undefined; queued++) {
      const next = opened.keep(Socket.unix());
      try {
        next.connect({ path });
      } catch (raised) {
        refusal = raised as SystemError;
      }
    }
    assert.is(refusal?.code, 'EAGAIN');
    assert.is(listener.closed, false);
  }),
);

unix(
  'a pair would block when it is full',
  holding((opened) => {
    const [one, other] = Socket.pair();
    opened.keep(one);
    opened.keep(other);
    fill(one);
    assert.is(one.send('x'), undefined);
    one.shutdown('write');
    assert.is(thrown(() => one.send('x')).code, 'EPIPE');
  }),
);

unix.run();

const any = suite('sockets of any kind');

any(
  'of other families take and give raw addresses',
  holding((opened) => {
    if (!('AF_NETLINK' in constants)) return;
    const socket = opened.keep(Socket.open('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE'));
    const bytes = new Uint8Array(12);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, constant('AF_NETLINK'), true);
    socket.bind(SocketAddress.raw(bytes));
    const local = socket.localAddress;
    assert.is(local.family, 'raw');
    assert.is(local.bytes.length, 12);
    assert.is(new DataView(local.bytes.buffer).getUint16(0, true), constant('AF_NETLINK'));
    assert.is.not(new DataView(local.bytes.buffer).getUint32(4, true), 0, 'the kernel chose a port id');
    assert.is(socket.recvFrom(), undefined);
  }),
);

any(
  'have options as integers, booleans and bytes',
  holding((opened) => {
    const socket = opened.keep(Socket.tcp());
    assert.is(socket.getOption('IPPROTO_TCP', 'TCP_NODELAY'), 0);
    assert.is(socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', true), socket);
    assert.is.not(socket.getOption(constant('IPPROTO_TCP'), constant('TCP_NODELAY')), 0);
    assert.is(socket.getOption('SOL_SOCKET', 'SO_TYPE'), constant('SOCK_STREAM'));
    socket.setOption('SOL_SOCKET', 'SO_LINGER', new Uint8Array(Int32Array.of(1, 7).buffer));
    const linger = socket.getOptionBytes('SOL_SOCKET', 'SO_LINGER');
    assert.equal([...new Int32Array(linger.slice().buffer)], [1, 7]);
    assert.is(socket.getOptionBytes('SOL_SOCKET', 'SO_LINGER', 4).length, 4);
  }),
);

any(
  'refuse options that they do not have, and values that are none',
  holding((opened) => {
    const socket = opened.keep(Socket.udp());
    assert.equal(
      ((error) => [error.code, error.syscall])(thrown(() => socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', 1))),
      ['ENOPROTOOPT', 'setsockopt'],
    );
    assert.is(thrown(() => socket.getOption('SOL_SOCKET', 9999)).code, 'ENOPROTOOPT');
    assert.throws(() => socket.getOption('SOL_SOCKET', 'SO_NOTHING'), /has no constant 'SO_NOTHING'/);
    const before = socket.getOption('SOL_SOCKET', 'SO_BROADCAST');
    for (const value of [Number.NaN, 1.5, 2 ** 32, -(2 ** 31) - 1, '1', null, undefined, {}, 1n]) {
      assert.throws(
        () => socket.setOption('SOL_SOCKET', 'SO_BROADCAST', value as number),
        (error: Error) => error instanceof RangeError,
      );
    }
    assert.is(socket.getOption('SOL_SOCKET', 'SO_BROADCAST'), before);
  }),
);

any(
  'refuse sizes, data and directions that are none',
  holding((opened) => {
    const [one, other] = Socket.pair();
    opened.keep(one);
    opened.keep(other);
    for (const size of [0, -1, 1.5, Number.NaN, '8' as unknown as number]) {
      assert.throws(() => one.recv(size), /size must be a positive integer/);
    }
    for (const data of [null, 5, {}, new ArrayBuffer(4), new DataView(new ArrayBuffer(4))]) {
      assert.throws(() => one.send(data as unknown as string), /data must be a string or a Uint8Array/);
    }
    assert.throws(
      () => one.recvInto(new Uint8Array(4), 5),
      (error: Error) => error instanceof RangeError,
    );
    assert.throws(
      () => one.recvInto(new Uint8Array(4), 0, 5),
      (error: Error) => error instanceof RangeError,
    );
    assert.throws(
      () => one.send('abc', 4),
      (error: Error) => error instanceof RangeError,
    );
    assert.throws(() => one.shutdown('all' as 'both'), /how must be 'read', 'write' or 'both'/);
    assert.throws(() => Socket.open('AF_NOWHERE', 'SOCK_STREAM'), /has no constant 'AF_NOWHERE'/);
    assert.is(thrown(() => Socket.open(9999, 'SOCK_STREAM')).code, 'EAFNOSUPPORT');
  }),
);

any('rule 33: throw ClosedError for everything once closed, and close twice', () => {
  const socket = Socket.tcp({ port: 0 });
  socket.close();
  socket.close();
  const room = new Uint8Array(4);
  const uses: [string, () => unknown][] = [
    ['bind', () => socket.bind({ port: 0 })],
    ['listen', () => socket.listen()],
    ['accept', () => socket.accept()],
    ['connect', () => socket.connect({ port: 1 })],
    ['error', () => socket.error()],
    ['recv', () => socket.recv()],
    ['recvInto', () => socket.recvInto(room)],
    ['send', () => socket.send('x')],
    ['recvFrom', () => socket.recvFrom()],
    ['recvFromInto', () => socket.recvFromInto(room, SocketAddress.empty())],
    ['sendTo', () => socket.sendTo('x', { port: 1 })],
    ['shutdown', () => socket.shutdown()],
    ['localAddress', () => socket.localAddress],
    ['peerAddress', () => socket.peerAddress],
    ['getOption', () => socket.getOption('SOL_SOCKET', 'SO_TYPE')],
    ['getOptionBytes', () => socket.getOptionBytes('SOL_SOCKET', 'SO_TYPE')],
    ['setOption', () => socket.setOption('SOL_SOCKET', 'SO_REUSEADDR', 1)],
    ['read', () => socket.read()],
    ['readInto', () => socket.readInto(room)],
    ['write', () => socket.write('x')],
    ['ioctl', () => socket.ioctl('FIONREAD', new Uint8Array(64))],
    ['dup', () => socket.dup()],
    ['detach', () => socket.detach()],
    ['fileno', () => socket.fileno()],
    ['nonBlocking', () => socket.nonBlocking],
  ];
  for (const [name, use] of uses) {
    const error = thrown(use) as unknown as ClosedError;
    assert.instance(error, ClosedError, name);
    assert.is(error.code, 'ERR_GENLOOP_CLOSED', name);
  }
  assert.equal([socket.fd, socket.closed, String(socket)], [-1, true, 'closed Socket']);
});

any('belong to the system that made them', () => {
  let sent = 0;
  const sys = overriding(realSys(), { send: () => ++sent });
  const [one, other] = inside(sys, () => Socket.pair());
  assert.is(one.send('outside'), 1);
  assert.is(one.sys, sys);
  one.close();
  other.close();
});

any.run();
