/**
 * Where a trace goes, in pieces: a file that is a whole JSON array after each of them, so that a program may be killed at
 * any moment, or a function. What does not fit into the pieces of the moment is never kept: memory is bounded.
 */

import { Buffer, closeSync, openSync, writeSync } from '../platform/node.ts';

/** Takes pieces of text, one after the other. */
export interface TraceOutput {
  /** Events without their separators. */
  write(events: readonly string[]): void;
  /** The last. */
  close(): void;
}

const BEGIN = '[\n';
const SEPARATOR = ',\n';
const END = '\n]\n';

/** Throws Node's error if the file cannot be made. */
export class TraceFile implements TraceOutput {
  private readonly fd: number;
  private readonly path: string;
  /** Where the next event goes: over the end of the array. */
  private position = 0;
  private empty = true;
  /** A pipe or a terminal has no positions: there the end comes at the end. */
  private seekable = true;

  constructor(path: string) {
    this.path = path;
    this.fd = openSync(path, 'w');
    this.append(BEGIN);
    this.finish();
  }

  write(events: readonly string[]): void {
    if (events.length === 0) return;
    this.append((this.empty ? '' : SEPARATOR) + events.join(SEPARATOR));
    this.empty = false;
    this.finish();
  }

  close(): void {
    try {
      if (!this.seekable) this.put(END, null);
    } finally {
      closeSync(this.fd);
    }
  }

  /** What messages call it. */
  toString(): string {
    return this.path;
  }

  private append(text: string): void {
    if (this.seekable) {
      try {
        this.position += this.put(text, this.position);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESPIPE') throw error;
        this.seekable = false;
      }
    }
    this.put(text, null);
  }

  /** The end of the array, which the next piece overwrites. */
  private finish(): void {
    if (this.seekable) this.put(END, this.position);
  }

  private put(text: string, position: number | null): number {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) {
      const at = position === null ? null : position + written;
      written += writeSync(this.fd, bytes, written, bytes.length - written, at);
    }
    return bytes.length;
  }
}

/** A function that takes text: all pieces together are one JSON array. */
export class TraceSink implements TraceOutput {
  private readonly sink: (text: string) => void;
  private begun = false;

  constructor(sink: (text: string) => void) {
    this.sink = sink;
  }

  write(events: readonly string[]): void {
    if (events.length === 0) return;
    this.sink((this.begun ? SEPARATOR : BEGIN) + events.join(SEPARATOR));
    this.begun = true;
  }

  close(): void {
    this.sink(this.begun ? END : BEGIN + END);
  }

  /** What messages call it. */
  toString(): string {
    return 'a function';
  }
}
