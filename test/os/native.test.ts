/** Whose system calls does this code use? */

import { currentSys, enterSys, nodeLoop, realSys, Socket } from 'genloop/os';
import * as assert from 'uvu/assert';
import { holdings, turn } from '../support/leaks.ts';
import { suite } from '../support/suite.ts';
import { constant, overriding } from '../support/systems.ts';

const test = suite('the system');

test('is the real one unless another has been entered, and the one before comes back', () => {
  assert.is(currentSys(), realSys());
  const other = overriding(realSys(), {});
  assert.is(enterSys(other), undefined);
  assert.is(currentSys(), other);
  assert.is(enterSys(undefined), other);
  assert.is(currentSys(), realSys());
});

test('goes by the name of its platform, and its clock does not go back', () => {
  const sys = realSys();
  assert.is(sys.platform, process.platform);
  let last = sys.now();
  for (let reading = 0; reading < 1000; reading++) {
    const now = sys.now();
    assert.ok(now >= last);
    last = now;
  }
});

test('watches a descriptor from Node’s loop until it is told not to', async () => {
  const loop = nodeLoop();
  const [one, other] = Socket.pair();
  let called = 0;
  const before = await holdings();
  await new Promise<void>((resolve) => {
    const handle = loop.watch(one.fd, () => {
      called++;
      assert.is(one.recv()?.toString(), 'x');
      assert.is(loop.unwatch(handle), 0);
      resolve();
    });
    assert.ok(handle >= 1);
    assert.is(
      loop.watch(one.fd, () => {}),
      -constant('EEXIST'),
    );
    other.send('x');
  });
  other.send('y');
  for (let turns = 0; turns < 3; turns++) await turn();
  assert.is(called, 1);
  assert.equal((await holdings()).handles, before.handles);
  one.close();
  other.close();
});

test('knows its watches by numbers that are never used again', async () => {
  const loop = nodeLoop();
  const EINVAL = -constant('EINVAL');
  using socket = Socket.udp({ port: 0 });
  const first = loop.watch(socket.fd, () => {});
  assert.is(loop.setRef(first, false), 0);
  assert.is(loop.setRef(first, true), 0);
  assert.is(loop.unwatch(first), 0);
  const second = loop.watch(socket.fd, () => {});
  assert.is.not(second, first);
  assert.equal(
    [loop.unwatch(first), loop.setRef(first, true), loop.unwatch(0), loop.unwatch(-1)],
    [EINVAL, EINVAL, EINVAL, EINVAL],
  );
  assert.is(loop.unwatch(second), 0);
  await turn();
});

test('refuses to watch what Node’s loop cannot', () => {
  assert.is(
    nodeLoop().watch(999_999, () => {}),
    -constant('EBADF'),
  );
  assert.ok(nodeLoop().backendFd() > 2);
});

test('hears a signal in the pipe, and puts the old action back', () => {
  const sys = realSys();
  const signal = constant('SIGUSR2');
  const pipe = sys.signalOpen(signal);
  assert.ok(pipe >= 0);
  assert.is(sys.signalOpen(signal), pipe);
  assert.is(sys.raise(signal), 0);
  const bytes = new Uint8Array(4);
  assert.is(sys.read(pipe, bytes, 0, 4), 1);
  assert.is(bytes[0], signal);
  assert.is(sys.read(pipe, bytes, 0, 4), -constant('EAGAIN'));
  const EINVAL = -constant('EINVAL');
  assert.equal([sys.signalClose(signal), sys.signalClose(signal)], [0, EINVAL]);
  assert.equal(
    [sys.signalOpen(0), sys.signalOpen(9), sys.signalOpen(9999), sys.signalOpen(-1)],
    [EINVAL, EINVAL, EINVAL, EINVAL],
  );
});

test.run();
