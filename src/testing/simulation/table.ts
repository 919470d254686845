/**
 * The descriptors of a simulated process: numbers, the lowest free one first, so that a number comes back as quickly as it does in
 * reality. Each remembers who opened it, for the report of what was never closed.
 */

import { userFrames } from '../../scheduler/stack.ts';
import { Errno } from './errno.ts';
import type { OpenFile } from './file.ts';

/** 0, 1 and 2 belong to the process's own streams, which are not simulated. */
const FIRST_NUMBER = 3;
/** Enough to get out of this library into the program that called it. */
const FRAMES_KEPT = 12;
/** Of a set: nearly always the scheduler's own, which is opened deep in this library. */
const FRAMES_KEPT_OF_SET = 6;
/**
 * Of so many descriptors a process keeps the frames. A quarter of the time of a run would go into them, for ever; and who has run thousands of
 * seeds, and wants to look at one, runs it alone.
 */
const MOST_PLACES = 10_000;

/** A number that is open. */
export interface OpenDescriptor {
  /** The number. */
  readonly fd: number;
  /** What it stands for: `'TCP socket'`, `'reading end of a pipe'`, …. */
  readonly kind: string;
  /** The system call that opened it: `'accept'`. */
  readonly call: string;
  /** The places in the program from which it was called, the innermost first. Only the first 10,000 descriptors of a process have them. */
  readonly frames: readonly string[];
}

/** Where the call came from; its text is only made when somebody reads it. */
interface Opener {
  stack?: string;
}

interface Entry {
  file: OpenFile;
  closeOnExec: boolean;
  call: string;
  opener: Opener;
}

/** The table. */
export class DescriptorTable {
  private readonly limit: number;
  private readonly entries: (Entry | undefined)[] = [];
  /** All numbers below are taken. */
  private lowest = FIRST_NUMBER;
  private count = 0;

  /** A process that may have so many descriptors. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The file, or `undefined` if the number is not open. */
  get(fd: number): OpenFile | undefined {
    return this.entries[fd]?.file;
  }

  /** Whether so many more can be opened. */
  hasRoom(more: number): boolean {
    return this.count + more <= this.limit;
  }

  /** Gives the file a number: that, or `-EMFILE`, and then the file is not changed. */
  open(file: OpenFile, call: string): number {
    return this.hasRoom(1) ? this.enter(file, call, openerOf(call)) : -Errno.EMFILE;
  }

  /** Gives both files numbers, and puts these into `pair`: 0, or `-EMFILE`, and then nothing is changed. */
  openPair(files: readonly [OpenFile, OpenFile], call: string, pair: Int32Array): number {
    if (!this.hasRoom(2)) return -Errno.EMFILE;
    const opener = openerOf(call);
    pair[0] = this.enter(files[0], call, opener);
    pair[1] = this.enter(files[1], call, opener);
    return 0;
  }

  /** 0, or `-EBADF`. */
  close(fd: number): number {
    const entry = this.entries[fd];
    if (entry === undefined) return -Errno.EBADF;
    this.entries[fd] = undefined;
    this.lowest = Math.min(this.lowest, fd);
    this.count--;
    entry.file.release();
    return 0;
  }

  /** FD_CLOEXEC of a number that is open. */
  isCloseOnExec(fd: number): boolean {
    return this.entries[fd]?.closeOnExec ?? false;
  }

  /** Sets FD_CLOEXEC of a number that is open. */
  setCloseOnExec(fd: number, value: boolean): void {
    const entry = this.entries[fd];
    if (entry !== undefined) entry.closeOnExec = value;
  }

  /** All that are open, by number. */
  list(): OpenDescriptor[] {
    return this.entries.flatMap((entry, fd) =>
      entry === undefined
        ? []
        : [{ fd, kind: entry.file.kind, call: entry.call, frames: userFrames(entry.opener.stack) }],
    );
  }

  private enter(file: OpenFile, call: string, opener: Opener): number {
    let fd = this.lowest;
    while (this.entries[fd] !== undefined) fd++;
    this.entries[fd] = { file, closeOnExec: true, call, opener };
    this.lowest = fd + 1;
    this.count++;
    file.references++;
    return fd;
  }
}

const UNKNOWN: Opener = {};
let places = 0;

/** Whether the places of what is opened now are kept. */
export function keepsPlaces(): boolean {
  return places < MOST_PLACES;
}

function openerOf(call: string): Opener {
  if (!keepsPlaces()) return UNKNOWN;
  places++;
  const opener: Opener = {};
  const depth = Error.stackTraceLimit;
  Error.stackTraceLimit = call === 'epollCreate' ? FRAMES_KEPT_OF_SET : FRAMES_KEPT;
  Error.captureStackTrace?.(opener);
  Error.stackTraceLimit = depth;
  return opener;
}
