/**
 * Memory that is written over soon: the one buffer into which all streams of a thread receive, and slabs that others lend. Its bytes
 * are handed out as views that hold until the next trap. A write that has to wait copies such bytes first, so that
 * `yield* out.write(yield* in.readView())` is right.
 */

import { Buffer } from '../platform/node.ts';

/** How much is received at once: the size at which Linux hands over TCP data with the fewest calls per byte. */
export const RECEIVE_SIZE: number = 65536;
/** Views of short messages are made once for each length. Making one costs as much as a tenth of a system call. */
const LONGEST_KEPT_VIEW = 2048;

let received: Buffer | undefined;
const views: (Buffer | undefined)[] = [];
const lent = new WeakSet<ArrayBufferLike>();

/** The buffer into which all streams of this thread receive. */
export function receiveBuffer(): Buffer {
  if (received === undefined) {
    received = Buffer.allocUnsafeSlow(RECEIVE_SIZE) as Buffer;
    lend(received);
  }
  return received;
}

/** The first bytes of {@link receiveBuffer}. */
export function receivedView(length: number): Buffer {
  if (length > LONGEST_KEPT_VIEW) return receiveBuffer().subarray(0, length);
  let view = views[length];
  if (view === undefined) {
    view = receiveBuffer().subarray(0, length);
    views[length] = view;
  }
  return view;
}

/** Declares that the memory under these bytes will be written over. */
export function lend(bytes: Uint8Array): void {
  lent.add(bytes.buffer);
}

/** Whether these bytes hold only until the next trap. */
export function isLent(bytes: Uint8Array): boolean {
  return lent.has(bytes.buffer);
}
