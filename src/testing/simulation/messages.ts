/** The calls for several buffers, several datagrams, and what travels beside the bytes: sendmsg(2), recvmmsg(2) and their like. */

import {
  ADDRESS_SLOT_SIZE,
  CONTROL_HEADER,
  MESSAGE_ROW,
  MOST_DESCRIPTORS,
  MOST_MESSAGES,
  RECV_ROW,
  SEND_ROW,
  type Sys,
} from '../../os/index.ts';
import { checkAddress, checkBytes, checkInteger, checkRows, checkSlot } from './arguments.ts';
import { Errno } from './errno.ts';
import type { OpenFile } from './file.ts';
import { SocketFile } from './socket.ts';
import type { DescriptorTable } from './table.ts';

/** The columns of control data. */
const COUNT = 0;
const LOST = 1;
const HAS_CREDENTIALS = 2;
/** The columns of a row. */
const ROOM = 1;
const LENGTH = 2;

/** These calls of a system. */
export class MessageCalls {
  private readonly table: DescriptorTable;

  constructor(table: DescriptorTable) {
    this.table = table;
  }

  writev(fd: number, buffers: readonly Uint8Array[], offset: number): number {
    const from = checkBuffers('writev', buffers, offset);
    checkInteger('writev', 'fd', fd);
    return this.table.get(fd)?.write(from) ?? -Errno.EBADF;
  }

  sendmsg(...[fd, buffers, offset, flags, address, control]: Parameters<Sys['sendmsg']>): number {
    const from = checkBuffers('sendmsg', buffers, offset);
    const to = optionalAddress('sendmsg', address);
    return this.onSocket('sendmsg', fd, (socket) => {
      const files = filesIn(this.table, control);
      if (typeof files === 'number') return files;
      return areTooMany(buffers, offset) ? -Errno.EMSGSIZE : socket.send(from, flags, to, files);
    });
  }

  recvmsg(...[fd, buffer, offset, length, flags, slot, control]: Parameters<Sys['recvmsg']>): number {
    const into = checkBytes('recvmsg', buffer, offset, length);
    checkSlot('recvmsg', slot);
    const files: OpenFile[] | undefined = controlRoom('recvmsg', control) < 0 ? undefined : [];
    return this.onSocket('recvmsg', fd, (socket) => {
      const result = socket.receive(into, flags, slot, files);
      if (result >= 0 && files !== undefined) openReceived(this.table, files, control);
      return result;
    });
  }

  recvmmsg(...[fd, buffer, rows, count, slots, flags]: Parameters<Sys['recvmmsg']>): number {
    const batch: Batch = { call: 'recvmmsg', buffer, rows, from: 0, count, slots };
    const datagrams = checkBatch(batch, 'room');
    return this.onSocket('recvmmsg', fd, (socket) => receiveBatch(socket, datagrams, rows, flags));
  }

  sendmmsg(...[fd, buffer, rows, from, count, slots, flags]: Parameters<Sys['sendmmsg']>): number {
    const datagrams = checkBatch({ call: 'sendmmsg', buffer, rows, from, count, slots }, 'length');
    const addresses = datagrams.map(({ slot }) => optionalAddress('sendmmsg', slot));
    return this.onSocket('sendmmsg', fd, (socket) => sendBatch(socket, datagrams, addresses, flags));
  }

  private onSocket(call: string, fd: number, act: (socket: SocketFile) => number): number {
    checkInteger(call, 'fd', fd);
    const file = this.table.get(fd);
    if (file === undefined) return -Errno.EBADF;
    return file instanceof SocketFile ? act(file) : -Errno.ENOTSOCK;
  }
}

/** `recv` for each of the rows, one behind the other. */
export function receiveEach(recv: Sys['recv'], ...[rows, count, buffer, each]: Parameters<Sys['recvEach']>): number {
  checkRows('recvEach', rows, RECV_ROW, count);
  if (!(each >= 1) || buffer.length < count * each) throw new RangeError('recvEach: buffer is too small');
  let total = 0;
  for (let at = 0; at < count * RECV_ROW; at += RECV_ROW) {
    const received = recv(rows[at] as number, buffer, total, each, 0);
    rows[at + 1] = received;
    if (received > 0) total += received;
  }
  return total;
}

/** `send` of each of the rows. */
export function sendEach(send: Sys['send'], ...[rows, count, buffer]: Parameters<Sys['sendEach']>): number {
  checkRows('sendEach', rows, SEND_ROW, count);
  const places = Array.from({ length: count }, (_, n) => [...rows.subarray(n * SEND_ROW, (n + 1) * SEND_ROW)]);
  for (const [, offset, length] of places) checkBytes('sendEach', buffer, offset as number, length as number);
  let total = 0;
  places.forEach(([fd, offset, length], n) => {
    // The row of a closed socket has no number, which is an argument's fault for one call, and a row's own for many.
    const sent = (fd as number) < 0 ? -Errno.EBADF : send(fd as number, buffer, offset as number, length as number, 0);
    rows[(n + 1) * SEND_ROW - 1] = sent;
    if (sent > 0) total += sent;
  });
  return total;
}

/** The bytes of several buffers from an offset on, as one; of more than go through a call, the first. */
function checkBuffers(call: string, buffers: readonly Uint8Array[], offset: number): Uint8Array {
  checkInteger(call, 'offset', offset);
  if (!Array.isArray(buffers) || !buffers.every((buffer) => buffer instanceof Uint8Array)) {
    throw new TypeError(`${call}: buffers must be an array of Uint8Arrays`);
  }
  let skip = offset;
  let first = 0;
  for (const { length } of buffers) {
    if (skip < length) break;
    skip -= length;
    first++;
  }
  if (first === buffers.length && skip > 0) throw new RangeError(`${call}: offset is beyond the bytes of the buffers`);
  const parts = buffers.slice(first, first + MOST_MESSAGES) as Uint8Array[];
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.subarray(skip);
}

/** Whether the buffers are more than go through a call. */
function areTooMany(buffers: readonly Uint8Array[], offset: number): boolean {
  let skip = offset;
  const rest = buffers.filter(({ length }) => {
    const isLeft = skip < length;
    skip = Math.max(0, skip - length);
    return isLeft;
  });
  return rest.length > MOST_MESSAGES;
}

/** An address, or none. */
function optionalAddress(call: string, address: Uint8Array): Uint8Array | null {
  const isEmpty = address instanceof Uint8Array && (address.length === 0 || address[0] === 0);
  return isEmpty ? null : checkAddress(call, address);
}

/** The room for descriptors in control data; -1 for none at all. */
function controlRoom(call: string, control: Int32Array): number {
  checkRows(call, control, 1, 0);
  if (control.length === 0) return -1;
  if (control.length >= CONTROL_HEADER) return control.length - CONTROL_HEADER;
  throw new RangeError(`${call}: control must be empty or have at least ${CONTROL_HEADER} elements`);
}

/** The files that go with a message, or `-errno`. */
function filesIn(table: DescriptorTable, control: Int32Array): OpenFile[] | number {
  const room = controlRoom('sendmsg', control);
  if (room < 0) return [];
  const count = control[COUNT] as number;
  checkInteger('sendmsg', 'the number of descriptors', count);
  if (count > Math.min(room, MOST_DESCRIPTORS)) {
    throw new RangeError(`sendmsg: control says ${count} descriptors, more than it or a message has room for`);
  }
  // Nobody is anybody here.
  if (control[HAS_CREDENTIALS] !== 0) return -Errno.EOPNOTSUPP;
  const files = Array.from(control.subarray(CONTROL_HEADER, CONTROL_HEADER + count), (fd) => table.get(fd));
  return files.includes(undefined) ? -Errno.EBADF : (files as OpenFile[]);
}

/** Gives the files that came a number each, or none of them, if not all get one. */
function openReceived(table: DescriptorTable, files: readonly OpenFile[], control: Int32Array): void {
  const room = controlRoom('recvmsg', control);
  const isLost = files.length > room || !table.hasRoom(files.length);
  control.fill(0, 0, CONTROL_HEADER);
  control[LOST] = isLost ? 1 : 0;
  control[COUNT] = isLost ? 0 : files.length;
  files.forEach((file, at) => {
    if (!isLost) control[CONTROL_HEADER + at] = table.open(file, 'recvmsg');
    // The hold of the message on it.
    file.release();
  });
}

/** The datagrams of a batch. */
interface Batch {
  readonly call: string;
  readonly buffer: Uint8Array;
  readonly rows: Int32Array;
  readonly from: number;
  readonly count: number;
  readonly slots: Uint8Array;
}

/** One of them: its part of the buffer, and its slot. */
interface BatchPart {
  readonly part: Uint8Array;
  readonly slot: Uint8Array;
}

function checkBatch(batch: Batch, column: 'room' | 'length'): BatchPart[] {
  const { call, buffer, rows, from, count, slots } = batch;
  checkInteger(call, 'from', from);
  checkRows(call, rows, MESSAGE_ROW, from + count);
  if (!(slots instanceof Uint8Array)) throw new TypeError(`${call}: slots must be a Uint8Array`);
  if (slots.length < (from + count) * ADDRESS_SLOT_SIZE) {
    throw new RangeError(`${call}: slots must have ${ADDRESS_SLOT_SIZE} bytes for each of ${from + count} datagrams`);
  }
  return Array.from({ length: Math.min(count, MOST_MESSAGES) }, (_, index) => {
    const n = from + index;
    const [offset, size] = [rows[n * MESSAGE_ROW], rows[n * MESSAGE_ROW + (column === 'room' ? ROOM : LENGTH)]];
    const part = checkBytes(call, buffer, offset as number, size as number);
    return { part, slot: slots.subarray(n * ADDRESS_SLOT_SIZE, (n + 1) * ADDRESS_SLOT_SIZE) };
  });
}

function receiveBatch(socket: SocketFile, datagrams: readonly BatchPart[], rows: Int32Array, flags: number): number {
  for (const [n, { part, slot }] of datagrams.entries()) {
    const result = socket.receive(part, flags, slot);
    if (result < 0) {
      if (n === 0) return result;
      // What has come counts; the error is told by the next call.
      if (result !== -Errno.EAGAIN) socket.error = -result;
      return n;
    }
    rows[n * MESSAGE_ROW + LENGTH] = Math.min(result, part.length);
  }
  return datagrams.length;
}

function sendBatch(
  socket: SocketFile,
  datagrams: readonly BatchPart[],
  addresses: readonly (Uint8Array | null)[],
  flags: number,
): number {
  for (const [n, { part }] of datagrams.entries()) {
    const result = socket.send(part, flags, addresses[n] ?? null);
    if (result < 0) return n === 0 ? result : n;
  }
  return datagrams.length;
}
