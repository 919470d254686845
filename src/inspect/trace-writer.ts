/**
 * Events of the trace-event format (Chrome's, which Perfetto opens), gathered into pieces. A time is one of
 * `performance.now()`; in the file it is microseconds.
 *
 * @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */

import type { TraceOutput } from './trace-output.ts';

/** A line of the picture: a process and a thread, as the format calls them. */
export interface Track {
  readonly pid: number;
  readonly tid: number;
}

/** What an event says besides. */
export type Arguments = Readonly<Record<string, unknown>>;

/** So many characters go out together. */
const PIECE = 1 << 16;
/** An event that is older than this, in milliseconds, goes out with the next one. */
const OLDEST = 500;

/** Writes events. Once the output fails or is full it writes no more. */
export class TraceWriter {
  private readonly output: TraceOutput;
  private readonly limit: number;
  private readonly onEnd: (why: string) => void;
  private events: string[] = [];
  private size = 0;
  private written = 0;
  private flushed: number = performance.now();
  private over = false;

  /** `onEnd` is told why it can go on no longer: an error of the output, or its `limit` in bytes. */
  constructor(output: TraceOutput, limit: number, onEnd: (why: string) => void) {
    this.output = output;
    this.limit = limit;
    this.onEnd = onEnd;
  }

  /** A name for a track, or for the process it belongs to. */
  name(what: 'process_name' | 'thread_name', { pid, tid }: Track, name: string): void {
    this.add(`{"ph":"M","pid":${pid},"tid":${tid},"name":"${what}","args":{"name":${JSON.stringify(name)}}}`);
  }

  /** The place of a track among the others of its process. */
  order({ pid, tid }: Track, place: number): void {
    this.add(`{"ph":"M","pid":${pid},"tid":${tid},"name":"thread_sort_index","args":{"sort_index":${place}}}`);
  }

  /** Something that took from `start` to `end`. */
  slice(track: Track, category: string, name: string, start: number, end: number, args?: Arguments): void {
    const dur = Math.max(0, nanos(end) - nanos(start)) / 1000;
    const rest = `"dur":${dur.toFixed(3)}${argumentsOf(args)}`;
    this.add(`{"ph":"X",${headOf(track, category, name, start)},${rest}}`);
  }

  /** Something that happened at one moment. */
  instant(track: Track, category: string, name: string, time: number, args?: Arguments): void {
    this.add(`{"ph":"i",${headOf(track, category, name, time)},"s":"t"${argumentsOf(args)}}`);
  }

  /** One end of an arrow: it starts in a slice that has been written, and ends in one. */
  arrow(end: 's' | 'f', id: number, track: Track, name: string, time: number): void {
    const bind = end === 'f' ? ',"bp":"e"' : '';
    this.add(`{"ph":"${end}",${headOf(track, 'wake', name, time)},"id":${id}${bind}}`);
  }

  /** Writes what has been gathered. */
  flush(): void {
    if (this.over || this.events.length === 0) return;
    const { events } = this;
    this.events = [];
    this.written += this.size;
    this.size = 0;
    this.flushed = performance.now();
    try {
      this.output.write(events);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Writes the rest, and closes the output. */
  close(): void {
    if (this.over) return;
    this.flush();
    if (this.over) return;
    this.over = true;
    try {
      this.output.close();
    } catch (error) {
      this.onEnd(reasonOf(error));
    }
  }

  private add(event: string): void {
    if (this.over) return;
    this.events.push(event);
    // With the separator.
    this.size += event.length + 2;
    if (this.size >= PIECE || performance.now() - this.flushed > OLDEST) {
      this.flush();
      if (this.written >= this.limit && !this.over) {
        this.close();
        this.onEnd(`it has reached its limit of ${this.limit} bytes`);
      }
    }
  }

  private fail(error: unknown): void {
    this.over = true;
    this.events = [];
    try {
      this.output.close();
    } catch {
      // It has failed already.
    }
    this.onEnd(reasonOf(error));
  }
}

function headOf({ pid, tid }: Track, category: string, name: string, time: number): string {
  return `"pid":${pid},"tid":${tid},"ts":${micros(time)},"cat":"${category}","name":${JSON.stringify(name)}`;
}

function argumentsOf(args: Arguments | undefined): string {
  return args === undefined ? '' : `,"args":${JSON.stringify(args)}`;
}

function micros(ms: number): string {
  return (nanos(ms) / 1000).toFixed(3);
}

/** Rounded before anything is subtracted: a slice that ended a nanosecond after the next begins would count as one around it. */
function nanos(ms: number): number {
  return Math.round(ms * 1_000_000);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
