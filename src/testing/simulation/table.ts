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
const FRAMES_KEPT = 30;

/** A number that is open. */
export interface OpenDescriptor {
  /** The number. */
  readonly fd: number;
  /** What it stands for: `'TCP socket'`, `'reading end of a pipe'`, …. */
  readonly kind: string;
  /** The system call that opened it: `'accept'`. */
  readonly call: string;
  /** The places in the program from which it was called, the innermost first. */
  readonly frames: readonly string[];
}

interface Entry {
  file: OpenFile;
  closeOnExec: boolean;
  call: string;
  opener: { stack?: string };
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
    if (!this.hasRoom(1)) return -Errno.EMFILE;
    let fd = this.lowest;
    while (this.entries[fd] !== undefined) fd++;
    const opener: Entry['opener'] = {};
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = FRAMES_KEPT;
    Error.captureStackTrace?.(opener);
    Error.stackTraceLimit = depth;
    this.entries[fd] = { file, closeOnExec: true, call, opener };
    this.lowest = fd + 1;
    this.count++;
    file.references++;
    return fd;
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
}
