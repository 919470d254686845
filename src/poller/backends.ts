/** Which backends there are, which is the best here, and how one is chosen. */

import { BACKEND_NAMES, type Backend, type BackendName, type Sys } from '../os/index.ts';
import { EpollBackend } from './epoll.ts';
import { KqueueBackend } from './kqueue.ts';
import { PollBackend } from './poll.ts';
import { SelectBackend } from './select.ts';

/** The environment variable that names the backend where no option does. */
export const BACKEND_VARIABLE = 'GENLOOP_BACKEND' as const;

const CLASSES: Record<BackendName, new (sys: Sys) => Backend> = {
  epoll: EpollBackend,
  kqueue: KqueueBackend,
  poll: PollBackend,
  select: SelectBackend,
};

/** A constant that a system's headers have exactly if it has the calls. */
const NEEDS: Partial<Record<BackendName, string>> = { epoll: 'EPOLLIN', kqueue: 'EVFILT_READ' };

/** The backends that this system has, best first. */
export function availableBackends(sys: Sys): BackendName[] {
  return BACKEND_NAMES.filter((name) => {
    const needed = NEEDS[name];
    return needed === undefined || needed in sys.constants;
  });
}

/**
 * The backend to use: the one asked for, else the one that `GENLOOP_BACKEND` names, else the best. Throws `RangeError`,
 * which lists the valid names, for one that does not exist here.
 */
export function chooseBackend(sys: Sys, asked?: string): BackendName {
  const available = availableBackends(sys);
  const variable = globalThis.process?.env?.[BACKEND_VARIABLE] || undefined;
  const name = asked ?? variable;
  if (name === undefined) return available[0] as BackendName;
  const found = available.find((candidate) => candidate === name);
  if (found !== undefined) return found;
  const source = asked === undefined ? ` (from ${BACKEND_VARIABLE})` : '';
  throw new RangeError(`no backend '${name}'${source} on ${sys.platform}; there are: ${available.join(', ')}`);
}

/** Opens a backend. A simulated system brings its own. */
export function openBackend(sys: Sys, name: BackendName): Backend {
  return sys.backend?.(name) ?? new CLASSES[name](sys);
}
