/**
 * Portable readiness: four backends with the same verbs, and one poller with all the policy.
 *
 * @module poller
 */

export { availableBackends, BACKEND_VARIABLE, chooseBackend, openBackend } from './backends.ts';
export { noCounters, type PollerCounters } from './counters.ts';
export { EpollBackend } from './epoll.ts';
export { BusyError } from './errors.ts';
export { ALARM, Readiness, readinessNames } from './flags.ts';
export { KqueueBackend } from './kqueue.ts';
export { PollBackend } from './poll.ts';
export { Poller, type PollerOptions } from './poller.ts';
export { chooseReceiveMode, RECEIVE_VARIABLE, RECEPTION_BYTES, type ReceiveMode } from './reception.ts';
export { type Direction, type Receiver, Registration, type Waiter } from './registration.ts';
export { SelectBackend } from './select.ts';
