/**
 * What a system was asked and what it answered, from the first call to the last. As text it is lines of JSON, the first of which
 * says what it is: it can be kept in a file, sent with a report of a bug, and read by a person.
 */

import type { BackendName, Constants, DecodedAddress } from '../../os/index.ts';
import { type AnyCallName, BACKEND_CALLS, CALLS } from './calls.ts';
import type { Value } from './snapshot.ts';

/** A call, or the opening of a backend, with its answer. */
export interface LogEntry {
  readonly call: AnyCallName | 'backend';
  readonly inputs: readonly Value[];
  readonly result: number | DecodedAddress | null;
  readonly outputs: readonly Value[];
  /** What it threw instead: name and message. */
  readonly thrown: readonly [name: string, message: string] | null;
}

/** The format's version: a log of another one is refused. */
const VERSION = 1;
const FORMAT = 'genloop calls';
/** More at once would be too many arguments. */
const CHUNK = 0x2000;

/** How a log is laid out in text: the first line. */
interface Header {
  readonly format: string;
  readonly version: number;
  readonly platform: string;
  readonly hasBackend: boolean;
  readonly constants: Constants;
}

/**
 * A recorded run: made by `recorded`, read by `replayed`.
 *
 * @example
 * writeFileSync('run.log', log.toString());
 * const again = SysLog.parse(readFileSync('run.log', 'utf8'));
 */
export class SysLog {
  /** The platform of the system that was recorded. */
  readonly platform: string;
  /** Its constants. */
  readonly constants: Constants;
  /** Whether it brought its own backend. */
  readonly hasBackend: boolean;
  private readonly list: LogEntry[] = [];

  /** @internal */
  constructor(platform: string, constants: Constants, hasBackend: boolean) {
    this.platform = platform;
    this.constants = constants;
    this.hasBackend = hasBackend;
  }

  /** How many calls there are. */
  get length(): number {
    return this.list.length;
  }

  /** @internal The n-th call, from 0. */
  at(index: number): LogEntry | undefined {
    return this.list[index];
  }

  /** @internal */
  add(entry: LogEntry): void {
    this.list.push(entry);
  }

  /** All of it as text, for a file: a line for each call, after one that tells version, platform and constants. */
  toString(): string {
    const { platform, hasBackend, constants } = this;
    const header: Header = { format: FORMAT, version: VERSION, platform, hasBackend, constants: { ...constants } };
    return `${[header, ...this.list.map(toLine)].map((line) => JSON.stringify(line)).join('\n')}\n`;
  }

  /** Reads what {@link SysLog.toString} wrote. Throws `SyntaxError`, with the number of the line, for anything else. */
  static parse(text: string): SysLog {
    const lines = text.split('\n');
    const first = parseLine(lines[0] ?? '', 1) as Partial<Header> | null;
    if (first?.format !== FORMAT)
      throw new SyntaxError('this is no log of system calls: its first line does not say so');
    if (first.version !== VERSION) {
      throw new SyntaxError(
        `this log has version ${first.version}, and this library reads ${VERSION}: replay it by the one that recorded it`,
      );
    }
    const { platform, constants, hasBackend } = first as Header;
    const log = new SysLog(platform, constants, hasBackend);
    // After the last line end there is nothing. Without one the last line was cut off.
    for (let index = 1; index < lines.length - 1; index++) {
      log.add(fromLine(parseLine(lines[index] as string, index + 1), index + 1));
    }
    if (lines[lines.length - 1] !== '') throw new SyntaxError(`line ${lines.length} of the log was cut off`);
    return log;
  }
}

/** @internal The name of a backend, in the entry of its opening. */
export function backendOf(entry: LogEntry): BackendName {
  return entry.inputs[0] as BackendName;
}

/** @internal A value as it stands in JSON: what JSON lacks is an object with one key. */
export function toJson(value: Value): unknown {
  if (value instanceof Uint8Array) return { bytes: toBase64(value) };
  if (value instanceof Int32Array) return { rows: [...value] };
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) };
  return value;
}

function fromJson(json: unknown): Value {
  if (typeof json !== 'object' || json === null) return json as Value;
  const { bytes, rows, number } = json as { bytes?: string; rows?: number[]; number?: string };
  if (bytes !== undefined) return fromBase64(bytes);
  return rows === undefined ? Number(number) : Int32Array.from(rows);
}

function toLine({ call, inputs, result, outputs, thrown }: LogEntry): unknown[] {
  const line: unknown[] = [call, inputs.map(toJson), result];
  if (thrown !== null) line.push(outputs.map(toJson), thrown);
  else if (outputs.some((output) => output !== null)) line.push(outputs.map(toJson));
  return line;
}

function fromLine(line: unknown, number: number): LogEntry {
  if (!Array.isArray(line)) throw new SyntaxError(`line ${number} of the log is no call`);
  const [call, inputs, result, outputs = [], thrown = null] = line as [
    LogEntry['call'],
    unknown[],
    never,
    unknown[]?,
    never?,
  ];
  if (call !== 'backend' && !Object.hasOwn(CALLS, call) && !Object.hasOwn(BACKEND_CALLS, call)) {
    throw new SyntaxError(`line ${number} of the log is a call '${String(call)}' that there is not`);
  }
  return { call, inputs: inputs.map(fromJson), result, outputs: outputs.map(fromJson), thrown };
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new SyntaxError(`line ${number} of the log is no JSON`, { cause: error });
  }
}

// Not by Buffer, as a browser has none.
function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
