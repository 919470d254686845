/**
 * What calls with several buffers or several datagrams read and write, as one row of bytes: the datagrams one after the other, the
 * addresses likewise, each as long as its slot says. How long each datagram is stands in the rows, which are kept apart.
 */

import { ADDRESS_SLOT_SIZE } from '../../os/index.ts';
import type { BatchArgument } from './calls.ts';

/** The bytes of an address slot before the `sockaddr`. */
const SLOT_HEADER = 2;

/** The bytes of several buffers from an offset on, at most `most`. */
export function gatheredBytes(buffers: readonly Uint8Array[], offset: number, most: number): Uint8Array {
  return concatenated(buffers, offset, most);
}

/** What such an argument holds of the first `count` datagrams. */
export function batchIn(
  argument: BatchArgument,
  args: readonly unknown[],
  place: number,
  count: number,
  most: number,
): Uint8Array {
  return concatenated(
    parts(argument, args, place, count),
    0,
    argument.is === 'slots' ? Number.POSITIVE_INFINITY : most,
  );
}

/** Puts back what {@link batchIn} has read from others. The rows have been written. */
export function writeBatch(argument: BatchArgument, args: readonly unknown[], place: number, bytes: Uint8Array): void {
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    const size = argument.is === 'slots' ? SLOT_HEADER + (bytes[at] as number) : lengthOf(argument, args, n);
    const target = argument.is === 'slots' ? n * ADDRESS_SLOT_SIZE : offsetOf(argument, args, n);
    (args[place] as Uint8Array).set(bytes.subarray(at, at + size), target);
    at += size;
  }
}

function parts(argument: BatchArgument, args: readonly unknown[], place: number, count: number): Uint8Array[] {
  const whole = args[place] as Uint8Array;
  const first = argument.from < 0 ? 0 : (args[argument.from] as number);
  return Array.from({ length: count }, (_, index) => {
    const n = first + index;
    if (argument.is === 'datagrams') {
      const offset = offsetOf(argument, args, n);
      return whole.subarray(offset, offset + lengthOf(argument, args, n));
    }
    const slot = whole.subarray(n * ADDRESS_SLOT_SIZE, (n + 1) * ADDRESS_SLOT_SIZE);
    return slot.subarray(0, SLOT_HEADER + (slot[0] ?? 0));
  });
}

function offsetOf({ rows, width, offset }: BatchArgument, args: readonly unknown[], n: number): number {
  return (args[rows] as Int32Array)[n * width + offset] as number;
}

function lengthOf({ rows, width, length }: BatchArgument, args: readonly unknown[], n: number): number {
  return (args[rows] as Int32Array)[n * width + length] as number;
}

function concatenated(buffers: readonly Uint8Array[], offset: number, most: number): Uint8Array {
  const size = buffers.reduce((sum, { length }) => sum + length, 0);
  const all = new Uint8Array(size);
  let at = 0;
  for (const buffer of buffers) {
    all.set(buffer, at);
    at += buffer.length;
  }
  return all.subarray(offset, Math.min(size, offset + most));
}
