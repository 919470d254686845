/**
 * Pipes and FIFOs, to the byte as Linux does them: sixteen slots of a page each. A small write joins the last page if it fits as a
 * whole; so a pipe with little in it may be full.
 */

import { Numbers } from './constants.ts';
import type { Dice } from './dice.ts';
import { Errno } from './errno.ts';
import { OpenFile } from './file.ts';

const { POLLIN, POLLOUT, POLLERR, POLLHUP, O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_NONBLOCK, S_IFIFO } = Numbers;
const PAGE = 4096;
const SLOTS = 16;
/** pipe-max-size: what a user may ask for. */
const MOST_BYTES = 1_048_576;
const PIPE_MODE = 0o600;

interface Page {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
}

/** What is between the ends. */
export class Pipe {
  readonly dice: Dice;
  readonly pages: Page[] = [];
  slots: number = SLOTS;
  readers = 0;
  writers = 0;
  /** How often a writer has come: a reader that was there before it sees no hang-up. */
  arrivals = 0;

  constructor(dice: Dice) {
    this.dice = dice;
  }

  get length(): number {
    return this.pages.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.pages.length === 0) return this.writers === 0 ? 0 : -Errno.EAGAIN;
    const wanted = this.dice.readable(Math.min(into.length, this.length));
    let at = 0;
    while (at < wanted) {
      const page = this.pages[0] as Page;
      const part = page.bytes.subarray(page.start, Math.min(page.end, page.start + wanted - at));
      into.set(part, at);
      at += part.length;
      page.start += part.length;
      if (page.start === page.end) this.pages.shift();
    }
    return at;
  }

  write(whole: Uint8Array): number {
    if (whole.length === 0) return 0;
    if (this.readers === 0) return -Errno.EPIPE;
    // What fits into a page is written as a whole or not at all (PIPE_BUF).
    const from = whole.length <= PAGE ? whole : whole.subarray(0, this.dice.writable(whole.length));
    let at = this.join(from);
    while (at < from.length && this.pages.length < this.slots) {
      const part = from.subarray(at, at + PAGE);
      const bytes = new Uint8Array(PAGE);
      bytes.set(part);
      this.pages.push({ bytes, start: 0, end: part.length });
      at += part.length;
    }
    return at === 0 ? -Errno.EAGAIN : at;
  }

  resize(size: number): number {
    const slots = Math.max(1, 2 ** Math.ceil(Math.log2(size / PAGE)));
    if (slots * PAGE > MOST_BYTES) return -Errno.EPERM;
    if (slots < this.pages.length) return -Errno.EBUSY;
    this.slots = slots;
    return slots * PAGE;
  }

  /** Adds what is more than whole pages to the last page, if there is room. How much. */
  private join(from: Uint8Array): number {
    const last = this.pages.at(-1);
    const odd = from.length % PAGE;
    if (last === undefined || odd === 0 || last.end + odd > PAGE) return 0;
    last.bytes.set(from.subarray(0, odd), last.end);
    last.end += odd;
    return odd;
  }
}

/** One end of a pipe, or both (a FIFO opened for reading and writing). */
export class PipeEnd extends OpenFile {
  readonly kind: string;
  readonly mode: number = S_IFIFO | PIPE_MODE;
  private readonly pipe: Pipe;
  private readonly reads: boolean;
  private readonly writes: boolean;
  /** Opened for reading before any writer was there: no hang-up until one has come and gone. */
  private readonly expects: number;

  /** An end of this pipe, opened with O_RDONLY, O_WRONLY or O_RDWR. */
  constructor(pipe: Pipe, access: number) {
    super();
    this.pipe = pipe;
    this.status = (access & O_ACCMODE) | O_NONBLOCK;
    this.reads = (access & O_ACCMODE) !== O_WRONLY;
    this.writes = (access & O_ACCMODE) !== O_RDONLY;
    this.kind = (access & O_ACCMODE) === O_RDWR ? 'pipe' : `${this.reads ? 'reading' : 'writing'} end of a pipe`;
    if (this.writes) {
      pipe.writers++;
      pipe.arrivals++;
    }
    this.expects = pipe.writers === 0 ? pipe.arrivals : -1;
    if (this.reads) pipe.readers++;
  }

  override readiness(): number {
    const { pipe } = this;
    let flags = 0;
    if (this.reads) {
      if (pipe.pages.length > 0) flags |= POLLIN;
      if (pipe.writers === 0 && pipe.arrivals !== this.expects) flags |= POLLHUP;
    }
    if (this.writes) {
      if (pipe.pages.length < pipe.slots) flags |= POLLOUT;
      if (pipe.readers === 0) flags |= POLLERR;
    }
    return flags;
  }

  override read(into: Uint8Array): number {
    return this.reads ? this.pipe.read(into) : -Errno.EBADF;
  }

  override write(from: Uint8Array): number {
    return this.writes ? this.pipe.write(from) : -Errno.EBADF;
  }

  override available(): number {
    return this.pipe.length;
  }

  override pipeSize(size?: number): number {
    return size === undefined ? this.pipe.slots * PAGE : this.pipe.resize(size);
  }

  protected override closed(): void {
    if (this.reads) this.pipe.readers--;
    if (this.writes) this.pipe.writers--;
    // A FIFO outlives those who have it open; what is in it does not.
    if (this.pipe.readers + this.pipe.writers === 0) this.pipe.pages.length = 0;
  }
}
