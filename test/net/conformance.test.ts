/** The conformance kit over the streams of this package: every backend and drive, simulated systems, and memory. */

import type { Co } from 'genloop/kernel';
import { FdStream, type Stream, TcpStream, UnixStream } from 'genloop/net';
import { pipe, Socket } from 'genloop/os';
import { ReadWait } from 'genloop/scheduler';
import { type MemoryStream, memoryPair, type StreamSubject, simulate, streamChecks } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { overSetups } from '../support/drives.ts';
import { runTest } from '../support/seeded.ts';
import { resetOnClose } from '../support/situations.ts';
import { suite } from '../support/suite.ts';

const test = suite('streams, conformance');

/** So small that writes often have to wait, and larger than a segment of the loopback device: below that TCP waits for its timers. */
const BUFFER = 65_536;
const SIZES = { size: 131_072, tooMuch: 1_048_576 };

function small(socket: Socket): Socket {
  return socket.setOption('SOL_SOCKET', 'SO_SNDBUF', BUFFER).setOption('SOL_SOCKET', 'SO_RCVBUF', BUFFER);
}

/** Both ends of a new TCP connection. */
function* tcpPair(): Co<readonly [TcpStream, TcpStream]> {
  using listener = Socket.listener();
  const client = small(Socket.tcp());
  client.connect(listener.localAddress);
  for (;;) {
    yield new ReadWait(listener);
    const server = listener.accept();
    if (server !== undefined) return [new TcpStream(client), new TcpStream(small(server))];
  }
}

function resetTcp(stream: Stream): void {
  resetOnClose((stream as TcpStream).socket);
  stream.close();
}

/** What has to do all of it, on a real system. */
const SUBJECTS: readonly (StreamSubject & { title: string })[] = [
  { title: 'TCP', pair: tcpPair, reset: resetTcp, ...SIZES },
  {
    title: 'Unix',
    *pair() {
      const [one, other] = Socket.pair();
      return [new UnixStream(small(one)), new UnixStream(small(other))];
    },
    ...SIZES,
  },
  {
    title: 'Pipe',
    *pair() {
      const there = pipe();
      const back = pipe();
      return [
        new FdStream({ reader: back.reader, writer: there.writer }),
        new FdStream({ reader: there.reader, writer: back.writer }),
      ];
    },
    ...SIZES,
  },
];

/** Does all checks, one after the other; a failure says which. */
function* all(subject: StreamSubject): Co<void> {
  for (const { name, main } of streamChecks(subject)) {
    try {
      yield main();
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

for (const { title, ...subject } of SUBJECTS) {
  overSetups(test, `${title} streams do what streams do`, async (setup) => {
    const scheduler = setup.make();
    scheduler.spawn(all(subject));
    await setup.run(scheduler);
  });

  test(`simulated ${title} streams do what streams do, whole and in pieces`, () => {
    const simulated = { ...subject, size: 20_000, tooMuch: 500_000 };
    for (const backend of ['epoll', 'poll', 'select'] as const) simulate(1, all(simulated), { backend });
    for (const seed of [2, 3]) {
      simulate(seed, all(simulated), { faults: { shortReads: 0.3, shortWrites: 0.3, spurious: 0.2 } });
    }
  });
}

test('streams in memory do what streams do, whole and in pieces', () => {
  for (const options of [{}, { capacity: 1000, chunk: 400, seed: 3 }, { capacity: 1000, chunk: 3, seed: 4 }]) {
    const pair = function* (): Co<readonly [MemoryStream, MemoryStream]> {
      return memoryPair(options);
    };
    runTest(all({ pair, reset: (stream) => (stream as MemoryStream).reset(), size: 20_000, tooMuch: 100_000 }));
  }
});

test('a check says which streams cannot do what it asks for, by not being there', () => {
  const names = (subject: Partial<StreamSubject>): string[] =>
    streamChecks({ pair: tcpPair, reset: resetTcp, ...subject }).map(({ name }) => name);
  const every = names({});
  assert.is(new Set(every).size, every.length);
  const without = names({ halfClose: false, ends: false, reset: undefined });
  assert.ok(without.length < every.length);
  assert.equal(
    without.filter((name) => !every.includes(name)),
    [],
  );
  for (const word of ['breaks', 'end()', 'readAll']) {
    assert.ok(every.some((name) => name.includes(word)));
    assert.not.ok(without.some((name) => name.includes(word)));
  }
});

test.run();
