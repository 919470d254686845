/** Datagrams, Unix sockets and pipes in the simulated system, beside the real one where both can be asked. */

import { pipe, Socket, SocketAddress } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { untilReady } from '../../support/backends.ts';
import { type Opened, pairOf, pipeEnds } from '../../support/situations.ts';
import { suite } from '../../support/suite.ts';
import { constant, inside } from '../../support/systems.ts';
import { onBoth, said, text } from './both.ts';

const test = suite('simulation: datagrams, Unix sockets and pipes');
const { IN, OUT, ERR } = Readiness;

let names = 0;

function name(): string {
  return `\0genloop-datagrams-${process.pid}-${names++}`;
}

function udp(opened: Opened): Socket {
  return opened.keep(Socket.udp({ port: 0 }));
}

onBoth(
  test,
  'a datagram tells its sender, is cut to the buffer and says so, and comes as a whole or not at all',
  (opened) => {
    const [receiver, sender] = [udp(opened), udp(opened)];
    for (const words of ['a long one', 'short', '']) sender.sendTo(words, receiver.localAddress);
    untilReady(receiver, IN);
    const peeked = receiver.recv(100, constant('MSG_PEEK'));
    const cut = receiver.recvFrom(4);
    const whole = receiver.recvFrom(100);
    const empty = receiver.recvFrom(100);
    const mine = cut?.address.port === sender.localAddress.port && cut?.address.address === '127.0.0.1';
    const heard = [cut, whole, empty].map((each) => [text(each?.data), each?.truncated]);
    return [text(peeked), mine, heard, receiver.recvFrom(100)];
  },
  [
    'a long one',
    true,
    [
      ['a lo', true],
      ['short', false],
      ['', false],
    ],
    undefined,
  ],
);

onBoth(
  test,
  'a connected UDP socket hears its peer only, and learns that nobody is there; another does not',
  (opened) => {
    const [one, other, stranger] = [udp(opened), udp(opened), udp(opened)];
    one.connect(other.localAddress);
    stranger.sendTo('not for you', one.localAddress);
    other.sendTo('for you', one.localAddress);
    untilReady(one, IN);
    const heard = [text(one.recv()), one.recv(), one.peerAddress.port === other.localAddress.port];
    const { localAddress } = other;
    other.close();
    const sent = [one.send('anybody?'), stranger.sendTo('anybody?', localAddress)];
    untilReady(one, ERR);
    return [heard, sent, one.error('recv')?.code, one.error(), stranger.error(), said(() => stranger.peerAddress)];
  },
  [['for you', undefined, true], [8, 8], 'ECONNREFUSED', null, null, 'ENOTCONN'],
);

onBoth(
  test,
  'what cannot be a datagram is refused',
  (opened) => {
    const one = udp(opened);
    const fresh = opened.keep(Socket.udp());
    const { localAddress } = one;
    return [
      said(() => fresh.send('to whom?')),
      said(() => fresh.sendTo('x', { port: 0 })),
      said(() => fresh.sendTo(new Uint8Array(65_508), localAddress)),
      said(() => fresh.sendTo(new Uint8Array(65_507), localAddress)),
      said(() => fresh.sendTo('x', { path: '\0a name of more than sixteen bytes' })),
      said(() => fresh.listen()),
      said(() => fresh.accept()),
      said(() => fresh.shutdown()),
      said(() => fresh.sendTo('x', localAddress)),
      said(() => Socket.udp({ port: localAddress.port })),
    ];
  },
  [
    'EDESTADDRREQ',
    'EINVAL',
    'EMSGSIZE',
    65_507,
    'EAFNOSUPPORT',
    'EOPNOTSUPP',
    'EOPNOTSUPP',
    'ENOTCONN',
    'EPIPE',
    'EADDRINUSE',
  ],
);

test('a partition swallows datagrams, delays let them overtake each other, and a full receiver drops them', () => {
  const system = new SimulatedSystem({
    seed: 9,
    faults: { delay: { probability: 1, most: 50 } },
    receiveBuffer: 3_000,
  });
  inside(system, () => {
    const [receiver, sender] = [Socket.udp({ port: 0 }), Socket.udp()];
    const to = receiver.localAddress;
    system.partition('127.0.0.1', '127.0.0.1', 1_000);
    sender.sendTo('lost', to);
    system.advance(1_000);
    assert.is(receiver.recv(), undefined);
    for (let n = 0; n < 9; n++) sender.sendTo(`${n}`, to);
    system.advance(50);
    const heard: string[] = [];
    for (let data = receiver.recv(); data !== undefined; data = receiver.recv()) heard.push(String(data));
    assert.is(heard.length, 4, 'what fits into 3000 bytes, with 768 for the kernel');
    assert.is.not(heard.join(), [...heard].sort().join());
  });
});

onBoth(
  test,
  'Unix sockets meet by abstract name: connections, and who is refused',
  (opened) => {
    const path = name();
    const fresh = opened.keep(Socket.unix());
    const nobody = said(() => fresh.connect({ path }));
    const missing = said(() => fresh.connect({ path: `/nowhere/${path.slice(1)}` }));
    const listener = opened.keep(Socket.listener({ path, backlog: 0 }));
    const connected = fresh.connect({ path });
    const second = opened.keep(Socket.unix());
    const full = said(() => second.connect({ path }));
    const wrong = said(() => opened.keep(Socket.unix({ type: 'datagram' })).connect({ path }));
    const server = opened.keep(listener.accept() as Socket);
    fresh.send('hello');
    return [
      [
        nobody,
        missing,
        connected,
        full,
        wrong,
        said(() => fresh.connect({ path })),
        said(() => listener.connect({ path })),
      ],
      [text(server.recv()), server.localAddress.address === path, fresh.peerAddress.address === path],
      [server.remoteAddress?.address, server.peerAddress.toString(), listener.accept()],
      [said(() => Socket.listener({ path })), said(() => listener.bind({ path: name() })), said(() => listener.recv())],
      [
        said(() => second.recv()),
        said(() => second.send('x')),
        said(() => second.listen()),
        said(() => second.peerAddress),
      ],
      said(() => second.sendTo('x', { path })),
    ];
  },
  [
    ['ECONNREFUSED', 'ENOENT', true, 'EAGAIN', 'ECONNREFUSED', 'EISCONN', 'EINVAL'],
    ['hello', true, true],
    ['', '(unnamed)', undefined],
    ['EADDRINUSE', 'EINVAL', 'EINVAL'],
    ['EINVAL', 'ENOTCONN', 'EINVAL', 'ENOTCONN'],
    'EOPNOTSUPP',
  ],
);

onBoth(
  test,
  'Unix datagrams wait for a receiver who is slow, and miss one who is gone',
  (opened) => {
    const path = name();
    const receiver = Socket.unix({ type: 'datagram', path });
    const sender = opened.keep(Socket.unix({ type: 'datagram' }));
    sender.connect({ path });
    let count = 0;
    while (sender.send(`${count}`) !== undefined) count++;
    const blocked = writable(sender);
    const first = receiver.recvFrom(10);
    const free = writable(sender);
    receiver.close();
    return [
      [count, blocked, text(first?.data), first?.address.family, free],
      [said(() => sender.send('x')), said(() => sender.send('x')), said(() => sender.sendTo('x', { path }))],
      said(() => sender.send(new Uint8Array(300_000))),
    ];
  },
  [[11, 0, '0', 'raw', OUT], ['ECONNREFUSED', 'ENOTCONN', 'ECONNREFUSED'], 'EMSGSIZE'],
);

/** Whether it is writable. */
function writable(socket: Socket): number {
  const rows = new Int32Array([socket.fd, OUT]);
  socket.sys.poll(rows, 1, 0);
  return (rows[1] as number) >> 16;
}

onBoth(
  test,
  'a connected Unix datagram socket hears its peer only',
  (opened) => {
    const [one, other, stranger] = [name(), name(), name()].map((path) =>
      opened.keep(Socket.unix({ type: 'datagram', path })),
    ) as [Socket, Socket, Socket];
    one.connect(other.localAddress);
    const refused = said(() => stranger.sendTo('x', one.localAddress));
    other.sendTo('y', one.localAddress);
    const datagram = one.recvFrom(5);
    return [
      refused,
      text(datagram?.data),
      datagram?.address.address === other.localAddress.address,
      said(() => stranger.connect(one.localAddress)),
    ];
  },
  ['EPERM', 'y', true, 'EPERM'],
);

onBoth(
  test,
  'packets keep their bounds and their order',
  (opened) => {
    const [one, other] = Socket.pair('SOCK_SEQPACKET');
    opened.keep(one);
    opened.keep(other);
    for (const packet of ['first', 'second', 'third']) one.send(packet);
    const heard = [text(other.recv(3)), text(other.recv(100, constant('MSG_PEEK'))), text(other.recv())];
    one.close();
    const fresh = opened.keep(Socket.unix({ type: 'seqpacket' }));
    return [
      heard,
      text(other.recv()),
      text(other.recv()),
      said(() => other.send('x')),
      said(() => fresh.recv()),
      said(() => fresh.send('x')),
    ];
  },
  [['fir', 'second', 'second'], 'third', '', 'EPIPE', 'ENOTCONN', 'ENOTCONN'],
);

onBoth(
  test,
  'kinds of sockets that there are not are refused',
  () => {
    const open = (family: string, type: string | number, protocol = 0) =>
      said(() => Socket.open(family, type, protocol).close());
    return [
      open('AF_INET', 77),
      open('AF_INET', 'SOCK_STREAM', 17),
      open('AF_INET', 'SOCK_STREAM', 6),
      open('AF_INET', 4),
      open('AF_UNIX', 'SOCK_STREAM', 6),
      said(() => Socket.open(77, 1)),
      said(() => realPair('AF_INET')),
    ];
  },
  ['EINVAL', 'EPROTONOSUPPORT', undefined, 'ESOCKTNOSUPPORT', 'EPROTONOSUPPORT', 'EAFNOSUPPORT', -95],
);

function realPair(family: string): number {
  const socket = Socket.unix();
  try {
    return socket.sys.socketpair(constant(family), constant('SOCK_STREAM'), 0, new Int32Array(2));
  } finally {
    socket.close();
  }
}

onBoth(
  test,
  'a pipe is full when its pages are, whatever is in them',
  (opened) => {
    const { reader, writer } = pipeEnds(opened);
    let pages = 0;
    while (writer.write(new Uint8Array(3_000)) !== undefined) pages++;
    const small = writer.write('small');
    const exact = writer.write(new Uint8Array(1_091));
    return [
      pages,
      small,
      exact,
      reader.read(2_999)?.length,
      writer.write('x'),
      reader.read(1)?.length,
      writer.write(new Uint8Array(4_096)),
      writer.write(new Uint8Array(0)),
    ];
  },
  [16, 5, 1_091, 2_999, undefined, 1, 4_096, 0],
);

onBoth(
  test,
  'a Unix stream that is sent to while unread does not lose a byte',
  (opened) => {
    const [one, other] = pairOf(opened);
    for (let n = 0; n < 50; n++) one.send(String.fromCharCode(97 + (n % 26)).repeat(n));
    let heard = '';
    for (let part = other.recv(37); part !== undefined; part = other.recv(37)) heard += part;
    return [heard.length, heard.at(0), heard.at(-1), other.recv(1, constant('MSG_PEEK'))];
  },
  [1_225, 'b', 'x', undefined],
);

onBoth(
  test,
  'a datagram socket can be connected to another peer, and to none again',
  (opened) => {
    const [one, two, three] = [udp(opened), udp(opened), udp(opened)];
    const nobody = SocketAddress.raw(new Uint8Array(16));
    one.connect(two.localAddress);
    one.connect(three.localAddress);
    const connected = one.peerAddress.port === three.localAddress.port;
    one.connect(nobody);
    const [local, far] = [name(), name()].map((path) => opened.keep(Socket.unix({ type: 'datagram', path }))) as [
      Socket,
      Socket,
    ];
    local.connect(far.localAddress);
    far.connect(local.localAddress);
    far.send('never read');
    local.connect(nobody);
    return [
      connected,
      said(() => one.send('x')),
      said(() => local.send('x')),
      said(() => local.recv()),
      said(() => far.send('x')),
    ];
  },
  [true, 'EDESTADDRREQ', 'ENOTCONN', undefined, 'ECONNRESET'],
);

onBoth(
  test,
  'a Unix socket that asks for any name gets an abstract one of its own',
  (opened) => {
    const unnamed = SocketAddress.raw(Uint8Array.of(constant('AF_UNIX'), 0));
    const sockets = [Socket.unix(), Socket.unix()].map((socket) => opened.keep(socket).bind(unnamed));
    const found = sockets.map((socket) => socket.localAddress.address);
    return [
      new Set(found).size,
      found.every((each) => /^\0[\da-f]{5}$/.test(each)),
      said(() => sockets[0]?.bind(unnamed) && 0),
    ];
  },
  [2, true, 0],
);

onBoth(
  test,
  'what a Unix socket cannot do is refused',
  (opened) => {
    const [one] = pairOf(opened);
    const path = name();
    const listener = opened.keep(Socket.listener({ path }));
    const datagram = opened.keep(Socket.unix({ type: 'datagram' }));
    return [
      said(() => one.bind({ host: '127.0.0.1', port: 1 })),
      said(() => one.sendTo('x', { path })),
      said(() => one.accept()),
      said(() => one.listen()),
      said(() => datagram.listen()),
      said(() => datagram.recv(1)),
      said(() => datagram.send('x', 0, 1, constant('MSG_OOB'))),
      said(() => listener.ioctl('FIONREAD', new Uint8Array(64))),
      said(() => listener.shutdown('write') && 0),
      one.getOption('SOL_SOCKET', 'SO_PROTOCOL'),
      said(() => one.getOption('IPPROTO_TCP', 'TCP_NODELAY')),
    ];
  },
  ['EINVAL', 'EISCONN', 'EINVAL', 'EINVAL', 'EOPNOTSUPP', undefined, 'EOPNOTSUPP', 'EINVAL', 0, 0, 'EOPNOTSUPP'],
);

onBoth(
  test,
  'a Unix stream with half of its buffer unread is not announced as writable, and takes more all the same',
  (opened) => {
    const [one, other] = pairOf(opened);
    const before = writable(one);
    const sent = one.send(new Uint8Array(100_000));
    const half = [writable(one), one.send('more')];
    let heard = 0;
    for (let part = other.recv(); part !== undefined; part = other.recv()) heard += part.length;
    return [before, sent, half, heard, writable(one)];
  },
  [OUT, 100_000, [0, 4], 100_004, OUT],
);

test('a path can be listened at again once its socket is closed, and until then is refused', () => {
  inside(new SimulatedSystem(), () => {
    const path = '/run/server';
    const listener = Socket.listener({ path });
    assert.is(
      said(() => Socket.listener({ path })),
      'EADDRINUSE',
    );
    listener.close();
    assert.is(
      said(() => Socket.unix().connect({ path })),
      'ECONNREFUSED',
    );
    Socket.listener({ path });
    assert.is(
      said(() => Socket.unix({ type: 'datagram' }).connect({ path })),
      'EPROTOTYPE',
    );
    assert.is(Socket.unix().connect({ path }), true);
    const { reader } = pipe();
    assert.is(
      said(() => reader.write('x')),
      'EBADF',
    );
  });
});

test.run();
