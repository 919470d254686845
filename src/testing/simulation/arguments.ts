/** What no kernel should ever see, refused as the addon refuses it: with the call and the argument in the message. */

import { ADDRESS_SLOT_SIZE } from '../../os/index.ts';

const LARGEST_INT = 0x7fff_ffff;
const SLOT_HEADER = 2;
const SMALLEST_ADDRESS = 2;

/** A descriptor, a count, a length. */
export function checkInteger(call: string, name: string, value: number, least: number = 0): void {
  if (typeof value !== 'number') throw new TypeError(`${call}: ${name} must be a number`);
  if (Number.isInteger(value) && value >= least && value <= LARGEST_INT) return;
  throw new RangeError(`${call}: ${name} must be an integer from ${least} to ${LARGEST_INT}`);
}

/** The part of a buffer that a call is about. */
export function checkBytes(call: string, buffer: Uint8Array, offset: number, length: number): Uint8Array {
  checkInteger(call, 'offset', offset);
  checkInteger(call, 'length', length);
  if (!(buffer instanceof Uint8Array)) throw new TypeError(`${call}: buffer must be a Uint8Array`);
  if (offset + length > buffer.length) {
    throw new RangeError(`${call}: offset ${offset} + length ${length} exceeds the buffer's ${buffer.length} bytes`);
  }
  return new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
}

/** A slot for a result. */
export function checkSlot(call: string, slot: Uint8Array): Uint8Array {
  if (!(slot instanceof Uint8Array)) throw new TypeError(`${call}: slot must be a Uint8Array`);
  if (slot.length >= ADDRESS_SLOT_SIZE) return slot;
  throw new RangeError(`${call}: slot must have at least ${ADDRESS_SLOT_SIZE} bytes, not ${slot.length}`);
}

/** A slot that holds an address. */
export function checkAddress(call: string, address: Uint8Array): Uint8Array {
  if (!(address instanceof Uint8Array)) throw new TypeError(`${call}: address must be a Uint8Array`);
  const length = address[0] ?? 0;
  if (length === 0) throw new TypeError(`${call}: address holds no address`);
  if (length >= SMALLEST_ADDRESS && address.length >= SLOT_HEADER + length) return address;
  throw new RangeError(`${call}: address says ${length} bytes, and there are ${address.length - SLOT_HEADER}`);
}

/** An array of rows. */
export function checkRows(call: string, rows: Int32Array, columns: number, count: number): Int32Array {
  checkInteger(call, 'count', count);
  if (!(rows instanceof Int32Array)) throw new TypeError(`${call}: rows must be an Int32Array`);
  if (count * columns <= rows.length) return rows;
  throw new RangeError(
    `${call}: ${count} rows of ${columns} exceed the ${Math.floor(rows.length / columns)} of the array`,
  );
}

/** A timeout or a deadline. */
export function checkTime(call: string, ms: number): number {
  if (typeof ms !== 'number') throw new TypeError(`${call}: a number of milliseconds is needed`);
  if (!Number.isNaN(ms)) return ms;
  throw new RangeError(`${call}: a number of milliseconds is needed, not NaN`);
}
