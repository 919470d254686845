/**
 * The memory through which a poller receives and sends for its tasks. What was received lies in it until the next wait, so a write of it
 * is sent from where it is. It is taken from the system page by page as it is used, most of it never.
 */

import { markAsUntransferable } from '../platform/node.ts';

/** Bytes to receive into, and behind them those to be sent. */
export class Slab {
  /** Where the bytes to be sent begin. */
  readonly sending: number;
  private readonly size: number;
  private memory: Uint8Array | null = null;

  constructor(receiving: number, sending: number) {
    this.sending = receiving;
    this.size = receiving + sending;
  }

  /** All of it. Made when it is first asked for. */
  get bytes(): Uint8Array {
    return this.memory ?? this.make();
  }

  private make(): Uint8Array {
    this.memory = new Uint8Array(this.size);
    // Views of it are handed out: nobody may send it to another thread with one of them.
    markAsUntransferable(this.memory.buffer);
    return this.memory;
  }
}
