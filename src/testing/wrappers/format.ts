/** A call in a line, as strace prints it: names for numbers where the call's manual has names, and what came back. */

import { CONTROL_HEADER, type Constants, type DecodedAddress, errnoName, type Sys } from '../../os/index.ts';
import { type AnyCallName, type Argument, callOf, type RowsArgument } from './calls.ts';
import { type Value, written } from './snapshot.ts';
import type { TracedCall } from './traced.ts';

/** Options of {@link formatCall}. */
export interface FormatOptions {
  /** Whether to show what was sent and received, as far as the trace has it; default `false`: only how much. */
  contents?: boolean;
  /** Whether the line begins with the time, in seconds, and ends with what the call took; default `false`. */
  times?: boolean;
}

const MS_PER_SECOND = 1000;
const MICROSECONDS = 6;
const SLOT_HEADER = 2;
const IPV4_SIZE = 16;
const PRINTABLE = /^[ -~]$/;
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/**
 * A traced call in a line: `recv(7, 64 bytes, 0) = 12`, `accept(5) = -EAGAIN`. Addresses that the call fills in are left out of
 * the arguments; with `contents` they follow the result.
 */
export function formatCall(traced: TracedCall, options: FormatOptions = {}): string {
  const { call: name, inputs, outputs, time, duration, sys } = traced;
  const { contents = false, times = false } = options;
  const call = callOf(name);
  const outcome = 'error' in traced ? `threw ${String(traced.error)}` : showResult(traced);
  const back: string[] = [];
  if (contents) {
    written(call).forEach(([argument], index) => {
      const text = showOutput(argument, outputs[index] ?? null, sys.constants);
      if (text !== '') back.push(text);
    });
  }
  const line = `${formatAsked(name, inputs, sys.constants, contents)} = ${[outcome, ...back].join(' ')}`;
  if (!times) return line;
  const seconds = (ms: number) => (ms / MS_PER_SECOND).toFixed(MICROSECONDS);
  return `${seconds(time)} ${line} <${seconds(duration)}>`;
}

/** @internal What was asked: `recv(7, 64 bytes, 0)`. */
export function formatAsked(
  name: AnyCallName,
  inputs: readonly Value[],
  constants: Constants,
  contents: boolean,
): string {
  const { args } = callOf(name);
  const shown: string[] = [];
  for (let place = 0; place < args.length; place++) {
    const argument = args[place] as Argument;
    const text = showArgument(argument, inputs, place, constants, contents);
    if (text !== null) shown.push(text);
    // The offset and the length have been told with the buffer.
    if (argument.is === 'bytes' && argument.part) place += 2;
  }
  return `${name}(${shown.join(', ')})`;
}

function showArgument(
  argument: Argument,
  inputs: readonly Value[],
  place: number,
  constants: Constants,
  contents: boolean,
): string | null {
  const value = inputs[place] as Value;
  switch (argument.is) {
    case 'bytes': {
      const size = argument.part ? inputs[place + 2] : value instanceof Uint8Array ? value.length : value;
      const bytes = contents && value instanceof Uint8Array ? ` ${showBytes(value)}` : '';
      return `${size} bytes${bytes}`;
    }
    case 'address':
      return value === null ? null : showSlot(value as Uint8Array, constants);
    case 'buffers':
    case 'datagrams': {
      const name = argument.is === 'buffers' ? 'buffers' : null;
      return contents && value instanceof Uint8Array ? `${name ?? 'datagrams'} ${showBytes(value)}` : name;
    }
    case 'control':
      return value instanceof Int32Array ? showControl(value) : null;
    case 'pair':
    case 'slots':
      return null;
    case 'rows':
      return value instanceof Int32Array
        ? `${value.length / Math.max(1, argument.asked)} rows`
        : `room for ${String(value)} rows`;
    case 'count':
      return null;
    case 'text':
      return showText(value as string);
    case 'number':
      return showNumber(value as number, argument.names ?? [], argument.bits ?? false, constants);
    default:
      return String(value);
  }
}

/** The descriptors that go along; nothing, if none do. */
function showControl(control: Int32Array): string | null {
  const descriptors = control.subarray(CONTROL_HEADER);
  return descriptors.length === 0 ? null : `descriptors ${descriptors.join(' ')}`;
}

function showResult({ call, result, sys }: TracedCall): string {
  if (typeof result === 'object') return showAddress(result);
  if (result === undefined) return 'nothing';
  return result < 0 && callOf(call).result !== 'time' ? `-${errnoName(sys as Sys, result)}` : String(result);
}

function showOutput(argument: Argument, value: Value, constants: Constants): string {
  if (value === null) return '';
  if (argument.is === 'address') return showSlot(value as Uint8Array, constants);
  if (argument.is === 'rows') return showRows(argument, value as Int32Array);
  if (argument.is === 'control') return showControl(value as Int32Array) ?? '';
  if (argument.is === 'slots') return '';
  if (value instanceof Uint8Array) return value.length === 0 ? '' : showBytes(value);
  return `[${(value as Int32Array).join(', ')}]`;
}

function showRows({ columns, asked }: RowsArgument, cells: Int32Array): string {
  const width = columns - asked;
  const rows: string[] = [];
  for (let at = 0; at < cells.length; at += width) rows.push([...cells.subarray(at, at + width)].join(' '));
  return rows.length === 0 ? '' : `[${rows.join(', ')}]`;
}

/** A number by its name, or by the names of its bits. */
function showNumber(value: number, prefixes: readonly string[], bits: boolean, constants: Constants): string {
  // EPOLL_CTL_ADD begins like EPOLLIN, and is no event.
  const names = prefixes.flatMap((prefix) =>
    Object.keys(constants).filter((name) => name.startsWith(prefix) && name[prefix.length] !== '_'),
  );
  const exact = names.find((name) => constants[name] === value);
  if (exact !== undefined && value !== 0) return exact;
  if (!bits) return exact ?? String(value);
  const found: string[] = [];
  let rest = value;
  for (const name of names) {
    const bit = constants[name] as number;
    // A mask or a value of several bits is no flag.
    const isFlag = bit !== 0 && (bit & (bit - 1)) === 0;
    if (!isFlag || (rest & bit) === 0) continue;
    found.push(name);
    rest &= ~bit;
  }
  if (found.length === 0) return String(value);
  return rest === 0 ? found.join('|') : `${found.join('|')}|0x${(rest >>> 0).toString(16)}`;
}

function showBytes(bytes: Uint8Array): string {
  return showText(String.fromCharCode(...bytes));
}

function showText(text: string): string {
  const escaped = [...text].map((character) => {
    const code = character.codePointAt(0) as number;
    return ESCAPES[character] ?? (PRINTABLE.test(character) ? character : `\\x${code.toString(16).padStart(2, '0')}`);
  });
  return `"${escaped.join('')}"`;
}

function showAddress({ family, address, port }: DecodedAddress): string {
  if (family === 'IPv4') return `${address}:${port}`;
  if (family === 'IPv6') return `[${address}]:${port}`;
  return family === 'unix' ? showText(address) : `${family} ${address}`;
}

/** IPv4, which is what most traces are full of; of anything else the size. The system is not asked: it would be one more call. */
function showSlot(slot: Uint8Array, constants: Constants): string {
  const size = slot[0] ?? 0;
  const address = slot.subarray(SLOT_HEADER);
  // The BSDs have the length in the first byte, Linux the family in two.
  const family = address[0] === size ? address[1] : address[0];
  if (size !== IPV4_SIZE || family !== constants.AF_INET) return size === 0 ? 'no address' : `${size} bytes of address`;
  const [, , high = 0, low = 0, ...host] = address;
  return `${host.slice(0, 4).join('.')}:${high * 256 + low}`;
}
