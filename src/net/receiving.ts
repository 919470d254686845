/**
 * The operations that receive datagrams. What one of them has received for a task that then no longer wanted it is kept, and is the
 * next that is received: rule 4.
 */

import { PENDING } from '../kernel/index.ts';
import {
  ADDRESS_SLOT_SIZE,
  type Datagram,
  type DatagramBatch,
  Message,
  type ReceiveMessageOptions,
  recvmmsg,
  recvmsg,
  SocketAddress,
} from '../os/index.ts';
import { Buffer } from '../platform/node.ts';
import { type Line, LineOperation } from './line.ts';

/** What was received last, and what was received for nobody. */
export class Inbox {
  readonly line: Line;
  /** Received already, oldest first. */
  readonly kept: (Datagram | Message)[] = [];
  /** The sender of the last datagram that went into somebody's buffer, where he gave no address to be filled. */
  readonly sender: SocketAddress;
  /** Whether that datagram was cut. */
  truncated = false;

  /** Of this line. */
  constructor(line: Line) {
    this.line = line;
    this.sender = SocketAddress.empty(line.socket.sys);
  }

  /** What was kept goes with the socket. */
  close(): void {
    for (const datagram of this.kept.splice(0)) release(datagram);
  }
}

abstract class InboxOperation<T> extends LineOperation<T> {
  protected readonly inbox: Inbox;

  constructor(inbox: Inbox) {
    super(inbox.line);
    this.inbox = inbox;
  }

  protected override get isWorthTrying(): boolean {
    return this.inbox.kept.length > 0 || this.line.isPromising;
  }

  override describe(): string {
    return `a datagram on ${this.line.socket}`;
  }
}

/** A datagram of one's own. */
export class Receive extends InboxOperation<Datagram> {
  private readonly size: number;

  constructor(inbox: Inbox, size: number) {
    super(inbox);
    this.size = size;
  }

  override attempt(): Datagram | typeof PENDING {
    const kept = this.inbox.kept.shift();
    if (kept !== undefined) return owned(kept, this.size);
    const datagram = this.line.socket.recvFrom(this.size);
    if (datagram === undefined) return PENDING;
    this.line.moved(datagram.data.length, true, 1);
    return datagram;
  }

  override refused(outcome: Datagram): void {
    this.inbox.kept.push(outcome);
  }
}

/** A datagram into a buffer. */
export class ReceiveInto extends InboxOperation<number> {
  private readonly buffer: Uint8Array;
  private readonly sender: SocketAddress;

  constructor(inbox: Inbox, buffer: Uint8Array, sender: SocketAddress) {
    super(inbox);
    this.buffer = buffer;
    this.sender = sender;
  }

  override attempt(): number | typeof PENDING {
    const { inbox, buffer, sender } = this;
    const kept = inbox.kept.shift();
    const size = kept === undefined ? this.line.socket.recvFromInto(buffer, sender) : copied(kept, buffer, sender.slot);
    if (size === undefined) return PENDING;
    inbox.truncated = sender.slot[1] === 1;
    this.line.moved(size, true, 1);
    return size;
  }

  override refused(size: number): void {
    const data = Buffer.from(this.buffer.subarray(0, size));
    this.inbox.kept.push({ data, address: this.sender.clone(), truncated: this.inbox.truncated });
  }
}

/** As many datagrams as are there. */
export class ReceiveMany extends InboxOperation<number> {
  private readonly batch: DatagramBatch;

  constructor(inbox: Inbox, batch: DatagramBatch) {
    super(inbox);
    this.batch = batch;
  }

  override attempt(): number | typeof PENDING {
    const { batch } = this;
    const { kept } = this.inbox;
    if (kept.length > 0) {
      batch.clear();
      for (const datagram of kept.splice(0, batch.capacity)) batch.put(release(datagram));
      return batch.count;
    }
    const count = recvmmsg(this.line.socket, batch);
    if (count === undefined) return PENDING;
    // A batch that was not filled has found the end of the queue.
    this.line.moved(batch.bytes, count === batch.capacity, count);
    return count;
  }

  override refused(): void {
    const { batch } = this;
    for (let n = 0; n < batch.count; n++) {
      const data = Buffer.from(batch.data(n));
      this.inbox.kept.push({ data, address: batch.address(n).clone(), truncated: batch.truncated(n) });
    }
  }
}

/** A datagram with what came beside its bytes. */
export class ReceiveMessage extends InboxOperation<Message> {
  private readonly options: ReceiveMessageOptions;

  constructor(inbox: Inbox, options: ReceiveMessageOptions) {
    super(inbox);
    this.options = options;
  }

  override attempt(): Message | typeof PENDING {
    const kept = this.inbox.kept.shift();
    if (kept instanceof Message) return kept;
    if (kept !== undefined) return Message.bare(this.line.socket.sys, kept.data, slotOf(kept));
    const message = recvmsg(this.line.socket, this.options);
    if (message === undefined) return PENDING;
    this.line.moved(message.data.length, true, 1);
    return message;
  }

  override refused(outcome: Message): void {
    this.inbox.kept.push(outcome);
  }
}

/** Who does not ask for descriptors does not get any: they are closed, as the kernel does. */
function release(datagram: Datagram | Message): Datagram {
  if (datagram instanceof Message) datagram[Symbol.dispose]();
  return datagram;
}

function owned(datagram: Datagram | Message, size: number): Datagram {
  const { data, address, truncated } = release(datagram);
  return { data: data.subarray(0, size), address, truncated: truncated || data.length > size };
}

function copied(datagram: Datagram | Message, buffer: Uint8Array, slot: Uint8Array): number {
  const { data, address, truncated } = release(datagram);
  const part = data.subarray(0, buffer.length);
  buffer.set(part);
  slot.set(address.slot);
  slot[1] = truncated || part.length < data.length ? 1 : 0;
  return part.length;
}

/** As the system would have filled it. */
function slotOf({ address, truncated }: Datagram): Uint8Array {
  const slot = new Uint8Array(ADDRESS_SLOT_SIZE);
  slot.set(address.slot);
  slot[1] = truncated ? 1 : 0;
  return slot;
}
