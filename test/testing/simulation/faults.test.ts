/** What can be made to go wrong, how often, and that a seed repeats it. */

import { Epoll, pipe, Socket, wouldBlock } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { type Faults, SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.ts';
import { inside } from '../../support/systems.ts';
import { said } from './both.ts';

const test = suite('simulation: faults');
const { IN, OUT } = Readiness;

/** Runs a body inside a system with these faults. */
function suffering<T>(faults: Faults, body: (system: SimulatedSystem) => T, seed = 1): T {
  const system = new SimulatedSystem({ seed, faults });
  return inside(system, () => body(system));
}

/** The sizes of the reads that it takes to empty a socket. */
function reads(faults: Faults, seed?: number): number[] {
  return suffering(
    faults,
    () => {
      const [one, other] = Socket.pair();
      one.send(new Uint8Array(1_000));
      const sizes: number[] = [];
      for (let part = other.recv(); part !== undefined; part = other.recv()) sizes.push(part.length);
      return sizes;
    },
    seed,
  );
}

test('nothing goes wrong that was not asked for', () => {
  assert.equal(reads({}), [1_000]);
  assert.equal(reads({ shortReads: 0, spurious: 0, order: false }), [1_000]);
});

test('short reads give a part, lose nothing, and are those of the seed', () => {
  const sizes = reads({ shortReads: 0.9 });
  assert.is(
    sizes.reduce((sum, size) => sum + size),
    1_000,
  );
  assert.ok(sizes.length > 2);
  assert.equal(reads({ shortReads: 0.9 }), sizes);
  assert.is.not(reads({ shortReads: 0.9 }, 2).join(), sizes.join());
});

test('short reads cut TCP and pipes as well; a peek, too', () => {
  suffering({ shortReads: 1 }, () => {
    const { reader, writer } = pipe();
    writer.write(new Uint8Array(9_000));
    assert.ok((reader.read()?.length ?? 0) < 9_000);
    const waiting = Socket.listener();
    const client = Socket.tcp();
    client.connect(waiting.localAddress);
    client.send('a hundred bytes, or so');
    assert.ok((waiting.accept()?.recv()?.length ?? 0) < 22);
  });
});

test('short writes take a part, but of what a pipe takes as a whole: that stays whole', () => {
  suffering({ shortWrites: 1 }, () => {
    const [one] = Socket.pair();
    assert.ok((one.send(new Uint8Array(1_000)) ?? 0) < 1_000);
    assert.is(one.send('x'), 1);
    const { reader, writer } = pipe();
    assert.is(writer.write(new Uint8Array(4_096)), 4_096);
    const part = writer.write(new Uint8Array(8_000)) ?? 0;
    assert.ok(part >= 1 && part < 8_000);
    assert.is(reader.read(20_000)?.length, 4_096 + part);
  });
});

test('what is ready comes in an order of the seed, unless that is switched off', () => {
  const order = (faults: Faults, seed: number): string =>
    suffering(
      faults,
      () => {
        const epoll = Epoll.create();
        for (let n = 0; n < 6; n++) epoll.add(Socket.pair()[0], OUT, n);
        return epoll
          .wait(0)
          .map(({ data }) => data)
          .join('');
      },
      seed,
    );
  const orders = new Set(Array.from({ length: 20 }, (_, seed) => order({}, seed)));
  assert.ok(orders.size > 15, `${orders.size} orders`);
  assert.is(order({}, 3), order({}, 3));
  assert.is(order({ order: false }, 3), '012345');
});

test('spurious readiness is reported by each kind of wait, of what was asked for, and is not true', () => {
  suffering({ spurious: 1 }, (system) => {
    const [one, other] = Socket.pair();
    const epoll = Epoll.create();
    epoll.add(one, IN, 5);
    assert.equal(epoll.wait(0), [{ events: IN, data: 5 }]);
    assert.is(one.recv(), undefined);
    const rows = new Int32Array([one.fd, IN, other.fd, 0]);
    assert.is(system.poll(rows, 2, 0), 1);
    assert.is((rows[1] as number) >> 16, IN);
    const sets = new Int32Array([one.fd, 1, 0]);
    assert.is(system.select(sets, 1, 0), 1);
    assert.is(sets[2], 1);
    epoll.modify(one, 0, 6);
    assert.equal(epoll.wait(0), [], 'what asks for nothing is left alone');
  });
});

test('the n-th call fails with its errno, and has done nothing', () => {
  suffering(
    {
      errors: [
        { call: 'socket', code: 'EMFILE', nth: 2 },
        { call: 'send', code: 'ENOBUFS', nth: 1 },
      ],
    },
    (system) => {
      Socket.tcp().close();
      assert.is(
        said(() => Socket.tcp()),
        'EMFILE',
      );
      assert.is(Socket.tcp().fd, 3);
      const [one, other] = Socket.pair();
      assert.is(
        said(() => one.send('lost')),
        'ENOBUFS',
      );
      assert.is(one.send('sent'), 4);
      assert.is(other.recv()?.toString(), 'sent');
      assert.is(system.descriptors.length, 3);
    },
  );
});

test('a call fails as often as its probability says, in the places of the seed', () => {
  const failures = (seed: number): string =>
    suffering(
      { errors: [{ call: 'recv', code: 'EAGAIN', probability: 0.3 }] },
      (system) => {
        const [one, other] = Socket.pair();
        one.send(new Uint8Array(500));
        return Array.from({ length: 500 }, () => {
          const result = system.recv(other.fd, new Uint8Array(1), 0, 1, 0);
          return wouldBlock(system, result) ? 'x' : '.';
        }).join('');
      },
      seed,
    );
  const marks = failures(1);
  const count = marks.split('x').length - 1;
  assert.ok(count > 100 && count < 200, `${count} of 500`);
  assert.is(failures(1), marks);
  assert.is.not(failures(2), marks);
});

test('a close that fails has closed', () => {
  suffering({ errors: [{ call: 'close', code: 'EIO', probability: 1 }] }, (system) => {
    const socket = Socket.tcp();
    assert.is(system.close(socket.fd), -5);
    assert.equal(system.descriptors, []);
  });
});

test('partitions begin with a packet and end by themselves', () => {
  const faults: Faults = { partition: { between: ['127.0.0.1', '127.0.0.1'], probability: 0.2, most: 5_000 } };
  suffering(faults, (system) => {
    const waiting = Socket.listener();
    const client = Socket.tcp();
    client.connect(waiting.localAddress);
    let sent = 0;
    for (let round = 0; round < 50; round++) {
      sent += client.send('x') ?? 0;
      system.advance(1_000);
    }
    system.advance(10_000_000);
    assert.is(waiting.accept()?.recv()?.length, sent);
    assert.is(sent, 50);
  });
});

test('faults that cannot be are refused with what they should be', () => {
  const refused = (faults: Faults, message: RegExp): void => {
    assert.throws(
      () => new SimulatedSystem({ faults }),
      (error: unknown) => error instanceof RangeError && message.test(error.message),
    );
  };
  refused({ shortReads: 1.5 }, /shortReads is a probability from 0 to 1, not 1\.5/);
  refused({ spurious: Number.NaN }, /spurious is a probability/);
  refused({ delay: { probability: 2, most: 5 } }, /delay\.probability is a probability/);
  refused({ delay: { probability: 1, most: -5 } }, /delay\.most is a number of milliseconds from 0 on, not -5/);
  refused({ partition: [{ between: ['a', 'b'], probability: -1, most: 1 }] }, /partition\.probability/);
  refused({ errors: [{ call: 'recv', code: 'EWHAT' }] }, /the name of an errno, as 'EMFILE', not 'EWHAT'/);
  refused({ errors: [{ call: 'recv', code: 'EPOLLIN' }] }, /the name of an errno/);
  refused({ errors: [{ call: 'recv', code: 'EIO', nth: 0 }] }, /errors\.nth counts the calls from 1 on, not 0/);
  refused(
    { errors: [{ call: 'recieve' as 'recv', code: 'EIO', nth: 1 }] },
    /there is no call 'recieve' that could fail/,
  );
});

test.run();
