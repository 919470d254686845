/** Reads and writes of streams: what each asks for, and what its result has to be. */

import { CancelError, type Op, runningTask, type Task } from 'genloop/kernel';
import { EndedError, LimitError, PartialWriteError, UnexpectedEndError } from 'genloop/net';
import { ClosedError, SystemError } from 'genloop/os';
import { BusyError } from 'genloop/poller';
import type { ReadKind } from './program.ts';
import type { StreamEnd } from './stream-end.ts';

const LF = 10;
const CR = 13;
/** What a buffer is full of that nobody has written to. */
const UNTOUCHED = 0xee;
/** The longest line, unless said otherwise. */
const PIECE_LIMIT = 65_536;

/** What a read or a write is told of its own. */
abstract class Transfer {
  readonly end: StreamEnd;

  constructor(end: StreamEnd) {
    this.end = end;
  }

  get fd(): number {
    return this.end.fd;
  }

  /** The task goes on with this. */
  abstract got(value: unknown): void;

  /** The task goes on with this error. `alone`: it was no branch of a select, and the error is its own. */
  failed(error: unknown, alone: boolean): void {
    this.undone();
    if (error instanceof CancelError || !alone) return;
    const { end } = this;
    const { witness } = end;
    if (error instanceof ClosedError) {
      if (!end.stream.closed) witness.violate('outcomes', `${this} threw ${error}, and it is open`);
    } else if (!isExpected(error) || (error as { code?: unknown }).code === 'EAGAIN')
      witness.violate('no internal error', `${this} threw ${String(error)}`);
  }

  /** It was not this that happened. */
  undone(): void {}

  abstract toString(): string;
}

function isExpected(error: unknown): boolean {
  return [BusyError, EndedError, LimitError, PartialWriteError, UnexpectedEndError, SystemError].some(
    (kind) => error instanceof kind,
  );
}

/** A read. */
export class Reading extends Transfer {
  readonly how: ReadKind;
  private readonly size: number;
  private buffer: Uint8Array | null = null;
  /** What it has thrown, until its task has caught it. */
  private error: unknown = null;

  constructor(end: StreamEnd, how: ReadKind, size: number) {
    super(end);
    this.how = how;
    this.size = size;
  }

  /** The operation of the library. */
  operation(): Op<unknown> {
    const { size } = this;
    const { stream } = this.end;
    switch (this.how) {
      case 'any':
        return stream.read(size);
      case 'view':
        return stream.readView();
      case 'into':
        this.buffer = new Uint8Array(size).fill(UNTOUCHED);
        return stream.readInto(this.buffer);
      case 'exactly':
        return stream.readExactly(size);
      case 'line':
        return this.limit === PIECE_LIMIT ? stream.readLine() : stream.readLine({ limit: this.limit });
      case 'until':
        return stream.readUntil('\n', { limit: this.limit });
      case 'all':
        return stream.readAll();
      case 'peek':
        return stream.peek(size);
    }
  }

  /** Whether any byte is enough. */
  get isPlain(): boolean {
    return this.how === 'any' || this.how === 'view' || this.how === 'into';
  }

  /** Whether so many bytes, which have come, are enough. */
  suffices(come: number): boolean {
    const { how, size, end } = this;
    if (this.isPlain) return come > 0;
    if (how === 'exactly' || how === 'peek') return come >= size;
    if (how === 'all') return false;
    const at = end.unread.indexOf(LF);
    return (at >= 0 && at < come) || come > this.limit + 1;
  }

  /** The task goes on with this: what was handed to it before it ran, or what it has just found. */
  override got(value: unknown): void {
    const { end } = this;
    const copy = end.witness.handedOver(runningTask(), this);
    if (copy === undefined) this.took(value);
    else if (copy !== null && !copy.equals(this.bytesOf(value))) {
      end.witness.violate('views hold', `${this} was handed over, and has changed since`);
    }
    if (this.how === 'view' && value !== null) end.witness.lend(value as Buffer, runningTask());
  }

  /** It is handed to a task, which will go on with it: with a copy. */
  handed(value: unknown, task: Task<unknown>): void {
    this.took(value);
    this.end.witness.handsOver(task, this, value === null ? null : Buffer.from(this.bytesOf(value)));
  }

  /** The bytes of a result, wherever they are. */
  private bytesOf(value: unknown): Uint8Array {
    if (this.how === 'into') return (this.buffer as Uint8Array).subarray(0, value as number);
    return this.how === 'line' ? Buffer.from(value as string) : (value as Uint8Array);
  }

  private took(value: unknown): void {
    const { end, how } = this;
    const what = String(this);
    if (value === null) {
      end.readEnd(what);
      return;
    }
    if (how === 'line') this.gotLine(value as string);
    else if (how === 'until') this.gotPiece(value as Buffer);
    else if (how === 'peek') end.compare(value as Buffer, what);
    else end.read(this.bytesOf(value), what);
    if (how === 'exactly' && (value as Buffer).length !== this.size) this.differs(value as Buffer);
    if (how === 'all') end.readEnd(what);
  }

  override failed(error: unknown, alone: boolean): void {
    super.failed(error, alone);
    if (alone && this.error !== error) this.threw(error);
    this.error = null;
  }

  /** It throws this at its task, which may not have run yet. */
  threw(error: unknown): void {
    this.error = error;
    const { end, how } = this;
    const { witness, stream } = end;
    if (error instanceof UnexpectedEndError) {
      end.read(error.partial, String(this));
      if (!end.peer.ended && !end.hurt) witness.violate('the end is the end', `${this} threw ${error}`);
    }
    if (error instanceof LimitError && (how === 'line' || how === 'until')) {
      const at = end.unread.indexOf(LF);
      if ((at < 0 ? end.unread.length : at) <= this.limit) witness.violate('outcomes', `${this} threw ${error}`);
    }
    if (!(error instanceof SystemError) || error !== stream.failure) return;
    end.hurt = true;
    if (++end.failures > 1) witness.violate('the end is the end', `${this} was told of ${error} once more`);
  }

  override undone(): void {
    if (this.buffer?.some((byte) => byte !== UNTOUCHED) === true && this.how === 'into') {
      this.end.witness.violate('bytes once, in order', `${this} was undone, and its buffer has been written to`);
    }
  }

  override toString(): string {
    return `${this.how} ${this.size} from ${this.end}`;
  }

  private get limit(): number {
    return this.size;
  }

  private gotLine(text: string): void {
    const { end } = this;
    const { unread } = end;
    const stop = unread.indexOf(LF);
    const length = stop > 0 && unread[stop - 1] === CR ? stop - 1 : stop;
    if (stop < 0 || text !== unread.toString('latin1', 0, length)) this.differs(Buffer.from(text));
    else end.read(unread.subarray(0, stop + 1), String(this));
  }

  private gotPiece(piece: Buffer): void {
    const { end } = this;
    const { unread } = end;
    const stop = unread.indexOf(LF);
    if (stop < 0 || !piece.equals(unread.subarray(0, stop))) this.differs(piece);
    else end.read(unread.subarray(0, stop + 1), String(this));
  }

  private differs(value: Buffer): void {
    this.end.witness.violate('bytes once, in order', `${this} got ${value.length} bytes that are not what comes next`);
  }
}

/** A write. */
export class Writing extends Transfer {
  /** What goes into the operation. Whoever lends it may write over it: what was wanted is kept apart. */
  private readonly data: Uint8Array;
  private readonly wanted: Buffer;
  private start = -1;
  private stop = -1;
  /** Whether another one had been cut off when it was over. Its task may run later, and find that one cut off that came after it. */
  private follows = false;
  /** How often the system had been asked to send there before. */
  private triesBefore = 0;

  constructor(end: StreamEnd, data: Uint8Array) {
    super(end);
    this.data = data;
    this.wanted = Buffer.from(data);
  }

  /** The operation of the library. */
  operation(): Op<unknown> {
    return this.end.stream.write(this.data);
  }

  /** It is about to be tried: what goes from here on is of it. */
  begins(): void {
    if (this.start >= 0) return;
    this.start = this.end.sent;
    this.triesBefore = this.end.tries;
  }

  /** Another one was left until now, and is over: what has gone was of that. */
  beginsAgain(): void {
    this.start = -1;
    this.begins();
  }

  /** It is over, in whatever way: what goes from here on is of others. */
  ends(): void {
    const { end } = this;
    if (this.isLeft) end.witness.violate('bytes once, in order', `${this} is over, and was never tried`);
    this.stop = end.sent;
    this.follows = end.cut;
    if (end.next !== null && end.next !== this) end.next.beginsAgain();
  }

  /** It was refused, as another one is there: whatever has gone is of that. */
  refused(): void {
    this.start = -1;
  }

  /** Whether it has begun, and the system was not asked for it yet. */
  get isLeft(): boolean {
    return this.start >= 0 && this.stop < 0 && this.wanted.length > 0 && this.end.tries === this.triesBefore;
  }

  override got(): void {
    const { wanted, end } = this;
    const went = this.went;
    if (this.follows && went > 0)
      end.witness.violate('bytes once, in order', `${this} follows one that was cut off (rule 35)`);
    if (went !== wanted.length) {
      end.witness.violate('bytes once, in order', `${this} is said to have gone, and ${went} bytes have`);
    }
  }

  override failed(error: unknown, alone: boolean): void {
    super.failed(error, alone);
    if (!alone || error instanceof BusyError || error instanceof PartialWriteError || error instanceof EndedError)
      return;
    const { bytesWritten } = error as { bytesWritten?: unknown };
    const went = this.went;
    if (bytesWritten === went || (bytesWritten === undefined && went === 0)) return;
    this.end.witness.violate('bytes once, in order', `${this} says that ${bytesWritten} bytes have gone, not ${went}`);
  }

  override undone(): void {
    const went = this.went;
    if (went > 0 && went < this.wanted.length) this.end.cut = true;
  }

  override toString(): string {
    return `write of ${this.wanted.length} to ${this.end}`;
  }

  /** How many of its bytes have gone; they are looked at. */
  private get went(): number {
    const { start, stop, wanted, end } = this;
    if (start < 0) return 0;
    const gone = end.sentBetween(start, stop < 0 ? end.sent : stop);
    if (!wanted.subarray(0, gone.length).equals(gone)) {
      end.witness.violate('bytes once, in order', `${this} has sent other bytes than it was given`);
    }
    return gone.length;
  }
}
