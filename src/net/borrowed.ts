/**
 * Memory that is written over soon: the one buffer into which all streams of a thread receive, and slabs that others lend. Its bytes
 * are handed out as views that hold until the next trap. A write that has to wait copies such bytes first, so that
 * `yield* out.write(yield* in.readView())` is right.
 */

import { Buffer, markAsUntransferable } from '../platform/node.ts';

/** How much is received at once: the size at which Linux hands over TCP data with the fewest calls per byte. */
export const RECEIVE_SIZE: number = 65536;
/**
 * The common buffer has room for more than that: where a message of just this size leaves some, nobody has to ask in vain whether there is more. (Of
 * messages of 64 KiB, two of five calls to receive were of that kind.)
 */
const RECEIVE_ROOM = RECEIVE_SIZE + 4096;
/** Views of short messages are made once for each length. Making one costs as much as a tenth of a system call. */
const LONGEST_KEPT_VIEW = 2048;

let received: Buffer | undefined;
const views: (Buffer | undefined)[] = [];
const lent = new WeakSet<ArrayBufferLike>();
/** What was declared last: mostly the same is asked about again. */
let lastLent: Uint8Array | null = null;

/** Views of what others lend, at some place and of some length: the same few come again and again. */
interface KeptView {
  readonly start: number;
  readonly length: number;
  readonly view: Buffer;
}
const KEPT_VIEWS = 512; // the hash below gives nine bits
let keptOf: Buffer | null = null;
let kept: (KeptView | undefined)[] = [];

/** A view of lent bytes. */
export function lentView(bytes: Buffer, start: number, length: number): Buffer {
  if (length > LONGEST_KEPT_VIEW) return bytes.subarray(start, start + length) as Buffer;
  if (bytes === received && start === 0) return receivedView(length);
  if (bytes !== keptOf) {
    keptOf = bytes;
    kept = Array.from({ length: KEPT_VIEWS });
  }
  // Messages of one size lie at its multiples: these have to be spread (Fibonacci hashing, the upper nine bits).
  const place = Math.imul(start ^ length, 0x9e3779b1) >>> 23;
  const found = kept[place];
  if (found !== undefined && found.start === start && found.length === length) return found.view;
  const view = bytes.subarray(start, start + length) as Buffer;
  kept[place] = { start, length, view };
  return view;
}

/** The buffer into which all streams of this thread receive. */
export function receiveBuffer(): Buffer {
  if (received === undefined) {
    received = Buffer.allocUnsafeSlow(RECEIVE_ROOM) as Buffer;
    markAsUntransferable(received.buffer);
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
  if (bytes === lastLent) return;
  lastLent = bytes;
  lent.add(bytes.buffer);
}

/** Whether these bytes hold only until the next trap. */
export function isLent(bytes: Uint8Array): boolean {
  return lent.has(bytes.buffer);
}
