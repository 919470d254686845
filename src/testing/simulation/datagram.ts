/** A datagram that was received, and how it is read: whole, or cut to the buffer, and then the rest is lost. */

import { Numbers } from './constants.ts';

const { MSG_PEEK, MSG_TRUNC } = Numbers;

/** Bytes, and who sent them. */
export interface Datagram<From> {
  readonly bytes: Uint8Array;
  readonly from: From;
}

/** Copies it, notes in the slot whether it was cut, and calls `remove` unless it shall stay. What recvmsg returns. */
export function takeDatagram(
  { bytes }: Datagram<unknown>,
  into: Uint8Array,
  flags: number,
  slot: Uint8Array | null,
  remove: () => void,
): number {
  const part = bytes.subarray(0, into.length);
  into.set(part);
  if (slot !== null) slot[1] = part.length < bytes.length ? 1 : 0;
  if ((flags & MSG_PEEK) === 0) remove();
  return (flags & MSG_TRUNC) === 0 ? part.length : bytes.length;
}
