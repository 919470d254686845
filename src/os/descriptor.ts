/**
 * A descriptor owns its number, its generation and its close.
 *
 * About a third of all bugs in readiness libraries come from a number that outlived its file: a wait that
 * hangs after a close, an event delivered to whoever got the number next. So the number is only ever used through
 * the object, the object forgets it before the kernel does, and a poller that watches the descriptor plugs in
 * from above (`watcher`) and is told before the number is free. A close is synchronous and is never retried.
 */

import { Buffer } from '../platform/node.ts';
import { ClosedError, SystemError, type SystemErrorDetails, wouldBlock } from './errors.ts';
import { currentSys } from './native.ts';
import type { Sys } from './sys.ts';

/** Who wants to know that a descriptor goes away (a poller's registration). One at a time. */
export interface Watcher {
  /** Called once, before the number is closed or given away, while it is still valid. */
  closing(descriptor: Descriptor, fd: number): void;
}

/** Options of {@link Descriptor.adopt}. */
export interface AdoptOptions {
  /**
   * Whether to set O_NONBLOCK, which belongs to the open file and so to every process that shares it. Default: true,
   * but false for 0, 1 and 2, which a shell shares with us.
   */
  nonBlocking?: boolean;
  /** Whether to set close-on-exec. Default: true, but false for 0, 1 and 2. */
  closeOnExec?: boolean;
  /** The system that the number belongs to. */
  sys?: Sys;
}

/** Numbers that programs share with their shell. */
const LAST_STANDARD_FD = 2;
/** Generations ride in 32 bits of the kernel's datum. */
const GENERATION_MASK = 0x7fffffff;
/** One scratch buffer serves all short reads of a thread: what is handed out is a copy of the right size. */
const SCRATCH_SIZE = 65536;

let lastGeneration = 0;
let scratchBuffer: Uint8Array | undefined;

function scratch(): Uint8Array {
  scratchBuffer ??= new Uint8Array(SCRATCH_SIZE);
  return scratchBuffer;
}

/** Bytes or text (sent as UTF-8). */
export type Data = Uint8Array | string;

/** @internal */
export function toBytes(data: Data): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  if (data instanceof Uint8Array) return data;
  throw new TypeError(`data must be a string or a Uint8Array, not ${data === null ? 'null' : typeof data}`);
}

/** An open file of any kind: socket, pipe, terminal, device, eventfd, another poller. Closed by `close()` or `using`. */
export class Descriptor implements Disposable {
  /** The system that made it; all its calls go there. */
  readonly sys: Sys;
  /** Differs between any two descriptors that had the same number. */
  readonly generation: number;
  /** Who is told about the close; set and cleared by a poller. */
  watcher: Watcher | null = null;
  private number: number;

  /** Takes possession of an open number that `sys` returned. For one from elsewhere: {@link Descriptor.adopt}. */
  constructor(sys: Sys, fd: number) {
    this.sys = sys;
    this.number = fd;
    lastGeneration = (lastGeneration + 1) & GENERATION_MASK;
    this.generation = lastGeneration;
  }

  /**
   * Takes possession of a number that was opened elsewhere (inherited, received, from another library). Throws
   * `SystemError` `EBADF` if it is not open.
   */
  static adopt(fd: number, options: AdoptOptions = {}): Descriptor {
    return new Descriptor(...adopted(fd, options));
  }

  /** The number, -1 once closed. */
  get fd(): number {
    return this.number;
  }

  /** The number, for whoever asks as Python does. Throws `ClosedError` once closed. */
  fileno(): number {
    return this.number < 0 ? this.throwClosed() : this.number;
  }

  /** Whether `close` or `detach` has been called. */
  get closed(): boolean {
    return this.number < 0;
  }

  /**
   * Reads at most `size` bytes: a `Buffer` of your own, empty at the end of the file, `undefined` if that would
   * block. read(2).
   */
  read(size: number = SCRATCH_SIZE): Buffer | undefined {
    return this.received(size, (buffer, length) => this.sys.read(this.fileno(), buffer, 0, length), 'read');
  }

  /** Reads into your buffer: the bytes read, 0 at the end of the file, `undefined` if that would block. read(2). */
  readInto(buffer: Uint8Array, offset: number = 0, length: number = buffer.length - offset): number | undefined {
    const result = this.sys.read(this.fileno(), buffer, offset, length);
    return result >= 0 ? result : this.blocked('read', result);
  }

  /** Writes what fits: the bytes written, `undefined` if that would block. write(2). */
  write(data: Data, offset: number = 0): number | undefined {
    const bytes = toBytes(data);
    const result = this.sys.write(this.fileno(), bytes, offset, bytes.length - offset);
    return result >= 0 ? result : this.blocked('write', result);
  }

  /**
   * ioctl(2) with the bytes of `argument`, which the kernel may change. `request` is a number or a name that
   * `constants` knows (`'TIOCGWINSZ'`). Returns what the call returns.
   */
  ioctl(request: number | string, argument: Uint8Array): number {
    return this.checked('ioctl', this.sys.ioctl(this.fileno(), constantOf(this.sys, request), argument));
  }

  /** Whether O_NONBLOCK is set on the open file. */
  get nonBlocking(): boolean {
    const { F_GETFL, O_NONBLOCK } = this.sys.constants as Record<string, number>;
    const flags = this.checked('fcntl', this.sys.fcntl(this.fileno(), F_GETFL as number, 0));
    return (flags & (O_NONBLOCK as number)) !== 0;
  }

  set nonBlocking(value: boolean) {
    setFlag(this.sys, this.fileno(), 'F_GETFL', 'F_SETFL', 'O_NONBLOCK', value);
  }

  /** Another number for the same open file, close-on-exec. fcntl(F_DUPFD_CLOEXEC). */
  dup(): Descriptor {
    return new Descriptor(this.sys, this.checked('dup', this.sys.dup(this.fileno())));
  }

  /** Closes the number. Whoever waits on it gets a `ClosedError`. Closing again does nothing. */
  close(): void {
    const fd = this.leave();
    // Whatever close(2) reports, the number is free: a retry would close somebody else's file.
    if (fd >= 0) this.sys.close(fd);
  }

  /**
   * Gives the number away (to Node, a child, a peer) without closing it; the descriptor counts as closed. Throws
   * `ClosedError` if it was.
   */
  detach(): number {
    this.fileno();
    const fd = this.leave();
    this.sys.disown(fd);
    return fd;
  }

  /** Closes it: what `using` does at the end of a block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What messages call it: `Socket 7`. */
  toString(): string {
    return this.number < 0 ? `closed ${this.constructor.name}` : `${this.constructor.name} ${this.number}`;
  }

  private leave(): number {
    const fd = this.number;
    if (fd < 0) return fd;
    this.number = -1;
    const watcher = this.watcher;
    this.watcher = null;
    watcher?.closing(this, fd);
    return fd;
  }

  /** @internal For a call that may block: `undefined`, or the error thrown. */
  protected blocked(syscall: string, result: number, details?: SystemErrorDetails): undefined {
    if (wouldBlock(this.sys, result)) return undefined;
    return this.failed(syscall, result, details);
  }

  /** @internal For any other call: the result, or the error thrown. */
  protected checked(syscall: string, result: number, details?: SystemErrorDetails): number {
    return result >= 0 ? result : this.failed(syscall, result, details);
  }

  /** @internal */
  protected failed(syscall: string, result: number, details?: SystemErrorDetails): never {
    throw new SystemError(this.sys, syscall, result, { fd: this.number, ...details });
  }

  /** @internal A `Buffer` of the right size out of a read into the scratch buffer. */
  protected received(
    size: number,
    call: (buffer: Uint8Array, length: number) => number,
    syscall: string,
  ): Buffer | undefined {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`size must be a positive integer, not ${size}`);
    const buffer = size <= SCRATCH_SIZE ? scratch() : Buffer.allocUnsafeSlow(size);
    const result = call(buffer, size);
    if (result < 0) return this.blocked(syscall, result);
    // With MSG_TRUNC the kernel says how long the datagram was, not how much of it is here.
    const length = Math.min(result, size);
    if (buffer === scratchBuffer) return Buffer.from(buffer.subarray(0, length));
    return (buffer as Buffer).subarray(0, length);
  }

  private throwClosed(): never {
    throw new ClosedError(`this ${this.constructor.name} was used after it had been closed`);
  }
}

// A line of `console.log`, and not all constants of the system.
Object.defineProperty(Descriptor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Descriptor): string {
    return String(this);
  },
});

/** @internal Checks and prepares a foreign number. */
export function adopted(fd: number, options: AdoptOptions): [Sys, number] {
  const sys = options.sys ?? currentSys();
  if (!Number.isInteger(fd) || fd < 0) throw new TypeError(`a descriptor is an integer from 0 on, not ${String(fd)}`);
  const shared = fd <= LAST_STANDARD_FD;
  const { nonBlocking = !shared, closeOnExec = !shared } = options;
  const open = sys.fcntl(fd, sys.constants.F_GETFD as number, 0);
  if (open < 0) throw new SystemError(sys, 'fcntl', open, { fd });
  if (nonBlocking) setFlag(sys, fd, 'F_GETFL', 'F_SETFL', 'O_NONBLOCK', true);
  if (closeOnExec) setFlag(sys, fd, 'F_GETFD', 'F_SETFD', 'FD_CLOEXEC', true);
  sys.own(fd);
  return [sys, fd];
}

/** @internal A number, or the name of a constant of this system. */
export function constantOf(sys: Sys, value: number | string): number {
  if (typeof value === 'number') return value;
  const number = sys.constants[value];
  if (number === undefined) throw new TypeError(`${sys.platform} has no constant '${String(value)}'`);
  return number;
}

function setFlag(sys: Sys, fd: number, get: string, set: string, flag: string, value: boolean): void {
  const before = sys.fcntl(fd, constantOf(sys, get), 0);
  if (before < 0) throw new SystemError(sys, 'fcntl', before, { fd });
  const bit = constantOf(sys, flag);
  const after = value ? before | bit : before & ~bit;
  const result = after === before ? 0 : sys.fcntl(fd, constantOf(sys, set), after);
  if (result < 0) throw new SystemError(sys, 'fcntl', result, { fd });
}
