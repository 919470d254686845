/**
 * What a stream needs of whatever carries its bytes. Everything else (buffering, lines, one reader and one writer, cancels,
 * ends, errors) is the stream's, once: so a socket, a terminal, a serial line and a pair of buffers in memory behave alike, and
 * who writes another transport has these few functions to write.
 */

import type { Op } from '../kernel/index.ts';
import type { Sender, Transmission } from '../poller/index.ts';

/**
 * Carries the bytes of a `Stream`, both ways. No function of it waits; its two operations say when it is worth trying again.
 *
 * A transport that waits for a descriptor is ready in the sense of `ReadWait`: data, the end or an error make it readable.
 */
export interface Transport {
  /**
   * Receives at most `length` bytes into `bytes` from `offset` on: how many; 0 at the end; `undefined` if there are none yet. Throws what
   * went wrong (`SystemError`).
   */
  receive(bytes: Uint8Array, offset: number, length: number): number | undefined;
  /** Sends bytes, as many as fit: how many, at least 1; `undefined` if none do. Throws what went wrong (`SystemError`). */
  send(bytes: Uint8Array, offset: number, length: number): number | undefined;
  /**
   * As `send`, of the bytes of several parts in order, as if they were one, from the byte `offset` of the first one on: how many,
   * ending anywhere. There are at most 256 parts, none is empty, and at least one byte is to be sent. For a transport without it the parts of a
   * write are put together first.
   */
  sendParts?(parts: readonly Uint8Array[], offset: number): number | undefined;
  /**
   * Leaves short bytes to be sent with those of other tasks; `sender` is told. For sockets only: who has no such function is always asked to
   * `send`.
   */
  leave?(bytes: Uint8Array, sender: Sender, transmission: Transmission): void;
  /** An operation that completes when receiving is worth a try. Asked for once, and waited for by one task at a time. */
  readable(): Op<unknown>;
  /** An operation that completes when sending is worth a try. Asked for once, and waited for by one task at a time. */
  writable(): Op<unknown>;
  /** Ends the direction of writing: the other side sees the end. Throws `MisuseError` where only closing can do that. */
  endWriting(): void;
  /** Told once, at the beginning, where bytes can be delivered that somebody received on the stream's behalf. */
  deliverTo?(receiver: Receiver): void;
  /** Lets everything go. Called once. */
  close(): void;
  /** What messages call the stream, in a few words: `'TcpStream 7'`. */
  describe(): string;
}

/**
 * Who takes bytes that were received elsewhere, by somebody who reads for many at once. Between two of its calls
 * the task that waits has not run, and may never: what is delivered stays until somebody reads it.
 */
export interface Receiver {
  /**
   * Bytes have come. They may stay where they are until {@link Receiver.keep} is called: whoever owns that memory calls it
   * before writing over them.
   *
   * @param filled Whether there was room for no more of them, so that more may be waiting.
   */
  deliver(bytes: Buffer, offset: number, count: number, filled: boolean): void;
  /** No more will come. */
  end(): void;
  /** No more will come, for this reason. */
  fail(error: unknown): void;
  /** Copies what was delivered and not read yet: its memory is about to be written over. */
  keep(): void;
}
