/** A descriptor owns its number, its generation and its close. */

import { ClosedError, Descriptor, filenoOf, open, pipe, realSys, Socket, type Watcher } from 'genloop/os';
import * as assert from 'uvu/assert';
import { fill, holding, type Opened, thrown } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { constant, inside, overriding } from '../support/systems.ts';

const test = suite('descriptors');
const sys = realSys();

function pipeIn(opened: Opened): { reader: Descriptor; writer: Descriptor } {
  const ends = pipe();
  opened.keep(ends.reader);
  opened.keep(ends.writer);
  return ends;
}

test(
  'read and write what fits, would block, and end',
  holding((opened) => {
    const { reader, writer } = pipeIn(opened);
    assert.is(reader.read(), undefined);
    assert.is(writer.write('hello'), 5);
    assert.is(writer.write(Uint8Array.of(1, 2, 3), 2), 1);
    assert.is(reader.read(2)?.toString(), 'he');
    const room = new Uint8Array(8);
    assert.is(reader.readInto(room, 2), 4);
    assert.equal([...room], [0, 0, 108, 108, 111, 3, 0, 0]);
    assert.is(reader.readInto(room), undefined);
    fill(writer);
    assert.is(writer.write('x'), undefined);
    while ((reader.read(1 << 20)?.length ?? 0) > 0);
    writer.close();
    assert.is(reader.read()?.length, 0);
    assert.is(reader.readInto(room), 0);
  }),
);

test(
  'a write to nobody is EPIPE, and no signal',
  holding((opened) => {
    const { reader, writer } = pipeIn(opened);
    reader.close();
    const error = thrown(() => writer.write('x'));
    assert.equal([error.code, error.syscall, error.fd], ['EPIPE', 'write', writer.fd]);
    assert.is(thrown(() => opened.keep(open('/')).read()).code, 'EISDIR');
  }),
);

test(
  'are non-blocking and close-on-exec, whatever opened them',
  holding((opened) => {
    const { reader, writer } = pipeIn(opened);
    const [one, other] = Socket.pair();
    for (const descriptor of [reader, writer, one, other, Socket.tcp(), open('/dev/null'), reader.dup()]) {
      opened.keep(descriptor);
      assert.is(descriptor.nonBlocking, true, String(descriptor));
      assert.is(sys.fcntl(descriptor.fd, constant('F_GETFD'), 0), constant('FD_CLOEXEC'), String(descriptor));
    }
  }),
);

test(
  'switch blocking on and off',
  holding((opened) => {
    const { reader } = pipeIn(opened);
    reader.nonBlocking = false;
    assert.is(reader.nonBlocking, false);
    reader.nonBlocking = true;
    assert.is(reader.nonBlocking, true);
  }),
);

test('have a generation of their own, also under the same number', () => {
  const first = Socket.tcp();
  const { fd } = first;
  first.close();
  const second = Socket.tcp();
  assert.is(second.fd, fd);
  assert.is.not(second.generation, first.generation);
  second.close();
});

test('close once: the second close does not touch whoever has the number by then', () => {
  const first = Socket.tcp();
  first.close();
  const second = Socket.tcp();
  first.close();
  assert.ok(second.getOption('SOL_SOCKET', 'SO_TYPE') > 0);
  second.close();
  assert.equal([first.fd, first.closed, second.closed], [-1, true, true]);
});

test('are closed at the end of a block that uses them', () => {
  let kept: Socket;
  {
    using socket = Socket.tcp();
    kept = socket;
    assert.is(kept.closed, false);
  }
  assert.is(kept.closed, true);
});

test('never retry a close, whatever it said', () => {
  for (const errno of ['EINTR', 'EIO']) {
    const closed: number[] = [];
    const failing = overriding(sys, {
      close(fd) {
        closed.push(fd);
        sys.close(fd);
        return -constant(errno);
      },
    });
    const socket = inside(failing, () => Socket.tcp());
    const { fd } = socket;
    socket.close();
    socket.close();
    assert.equal(closed, [fd]);
  }
});

test('tell their watcher before the number is free, and once', () => {
  const seen: unknown[] = [];
  const watcher: Watcher = {
    closing(descriptor, fd) {
      seen.push(fd, descriptor.closed, sys.fstat(fd) > 0, descriptor.watcher);
    },
  };
  for (const leave of ['close', 'detach'] as const) {
    const socket = Socket.tcp();
    const { fd } = socket;
    socket.watcher = watcher;
    socket[leave]();
    socket.close();
    assert.equal(seen.splice(0), [fd, true, true, null], leave);
    if (leave === 'detach') sys.close(fd);
  }
});

test(
  'are given away by detach, and taken by adopt',
  holding((opened) => {
    const [one, other] = Socket.pair();
    opened.keep(other);
    const fd = one.detach();
    assert.is(one.closed, true);
    assert.instance(
      thrown(() => one.detach()),
      ClosedError,
    );
    const again = opened.keep(Socket.adopt(fd));
    assert.is(again.fd, fd);
    again.send('still here');
    assert.is(other.recv()?.toString(), 'still here');
  }),
);

test('adopt makes a foreign number non-blocking and close-on-exec, unless told otherwise', () => {
  const foreign = (): number => {
    const fd = Socket.tcp().detach();
    sys.fcntl(fd, constant('F_SETFL'), 0);
    sys.fcntl(fd, constant('F_SETFD'), 0);
    return fd;
  };
  const flags = (fd: number): [boolean, boolean] => [
    (sys.fcntl(fd, constant('F_GETFL'), 0) & constant('O_NONBLOCK')) !== 0,
    sys.fcntl(fd, constant('F_GETFD'), 0) !== 0,
  ];
  for (const [options, expected] of [
    [{}, [true, true]],
    [{ nonBlocking: false }, [false, true]],
    [{ closeOnExec: false }, [true, false]],
  ] as const) {
    using adopted = Descriptor.adopt(foreign(), options);
    assert.equal(flags(adopted.fd), expected);
  }
});

test('adopt never makes 0, 1 and 2 non-blocking unasked: the shell shares them', () => {
  const set: string[] = [];
  const watching = overriding(sys, {
    fcntl(fd, command, argument) {
      if (command === constant('F_SETFL') || command === constant('F_SETFD')) set.push(`${fd}`);
      // Nothing is really set: the runner's own output hangs on these.
      return command === constant('F_GETFL') || command === constant('F_GETFD')
        ? sys.fcntl(fd, command, argument) & 0
        : 0;
    },
    own: () => 0,
  });
  for (const fd of [0, 1, 2]) Descriptor.adopt(fd, { sys: watching });
  assert.equal(set, []);
  Descriptor.adopt(0, { sys: watching, nonBlocking: true });
  assert.equal(set, ['0']);
  Descriptor.adopt(3, { sys: watching });
  assert.equal(set, ['0', '3', '3']);
});

test('adopt refuses what is not open, and what is no number', () => {
  assert.equal(((error) => [error.code, error.fd])(thrown(() => Descriptor.adopt(999_999))), ['EBADF', 999_999]);
  for (const wrong of [-1, 1.5, Number.NaN, '3', undefined]) {
    assert.instance(
      thrown(() => Descriptor.adopt(wrong as number)),
      TypeError,
    );
  }
});

test(
  'duplicate to another number for the same file',
  holding((opened) => {
    const { reader, writer } = pipeIn(opened);
    const copy = opened.keep(writer.dup());
    assert.is.not(copy.fd, writer.fd);
    writer.close();
    copy.write('x');
    assert.is(reader.read()?.toString(), 'x');
    copy.close();
    assert.is(reader.read()?.length, 0);
  }),
);

test(
  'say with ioctl how many bytes wait',
  holding((opened) => {
    const { reader, writer } = pipeIn(opened);
    writer.write('12345');
    const bytes = new Uint8Array(64);
    assert.is(reader.ioctl('FIONREAD', bytes), 0);
    assert.is(new Int32Array(bytes.buffer)[0], 5);
    assert.is(reader.ioctl(constant('FIONREAD'), bytes), 0);
    assert.is(thrown(() => reader.ioctl('TIOCGWINSZ', bytes)).code, 'ENOTTY');
    assert.throws(() => reader.ioctl('FIONOTHING', bytes), /has no constant 'FIONOTHING'/);
  }),
);

test('are found in whatever carries a number', () => {
  using socket = Socket.tcp();
  const { fd } = socket;
  for (const pollable of [socket, fd, { fd }, { fileno: () => fd }, { fd: -1, fileno: () => fd }]) {
    assert.is(filenoOf(pollable), fd);
  }
  for (const wrong of [undefined, null, {}, -1, 1.5, '3', { fd: '3' }, { fileno: 3 }, [], Object.create(null)]) {
    assert.throws(() => filenoOf(wrong as number), /a descriptor is needed: .*; not /);
  }
});

test('are called by their kind and number', () => {
  const socket = Socket.tcp();
  assert.is(String(socket), `Socket ${socket.fd}`);
  socket.close();
  assert.is(String(socket), 'closed Socket');
});

test.run();
