/**
 * What cannot be waited for, said in the same way on every backend: epoll refuses regular files and closed numbers by
 * itself, while the others would call a file always ready and a closed number an event.
 */

import { type Backend, type BackendName, type Sys, SystemError } from '../os/index.ts';

const CONTROL_CALL: Record<BackendName, string> = {
  epoll: 'epoll_ctl',
  kqueue: 'kevent',
  poll: 'poll',
  select: 'select',
};

/** The error of a control call, with what to do where that is known. */
export function refusal(sys: Sys, backend: BackendName, fd: number, errno: number): SystemError {
  const { EPERM, EINVAL, EBADF, FD_SETSIZE } = sys.constants as Record<string, number>;
  let hint: string | undefined;
  if (errno === -(EPERM as number)) {
    hint = `descriptor ${fd} cannot be waited for: regular files and directories are always ready; read them with node:fs`;
  } else if (errno === -(EBADF as number)) {
    hint = `descriptor ${fd} is not open`;
  } else if (errno === -(EINVAL as number) && backend === 'select') {
    hint = `select cannot watch descriptor ${fd}, FD_SETSIZE is ${FD_SETSIZE}; use poll or epoll`;
  }
  return new SystemError(sys, CONTROL_CALL[backend], errno, { fd, hint });
}

/** Whether a refused wait says that the kernel set's own number is another file's by now, or nobody's. */
export function isSetLost(sys: Sys, backend: BackendName, errno: number): boolean {
  const { EBADF, EINVAL } = sys.constants as Record<string, number>;
  return (
    (backend === 'epoll' || backend === 'kqueue') && (errno === -(EBADF as number) || errno === -(EINVAL as number))
  );
}

/** The error of a wait, with what to do; `attempts` and `ms`: how often and how long it was tried. */
export function waitFailure(
  sys: Sys,
  { name, fd }: Backend,
  errno: number,
  { attempts, ms }: { attempts: number; ms: number },
): SystemError {
  let hint: string | undefined;
  if (isSetLost(sys, name, errno)) {
    hint =
      `descriptor ${fd} is the scheduler's own, and was closed behind its back: ` +
      'look for code that closes numbers which are not its own';
  } else if (attempts > 0) {
    hint = `the kernel had no memory for it in ${attempts} attempts within ${Math.round(ms)} ms; free some, or wait for fewer descriptors`;
  } else if (name === 'poll' && errno === -(sys.constants.EINVAL as number)) {
    hint = 'more descriptors are waited for than RLIMIT_NOFILE allows; raise it (ulimit -n)';
  }
  return new SystemError(sys, name === 'epoll' ? 'epoll_wait' : CONTROL_CALL[name], errno, { hint });
}

/** Throws the {@link refusal} for what epoll would refuse by itself. */
export function refuseUnpollable(sys: Sys, backend: BackendName, fd: number): void {
  if (backend === 'epoll') return;
  const { S_IFMT, S_IFREG, S_IFDIR, EPERM } = sys.constants as Record<string, number>;
  const mode = sys.fstat(fd);
  if (mode < 0) throw refusal(sys, backend, fd, mode);
  const type = mode & (S_IFMT as number);
  if (type === S_IFREG || type === S_IFDIR) throw refusal(sys, backend, fd, -(EPERM as number));
}
