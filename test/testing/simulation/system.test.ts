/** The simulated system's table of calls: numbers, flags, refusals, and its time. */

import { MisuseError } from 'genloop/kernel';
import { ADDRESS_SLOT_SIZE, type Descriptor, EventFd, open, pipe, Socket, type Sys, TimerFd } from 'genloop/os';
import { Readiness } from 'genloop/poller';
import { SimulatedSystem } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { untilReady } from '../../support/backends.ts';
import { openReader, pairOf } from '../../support/situations.ts';
import { suite } from '../../support/suite.ts';
import { constant, inside } from '../../support/systems.ts';
import { onBoth, said, text } from './both.ts';

const test = suite('simulation: system');
const { IN, OUT } = Readiness;

function control(descriptor: Descriptor, command: string, argument = 0): number {
  return descriptor.sys.fcntl(descriptor.fd, constant(command), argument);
}

function available(descriptor: Descriptor): unknown {
  const answer = new Uint8Array(64);
  return said(() => descriptor.ioctl('FIONREAD', answer) || answer[0]);
}

test('numbers are given from the lowest free one, and come back', () => {
  const system = new SimulatedSystem();
  inside(system, () => {
    const [one, two, three] = [Socket.tcp(), Socket.udp(), Socket.unix()];
    assert.equal([one.fd, two.fd, three.fd], [3, 4, 5]);
    two.close();
    one.close();
    const ends = pipe();
    assert.equal([ends.reader.fd, ends.writer.fd, three.dup().fd], [3, 4, 6]);
    assert.equal(
      system.descriptors.map(({ fd, kind, call }) => [fd, kind, call]),
      [
        [3, 'reading end of a pipe', 'pipe'],
        [4, 'writing end of a pipe', 'pipe'],
        [5, 'Unix stream socket', 'socket'],
        [6, 'Unix stream socket', 'dup'],
      ],
    );
    assert.match(String(system.descriptors[0]?.frames[0]), /system\.test\.ts/);
  });
});

test('a system has so many descriptors and no more: EMFILE, and a connection that cannot be accepted waits', () => {
  inside(new SimulatedSystem({ descriptors: 3 }), () => {
    const listener = Socket.listener();
    const client = Socket.tcp();
    client.connect(listener.localAddress);
    const third = Socket.udp();
    for (const call of [
      Socket.tcp,
      Socket.pair,
      pipe,
      () => third.dup(),
      () => listener.accept(),
      () => open('/dev/null'),
    ]) {
      assert.is(said(call), 'EMFILE');
    }
    third.close();
    assert.is(said(pipe), 'EMFILE');
    const server = listener.accept() as Socket;
    client.send('still here');
    assert.is(text(server.recv()), 'still here');
  });
});

onBoth(
  test,
  'a number that is not open, and one that is no socket, are refused',
  (opened) => {
    const { reader, writer } = pipe();
    opened.keep(writer);
    const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
    const { sys, fd } = reader;
    sys.packAddress(slot, '127.0.0.1', 0, 0);
    const bytes = new Uint8Array(4);
    const calls = (number: number): number[] => [
      sys.bind(number, slot),
      sys.listen(number, 1),
      sys.accept(number, new Uint8Array(ADDRESS_SLOT_SIZE)),
      sys.connect(number, slot),
      sys.recv(number, bytes, 0, 4, 0),
      sys.send(number, bytes, 0, 4, 0),
      sys.recvfrom(number, bytes, 0, 4, 0, new Uint8Array(ADDRESS_SLOT_SIZE)),
      sys.sendto(number, bytes, 0, 4, 0, slot),
      sys.shutdown(number, 0),
      sys.getsockname(number, new Uint8Array(ADDRESS_SLOT_SIZE)),
      sys.getpeername(number, new Uint8Array(ADDRESS_SLOT_SIZE)),
      sys.getsockopt(number, 1, 4, bytes),
      sys.setsockopt(number, 1, 2, bytes),
    ];
    const noSocket = new Set(calls(fd));
    reader.close();
    const closed = new Set([
      ...calls(fd),
      sys.read(fd, bytes, 0, 4),
      sys.write(fd, bytes, 0, 4),
      sys.close(fd),
      sys.dup(fd),
      sys.fcntl(fd, 1, 0),
      sys.fstat(fd),
      sys.timerfdSet(fd, 5),
      sys.epollWait(fd, new Int32Array(3), 0),
    ]);
    return [[...noSocket], [...closed]];
  },
  [[-88], [-9]],
);

onBoth(
  test,
  'a dup is the same file: its flags, its bytes and its end are shared; close-on-exec is not',
  (opened) => {
    const [one, other] = pairOf(opened);
    const copy = opened.keep(one.dup());
    const before = [copy.nonBlocking, control(copy, 'F_GETFD'), control(one, 'F_GETFL') & constant('O_ACCMODE')];
    copy.nonBlocking = false;
    control(copy, 'F_SETFD', 0);
    const after = [one.nonBlocking, control(one, 'F_GETFD'), control(copy, 'F_GETFD')];
    one.nonBlocking = true;
    other.send('hello');
    one.close();
    other.send(' again');
    return [...before, ...after, text(copy.read()), said(() => control(copy, 'F_GETOWN'))];
  },
  [true, 1, 2, false, 1, 0, 'hello again', -22],
);

onBoth(
  test,
  'fstat and FIONREAD tell what each kind is and holds',
  (opened) => {
    const [one, other] = pairOf(opened);
    const { reader, writer } = pipe();
    const counter = EventFd.create(3);
    const nothing = open('/dev/null', 'r+');
    for (const thing of [reader, writer, counter, nothing]) opened.keep(thing);
    other.send('four');
    writer.write('seven!!');
    const types = [one, reader, nothing].map((each) => each.sys.fstat(each.fd) & constant('S_IFMT'));
    return [types, [one, reader, counter].map(available), nothing.read(), nothing.write('gone')].map(String);
  },
  [`${0o140000},${0o010000},${0o020000}`, '4,7,ENOTTY', '', '4'],
);

onBoth(
  test,
  'an eventfd counts, by one as a semaphore, and would overflow',
  (opened) => {
    const plain = opened.keep(EventFd.create(2));
    const semaphore = opened.keep(EventFd.create(2, { semaphore: true }));
    plain.signal(5);
    const most = new Uint8Array(8).fill(255);
    const nearly = Uint8Array.of(0xfd, 255, 255, 255, 255, 255, 255, 255);
    return [
      [plain.take(), plain.take(), semaphore.take(), semaphore.take(), semaphore.take()],
      [said(() => plain.write(most)), plain.write(nearly), plain.signal(1), plain.signal(1)],
      [said(() => plain.read(7)), said(() => plain.write(new Uint8Array(7)))],
      plain.take(),
    ];
  },
  [[7, undefined, 1, 1, undefined], ['EINVAL', 8, true, undefined], ['EINVAL', 'EINVAL'], 2 ** 64],
);

onBoth(
  test,
  'a timerfd goes off once; one that is set again, or disarmed, has not',
  (opened) => {
    const timer = opened.keep(TimerFd.create());
    const silent = timer.take();
    timer.set(1);
    untilReady(timer, IN);
    const once = [timer.take(), timer.take()];
    timer.setDeadline(timer.sys.now() - 5);
    untilReady(timer, IN);
    timer.set(Number.POSITIVE_INFINITY);
    return [silent, once, timer.take(), said(() => timer.write(new Uint8Array(8)))];
  },
  [undefined, [1, undefined], undefined, 'EINVAL'],
);

onBoth(
  test,
  'the size of a pipe can be asked for and set, but not below what is in it',
  (opened) => {
    const { reader, writer } = pipe();
    opened.keep(reader);
    opened.keep(writer);
    const sizes = [
      control(reader, 'F_GETPIPE_SZ'),
      control(writer, 'F_SETPIPE_SZ', 5000),
      writer.write(new Uint8Array(9000)),
    ];
    const [socket] = pairOf(opened);
    return [...sizes, writer.write('x'), control(writer, 'F_SETPIPE_SZ', 4096), control(socket, 'F_GETPIPE_SZ')];
  },
  [65536, 8192, 8192, undefined, -16, -9],
);

test('a FIFO is made for the system, and opened by its path', () => {
  const system = new SimulatedSystem();
  inside(system, () => {
    assert.is(
      said(() => open('/fifo')),
      'ENOENT',
    );
    system.mkfifo('/fifo');
    assert.throws(() => system.mkfifo('/fifo'), /there is a FIFO at \/fifo already/);
    assert.is(
      said(() => open('/fifo', 'w')),
      'ENXIO',
    );
    const reader = openReader('/fifo');
    const writer = open('/fifo', 'w');
    writer.write('through');
    assert.is(text(reader.read()), 'through');
    assert.is(
      said(() => reader.write('back')),
      'EBADF',
    );
    assert.is(
      said(() => writer.read()),
      'EBADF',
    );
    const both = open('/fifo', 'r+');
    both.write('and back');
    assert.is(text(both.read()), 'and back');
  });
});

test('what a simulated system has not is ENOSYS, and what no kernel should see throws as with the addon', () => {
  const system = new SimulatedSystem();
  const bytes = new Uint8Array(8);
  const { kqueue, kevent, signalOpen, signalClose, raise } = system;
  assert.equal([kqueue(), kevent(), signalOpen(), signalClose(), raise()], [-38, -38, -38, -38, -38]);
  assert.is(system.platform, 'simulated');
  assert.throws(() => system.recv(3, bytes, 4, 5, 0), /recv: offset 4 \+ length 5 exceeds the buffer's 8 bytes/);
  assert.throws(() => system.recv(-1, bytes, 0, 8, 0), /recv: fd must be an integer from 0 to 2147483647/);
  assert.throws(() => system.read('3' as never, bytes, 0, 8), /read: fd must be a number/);
  assert.throws(() => system.write(3, 'text' as never, 0, 4), /write: buffer must be a Uint8Array/);
  assert.throws(() => system.accept(3, bytes), /accept: slot must have at least 130 bytes, not 8/);
  assert.throws(() => system.connect(3, new Uint8Array(130)), /connect: address holds no address/);
  assert.throws(() => system.bind(3, Uint8Array.of(16, 0, 2)), /bind: address says 16 bytes, and there are 1/);
  assert.throws(() => system.poll(new Int32Array(2), 2, 0), /poll: 2 rows of 2 exceed the 1 of the array/);
  assert.throws(() => system.select(new Uint8Array(9) as never, 1, 0), /select: rows must be an Int32Array/);
  assert.throws(
    () => system.poll(new Int32Array(2), 0, Number.NaN),
    /poll: a number of milliseconds is needed, not NaN/,
  );
  assert.throws(() => system.unpackAddress.call(system, undefined as never), TypeError);
});

test('options that cannot be are refused with what they should be', () => {
  assert.throws(() => new SimulatedSystem({ seed: -1 }), /a seed is an integer from 0 to 4294967295, not -1/);
  assert.throws(() => new SimulatedSystem({ latency: -1 }), /latency is a number of milliseconds from 0 on, not -1/);
  assert.throws(() => new SimulatedSystem({ start: Number.NaN }), /start is a time in milliseconds, not NaN/);
  assert.throws(() => new SimulatedSystem({ sendBuffer: 0 }), /sendBuffer is a number from 1 on, not 0/);
  const system = new SimulatedSystem({ start: 500 });
  assert.is(system.now(), 500);
  system.advance(1.5);
  assert.is(system.now(), 501.5);
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => system.advance(ms), RangeError);
  assert.throws(() => system.partition('a', 'b', -1), /a partition lasts a number of milliseconds/);
});

test('the calls can be copied, and taken out of the object, as those of the addon', () => {
  const system = new SimulatedSystem({ faults: { errors: [{ call: 'pipe', code: 'EMFILE', nth: 1 }] } });
  const copy = Object.assign({}, system as Sys);
  const inherited = Object.create(system) as SimulatedSystem;
  const { eventfd, close } = system;
  assert.equal([eventfd(1, 0), copy.timerfd(), inherited.epollCreate(), copy.pipe(new Int32Array(2))], [3, 4, 5, -24]);
  assert.equal([close(3), copy.close(4), inherited.close(5), system.descriptors.length], [0, 0, 0, 0]);
});

test('time stands still but in waits, which jump to what comes next, or to their end', () => {
  const system = new SimulatedSystem();
  inside(system, () => {
    const { reader, writer } = pipe();
    const timer = TimerFd.create();
    timer.set(250);
    const rows = new Int32Array([timer.fd, IN, reader.fd, IN]);
    assert.equal([system.poll(rows, 2, 100), system.now()], [0, 100]);
    assert.equal([system.poll(rows, 2, 1000), system.now()], [1, 250]);
    assert.is(timer.take(), 1);
    writer.write('x');
    assert.equal([system.poll(rows, 2, -1), system.now()], [1, 250]);
    reader.read();
    assert.equal([system.poll(rows, 2, 0), system.now()], [0, 250]);
    assert.throws(
      () => system.poll(rows, 2, -1),
      (error: unknown) => error instanceof MisuseError,
    );
    assert.throws(
      () => system.select(new Int32Array([reader.fd, 1, 0]), 1, Number.POSITIVE_INFINITY),
      /would never end/,
    );
    assert.is(system.now(), 250);
  });
});

onBoth(
  test,
  'poll tells of numbers that are closed and passes over negative ones; select refuses both',
  (opened) => {
    const [socket] = pairOf(opened);
    const { sys } = socket;
    const closed = socket.dup();
    const { fd } = closed;
    closed.close();
    const rows = new Int32Array([fd, IN, -1, IN, socket.fd, OUT | IN]);
    const count = sys.poll(rows, 3, 0);
    return [
      count,
      [1, 3, 5].map((at) => (rows[at] as number) >> 16),
      sys.select(new Int32Array([fd, 1, 0]), 1, 0),
      sys.select(new Int32Array([-1, 1, 0]), 1, 0),
      sys.select(new Int32Array([1024, 1, 0]), 1, 0),
    ];
  },
  [2, [Readiness.NVAL, 0, OUT], -9, -22, -22],
);

test.run();
