/** What an owner may choose about its poller. */

import type { ReceiveMode } from './reception.ts';
import type { SendMode } from './transmission.ts';

/** Options of a {@link Poller}. */
export interface PollerOptions {
  /** What messages call its owner. */
  name?: string;
  /** Whether what readers wait for is received in the wait; default `'wait'`. */
  receive?: ReceiveMode;
  /** Whether short writes go together at the end of the round; default `'round'`. */
  send?: SendMode;
  /** Called when the kernel set, and so its descriptor, was replaced. */
  onRebuild?: () => void;
}
