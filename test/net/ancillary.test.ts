/** Descriptors between tasks and between processes: through streams and datagrams, to children in Python and of our own, and back. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Co, group, type Op, pass, ReadWait, run, runSync, select, sleep, until, WriteWait } from 'genloop';
import { receiveMessage, sendMessage, UnixDatagram, UnixStream } from 'genloop/net';
import { type Descriptor, peerCredentials, pipe, Socket, type SystemError } from 'genloop/os';
import { BusyError } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { has, NODE, ROOT } from '../examples/program.ts';
import { SETS } from '../support/backends.ts';
import { eachSetup, once as operation } from '../support/drives.ts';
import { inOrder } from '../support/seeds.ts';
import { notRun, suite } from '../support/suite.ts';
import { untilWaiting } from './clients.ts';

/** What an operation throws. */
function* raised(operation: Op<unknown>): Co<unknown> {
  try {
    yield* operation;
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

const test = suite('descriptors between processes');
const over = eachSetup(test);
const backend = SETS[0]?.name ?? 'epoll';

over('a listener goes through a stream, and the receiver accepts from it', async (setup, opened) => {
  const [near, far] = Socket.pair().map((socket) => new UnixStream(opened.keep(socket))) as [UnixStream, UnixStream];
  const scheduler = setup.make();
  scheduler.spawn(
    (function* (): Co<void> {
      const listener = Socket.listener();
      const address = listener.localAddress;
      assert.is(yield* sendMessage(near, 'a listener', { descriptors: [listener] }), 10);
      listener.close();
      using message = yield* receiveMessage(far, { descriptors: 2 });
      assert.equal([message.data.toString(), message.descriptors.length], ['a listener', 1]);
      using received = Socket.adopt((message.take() as Descriptor).detach());
      assert.is(received.localAddress.port, address.port);
      using client = Socket.tcp();
      if (client.connect(address) === undefined) yield new WriteWait(client);
      yield new ReadWait(received);
      received.accept()?.close();
      // What is said in bytes alone goes on as before.
      yield* near.write('and text');
      assert.is((yield* far.read())?.toString(), 'and text');
      near.close();
      assert.is((yield* receiveMessage(far)).data.length, 0, 'the end');
      far.close();
    })(),
  );
  await setup.run(scheduler);
});

over('more bytes than fit at once go after the descriptors, which go once', async (setup, opened) => {
  const [near, far] = Socket.pair().map((socket) => opened.keep(socket)) as [Socket, Socket];
  const scheduler = setup.make();
  const SIZE = 1 << 20;
  scheduler.spawn(
    (function* (): Co<void> {
      yield* group(function* (g): Co<void> {
        const sent = g.spawn(operation(sendMessage(near, new Uint8Array(SIZE), { descriptors: [near] })));
        let bytes = 0;
        let descriptors = 0;
        while (bytes < SIZE) {
          using message = yield* receiveMessage(far, { descriptors: 1 });
          bytes += message.data.length;
          descriptors += message.descriptors.length;
        }
        assert.equal([bytes, descriptors, yield* sent.join()], [SIZE, 1, SIZE]);
      });
    })(),
  );
  await setup.run(scheduler);
});

test('datagrams with descriptors stand in line with those without', () => {
  inOrder();
  runSync(function* (): Co<void> {
    const [near, far] = UnixDatagram.pair();
    const { reader, writer } = pipe();
    const log: unknown[] = [];
    yield* group(function* (g): Co<void> {
      g.spawn(
        (function* (): Co<void> {
          using message = yield* far.receiveMessage({ descriptors: 1 });
          log.push(['message', message.data.toString(), message.descriptors.length]);
        })(),
      );
      g.spawn(
        (function* (): Co<void> {
          log.push(['datagram', (yield* far.receive()).data.toString()]);
        })(),
      );
      yield* pass();
      yield* near.sendMessage('1', { descriptors: [writer] });
      yield* near.sendMessage('2', { descriptors: [writer] });
    });
    assert.equal(log, [
      ['message', '1', 1],
      ['datagram', '2'],
    ]);
    writer.close();
    yield new ReadWait(reader);
    assert.is(reader.read()?.length, 0, 'nothing else holds the pipe');
    for (const each of [near, far, reader]) each.close();
  });
});

test('a second reader or writer is refused, and a wait that is cancelled takes nothing', () => {
  inOrder();
  runSync(function* (): Co<void> {
    const [near, far] = Socket.pair();
    yield* group(function* (g): Co<void> {
      const waiting = g.spawn(operation(receiveMessage(far)));
      yield* pass();
      yield* pass();
      try {
        yield* receiveMessage(far);
        assert.unreachable();
      } catch (error) {
        assert.instance(error, BusyError);
      }
      waiting.cancel();
    });
    const [datagrams, other] = UnixDatagram.pair();
    const first = yield* select({ message: datagrams.receiveMessage(), at: sleep(0) });
    assert.is(first.key, 'at');
    for (const each of [near, far, datagrams, other]) each.close();
  });
});

over(
  'rule 31: a message is refused while a task writes to the stream, and stands in no write',
  async (setup, opened) => {
    const [near, far] = Socket.pair().map((socket) => new UnixStream(opened.keep(socket))) as [UnixStream, UnixStream];
    const scheduler = setup.make();
    const SIZE = 1 << 20;
    scheduler.spawn(
      group(function* (g): Co<void> {
        const writing = g.spawn(near.write(Buffer.alloc(SIZE, 'w')));
        yield* untilWaiting(writing);
        // There is room again, and the writer has not heard of it.
        far.socket.recv(65_536);
        const refused = yield* raised(sendMessage(near, 'message'));
        assert.instance(refused, BusyError);
        let count = 65_536;
        while (count < SIZE) count += (yield* far.read())?.length ?? Number.POSITIVE_INFINITY;
        assert.is(count, SIZE);
        // A long one: its rest is a write as any other, and refuses others likewise.
        const sending = g.spawn(sendMessage(near, Buffer.alloc(SIZE, 'm')));
        yield* untilWaiting(sending);
        assert.instance(yield* raised(near.write('x')), BusyError);
        assert.equal(yield* far.readExactly(SIZE), Buffer.alloc(SIZE, 'm'));
        assert.is(yield* sending.join(), SIZE);
        assert.is(near.bytesWritten, 2 * SIZE);
        assert.is(far.bytesRead, 2 * SIZE - 65_536);
      }),
    );
    await setup.run(scheduler);
  },
);

over('what a read has received already comes first, and no byte changes its place', async (setup, opened) => {
  const [near, far] = Socket.pair().map((socket) => new UnixStream(opened.keep(socket))) as [UnixStream, UnixStream];
  const scheduler = setup.make();
  scheduler.spawn(
    (function* (): Co<void> {
      yield* near.write('a line\nthe rest');
      assert.is(yield* far.readLine(), 'a line');
      yield* sendMessage(near, ' and more');
      using first = yield* receiveMessage(far, { size: 3 });
      using second = yield* receiveMessage(far);
      using third = yield* receiveMessage(far);
      assert.equal([String(first.data), String(second.data), String(third.data)], ['the', ' rest', ' and more']);
      assert.equal([second.descriptors.length, second.descriptorsLost], [0, false]);
      assert.is(far.bytesRead, 24);
    })(),
  );
  await setup.run(scheduler);
});

test('what cannot be sent or received so is refused before anything happens', () => {
  runSync(function* (): Co<void> {
    const [near, far] = Socket.pair();
    const [datagrams, other] = UnixDatagram.pair();
    const refusals: [() => Co<unknown>, RegExp][] = [
      [() => operation(sendMessage(near, '', { descriptors: [near] })), /send at least one byte with them/],
      [() => operation(sendMessage({} as never, 'x')), /a Unix socket is needed/],
      [() => operation(receiveMessage(undefined as never)), /a Unix socket is needed/],
      [() => operation(receiveMessage(near, { descriptors: 254 })), /from 0 to 253, not 254/],
      [() => operation(receiveMessage(near, { size: 0 })), /size must be a positive integer/],
    ];
    for (const [body, message] of refusals) {
      try {
        yield* body();
        assert.unreachable(String(message));
      } catch (error) {
        assert.match(String(error), message);
      }
    }
    assert.throws(() => datagrams.receiveMessage({ descriptors: -1 }), /from 0 to 253/);
    // An empty datagram carries descriptors as well as any.
    yield* datagrams.sendMessage('', { descriptors: [near] });
    using message = yield* other.receiveMessage({ descriptors: 1 });
    assert.equal([message.data.length, message.descriptors.length], [0, 1]);
    far.close();
    try {
      yield* sendMessage(near, 'x');
      assert.unreachable();
    } catch (error) {
      assert.is((error as SystemError).code, 'EPIPE');
    }
    for (const each of [near, datagrams, other]) each.close();
  });
});

test('descriptors travel between simulated sockets likewise', () => {
  const system = new SimulatedSystem();
  runSync(
    function* (): Co<void> {
      const [near, far] = Socket.pair();
      const { reader, writer } = pipe();
      yield* sendMessage(near, 'x', { descriptors: [writer] });
      writer.close();
      using message = yield* receiveMessage(far, { descriptors: 1 });
      using received = message.take() as Descriptor;
      received.write('hello');
      yield new ReadWait(reader);
      assert.is(reader.read()?.toString(), 'hello');
      for (const each of [near, far, reader]) each.close();
    },
    { sys: system },
  );
  assert.equal(system.descriptors, []);
});

/** A child with one end of a Unix socket as its descriptor 3. The other end is ours. */
function childWith(
  type: 'SOCK_STREAM' | 'SOCK_DGRAM',
  command: readonly string[],
): { socket: Socket; child: ChildProcess } {
  const [near, far] = Socket.pair(type);
  const [file, ...args] = command as [string, ...string[]];
  try {
    const child = spawn(file, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit', far.fd] });
    return { socket: near, child };
  } finally {
    far.close();
  }
}

/** Sends a listener and a pipe to a child, hears from both, and gets a descriptor back. */
function* handOver(socket: Socket, child: ChildProcess): Co<void> {
  const exited = once(child, 'exit');
  try {
    const listener = Socket.listener();
    const { port } = listener.localAddress;
    const { reader, writer } = pipe();
    using _ = reader;
    yield* sendMessage(socket, 'take these', { descriptors: [listener, writer] });
    listener.close();
    writer.close();
    // The child accepts from the listener that was ours.
    using client = Socket.tcp();
    if (client.connect({ port }) === undefined) yield new WriteWait(client);
    assert.is(client.error(), null);
    yield new ReadWait(client);
    assert.is(client.recv()?.toString(), 'from the child');
    yield new ReadWait(reader);
    assert.is(reader.read()?.toString(), 'into the pipe');
    // And gives one of its own: the reading end of a pipe into which it has written.
    using message = yield* receiveMessage(socket, { descriptors: 1 });
    assert.is(message.data.toString(), 'yours');
    using received = message.take() as Descriptor;
    yield new ReadWait(received);
    assert.is(received.read()?.toString(), 'out of the child');
    assert.equal((yield* until(exited))[0], 0);
    yield new ReadWait(reader);
    assert.is(reader.read()?.length, 0, 'the child has closed its end');
  } finally {
    socket.close();
    child.kill('SIGKILL');
  }
}

const PYTHON = `
import os, socket
parent = socket.socket(fileno=3)
data, fds, flags, _ = socket.recv_fds(parent, 100, 4)
assert data == b'take these' and len(fds) == 2, (data, fds)
os.set_blocking(fds[0], True)
listener = socket.socket(fileno=fds[0])
client, _ = listener.accept()
client.sendall(b'from the child')
os.write(fds[1], b'into the pipe')
reader, writer = os.pipe()
os.write(writer, b'out of the child')
socket.send_fds(parent, [b'yours'], [reader])
`;

const OURS = `
import { ReadWait, run } from 'genloop';
import { pipe, Socket } from 'genloop/os';
import { receiveMessage, sendMessage } from 'genloop/net';
await run(function* () {
  const parent = Socket.adopt(3);
  const message = yield* receiveMessage(parent, { descriptors: 4 });
  const [listener, writer] = [Socket.adopt(message.take().detach()), message.take()];
  yield new ReadWait(listener);
  const client = listener.accept();
  client.send('from the child');
  writer.write('into the pipe');
  const mine = pipe();
  mine.writer.write('out of the child');
  yield* sendMessage(parent, 'yours', { descriptors: [mine.reader] });
  for (const each of [client, listener, writer, mine.reader, mine.writer, parent]) each.close();
});
`;

const CHILDREN: [string, readonly string[]][] = [
  ['Python', ['python3', '-c', PYTHON]],
  ['genloop', [...NODE, '--input-type=module', '-e', OURS]],
];

for (const [name, command] of CHILDREN) {
  if (name === 'Python' && !has('python3')) {
    notRun('descriptors to a child in Python and back: no python3');
    continue;
  }
  for (const type of ['SOCK_STREAM', 'SOCK_DGRAM'] as const) {
    test(`a child in ${name} gets a listener and a pipe, uses them, and sends one back (${type})`, async () => {
      const { socket, child } = childWith(type, command);
      await run(() => handOver(socket, child), { backend });
    });
  }
}

if (process.platform !== 'linux') notRun('who a child is, by its socket: credentials have another form here');
else if (!has('python3')) notRun('who a child is, by its message: no python3');
else {
  test('a message of a child tells its process, and nobody else’s', async () => {
    const { socket, child } = childWith('SOCK_DGRAM', [
      'python3',
      '-c',
      "import socket; socket.socket(fileno=3).send(b'it is me')",
    ]);
    const exited = once(child, 'exit');
    try {
      socket.setOption('SOL_SOCKET', 'SO_PASSCRED', true);
      await run(
        function* (): Co<void> {
          const { data, credentials } = yield* receiveMessage(socket);
          assert.is(data.toString(), 'it is me');
          assert.is(credentials?.pid, child.pid);
          assert.is(credentials?.uid, process.getuid?.());
          assert.is(peerCredentials(socket).pid, process.pid, 'who made the pair');
          yield* until(exited);
        },
        { backend },
      );
    } finally {
      socket.close();
      child.kill('SIGKILL');
    }
  });
}

test.run();
