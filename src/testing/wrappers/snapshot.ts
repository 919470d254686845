/**
 * What went into a call and what came out of it, as values that stay as they are: the arrays that calls read and write are
 * used again.
 */

import { CONTROL_HEADER } from '../../os/index.ts';
import { batchIn, gatheredBytes, writeBatch } from './batches.ts';
import type { Argument, BatchArgument, Call, RowsArgument } from './calls.ts';

/** A number, a text, bytes, the integers of rows; `null` where an argument has nothing to tell. */
export type Value = number | string | Uint8Array | Int32Array | null;

/** The bytes of an address slot before the `sockaddr`. */
const SLOT_HEADER = 2;

/**
 * What the call was asked, a value for each argument. Of an array that it writes: its size, where that matters. At most `most`
 * bytes of a buffer.
 */
export function inputsOf(call: Call, args: readonly unknown[], most: number = Number.POSITIVE_INFINITY): Value[] {
  return call.args.map((argument, place): Value => {
    const value = args[place];
    switch (argument.is) {
      case 'bytes': {
        const bytes = value as Uint8Array;
        if (argument.part) return argument.way === 'out' ? null : part(bytes, args, place, most);
        return argument.way === 'out' ? bytes.length : copied(bytes, 0, most);
      }
      case 'address':
        return argument.way === 'out' ? null : slotBytes(value as Uint8Array);
      case 'buffers':
        return gatheredBytes(value as readonly Uint8Array[], args[place + 1] as number, most);
      case 'datagrams':
      case 'slots':
        return argument.way === 'out' ? null : batchIn(argument, args, place, args[argument.count] as number, most);
      case 'control':
        return argument.way === 'out' ? (value as Int32Array).length : controlCells(value as Int32Array);
      case 'pair':
        return null;
      case 'rows':
        return argument.asked === 0
          ? Math.floor((value as Int32Array).length / columnsOf(argument))
          : columns(argument, rowsFrom(argument, args, place), args[argument.count] as number, 0, argument.asked);
      default:
        return value as number | string;
    }
  });
}

/** What the call has written, a value for each argument that it writes; `null` for one to which it wrote nothing. */
export function outputsOf(
  call: Call,
  args: readonly unknown[],
  result: unknown,
  most: number = Number.POSITIVE_INFINITY,
): Value[] {
  const status = typeof result === 'number' ? result : 0;
  return written(call).map(([argument, place]) => {
    if (status < 0) return null;
    const value = args[place];
    switch (argument.is) {
      case 'bytes': {
        const bytes = value as Uint8Array;
        if (argument.way === 'both') return copied(bytes, 0, most);
        if (!argument.part) return copied(bytes, 0, Math.min(status, most));
        // With MSG_TRUNC the result is how long the datagram was, not how much of it is here.
        const [offset, length] = [args[place + 1] as number, args[place + 2] as number];
        return copied(bytes, offset, Math.min(status, length, most));
      }
      case 'address':
        return slotBytes(value as Uint8Array);
      case 'datagrams':
      case 'slots':
        return batchIn(argument, args, place, status, most);
      case 'control':
        return controlCells(value as Int32Array);
      case 'pair':
        return (value as Int32Array).slice(0, 2);
      case 'rows': {
        const count = argument.count < 0 ? status : (args[argument.count] as number);
        return columns(argument, value as Int32Array, count, argument.asked, argument.columns);
      }
      default:
        return null;
    }
  });
}

/** Writes to the arguments what {@link outputsOf} has read from others. */
export function writeOutputs(call: Call, args: readonly unknown[], outputs: readonly Value[]): void {
  const later: [BatchArgument, number, Uint8Array][] = [];
  written(call).forEach(([argument, place], index) => {
    const output = outputs[index];
    if (output === null || output === undefined || typeof output === 'number' || typeof output === 'string') return;
    // Where its parts belong say the rows, which come after it.
    if (argument.is === 'datagrams' || argument.is === 'slots') later.push([argument, place, output as Uint8Array]);
    else if (argument.is !== 'rows') {
      const offset = argument.is === 'bytes' && argument.part ? (args[place + 1] as number) : 0;
      (args[place] as Uint8Array).set(output, offset);
    } else {
      const cells = cellsOf(argument, args[place] as Int32Array);
      const width = argument.columns - argument.asked;
      for (let index = 0; index < output.length; index++) {
        const row = Math.floor(index / width);
        cells[row * argument.columns + argument.asked + (index % width)] = output[index] as number;
      }
    }
  });
  for (const [argument, place, output] of later) writeBatch(argument, args, place, output);
}

/** The arguments that a call writes, with their places. */
export function written(call: Call): [Argument, number][] {
  return call.args
    .map((argument, place): [Argument, number] => [argument, place])
    .filter(([argument]) => {
      if (argument.is === 'pair') return true;
      if (argument.is === 'rows') return argument.asked < argument.columns;
      return 'way' in argument && argument.way !== 'in';
    });
}

/** Control data, as much of it as there is. */
function controlCells(control: Int32Array): Int32Array {
  return control.slice(0, control.length === 0 ? 0 : CONTROL_HEADER + (control[0] as number));
}

function rowsFrom({ from, columns }: RowsArgument, args: readonly unknown[], place: number): Int32Array {
  const rows = args[place] as Int32Array;
  return from < 0 ? rows : rows.subarray((args[from] as number) * columns);
}

function part(bytes: Uint8Array, args: readonly unknown[], place: number, most: number): Uint8Array {
  const [offset, length] = [args[place + 1] as number, args[place + 2] as number];
  return copied(bytes, offset, Math.min(length, most));
}

/** As much of a slot as its address needs. */
function slotBytes(slot: Uint8Array): Uint8Array {
  return copied(slot, 0, SLOT_HEADER + (slot[0] ?? 0));
}

function columns(argument: RowsArgument, rows: Int32Array, count: number, from: number, to: number): Int32Array {
  const cells = cellsOf(argument, rows);
  const width = to - from;
  const values = new Int32Array(count * width);
  for (let index = 0; index < values.length; index++) {
    const row = Math.floor(index / width);
    values[index] = cells[row * argument.columns + from + (index % width)] as number;
  }
  return values;
}

function cellsOf(argument: RowsArgument, rows: Int32Array): Int32Array | Int16Array {
  if (argument.bits === 32) return rows;
  return new Int16Array(rows.buffer, rows.byteOffset, rows.byteLength / Int16Array.BYTES_PER_ELEMENT);
}

/** Integers of the array to a row. */
function columnsOf({ columns, bits }: RowsArgument): number {
  return (columns * bits) / 32;
}

/** A copy, also of a `Buffer`, whose own `slice` is none. */
function copied(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return new Uint8Array(bytes.subarray(offset, offset + length));
}
