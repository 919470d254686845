/**
 * Writing from several buffers in one call: a header and its body, or a queue of answers, go out together and are not copied
 * into one first.
 */

import { type Data, type Descriptor, toBytes } from './descriptor.ts';
import { SystemError, wouldBlock } from './errors.ts';

/**
 * Writes the bytes of all buffers, in order, as if they were one: what fits. The bytes written, possibly fewer than there are;
 * `undefined` if that would block. To go on after a part, pass the bytes that have gone as `offset`; of very many buffers one call
 * takes the first 256. Throws `SystemError` (`EPIPE`, `ECONNRESET`, …), `RangeError` for an offset beyond the bytes. writev(2).
 *
 * @example
 * const sent = writev(socket, [header, body]);
 */
export function writev(descriptor: Descriptor, buffers: readonly Data[], offset: number = 0): number | undefined {
  const { sys } = descriptor;
  const result = sys.writev(descriptor.fileno(), gathered(buffers), offset);
  if (result >= 0) return result;
  if (wouldBlock(sys, result)) return undefined;
  throw new SystemError(sys, 'writev', result, { fd: descriptor.fd });
}

/** @internal The same buffers, with texts as their bytes. */
export function gathered(buffers: readonly Data[]): readonly Uint8Array[] {
  if (!Array.isArray(buffers)) throw new TypeError('buffers must be an array of strings or Uint8Arrays');
  const isText = (buffer: Data): boolean => !(buffer instanceof Uint8Array);
  return buffers.some(isText) ? buffers.map(toBytes) : (buffers as readonly Uint8Array[]);
}
