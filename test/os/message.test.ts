/** What travels beside the bytes: descriptors, that none is left over however it ends, and who sent them. */

import { fstatSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type Descriptor,
  type Message,
  peerCredentials,
  pipe,
  realSys,
  recvmsg,
  Socket,
  sendmsg,
  writev,
} from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { untilReady } from '../support/backends.ts';
import { openDescriptors } from '../support/leaks.ts';
import { fill, holding, type Opened, pipeEnds, thrown } from '../support/situations.ts';
import { notRun, suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';
import { ended, firstMessage, runWorker } from '../support/worker.ts';
import { onBoth, said, text } from '../testing/simulation/both.ts';

const test = suite('messages with descriptors');
const isLinux = process.platform === 'linux';

function pairOf(opened: Opened, type: string): [Socket, Socket] {
  const pair = Socket.pair(type);
  for (const one of pair) opened.keep(one);
  return pair;
}

function taken(opened: Opened, message: Message | undefined): Descriptor {
  return opened.keep(message?.take() as Descriptor);
}

/** What there is to tell of a message but its descriptors themselves. */
function summary(message: Message | undefined): unknown {
  if (message === undefined) return undefined;
  using it = message;
  const { data, truncated, descriptorsLost, descriptors } = it;
  return { data: data.toString(), truncated, descriptorsLost, descriptors: descriptors.length };
}

for (const type of ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_SEQPACKET']) {
  onBoth(
    test,
    `a descriptor goes through a ${type} socket, and is the same open file`,
    (opened) => {
      const [near, far] = pairOf(opened, type);
      const { reader, writer } = pipeEnds(opened);
      const sent = sendmsg(near, ['here ', 'it is'], { descriptors: [writer] });
      // What is on its way is open, whatever becomes of the sender's number.
      writer.close();
      const message = recvmsg(far, { descriptors: 4 });
      const received = taken(opened, message);
      received.write('hello');
      const heard = text(reader.read());
      received.close();
      return [sent, summary(message), heard, reader.read()?.length, recvmsg(far)];
    },
    [10, { data: 'here it is', truncated: false, descriptorsLost: false, descriptors: 0 }, 'hello', 0, undefined],
  );

  onBoth(
    test,
    `more descriptors through a ${type} socket than there is room for are closed, all of them, and that is told`,
    (opened) => {
      const [near, far] = pairOf(opened, type);
      const { reader, writer } = pipeEnds(opened);
      const heard: unknown[] = [];
      for (const room of [0, 1, 2]) {
        sendmsg(near, ['x'], { descriptors: [writer, writer, writer] });
        heard.push(summary(recvmsg(far, { descriptors: room })));
      }
      writer.close();
      // The end: no other number for it is open.
      return [heard, reader.read()?.length];
    },
    [Array.from({ length: 3 }, () => ({ data: 'x', truncated: false, descriptorsLost: true, descriptors: 0 })), 0],
  );

  onBoth(
    test,
    `descriptors that come through a ${type} socket to somebody who only reads are closed`,
    (opened) => {
      const [near, far] = pairOf(opened, type);
      const { reader, writer } = pipeEnds(opened);
      sendmsg(near, ['x'], { descriptors: [writer] });
      sendmsg(near, ['y'], { descriptors: [writer] });
      sendmsg(near, ['z'], { descriptors: [writer] });
      const heard = [text(far.recv(1)), text(far.recvFrom(1)?.data)];
      writer.close();
      const open = reader.read();
      // The third is lost with the socket that nobody reads from any more.
      near.close();
      far.close();
      return [heard, open, reader.read()?.length];
    },
    [['x', 'y'], undefined, 0],
  );
}

for (const [sizes, expected] of [
  [
    [4, 5, 100],
    [
      ['befo', 0],
      ['re wi', 1],
      ['th after', 0],
    ],
  ],
  [
    [100, 100],
    [
      ['before with', 1],
      [' after', 0],
    ],
  ],
] as const) {
  onBoth(
    test,
    `on a stream the descriptors come with the first of their bytes, and bytes after theirs by another read: ${sizes}`,
    (opened) => {
      const [near, far] = pairOf(opened, 'SOCK_STREAM');
      const { writer } = pipeEnds(opened);
      near.send('before ');
      sendmsg(near, ['with'], { descriptors: [writer] });
      near.send(' after');
      return sizes.map((size) => summary(recvmsg(far, { size, descriptors: 1 })));
    },
    expected.map(([data, descriptors]) => ({ data, truncated: false, descriptorsLost: false, descriptors })),
  );
}

onBoth(
  test,
  'a message that is looked at and left brings its descriptors each time',
  (opened) => {
    const [near, far] = pairOf(opened, 'SOCK_DGRAM');
    const { reader, writer } = pipeEnds(opened);
    sendmsg(near, ['look'], { descriptors: [writer] });
    const peeked = recvmsg(far, { descriptors: 1, flags: constant('MSG_PEEK') });
    const peeks = summary(peeked);
    const takes = summary(recvmsg(far, { descriptors: 1 }));
    writer.close();
    return [peeks, takes, reader.read()?.length];
  },
  [
    { data: 'look', truncated: false, descriptorsLost: false, descriptors: 1 },
    { data: 'look', truncated: false, descriptorsLost: false, descriptors: 1 },
    0,
  ],
);

onBoth(
  test,
  'a message without a name, cut, empty, to a named socket, to nobody',
  (opened) => {
    const path = `\0genloop-message-${process.pid}`;
    const receiver = opened.keep(Socket.unix({ type: 'datagram', path }));
    const sender = opened.keep(Socket.unix({ type: 'datagram' }));
    sendmsg(sender, ['a long one'], { to: { path } });
    sendmsg(sender, [], { to: { path } });
    const refusals = [
      said(() => sendmsg(sender, ['x'])),
      said(() => sendmsg(sender, ['x'], { to: { path: `${path}-not` } })),
    ];
    const first = recvmsg(receiver, { size: 6 });
    return [summary(first), first?.address.bytes.length, summary(recvmsg(receiver)), refusals];
  },
  [
    { data: 'a long', truncated: true, descriptorsLost: false, descriptors: 0 },
    0,
    { data: '', truncated: false, descriptorsLost: false, descriptors: 0 },
    ['ENOTCONN', 'ECONNREFUSED'],
  ],
);

onBoth(
  test,
  'buffers are written in order as one, from any byte on',
  (opened) => {
    const [near, far] = pairOf(opened, 'SOCK_STREAM');
    const { reader, writer } = pipeEnds(opened);
    const buffers = ['one, ', '', Buffer.from('two, '), 'three'];
    const sent = [
      writev(near, buffers),
      writev(near, buffers, 7),
      writev(near, buffers, 15),
      writev(near, []),
      writev(writer, buffers, 10),
    ];
    return [sent, text(far.recv()), text(reader.read())];
  },
  [[15, 8, 0, 0, 5], 'one, two, threeo, three', 'three'],
);

onBoth(
  test,
  'of a thousand buffers the first 256 are written, and the rest by further calls',
  (opened) => {
    const [near, far] = pairOf(opened, 'SOCK_STREAM');
    const buffers = Array.from({ length: 1000 }, (_, n) => String(n % 10));
    const sent: unknown[] = [];
    for (let offset = 0; offset < 1000; ) {
      const more = writev(near, buffers, offset) as number;
      sent.push(more);
      offset += more;
    }
    return [sent, far.recv()?.toString() === buffers.join(''), said(() => sendmsg(near, buffers))];
  },
  [[256, 256, 256, 232], true, 'EMSGSIZE'],
);

test(
  'a received descriptor is close-on-exec and non-blocking, and belongs to the thread',
  holding((opened) => {
    const [near, far] = pairOf(opened, 'SOCK_STREAM');
    const { reader } = pipeEnds(opened);
    reader.nonBlocking = false;
    sendmsg(near, ['x'], { descriptors: [reader] });
    const received = taken(opened, recvmsg(far, { descriptors: 1 }));
    assert.is.not(received.fd, reader.fd);
    assert.is(received.nonBlocking, true);
    assert.is(reader.nonBlocking, true, 'it is the same open file');
    const { F_GETFD, FD_CLOEXEC } = realSys().constants as { F_GETFD: number; FD_CLOEXEC: number };
    assert.is(realSys().fcntl(received.fd, F_GETFD, 0), FD_CLOEXEC);
  }),
);

test('a thread that ends with received descriptors leaves none open', async () => {
  const before = openDescriptors();
  const os = JSON.stringify(new URL('../../build/Release/addon.node', import.meta.url).pathname);
  const addon = JSON.stringify(process.env.GENLOOP_ADDON || fileURLToPath(`file://${JSON.parse(os)}`));
  const worker = runWorker(`
    const { parentPort } = require('node:worker_threads');
    const sys = require(${addon});
    const pair = new Int32Array(2);
    sys.socketpair(sys.constants.AF_UNIX, sys.constants.SOCK_DGRAM, 0, pair);
    const none = new Uint8Array(0);
    sys.sendmsg(pair[0], [Uint8Array.of(1)], 0, 0, none, Int32Array.of(2, 0, 0, 0, 0, 0, pair[0], pair[1]));
    const control = new Int32Array(16);
    sys.recvmsg(pair[1], new Uint8Array(8), 0, 8, 0, new Uint8Array(130), control);
    parentPort.postMessage(control[0]);`);
  assert.is(await firstMessage(worker), 2);
  assert.is(await ended(worker), 0);
  assert.equal([...openDescriptors().keys()], [...before.keys()]);
});

test(
  'a message closes what nobody has taken, once, and what was taken stays',
  holding((opened) => {
    const [near, far] = pairOf(opened, 'SOCK_DGRAM');
    const { reader, writer } = pipeEnds(opened);
    sendmsg(near, ['x'], { descriptors: [reader, writer] });
    let kept: Descriptor | undefined;
    let lost: Descriptor | undefined;
    {
      using message = recvmsg(far, { descriptors: 2 }) as Message;
      lost = message.descriptors[1];
      kept = opened.keep(message.take() as Descriptor);
    }
    assert.is(kept.closed, false);
    assert.is(lost?.closed, true);
    assert.ok(fstatSync(kept.fd).isFIFO());
  }),
);

test('no number is left for the descriptors that come: they are lost, and that is told', () => {
  // The real one would have to be brought to its limit, and this process with it.
  const system = new SimulatedSystem({ descriptors: 4 });
  inside(system, () => {
    const [near, far] = Socket.pair();
    const { reader, writer } = pipe();
    sendmsg(near, ['x'], { descriptors: [writer] });
    assert.equal(summary(recvmsg(far, { descriptors: 1 })), {
      data: 'x',
      truncated: false,
      descriptorsLost: true,
      descriptors: 0,
    });
    for (const one of [near, far, reader, writer]) one.close();
  });
  assert.equal(system.descriptors, []);
});

test(
  'a descriptor that is closed is not sent, nor more than a message carries',
  holding((opened) => {
    const [near, far] = pairOf(opened, 'SOCK_DGRAM');
    const { reader } = pipeEnds(opened);
    const many = Array.from({ length: 254 }, () => reader);
    assert.throws(() => sendmsg(near, ['x'], { descriptors: many }), /at most 253 descriptors, not 254/);
    assert.is(thrown(() => sendmsg(near, ['x'], { descriptors: [999_999] })).code, 'EBADF');
    reader.close();
    assert.is((thrown(() => sendmsg(near, ['x'], { descriptors: [reader] })) as Error).name, 'ClosedError');
    assert.throws(() => sendmsg(near, ['x'], { descriptors: ['7' as never] }), /a descriptor is needed/);
    assert.is(recvmsg(far), undefined, 'nothing was sent');
    near.close();
    assert.is((thrown(() => sendmsg(near, ['x'])) as Error).name, 'ClosedError');
    assert.is((thrown(() => writev(near, ['x'])) as Error).name, 'ClosedError');
  }),
);

test(
  '253 descriptors go at once',
  holding((opened) => {
    const [near, far] = pairOf(opened, 'SOCK_DGRAM');
    const { reader } = pipeEnds(opened);
    sendmsg(near, ['x'], { descriptors: Array.from({ length: 253 }, () => reader) });
    using message = recvmsg(far, { descriptors: 253 }) as Message;
    assert.is(message.descriptors.length, 253);
    assert.is(new Set(message.descriptors.map(({ fd }) => fd)).size, 253);
  }),
);

test(
  'full queues are undefined, and a peer that is gone is an error with the call in it',
  holding((opened) => {
    const [near, far] = pairOf(opened, 'SOCK_STREAM');
    fill(near);
    assert.is(sendmsg(near, ['x']), undefined);
    assert.is(writev(near, ['x']), undefined);
    far.close();
    const failures = [thrown(() => sendmsg(near, ['x'])), thrown(() => writev(near, ['x']))];
    assert.equal(
      failures.map(({ code, syscall, fd }) => [code, syscall, fd]),
      [
        ['EPIPE', 'sendmsg', near.fd],
        ['EPIPE', 'writev', near.fd],
      ],
    );
  }),
);

test(
  'an error of recvmsg is told with the call in it',
  holding((opened) => {
    const socket = opened.keep(Socket.tcp());
    const error = thrown(() => recvmsg(socket));
    assert.equal([error.code, error.syscall], ['ENOTCONN', 'recvmsg']);
    for (const size of [0, -1, 1.5]) assert.throws(() => recvmsg(socket, { size }), /size must be a positive integer/);
    for (const descriptors of [-1, 254, 0.5]) {
      assert.throws(() => recvmsg(socket, { descriptors }), /from 0 to 253/);
    }
    assert.throws(() => writev(socket, 'text' as never), /buffers must be an array/);
  }),
);

test(
  'a large message is received whole',
  holding((opened) => {
    const [near, far] = pairOf(opened, 'SOCK_DGRAM');
    const large = Buffer.alloc(100_000, 'x');
    assert.is(sendmsg(near, [large]), 100_000);
    assert.equal(recvmsg(far, { size: 200_000 })?.data.equals(large), true);
  }),
);

if (!isLinux) notRun('the credentials of a sender and of a peer: they have another form here');
else {
  test(
    'who sent a message is told to a socket that asks, and may be said by the sender',
    holding((opened) => {
      const [near, far] = pairOf(opened, 'SOCK_DGRAM');
      sendmsg(near, ['x']);
      assert.is(recvmsg(far)?.credentials, undefined);
      far.setOption('SOL_SOCKET', 'SO_PASSCRED', true);
      const [uid, gid] = [process.getuid?.(), process.getgid?.()] as [number, number];
      const own = { pid: process.pid, uid, gid };
      const { reader } = pipeEnds(opened);
      sendmsg(near, ['x'], { credentials: own, descriptors: [reader] });
      using message = recvmsg(far, { descriptors: 1 }) as Message;
      assert.equal([message.credentials, message.descriptors.length], [own, 1]);
      sendmsg(near, ['x']);
      assert.equal(recvmsg(far)?.credentials, own);
    }),
  );

  test(
    'a lie about the sender is refused, unless root tells it',
    holding((opened) => {
      const [near, far] = pairOf(opened, 'SOCK_DGRAM');
      far.setOption('SOL_SOCKET', 'SO_PASSCRED', true);
      // Nobody has so many processes.
      const lie = { pid: 2 ** 30, uid: 0, gid: 0 };
      const { code } = thrown(() => sendmsg(near, ['x'], { credentials: lie }));
      assert.ok(['EPERM', 'ESRCH'].includes(code), code);
    }),
  );

  test(
    'who is at the other end of a connection is known without a message',
    holding((opened) => {
      const [near] = pairOf(opened, 'SOCK_STREAM');
      const [uid, gid] = [process.getuid?.(), process.getgid?.()] as [number, number];
      assert.equal(peerCredentials(near), { pid: process.pid, uid, gid });
    }),
  );
}

test('user and group ids beyond 2³¹ are no negative numbers', () => {
  const row = Int32Array.of(0, 0, 1, 7, -2, -3);
  const sys = overriding(realSys(), {
    recvmsg: (_fd, _buffer, _offset, _length, _flags, _slot, control) => {
      control.set(row.subarray(0, control.length));
      return 0;
    },
  });
  inside(sys, () => {
    using socket = Socket.unix({ type: 'datagram' });
    assert.equal(recvmsg(socket)?.credentials, { pid: 7, uid: 2 ** 32 - 2, gid: 2 ** 32 - 3 });
  });
});

test('a simulated socket refuses credentials by name', () => {
  inside(new SimulatedSystem(), () => {
    const [near, far] = Socket.pair();
    assert.is(thrown(() => sendmsg(near, ['x'], { credentials: { pid: 1, uid: 1, gid: 1 } })).code, 'EOPNOTSUPP');
    assert.throws(() => peerCredentials(near), /simulated has no constant 'SO_PEERCRED'/);
    near.close();
    far.close();
  });
});

test(
  'descriptors do not travel over TCP: the bytes do',
  holding((opened) => {
    const { IN } = Readiness;
    const listener = opened.keep(Socket.listener());
    const client = opened.keep(Socket.tcp());
    client.connect(listener.localAddress);
    untilReady(listener, IN);
    const server = opened.keep(listener.accept() as Socket);
    assert.is(sendmsg(client, ['x'], { descriptors: [listener] }), 1);
    untilReady(server, IN);
    assert.equal(summary(recvmsg(server, { descriptors: 1 })), {
      data: 'x',
      truncated: false,
      descriptorsLost: false,
      descriptors: 0,
    });
  }),
);

test.run();
