/** Errors in Node's shape. */

import { connect } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { ClosedError, errnoName, realSys, Socket, SystemError, wouldBlock } from 'genloop/os';
import * as assert from 'uvu/assert';
import { Opened, refused } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { constant } from '../support/systems.ts';

const test = suite('errors');
const sys = realSys();

test('every errno that Node knows has the same name here', () => {
  for (const [errno, [name]] of getSystemErrorMap()) {
    // libuv's own (EAI_…, EOF, ENOTSUP under another number) have no errno of the system.
    if (!(name in sys.constants) || sys.constants[name] !== -errno || name === 'ENOTSUP') continue;
    assert.is(errnoName(sys, errno), name);
    assert.is(errnoName(sys, -errno), name);
  }
});

test('names that are no errno are never a code', () => {
  const names = new Set(Object.entries(sys.constants).map(([, value]) => errnoName(sys, value)));
  for (const name of ['ECHO', 'ECHOE', 'ECHOK', 'ECHONL', 'EPOLLIN', 'EWOULDBLOCK'])
    assert.is(names.has(name), false, name);
  assert.is(errnoName(sys, 99_999), 'errno 99999');
});

test('a failed connection looks as one of node:net', async () => {
  const opened = new Opened();
  const socket = refused(opened);
  const ours = socket.error() as SystemError;
  opened.close();
  const nobody = Socket.tcp({ port: 0 });
  const { port } = nobody.localAddress;
  nobody.close();
  const theirs = await new Promise<NodeJS.ErrnoException>((resolve) => {
    connect({ port, host: '127.0.0.1' }).on('error', resolve);
  });
  assert.equal([ours.code, ours.errno, ours.syscall], [theirs.code, theirs.errno, theirs.syscall]);
});

test('carry what they are about, in the message and as fields', () => {
  const cause = new Error('before');
  const error = new SystemError(sys, 'connect', -constant('ECONNREFUSED'), {
    fd: 5,
    address: '::1',
    port: 80,
    hint: 'start it',
    cause,
  });
  assert.is(error.message, 'connect ECONNREFUSED: connection refused [::1]:80 (start it)');
  assert.equal([error.name, error.fd, error.address, error.port, error.cause], ['SystemError', 5, '::1', 80, cause]);
  assert.is(
    new SystemError(sys, 'bind', constant('EACCES'), { path: '\0x' }).message,
    "bind EACCES: permission denied '@x'",
  );
  const bare = new SystemError(sys, 'recv', -constant('EPIPE'));
  assert.equal(
    ['fd', 'address', 'port', 'path', 'cause'].filter((field) => field in bare),
    [],
  );
});

test('would block is told apart from failure', () => {
  assert.is(wouldBlock(sys, -constant('EAGAIN')), true);
  assert.is(wouldBlock(sys, -constant('EWOULDBLOCK')), true);
  assert.is(wouldBlock(sys, -constant('EPIPE')), false);
  assert.is(wouldBlock(sys, 0), false);
});

test('use after close has a code of ours', () => {
  const error = new ClosedError('gone');
  assert.equal([error.name, error.code, error.message], ['ClosedError', 'ERR_GENLOOP_CLOSED', 'gone']);
  assert.instance(error, Error);
});

test.run();
