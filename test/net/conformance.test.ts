/** The conformance kit over the streams of this package: every backend and drive, simulated systems, and memory. */

import type { Co } from 'genloop/kernel';
import { Socket } from 'genloop/os';
import { type Stream, TcpStream, UnixStream } from 'genloop/net';
import { type MemoryStream, memoryPair, type StreamSubject, simulate, streamChecks } from 'genloop/testing';
import { ReadWait } from 'genloop/scheduler';
import { overSetups } from '../support/drives.ts';
import { runTest } from '../support/seeded.ts';
import { resetOnClose } from '../support/situations.ts';
import { suite } from '../support/suite.ts';

const test = suite('streams, conformance');

/** Both ends of a new TCP connection. */
function* tcpPair(): Co<readonly [TcpStream, TcpStream]> {
  using listener = Socket.listener();
  const client = Socket.tcp();
  client.connect(listener.localAddress);
  for (;;) {
    yield new ReadWait(listener);
    const server = listener.accept();
    if (server !== undefined) return [new TcpStream(client), new TcpStream(server)];
  }
}

function unixPair(): readonly [UnixStream, UnixStream] {
  const [one, other] = Socket.pair();
  return [new UnixStream(one), new UnixStream(other)];
}

function resetTcp(stream: Stream): void {
  resetOnClose((stream as TcpStream).socket);
  stream.close();
}

const TCP: StreamSubject = { pair: tcpPair, reset: resetTcp, size: 262_144 };
const UNIX: StreamSubject = {
  *pair() {
    return unixPair();
  },
  size: 262_144,
};

for (const { name, main } of streamChecks(TCP)) {
  overSetups(test, `TCP: ${name}`, async (setup) => {
    const scheduler = setup.make();
    scheduler.spawn(main());
    await setup.run(scheduler);
  });
}

for (const { name, main } of streamChecks(UNIX)) {
  overSetups(test, `Unix: ${name}`, async (setup) => {
    const scheduler = setup.make();
    scheduler.spawn(main());
    await setup.run(scheduler);
  });
}

const MEMORY = { capacity: 1000, chunk: 400, seed: 3 };

for (const { name, main } of streamChecks({
  *pair() {
    return memoryPair(MEMORY);
  },
  reset: (stream) => (stream as MemoryStream).reset(),
  size: 100_000,
  tooMuch: 100_000,
})) {
  test(`memory: ${name}`, () => runTest(main));
}

const SIMULATED = { size: 50_000, tooMuch: 1_000_000 };

for (const { name, main } of streamChecks({ ...TCP, ...SIMULATED })) {
  test(`simulated TCP: ${name}`, () => {
    for (const backend of ['epoll', 'poll', 'select'] as const) {
      for (const seed of [1, 2, 3]) {
        simulate(seed, main, { backend, faults: { shortReads: 0.3, shortWrites: 0.3, spurious: 0.2 } });
      }
    }
  });
}

for (const { name, main } of streamChecks({ ...UNIX, ...SIMULATED })) {
  test(`simulated Unix: ${name}`, () => {
    for (const backend of ['epoll', 'poll', 'select'] as const) simulate(7, main, { backend });
  });
}

test.run();
