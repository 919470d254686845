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
export { chooseMode } from './modes.ts';
export type { PollerOptions } from './options.ts';
export { PollBackend } from './poll.ts';
export { Poller } from './poller.ts';
export { RECEIVE_MODES, RECEIVE_VARIABLE, RECEPTION_BYTES, type ReceiveMode } from './reception.ts';
export { type Direction, type Receiver, Registration, type Waiter } from './registration.ts';
export { SelectBackend } from './select.ts';
export {
  LONGEST_SEND,
  SEND_MODES,
  SEND_VARIABLE,
  SENDS_AT_ONCE,
  type Sender,
  type SendMode,
  Transmission,
} from './transmission.ts';
