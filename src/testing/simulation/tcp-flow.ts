/**
 * One direction of a TCP connection. Segments travel each with a time of its own, and are handed over in the order of their sending; what
 * the receiver has no room for waits at its door, and counts as the sender's.
 */

import type { Packet, World } from './world.ts';

/** The socket at the far end of a flow. */
export interface FlowReceiver {
  /** How many bytes it takes. */
  readonly room: number;
  dataArrived(bytes: Uint8Array, urgent: boolean): void;
  finishArrived(): void;
  resetArrived(): void;
}

/** The socket at the near end. */
export interface FlowSender {
  /** The end of the stream has been handed over. */
  finishTaken(): void;
  /** Something could not be delivered for a quarter of an hour. */
  timedOut(): void;
}

type SegmentKind = 'data' | 'finish' | 'reset';

const NOTHING = new Uint8Array(0);

/** What travels: a packet of the world's, and no closure, as each send makes one. */
class Segment implements Packet {
  readonly kind: SegmentKind;
  bytes: Uint8Array;
  /** Whether its last byte is urgent. */
  readonly urgent: boolean;
  arrived = false;
  readonly after: number;
  private readonly flow: TcpFlow;

  constructor(
    flow: TcpFlow,
    kind: SegmentKind,
    { bytes, urgent }: { bytes: Uint8Array; urgent: boolean },
    after: number,
  ) {
    this.flow = flow;
    this.kind = kind;
    this.bytes = bytes;
    this.urgent = urgent;
    this.after = after;
  }

  get from(): string {
    return this.flow.route.from;
  }

  get to(): string {
    return this.flow.route.to;
  }

  arrive(): void {
    this.arrived = true;
    this.flow.handOver();
  }

  giveUp(): void {
    this.flow.givenUp(this);
  }
}

/** What one end sends to the other. */
export class TcpFlow {
  private readonly world: World;
  /** @internal */
  readonly route: { readonly from: string; readonly to: string };
  private readonly sender: FlowSender;
  private readonly receiver: FlowReceiver;
  private segments: Segment[] = [];
  /** The bytes that have not been handed over. */
  queued = 0;
  /** When the last segment arrives: the next one does not come before. */
  private last: number;

  /** Nothing arrives before the time `after`: that of the handshake. */
  constructor(
    world: World,
    route: { from: string; to: string },
    ends: { sender: FlowSender; receiver: FlowReceiver },
    after: number,
  ) {
    this.world = world;
    this.route = route;
    this.sender = ends.sender;
    this.receiver = ends.receiver;
    this.last = after;
  }

  /** Sends bytes, which are not copied. */
  data(bytes: Uint8Array, urgent: boolean): void {
    this.queued += bytes.length;
    this.dispatch('data', bytes, urgent);
  }

  /** Ends the stream. */
  finish(): void {
    this.dispatch('finish', NOTHING, false);
  }

  /** Breaks the connection. What waits at the receiver's door is dropped, and with it what travels behind: it would come after a hole. */
  reset(): void {
    if (this.segments[0]?.arrived === true) this.drop();
    this.dispatch('reset', NOTHING, false);
  }

  /** Forgets what was not handed over. */
  drop(): void {
    this.segments = [];
    this.queued = 0;
  }

  /** Hands over what has arrived, as far as the receiver has room. */
  handOver(): void {
    for (let first = this.segments[0]; first?.arrived === true; first = this.segments[0]) {
      if (first.kind === 'data') {
        if (!this.handData(first)) return;
        continue;
      }
      this.segments.shift();
      if (first.kind === 'reset') this.receiver.resetArrived();
      else {
        this.receiver.finishArrived();
        this.sender.finishTaken();
      }
    }
  }

  /** @internal A segment could not be delivered for a quarter of an hour. */
  givenUp(segment: Segment): void {
    if (this.segments.includes(segment)) this.sender.timedOut();
  }

  private dispatch(kind: SegmentKind, bytes: Uint8Array, urgent: boolean): void {
    const segment = new Segment(this, kind, { bytes, urgent }, this.last);
    this.segments.push(segment);
    this.last = this.world.carry(segment);
  }

  /** Whether the segment has been handed over as a whole. */
  private handData(segment: Segment): boolean {
    const { bytes } = segment;
    const room = Math.min(this.receiver.room, bytes.length);
    if (room <= 0) return false;
    const whole = room === bytes.length;
    if (whole) this.segments.shift();
    else segment.bytes = bytes.subarray(room);
    this.queued -= room;
    this.receiver.dataArrived(whole ? bytes : bytes.subarray(0, room), segment.urgent && whole);
    return whole;
  }
}
