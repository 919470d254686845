/** What cannot be waited for: the same words on every backend. */

import { type Backend, type BackendName, realSys, type SystemError } from 'genloop/os';
import * as assert from 'uvu/assert';
import { refusal, refuseUnpollable, waitFailure } from '../../src/poller/refusal.ts';
import { suite } from '../support/suite.ts';
import { overriding } from '../support/systems.ts';

const test = suite('refusals');

const sys = realSys();
const { EPERM, EBADF, EINVAL, ENOMEM, FD_SETSIZE, S_IFREG, S_IFDIR, S_IFSOCK } = sys.constants as Record<
  string,
  number
>;
const CALLS = { epoll: 'epoll_ctl', kqueue: 'kevent', poll: 'poll', select: 'select' } as const;
const BACKENDS = Object.keys(CALLS) as BackendName[];

test('a refusal names the control call of its backend, the descriptor, and what to do', () => {
  for (const backend of BACKENDS) {
    for (const [errno, code, hint] of [
      [
        EPERM,
        'EPERM',
        'descriptor 5 cannot be waited for: regular files and directories are always ready; read them with node:fs',
      ],
      [EBADF, 'EBADF', 'descriptor 5 is not open'],
    ] as const) {
      const error = refusal(sys, backend, 5, -(errno as number));
      assert.equal([error.code, error.syscall, error.fd], [code, CALLS[backend], 5]);
      assert.ok(error.message.endsWith(` (${hint})`), error.message);
    }
  }
});

test('only select has a largest number; other failures have no advice', () => {
  for (const backend of BACKENDS) {
    const { code, message } = refusal(sys, backend, 5, -(EINVAL as number));
    assert.is(code, 'EINVAL');
    const advice = ` (select cannot watch descriptor 5, FD_SETSIZE is ${FD_SETSIZE}; use poll or epoll)`;
    assert.is(message.endsWith(advice), backend === 'select');
    assert.is(message.includes('('), backend === 'select');
    assert.not.match(refusal(sys, backend, 5, -(ENOMEM as number)).message, /\(/);
  }
});

/** The error of a wait that was refused. */
function failed(
  name: BackendName,
  errno: number,
  tries: { attempts: number; ms: number } = { attempts: 0, ms: 0 },
): SystemError {
  return waitFailure(sys, { name, fd: 7 } as Backend, -errno, tries);
}

test('a wait that fails names the call that waits', () => {
  assert.equal(
    BACKENDS.map((name) => failed(name, EBADF as number).syscall),
    ['epoll_wait', 'kevent', 'poll', 'select'],
  );
  assert.is(failed('poll', EBADF as number).code, 'EBADF');
  // What to do is said where it is known: a set that is lost, memory that does not come, more descriptors than there may be.
  for (const name of ['epoll', 'kqueue'] as const)
    assert.match(failed(name, EBADF as number).message, /descriptor 7 .* closed behind its back/);
  assert.match(
    failed('poll', ENOMEM as number, { attempts: 3, ms: 12.4 }).message,
    /no memory for it in 3 attempts within 12 ms/,
  );
  assert.match(failed('poll', EINVAL as number).message, /RLIMIT_NOFILE/);
  assert.not.match(failed('select', EINVAL as number).message, /\(/);
});

test('files, folders and closed numbers are refused where the kernel would not, and epoll is left to ask its kernel', () => {
  const thrown = (backend: BackendName, mode: number): SystemError | undefined => {
    let asked = 0;
    const answering = overriding(sys, {
      fstat: () => {
        asked++;
        return mode;
      },
    });
    try {
      refuseUnpollable(answering, backend, 5);
      return undefined;
    } catch (error) {
      return error as SystemError;
    } finally {
      assert.is(asked, backend === 'epoll' ? 0 : 1);
    }
  };
  const PERMISSIONS = 0o644;
  for (const backend of BACKENDS) {
    const refuses = backend !== 'epoll';
    for (const type of [S_IFREG, S_IFDIR] as number[]) {
      assert.is(thrown(backend, type | PERMISSIONS)?.code, refuses ? 'EPERM' : undefined);
    }
    assert.is(thrown(backend, -(EBADF as number))?.code, refuses ? 'EBADF' : undefined);
    assert.is(thrown(backend, (S_IFSOCK ?? 0o140000) | PERMISSIONS), undefined);
    assert.is(thrown(backend, 0), undefined);
  }
});

test.run();
