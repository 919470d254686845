/**
 * Open files on their way from one Unix socket to another (SCM_RIGHTS). Whoever sent them may close its own numbers meanwhile:
 * what travels holds the file open, until it is delivered, or lost with the bytes that it came with.
 */

import type { OpenFile } from './file.ts';

/** What travels with a message: no files, for most. */
export class Cargo {
  private files: readonly OpenFile[];

  /** Takes hold of these files. */
  constructor(files: readonly OpenFile[]) {
    this.files = files;
    for (const file of files) file.references++;
  }

  /** Hands the files over, each with the hold on it; where nobody asks for them they are let go. Once. */
  deliver(taken: OpenFile[] | undefined): void {
    if (taken === undefined) this.drop();
    else taken.push(...this.unload());
  }

  /** Hands the files over and keeps them: what a peek sees. */
  show(taken: OpenFile[] | undefined): void {
    if (taken === undefined) return;
    for (const file of this.files) file.references++;
    taken.push(...this.files);
  }

  /** Lets the files go. */
  drop(): void {
    for (const file of this.unload()) file.release();
  }

  private unload(): readonly OpenFile[] {
    const { files } = this;
    this.files = [];
    return files;
  }
}

/** Files between the bytes of a stream: they come with the first of the bytes that they were sent with. */
export class CargoMarks {
  private readonly marks: { start: number; readonly end: number; readonly cargo: Cargo }[] = [];
  private written = 0;
  private position = 0;

  /** So many bytes were written, and these files with them. */
  push(bytes: number, files: readonly OpenFile[]): void {
    if (files.length > 0) {
      this.marks.push({ start: this.written, end: this.written + bytes, cargo: new Cargo(files) });
    }
    this.written += bytes;
  }

  /** How many of so many bytes one read gives: it ends with the bytes whose files it has got. */
  limit(length: number): number {
    const [first] = this.marks;
    if (first === undefined || first.start >= this.position + length) return length;
    return Math.min(length, first.end - this.position);
  }

  /** Hands over the files of the next bytes, so many of which are read. */
  take(length: number, stays: boolean, taken: OpenFile[] | undefined): void {
    const [first] = this.marks;
    if (first !== undefined && first.start < this.position + length) {
      if (stays) first.cargo.show(taken);
      else {
        this.marks.shift();
        first.cargo.deliver(taken);
      }
    }
    if (!stays) this.position += length;
  }

  /** Nobody will read on. */
  drop(): void {
    for (const { cargo } of this.marks.splice(0)) cargo.drop();
  }
}
