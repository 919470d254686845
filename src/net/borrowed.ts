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
/** What was lent last: mostly the same as before, and asking for its memory would cost more than all else here. */
let lastLent: Uint8Array | null = null;
/** Views of slabs, by a mixture of the bits of their place: messages of one size come to lie at the same places again and again. */
const KEPT_VIEWS = 1024;
const slabViews: (Buffer | undefined)[] = new Array<Buffer | undefined>(KEPT_VIEWS).fill(undefined);
/** Where the view at the same index begins in its slab, and of which slab it is. */
const slabPlaces: Int32Array = new Int32Array(KEPT_VIEWS);
const slabs: (Buffer | undefined)[] = new Array<Buffer | undefined>(KEPT_VIEWS).fill(undefined);

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

/** Bytes of a lent slab, where they are. */
export function slabView(slab: Buffer, offset: number, length: number): Buffer {
  if (length > LONGEST_KEPT_VIEW) return slab.subarray(offset, offset + length);
  const at = (offset + (offset >>> 10)) & (KEPT_VIEWS - 1);
  const kept = slabViews[at];
  if (kept !== undefined && kept.length === length && slabPlaces[at] === offset && slabs[at] === slab) return kept;
  const view = slab.subarray(offset, offset + length);
  slabViews[at] = view;
  slabPlaces[at] = offset;
  slabs[at] = slab;
  return view;
}

/** Declares that the memory under these bytes will be written over. */
export function lend(bytes: Uint8Array): void {
  if (bytes === lastLent) return;
  lent.add(bytes.buffer);
  lastLent = bytes;
}

/** Whether these bytes hold only until the next trap. */
export function isLent(bytes: Uint8Array): boolean {
  return lent.has(bytes.buffer);
}
