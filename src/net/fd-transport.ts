/**
 * Bytes over descriptors of any kind, by read(2) and write(2).
 *
 * Three things are not as with sockets. Regular files, and devices like `/dev/null`, are always ready, and epoll refuses to say so
 * (`EPERM`): they are tried at once. A descriptor that others share may have to stay blocking: then each call is asked for by poll(2) first, and a
 * write is so short that a pipe which is reported ready has room for it. And the controlling side of a terminal reports
 * `EIO` when nobody has the terminal open any more: for who reads, that is the end.
 */

import { MisuseError, type Op, PENDING, type Waker } from '../kernel/index.ts';
import { type Descriptor, POLL_ROW, type SystemError, writev } from '../os/index.ts';
import { Readiness } from '../poller/index.ts';
import { ReadWait, WriteWait } from '../scheduler/index.ts';
import { joined } from './parts.ts';
import type { Transport } from './transport.ts';

/** The least room of a pipe that is reported ready (PIPE_BUF of POSIX; Linux has 4,096). */
const SURELY_ROOM = 512;
/** The number of a terminal whose controlling side this is. */
const TERMINAL_NUMBER_SIZE = 4;

/** The transport of an `FdStream`. */
export class FdTransport implements Transport {
  private readonly reader: Descriptor;
  private readonly writer: Descriptor;
  private readonly kind: string;
  private readonly blocking: { readonly reader: boolean; readonly writer: boolean };

  constructor(reader: Descriptor, writer: Descriptor, kind: string) {
    this.reader = reader;
    this.writer = writer;
    this.kind = kind;
    this.blocking = { reader: !reader.nonBlocking, writer: !writer.nonBlocking };
  }

  receive(bytes: Uint8Array, offset: number, length: number): number | undefined {
    const { reader } = this;
    if (this.blocking.reader && !isReady(reader, Readiness.IN)) return undefined;
    try {
      return reader.readInto(bytes, offset, length);
    } catch (error) {
      if ((error as SystemError).code === 'EIO' && controlsTerminal(reader)) return 0;
      throw error;
    }
  }

  send(bytes: Uint8Array, offset: number, length: number): number | undefined {
    const { writer } = this;
    if (this.blocking.writer && !isReady(writer, Readiness.OUT)) return undefined;
    const most = this.blocking.writer ? Math.min(length, SURELY_ROOM) : length;
    return writer.write(bytes.subarray(offset, offset + most));
  }

  sendParts(parts: readonly Uint8Array[], offset: number): number | undefined {
    if (!this.blocking.writer) return writev(this.writer, parts, offset);
    const bytes = joined(parts, offset, SURELY_ROOM);
    return this.send(bytes, 0, bytes.length);
  }

  readable(): Op<unknown> {
    refuseOtherDirection(this.reader, 'O_WRONLY', 'read from');
    return new ReadyToRead(this.reader);
  }

  writable(): Op<unknown> {
    return new ReadyToWrite(this.writer);
  }

  endWriting(): void {
    const { reader, writer } = this;
    if (writer === reader && accessMode(writer) !== writer.sys.constants.O_WRONLY) {
      throw new MisuseError(
        `${this.describe()} reads and writes by one descriptor, which has no end of its own for writing; close() it`,
      );
    }
    writer.close();
  }

  close(): void {
    this.reader.close();
    this.writer.close();
  }

  describe(): string {
    const { reader, writer } = this;
    if (reader.closed) return `closed ${this.kind}`;
    return reader === writer || writer.closed
      ? `${this.kind} ${reader.fd}`
      : `${this.kind} ${reader.fd} and ${writer.fd}`;
  }
}

class ReadyToRead extends ReadWait {
  private always = false;

  override try(): typeof PENDING {
    return this.always ? (Readiness.IN as never) : PENDING;
  }

  override park(waker: Waker<number>): void {
    try {
      super.park(waker);
    } catch (error) {
      this.always = readyAnyway(error);
      waker.wake(Readiness.IN);
    }
  }
}

class ReadyToWrite extends WriteWait {
  private always = false;

  override try(): typeof PENDING {
    return this.always ? (Readiness.OUT as never) : PENDING;
  }

  override park(waker: Waker<number>): void {
    try {
      super.park(waker);
    } catch (error) {
      this.always = readyAnyway(error);
      waker.wake(Readiness.OUT);
    }
  }
}

/** True for the error that says that there is nothing to wait for; throws any other. */
function readyAnyway(error: unknown): true {
  if ((error as SystemError).code === 'EPERM') return true;
  throw error;
}

function isReady(descriptor: Descriptor, events: number): boolean {
  const { sys } = descriptor;
  const row = new Int32Array(POLL_ROW);
  row[0] = descriptor.fileno();
  new Int16Array(row.buffer)[2] = events;
  return sys.poll(row, 1, 0) > 0;
}

function accessMode(descriptor: Descriptor): number {
  const { F_GETFL, O_ACCMODE } = descriptor.sys.constants as Record<string, number>;
  return descriptor.sys.fcntl(descriptor.fileno(), F_GETFL as number, 0) & (O_ACCMODE as number);
}

function refuseOtherDirection(descriptor: Descriptor, mode: string, verb: string): void {
  if (accessMode(descriptor) !== descriptor.sys.constants[mode]) return;
  throw new MisuseError(`nothing can be ${verb} ${descriptor}: it was opened for the other direction`);
}

function controlsTerminal(descriptor: Descriptor): boolean {
  const { TIOCGPTN } = descriptor.sys.constants;
  if (TIOCGPTN === undefined) return false;
  return descriptor.sys.ioctl(descriptor.fileno(), TIOCGPTN, new Uint8Array(TERMINAL_NUMBER_SIZE)) >= 0;
}
