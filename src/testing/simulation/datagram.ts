/** A datagram that was received, and how it is read: whole, or cut to the buffer, and then the rest is lost. */

import type { Cargo } from './cargo.ts';
import { Numbers } from './constants.ts';
import type { OpenFile } from './file.ts';

const { MSG_PEEK, MSG_TRUNC } = Numbers;

/** Bytes, and who sent them. */
export interface Datagram<From> {
  readonly bytes: Uint8Array;
  readonly from: From;
  /** The files that travel with it. */
  readonly cargo?: Cargo;
}

/** Copies it, notes in the slot whether it was cut, and calls `remove` unless it shall stay. What recvmsg returns. */
export function takeDatagram(
  { bytes, cargo }: Datagram<unknown>,
  into: Uint8Array,
  flags: number,
  slot: Uint8Array | null,
  remove: () => void,
  taken?: OpenFile[],
): number {
  const part = bytes.subarray(0, into.length);
  into.set(part);
  if (slot !== null) slot[1] = part.length < bytes.length ? 1 : 0;
  if ((flags & MSG_PEEK) !== 0) cargo?.show(taken);
  else {
    remove();
    cargo?.deliver(taken);
  }
  return (flags & MSG_TRUNC) === 0 ? part.length : bytes.length;
}
