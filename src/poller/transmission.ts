/**
 * Short writes of the tasks of a round, sent together: one crossing into the addon for all of them, instead of one for each. Whoever
 * writes so is parked until then, so nothing is different for him: his write completes when the system has its bytes, and its error is
 * his. The others of the round have had their steps meanwhile.
 *
 * What has to come before something else (a close, an end, a cancel, another write to the same socket) is asked for by
 * {@link Transmission.flush}; otherwise the end of the round does.
 */

import { ClosedError, type Descriptor, SEND_ROW, type Sys, SystemError, wouldBlock } from '../os/index.ts';
import type { Registration } from './registration.ts';
import type { Slab } from './slab.ts';

/** Who sends short writes of a stream: the round, for all of its tasks, or each task by itself. */
export type SendMode = 'round' | 'task';

/** The environment variable that says so where no option does. */
export const SEND_VARIABLE = 'GENLOOP_SEND' as const;

/** The modes there are, the usual one first. */
export const SEND_MODES: readonly SendMode[] = ['round', 'task'];

/** Writes in one call. More of them gain nothing, and the first would wait the longer for the others' steps. */
export const SENDS_AT_ONCE = 16 as const;
/** Longer writes go by themselves: beside copying so much, a crossing counts for nothing. */
export const LONGEST_SEND = 4096 as const;
/** Room for the bytes of one call. */
export const SEND_ROOM: number = SENDS_AT_ONCE * LONGEST_SEND;

/** Who is told what became of its bytes. */
export interface Sender {
  /** So many have gone; fewer than all, perhaps none, where there was no room. All of them are from `offset` on, until the call returns. */
  gone(count: number, bytes: Uint8Array, offset: number): void;
  /** None has gone, for this reason. */
  refused(error: unknown): void;
}

/** What the tasks of this round have written and what is to be sent at its end. */
export class Transmission {
  private readonly sys: Sys;
  private readonly slab: Slab;
  private readonly rows: Int32Array = new Int32Array(SENDS_AT_ONCE * SEND_ROW);
  private readonly sockets: (Descriptor | null)[] = new Array(SENDS_AT_ONCE).fill(null);
  private readonly senders: (Sender | null)[] = new Array(SENDS_AT_ONCE).fill(null);
  private count = 0;
  /** Bytes in use of those behind the received ones. */
  private used = 0;

  /** @internal */
  constructor(sys: Sys, slab: Slab) {
    this.sys = sys;
    this.slab = slab;
  }

  /** How many writes are to be sent. */
  get size(): number {
    return this.count;
  }

  /**
   * Takes a write of at least one byte and at most {@link LONGEST_SEND}. Its bytes may change afterwards: what was received in this wait is still
   * there when it is sent, and anything else is copied. The sender is told before the round ends, or at once if this was the last for which there is room. Throws `TypeError`
   * for bytes whose memory was given away.
   */
  add(socket: Descriptor, bytes: Uint8Array, sender: Sender): void {
    const { rows, slab } = this;
    let offset = bytes.byteOffset;
    if (bytes.buffer !== slab.bytes.buffer) {
      offset = slab.sending + this.used;
      slab.bytes.set(bytes, offset);
      this.used += bytes.length;
    }
    const at = this.count++;
    rows[at * SEND_ROW + 1] = offset;
    rows[at * SEND_ROW + 2] = bytes.length;
    this.sockets[at] = socket;
    this.senders[at] = sender;
    if (this.count === SENDS_AT_ONCE) this.flush();
  }

  /** Sends all, and tells each sender. One that is about to be closed has no number any more, but its registration knows it. */
  flush(leaving: Registration | null = null): void {
    const { sys, rows, sockets, senders, count } = this;
    if (count === 0) return;
    this.count = this.used = 0;
    const { bytes } = this.slab;
    // Asked for only now: one that was closed since has none any more.
    for (let at = 0; at < count; at++) rows[at * SEND_ROW] = numberOf(sockets[at] as Descriptor, leaving);
    let total: number;
    try {
      total = sys.sendEach(rows, count, bytes);
    } catch (error) {
      // A system that is none may throw: the replay of a program that went another way.
      for (let at = 0; at < count; at++) (senders[at] as Sender).refused(error);
      this.clear();
      return;
    }
    for (let at = 0; at < count; at++) {
      const sender = senders[at] as Sender;
      const result = total < 0 ? total : (rows[at * SEND_ROW + 3] as number);
      if (result >= 0) sender.gone(result, bytes, rows[at * SEND_ROW + 1] as number);
      else if (wouldBlock(sys, result)) sender.gone(0, bytes, rows[at * SEND_ROW + 1] as number);
      else sender.refused(errorOf(sys, rows[at * SEND_ROW] as number, result));
      sockets[at] = senders[at] = null;
    }
  }

  /** Forgets all: nobody is left to be told. */
  clear(): void {
    this.sockets.fill(null);
    this.senders.fill(null);
    this.count = this.used = 0;
  }
}

function numberOf(socket: Descriptor, leaving: Registration | null): number {
  return leaving !== null && leaving.descriptor === socket ? leaving.fd : socket.fd;
}

function errorOf(sys: Sys, fd: number, result: number): Error {
  if (fd < 0) return new ClosedError('a socket was closed while a task wrote to it');
  return new SystemError(sys, 'send', result, { fd });
}
