/** src/testing/wrappers/failing.ts: the n-th call fails, and nothing else does. */

import {
  type Backend,
  type BackendRegistration,
  NOT_ARMED,
  pipe,
  realSys,
  Socket,
  type Sys,
  SystemError,
} from 'genloop/os';
import { type FailingCallName, failing, traced } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { CALL_NAMES, CALLS } from '../../../src/testing/wrappers/calls.ts';
import { errnoOf } from '../../../src/testing/wrappers/errnos.ts';
import { FAILING_CALL_NAMES } from '../../../src/testing/wrappers/failing.ts';
import { suite } from '../../support/suite.ts';
import { constant, inside, overriding } from '../../support/systems.ts';

const test = suite('failing');
const real = realSys();

/** Opens pipes (and closes them) so often; the codes of those that failed. */
function pipes(sys: Sys, times: number): (string | null)[] {
  return inside(sys, () =>
    Array.from({ length: times }, () => {
      try {
        const { reader, writer } = pipe();
        reader.close();
        writer.close();
        return null;
      } catch (error) {
        assert.instance(error, SystemError);
        return (error as SystemError).code;
      }
    }),
  );
}

test('the table of calls has each function of the system, once, and no other', () => {
  const nodeLoop = ['backendFd', 'watch', 'unwatch', 'setRef'];
  const functions = Object.keys(real).filter((name) => typeof real[name as keyof Sys] === 'function');
  assert.equal([...CALL_NAMES].sort(), functions.filter((name) => !nodeLoop.includes(name)).sort());
});

test('each call of the table takes as many arguments as the table says, and a buffer of which a part is meant is followed by that part', () => {
  for (const name of CALL_NAMES) {
    const { args } = CALLS[name];
    args.forEach((argument, place) => {
      if (!('part' in argument)) return;
      assert.equal([args[place + 1]?.is, args[place + 2]?.is], ['offset', 'length'], name);
    });
    for (const argument of args) {
      if (argument.is === 'rows' && argument.count >= 0) assert.is(args[argument.count]?.is, 'count', name);
    }
  }
});

test('the n-th call fails, those before and after it happen', () => {
  const sys = failing(real, 'pipe', 2, 'EMFILE');
  assert.equal(pipes(sys, 4), [null, 'EMFILE', null, null]);
  assert.equal([sys.attempts, sys.failures], [4, 1]);
});

test('a list, every one, and a function choose which', () => {
  assert.equal(pipes(failing(real, 'pipe', [1, 3], 'ENFILE'), 4), ['ENFILE', null, 'ENFILE', null]);
  assert.equal(pipes(failing(real, 'pipe', 'every', 'ENOMEM'), 3), ['ENOMEM', 'ENOMEM', 'ENOMEM']);
  assert.equal(
    pipes(
      failing(real, 'pipe', (nth) => nth % 2 === 0, 'EMFILE'),
      4,
    ),
    [null, 'EMFILE', null, 'EMFILE'],
  );
});

test('a function sees the arguments of the call', () => {
  const [near, far] = Socket.pair();
  const sys = failing(real, 'send', (_, [fd]) => fd === far.fd, 'EPIPE');
  const bytes = Buffer.from('hello');
  assert.is(sys.send(near.fd, bytes, 0, 5, 0), 5);
  assert.is(sys.send(far.fd, bytes, 0, 5, 0), -constant('EPIPE'));
  near.close();
  far.close();
});

test('the errno is a name, or a number of either sign', () => {
  for (const errno of ['EMFILE', constant('EMFILE'), -constant('EMFILE')]) {
    assert.equal(pipes(failing(real, 'pipe', 1, errno), 1), ['EMFILE']);
  }
  assert.is(errnoOf(real, 'EWOULDBLOCK'), constant('EAGAIN'));
});

test('what is no call, no errno or no number is refused, with all that there is', () => {
  assert.throws(
    () => failing(real, 'recieve' as FailingCallName, 1, 'EIO'),
    (error: Error) => error instanceof TypeError && /'recieve'.*socket, .*recv, .*backend\.wait/.test(error.message),
  );
  for (const call of ['now', 'unpackAddress', 'platform', 'backend.close']) {
    assert.throws(() => failing(real, call as FailingCallName, 1, 'EIO'), /no call .* can fail/);
  }
  for (const errno of ['EMFIL', 'EPOLLIN', 'ECHO', 'toString', 0, 1.5, Number.NaN]) {
    assert.throws(
      () => failing(real, 'pipe', 1, errno),
      (error: Error) => error instanceof RangeError && /E2BIG, EACCES, .*EMFILE/.test(error.message),
    );
  }
  for (const nth of [0, -1, 1.5, [1, 0], 'first' as never]) {
    assert.throws(() => failing(real, 'pipe', nth, 'EMFILE'), /nth is a number from 1 on/);
  }
  assert.throws(() => failing(real, 'pipe', [], 'EMFILE'), /no call would ever fail/);
});

test('every call that returns an errno can fail, and then the system does not see it', () => {
  const seen: string[] = [];
  const spied = overriding(
    real,
    Object.fromEntries(CALL_NAMES.map((name) => [name, () => seen.push(name)])) as Partial<Sys>,
  );
  const calls = FAILING_CALL_NAMES.filter((name) => !name.startsWith('backend.'));
  assert.is(calls.length, CALL_NAMES.length - 2);
  for (const name of calls) {
    const sys = failing(spied, name, 'every', 'EIO') as unknown as Record<string, (...args: unknown[]) => number>;
    assert.is(sys[name]?.(1, 2, 3, 4, 5, 6), -constant('EIO'), name);
  }
  assert.equal(seen, ['close']);
});

test('a send for many that fails sends nothing, and leaves its rows as they were', () => {
  const [near, far] = Socket.pair();
  const sys = failing(real, 'sendEach', 2, 'ENOBUFS');
  const rows = Int32Array.of(near.fd, 0, 3, 99);
  const bytes = Buffer.from('abc');
  assert.equal(
    [1, 2, 3].map(() => sys.sendEach(rows, 1, bytes)),
    [3, -constant('ENOBUFS'), 3],
  );
  assert.is(String(far.recv(99)), 'abcabc');
  near.close();
  far.close();
});

test('a close that fails closes all the same', () => {
  const { reader, writer } = pipe();
  const sys = failing(real, 'close', 'every', 'EINTR');
  assert.is(sys.close(reader.detach()), -constant('EINTR'));
  assert.is(sys.close(writer.detach()), -constant('EINTR'));
});

test('a connect that is interrupted, or is on its way, goes on; one that is refused has not begun', () => {
  const listener = Socket.listener();
  for (const [errno, connected] of [
    ['EINTR', true],
    ['EINPROGRESS', true],
    ['ECONNREFUSED', false],
  ] as const) {
    const sys = failing(real, 'connect', 1, errno);
    const socket = inside(sys, () => Socket.tcp());
    if (connected) assert.is(socket.connect(listener.localAddress), undefined);
    else assert.throws(() => socket.connect(listener.localAddress), /connect ECONNREFUSED/);
    const accepted = listener.accept();
    assert.is(accepted !== undefined, connected, errno);
    accepted?.close();
    socket.close();
  }
  listener.close();
});

test('the changes of a kevent that is interrupted are made, once and without waiting', () => {
  const asked: number[][] = [];
  const system = overriding(real, {
    kevent: (_kq, _changes, count, events, timeout) => asked.push([count, events.length, timeout]),
  });
  const rows = new Int32Array(16);
  const sys = failing(system, 'kevent', 'every', 'EINTR');
  assert.is(sys.kevent(3, rows, 2, rows, -1), -constant('EINTR'));
  assert.is(sys.kevent(3, rows, 0, rows, -1), -constant('EINTR'));
  assert.is(failing(system, 'kevent', 1, 'ENOMEM').kevent(3, rows, 2, rows, -1), -constant('ENOMEM'));
  assert.equal(asked, [[2, 0, 0]]);
});

/** A system that brings its own backend, and what was asked of it. */
function simulated(): { sys: Sys; asked: unknown[] } {
  const asked: unknown[] = [];
  const backend: Backend = {
    name: 'poll',
    fd: -1,
    rows: new Int32Array(3),
    change: (registration) => asked.push(['change', registration.fd]),
    remove: (registration) => asked.push(['remove', registration.fd]),
    wait: (timeout) => asked.push(['wait', timeout]),
    alarm: (delay) => asked.push(['alarm', delay]),
    close: () => asked.push(['close']),
  };
  return { sys: overriding(real, { backend: () => backend }), asked };
}

test('the calls of a backend that the system brings fail too', () => {
  const { sys, asked } = simulated();
  const registration: BackendRegistration = { fd: 7, generation: 1, interest: 1, armed: 1 };
  const change = failing(sys, 'backend.change', 2, 'ENOSPC').backend?.('poll') as Backend;
  assert.equal([change.change(registration), change.change(registration)], [1, -constant('ENOSPC')]);
  const remove = failing(sys, 'backend.remove', 1, 'EBADF').backend?.('poll') as Backend;
  assert.equal([remove.remove(registration), registration.armed], [-constant('EBADF'), NOT_ARMED]);
  const wait = failing(sys, 'backend.wait', 1, 'EINTR').backend?.('poll') as Backend;
  assert.equal([wait.wait(5), wait.wait(6)], [-constant('EINTR'), 2]);
  const alarm = failing(sys, 'backend.alarm', 1, 'ENOMEM').backend?.('poll') as Backend;
  assert.equal([alarm.alarm?.(5), alarm.alarm?.(6)], [-constant('ENOMEM'), 3]);
  alarm.close();
  assert.equal(asked, [['change', 7], ['wait', 6], ['alarm', 6], ['close']]);
  assert.equal([alarm.name, alarm.fd, alarm.rows.length], ['poll', -1, 3]);
});

test('a system without a backend of its own gets none', () => {
  assert.not.ok('backend' in failing(real, 'pipe', 1, 'EMFILE'));
});

test('two wrappers count each for itself, and the outer one hides its failures from the inner', () => {
  const inner = failing(real, 'pipe', 2, 'ENFILE');
  const outer = failing(inner, 'pipe', [1, 3], 'EMFILE');
  assert.equal(pipes(outer, 4), ['EMFILE', null, 'EMFILE', 'ENFILE']);
  assert.equal([outer.attempts, inner.attempts], [4, 2]);
});

test('platform and constants are those of the system inside, at every depth', () => {
  const sys = failing(
    traced(failing(real, 'pipe', 1, 'EMFILE'), () => {}),
    'pipe',
    2,
    'ENFILE',
  );
  assert.is(sys.platform, real.platform);
  assert.is(sys.constants, real.constants);
  assert.equal(pipes(sys, 3), ['EMFILE', 'ENFILE', null]);
});

test.run();
