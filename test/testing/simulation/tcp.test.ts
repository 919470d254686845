/** TCP in the simulated system: what the table of kernel facts and the random programs do not reach, since it takes time or more hosts. */

import { Socket, type SystemError } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { SimulatedSystem, type SimulatedSystemOptions } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { untilReady } from '../../support/backends.ts';
import { connection, listener, resetOnClose } from '../../support/situations.ts';
import { suite } from '../../support/suite.ts';
import { constant, inside } from '../../support/systems.ts';
import { onBoth, said, text } from './both.ts';

const test = suite('simulation: TCP');
const { IN, OUT, PRI, ERR, HUP, RDHUP } = Readiness;

/** A test inside a simulated system. */
function simulated(name: string, options: SimulatedSystemOptions, body: (system: SimulatedSystem) => void): void {
  test(name, () => {
    const system = new SimulatedSystem(options);
    inside(system, () => body(system));
  });
}

/** What is true of it now, without a wait. */
function flagsOf(socket: Socket): number {
  const rows = new Int32Array([socket.fd, IN | OUT | RDHUP]);
  socket.sys.poll(rows, 1, 0);
  return (rows[1] as number) >> 16;
}

/** Waits until one of these is true of it, as long as that takes. */
function wait(socket: Socket, flags: number): void {
  while ((flagsOf(socket) & flags) === 0) socket.sys.poll(new Int32Array([socket.fd, flags]), 1, -1);
}

/** Lets the clock go to the next event of the network, and the time at which that was. */
function nextEvent(system: SimulatedSystem): number {
  system.poll(new Int32Array(0), 0, 1e9);
  return system.now();
}

/** A connection between two hosts. */
function between(client: string, server: string): { client: Socket; server: Socket } {
  const waiting = Socket.listener({ host: server });
  const near = Socket.tcp({ host: client });
  near.connect(waiting.localAddress);
  untilReady(waiting, IN);
  const far = waiting.accept() as Socket;
  waiting.close();
  return { client: near, server: far };
}

onBoth(
  test,
  'both ends know the addresses of each other',
  (opened) => {
    const { client, server } = connection(opened);
    const { host, port } = { host: client.localAddress.address, port: client.localAddress.port };
    return [
      host,
      port > 1024,
      server.peerAddress.port === port,
      server.remoteAddress?.port === port,
      server.localAddress.port === client.peerAddress.port,
      server.localAddress.toString() === client.peerAddress.toString(),
    ];
  },
  ['127.0.0.1', true, true, true, true, true],
);

onBoth(
  test,
  'a listener for IPv6 on all addresses takes IPv4 too, and shows it as such an address',
  (opened) => {
    const waiting = opened.keep(Socket.tcp({ family: 'IPv6', host: '::', port: 0 })).listen();
    const { port } = waiting.localAddress;
    return ['127.0.0.1', '::1'].map((host) => {
      const client = opened.keep(Socket.tcp({ family: host === '::1' ? 'IPv6' : 'IPv4' }));
      client.connect({ host, port });
      untilReady(waiting, IN);
      const server = opened.keep(waiting.accept() as Socket);
      return [server.localAddress.address, server.peerAddress.address, client.localAddress.address];
    });
  },
  [
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', '127.0.0.1'],
    ['::1', '::1', '::1'],
  ],
);

onBoth(
  test,
  'a port that is taken is refused, and is free again after the close',
  (opened) => {
    const waiting = listener(opened);
    const { port } = waiting.localAddress;
    const taken = said(() => Socket.listener({ port }));
    const everywhere = said(() => Socket.listener({ port, host: '0.0.0.0' }));
    const elsewhere = opened.keep(Socket.listener({ port, host: '127.0.0.2' })).localAddress.address;
    waiting.close();
    const again = opened.keep(Socket.listener({ port }));
    return [taken, everywhere, elsewhere, again.localAddress.port === port];
  },
  ['EADDRINUSE', 'EADDRINUSE', '127.0.0.2', true],
);

onBoth(
  test,
  'calls out of their order have the errno of the kernel',
  (opened) => {
    const waiting = listener(opened);
    const { client, server } = connection(opened);
    const bound = opened.keep(Socket.tcp({ port: 0 }));
    const v6 = opened.keep(Socket.tcp({ family: 'IPv6' }));
    const any = { host: '127.0.0.1', port: 0 };
    return [
      said(() => waiting.accept()),
      said(() => client.accept()),
      said(() => client.listen()),
      said(() => waiting.connect(any)),
      said(() => bound.bind(any)),
      said(() => waiting.recv()),
      said(() => waiting.send('x')),
      said(() => bound.peerAddress),
      said(() => bound.bind({ path: '\0name' })),
      said(() => bound.bind({ path: '\0a name of more than sixteen bytes' })),
      said(() => v6.connect(any)),
      said(() => bound.connect({ host: '::1', port: 1 })),
      said(() => server.recv(1, 1)),
      said(() => bound.bind({ host: '192.0.2.77', port: 0 })),
    ];
  },
  [
    undefined,
    'EINVAL',
    'EINVAL',
    'EISCONN',
    'EINVAL',
    'ENOTCONN',
    'EPIPE',
    'ENOTCONN',
    'EINVAL',
    'EAFNOSUPPORT',
    'EINVAL',
    'EAFNOSUPPORT',
    'EINVAL',
    'EADDRNOTAVAIL',
  ],
);

onBoth(
  test,
  'options are kept, those of a listener are passed on, and unknown ones are refused',
  (opened) => {
    const waiting = listener(opened)
      .setOption('IPPROTO_TCP', 'TCP_NODELAY', true)
      .setOption('SOL_SOCKET', 'SO_KEEPALIVE', 7);
    const client = opened.keep(Socket.tcp());
    client.connect(waiting.localAddress);
    untilReady(waiting, IN);
    const server = opened.keep(waiting.accept() as Socket);
    const option = (socket: Socket, level: string, name: string) => said(() => socket.getOption(level, name));
    client.setOption('SOL_SOCKET', 'SO_SNDBUF', 10_000).setOption('SOL_SOCKET', 'SO_RCVBUF', 1);
    resetOnClose(client);
    return [
      [waiting, client, server].map((socket) => option(socket, 'IPPROTO_TCP', 'TCP_NODELAY')),
      [waiting, server].map((socket) => option(socket, 'SOL_SOCKET', 'SO_KEEPALIVE')),
      [waiting, server].map((socket) => option(socket, 'SOL_SOCKET', 'SO_ACCEPTCONN')),
      ['SO_TYPE', 'SO_DOMAIN', 'SO_PROTOCOL', 'SO_SNDBUF', 'SO_RCVBUF'].map((name) =>
        option(client, 'SOL_SOCKET', name),
      ),
      [...client.getOptionBytes('SOL_SOCKET', 'SO_LINGER', 8)],
      said(() => client.setOption('SOL_SOCKET', 'SO_TYPE', 1)),
      said(() => client.setOption('SOL_SOCKET', 9999, 1)),
      said(() => client.getOption('IPPROTO_TCP', 9999)),
      said(() => client.setOption('SOL_SOCKET', 'SO_KEEPALIVE', new Uint8Array(3))),
      said(() => client.setOption('SOL_SOCKET', 'SO_LINGER', 1)),
    ];
  },
  [
    [1, 0, 1],
    [1, 1],
    [1, 0],
    [1, 2, 6, 20_000, 2304],
    [1, 0, 0, 0, 0, 0, 0, 0],
    'ENOPROTOOPT',
    'ENOPROTOOPT',
    'ENOPROTOOPT',
    'EINVAL',
    'EINVAL',
  ],
);

onBoth(
  test,
  'a socket may connect to itself',
  (opened) => {
    const socket = opened.keep(Socket.tcp({ port: 0 }));
    socket.connect(socket.localAddress);
    untilReady(socket, OUT);
    const error = socket.error();
    socket.send('echo');
    untilReady(socket, IN);
    return [error, text(socket.recv()), socket.peerAddress.port === socket.localAddress.port];
  },
  [null, 'echo', true],
);

onBoth(
  test,
  'who is not accepted when the listener closes is reset',
  (opened) => {
    const waiting = listener(opened);
    const client = opened.keep(Socket.tcp());
    client.connect(waiting.localAddress);
    untilReady(waiting, IN);
    waiting.close();
    untilReady(client, HUP);
    return said(() => client.recv());
  },
  'ECONNRESET',
);

onBoth(
  test,
  'urgent bytes: the second replaces the first, a read stops before one and leaves it out, a look stays',
  (opened) => {
    const { client, server } = connection(opened);
    client.setOption('IPPROTO_TCP', 'TCP_NODELAY', true);
    const oob = constant('MSG_OOB');
    const peek = constant('MSG_PEEK');
    client.send('ab!', 0, 3, oob);
    client.send('cd');
    untilBytes(server, 2);
    const first = [text(server.recv(100, peek)), text(server.recv(1, oob | peek)), text(server.recv())];
    const behind = [text(server.recv(100, peek)), text(server.recv(100, peek)), text(server.recv(1, oob))];
    const taken = [said(() => server.recv(1, oob)), text(server.recv()), server.recv()];
    client.send('1', 0, 1, oob);
    client.send('2', 0, 1, oob);
    untilReady(server, PRI);
    return [first, behind, taken];
  },
  [
    ['ab', '!', 'ab'],
    ['cd', 'cd', '!'],
    ['EINVAL', 'cd', undefined],
  ],
);

onBoth(
  test,
  'an urgent byte that comes after both ends were given up can be seen, and not be read',
  (opened) => {
    const { client, server } = connection(opened);
    server.shutdown();
    untilReady(client, RDHUP);
    client.send('!', 0, 1, constant('MSG_OOB'));
    untilReady(server, PRI | ERR);
    return [
      said(() => server.recv(1, constant('MSG_OOB'))),
      server.error('recv')?.code,
      said(() => client.send('x')),
      client.error(),
    ];
  },
  ['ENOTCONN', 'ECONNRESET', 'EPIPE', null],
);

onBoth(
  test,
  'MSG_TRUNC throws bytes of a stream away',
  (opened) => {
    const { client, server } = connection(opened);
    client.send('0123456789');
    untilReady(server, IN);
    const thrown = server.recvInto(new Uint8Array(4), 0, 4, constant('MSG_TRUNC'));
    return [thrown, text(server.recv())];
  },
  [4, '456789'],
);

onBoth(
  test,
  'a connect that failed and was shut down cannot be tried again',
  (opened) => {
    const holder = opened.keep(Socket.tcp({ port: 0 }));
    const socket = opened.keep(Socket.tcp());
    socket.connect(holder.localAddress);
    untilReady(socket, HUP);
    return [
      said(() => socket.shutdown()),
      said(() => socket.connect(holder.localAddress)),
      said(() => socket.listen()),
    ];
  },
  ['ENOTCONN', 'EINVAL', 'EINVAL'],
);

/** Waits until FIONREAD says so much. */
function untilBytes(socket: Socket, least: number): void {
  const answer = new Uint8Array(64);
  do socket.ioctl('FIONREAD', answer);
  while ((answer[0] as number) < least);
}

simulated('a connect takes as long as its packets, and is not writable before', { latency: 20 }, (system) => {
  const waiting = Socket.listener();
  const client = Socket.tcp();
  assert.is(client.connect(waiting.localAddress), undefined);
  assert.equal(
    [flagsOf(client), said(() => client.send('early')), said(() => client.recv())],
    [0, undefined, undefined],
  );
  untilReady(client, OUT);
  assert.is(system.now(), 40);
  assert.is(waiting.accept(), undefined);
  client.send('hello');
  untilReady(waiting, IN);
  assert.is(system.now(), 60);
  const server = waiting.accept() as Socket;
  assert.is(text(server.recv()), 'hello', 'not before the third packet, and here with it');
  server.close();
  untilReady(client, RDHUP);
  assert.is(system.now(), 80);
});

simulated(
  'the data of a connection stays in order, whatever each packet takes',
  { faults: { delay: { probability: 0.7, most: 50 } }, seed: 3 },
  (system) => {
    const { client, server } = between('127.0.0.1', '127.0.0.1');
    const sent = Array.from({ length: 40 }, (_, n) => `${n} `).join('');
    for (let n = 0; n < 40; n++) client.send(`${n} `);
    client.close();
    let heard = '';
    const times = new Set<number>();
    for (;;) {
      untilReady(server, IN);
      const part = server.recv() as Buffer;
      if (part.length === 0) break;
      times.add(system.now());
      heard += part;
    }
    assert.is(heard, sent);
    assert.ok(times.size > 1, 'it did not come at once');
  },
);

simulated('a listener without room lets clients wait, who try again after one, two, four seconds', {}, (system) => {
  const waiting = Socket.listener({ backlog: 1 });
  const clients = Array.from({ length: 3 }, () => {
    const client = Socket.tcp();
    client.connect(waiting.localAddress);
    return client;
  });
  assert.equal(clients.map(flagsOf), [OUT, OUT, 0]);
  system.advance(2_500);
  assert.is(flagsOf(clients[2] as Socket), 0, 'after the first repetition, too');
  waiting.accept();
  assert.is(flagsOf(clients[2] as Socket), 0);
  untilReady(clients[2] as Socket, OUT);
  assert.is(system.now(), 3_000);
});

simulated(
  'a connect that nobody answers fails after two minutes and seven seconds',
  { hosts: ['10.0.0.1', '10.0.0.2'] },
  (system) => {
    system.partition('10.0.0.1', '10.0.0.2', Number.POSITIVE_INFINITY);
    const waiting = Socket.listener({ host: '10.0.0.2' });
    const client = Socket.tcp({ host: '10.0.0.1' });
    client.connect(waiting.localAddress);
    wait(client, ERR);
    assert.is(system.now(), 127_000);
    assert.is(client.error()?.code, 'ETIMEDOUT');
    assert.is(
      said(() => client.connect(waiting.localAddress)),
      'ECONNABORTED',
    );
    system.heal('10.0.0.2', '10.0.0.1');
    assert.is(client.connect(waiting.localAddress), undefined);
    assert.is(flagsOf(client), OUT);
  },
);

simulated('a close ends a connect that is under way, and a shutdown too', { latency: 5 }, (system) => {
  const waiting = Socket.listener();
  const [one, other] = [Socket.tcp(), Socket.tcp()];
  one.connect(waiting.localAddress);
  other.connect(waiting.localAddress);
  one.close();
  other.shutdown();
  assert.is(nextEvent(system) >= 10, true);
  assert.is(waiting.accept(), undefined);
  assert.is(other.error()?.code, 'ECONNRESET');
});

simulated('a host that there is not cannot be bound or reached; the others can', { hosts: ['10.0.0.1'] }, () => {
  assert.is(
    said(() => Socket.listener({ host: '10.0.0.9' })),
    'EADDRNOTAVAIL',
  );
  assert.is(
    said(() => Socket.tcp().connect({ host: '10.0.0.9', port: 1 })),
    'ENETUNREACH',
  );
  const waiting = Socket.listener({ host: '10.0.0.1' });
  const client = Socket.tcp();
  client.connect(waiting.localAddress);
  assert.is((waiting.accept() as Socket).remoteAddress?.address, '10.0.0.1');
  const everywhere = Socket.listener({ host: '0.0.0.0' });
  const another = Socket.tcp();
  another.connect({ host: '0.0.0.0', port: everywhere.localAddress.port });
  assert.is((everywhere.accept() as Socket).localAddress.address, '127.0.0.1');
});

simulated('what is sent into a partition arrives after it', { hosts: ['10.0.0.1', '10.0.0.2'] }, (system) => {
  const { client, server } = between('10.0.0.1', '10.0.0.2');
  system.partition('10.0.0.1', '10.0.0.2', 1_000);
  client.send('first');
  client.send('second');
  client.shutdown('write');
  assert.is(server.recv(), undefined);
  untilReady(server, IN);
  assert.is(system.now(), 1_400, 'with the repetition after 200, 400 and 800 ms');
  assert.is(text(server.recv()), 'firstsecond');
  assert.is(text(server.recv()), '');
});

simulated(
  'a partition that does not end breaks a connection that has something to say, after a quarter of an hour',
  { hosts: ['10.0.0.1', '10.0.0.2'] },
  (system) => {
    const { client, server } = between('10.0.0.1', '10.0.0.2');
    system.partition('10.0.0.1', '10.0.0.2', Number.POSITIVE_INFINITY);
    client.send('hello?');
    wait(client, ERR);
    assert.is(Math.round(system.now()), 924_600);
    assert.is(
      said(() => client.recv()),
      'ETIMEDOUT',
    );
    assert.is(server.recv(), undefined, 'who says nothing learns nothing');
  },
);

simulated('a buffer has a limit: a sender waits for its receiver', { sendBuffer: 1_000, receiveBuffer: 3_000 }, () => {
  const { client, server } = between('127.0.0.1', '127.0.0.1');
  const block = new Uint8Array(10_000).fill(65);
  let sent = 0;
  for (let count = client.send(block); count !== undefined; count = client.send(block)) sent += count;
  assert.is(sent, 4_000);
  assert.is(flagsOf(client), 0);
  assert.is(server.recv(500)?.length, 500);
  assert.is(flagsOf(client), OUT, 'half of the send buffer is free');
  assert.is(client.send(block), 500);
  let received = 500;
  for (let part = server.recv(); part !== undefined; part = server.recv()) received += part.length;
  assert.is(received, 4_500);
});

simulated(
  'bytes that wait at the door of a receiver who goes are lost, and the sender is told',
  { sendBuffer: 1_000, receiveBuffer: 3_000 },
  () => {
    const { client, server } = between('127.0.0.1', '127.0.0.1');
    while (client.send(new Uint8Array(1_000)) !== undefined);
    server.close();
    assert.is(
      said(() => client.send('x')),
      'ECONNRESET',
    );
    assert.is(
      said(() => client.send('x')),
      'EPIPE',
    );
  },
);

simulated(
  'a sender that closes has its last bytes delivered, as the receiver makes room',
  { sendBuffer: 1_000, receiveBuffer: 3_000 },
  () => {
    const { client, server } = between('127.0.0.1', '127.0.0.1');
    while (client.send(new Uint8Array(1_000)) !== undefined);
    client.close();
    let received = 0;
    for (let part = server.recv(700) as Buffer; part.length > 0; part = server.recv(700) as Buffer)
      received += part.length;
    assert.is(received, 4_000);
  },
);

simulated('two listeners that share a port share the connections', { seed: 5 }, () => {
  const shared = (): Socket =>
    Socket.tcp().setOption('SOL_SOCKET', 'SO_REUSEPORT', true).bind({ port: 7_000 }).listen();
  const listeners = [shared(), shared()];
  assert.is(
    said(() => Socket.listener({ port: 7_000 })),
    'EADDRINUSE',
  );
  for (let n = 0; n < 20; n++) Socket.tcp().connect({ port: 7_000 });
  const counts = listeners.map((each) => {
    let count = 0;
    while (each.accept() !== undefined) count++;
    return count;
  });
  assert.is((counts[0] as number) + (counts[1] as number), 20);
  assert.ok(Math.min(...counts) > 2, String(counts));
});

simulated('a full range of ports is told', { descriptors: 100_000 }, () => {
  let error: unknown;
  const open: Socket[] = [];
  try {
    for (;;) open.push(Socket.tcp({ port: 0 }));
  } catch (raised) {
    error = (raised as SystemError).code;
  }
  assert.equal([error, open.length], ['EADDRINUSE', 28_232]);
});

test('what travels behind bytes that a reset drops at the door of the receiver never comes: a stream has no holes', () => {
  let tried = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const system = new SimulatedSystem({
      seed,
      sendBuffer: 4096,
      receiveBuffer: 4096,
      faults: { delay: { probability: 0.5, most: 3 } },
    });
    inside(system, () => {
      const { client, server } = between('127.0.0.1', '127.0.0.1');
      server.send(Buffer.from('unread'));
      wait(client, IN);
      let sent = '';
      const send = (what: string): void => {
        sent += what.slice(0, client.send(Buffer.from(what)) ?? 0);
      };
      // Two arrive, and of the second a part waits at the door; the third may still be under way.
      send('a'.repeat(4000));
      system.advance(10);
      send('b'.repeat(4000));
      system.advance(10);
      send('c');
      client.close();
      let come = '';
      try {
        for (let piece = server.recv(9000); piece?.length !== 0; piece = server.recv(9000)) {
          if (piece === undefined) wait(server, IN);
          else come += text(piece);
        }
      } catch (error) {
        assert.is((error as SystemError).code, 'ECONNRESET');
      }
      assert.ok(sent.startsWith(come), `seed ${seed}: ${come.length} bytes of ${sent.length}`);
      tried++;
      server.close();
    });
  }
  assert.is(tried, 40);
});

test.run();
