/**
 * Random programs of socket and pipe operations, as data: drawn from a seed, without a look at any result, so that the same program can be run
 * on two systems.
 */

import { seededRandom } from '../../../src/scheduler/random.ts';

/** A descriptor's place in a program. */
export type Slot = number;

/** One operation. What it opens goes into the slots that it names. */
export type Operation =
  | { readonly do: 'pair'; readonly kind: PairKind; readonly into: readonly [Slot, Slot] }
  | { readonly do: 'fresh'; readonly kind: 'tcp' | 'udp' | 'unix' | 'listener' | 'unix-listener'; readonly into: Slot }
  | { readonly do: 'connect'; readonly to: Slot; readonly into: Slot }
  | { readonly do: 'refused'; readonly into: Slot }
  | { readonly do: 'accept' | 'dup'; readonly on: Slot; readonly into: Slot }
  | { readonly do: 'send' | 'write'; readonly on: Slot; readonly bytes: number; readonly fill: number }
  | { readonly do: 'recv' | 'read' | 'peek'; readonly on: Slot; readonly bytes: number }
  | { readonly do: 'shutdown'; readonly on: Slot; readonly how: 'read' | 'write' | 'both' }
  | { readonly do: PlainOperation; readonly on: Slot }
  | { readonly do: 'fill and drain'; readonly on: Slot; readonly peer: Slot }
  | { readonly do: 'wait'; readonly on: Slot; readonly directions: number }
  | { readonly do: 'epoll add' | 'epoll modify'; readonly on: Slot; readonly events: number }
  | { readonly do: 'epoll wait' | 'epoll rotate' };

/** Operations that need to know nothing but their descriptor. */
export type PlainOperation =
  | 'close'
  | 'close behind'
  | 'send urgent'
  | 'recv urgent'
  | 'error'
  | 'reset on close'
  | 'peer'
  | 'connect again'
  | 'epoll remove';

/** How two descriptors are connected to each other from the beginning. */
export type PairKind = 'tcp' | 'unix' | 'seqpacket' | 'datagram' | 'udp' | 'pipe';

const PAIRS: readonly PairKind[] = ['tcp', 'tcp', 'unix', 'unix', 'seqpacket', 'datagram', 'udp', 'pipe', 'pipe'];
const FRESH = ['tcp', 'udp', 'unix', 'listener', 'listener', 'unix-listener'] as const;
const HOW = ['read', 'write', 'write', 'both'] as const;
const SHORTEST = 6;
const LONGEST = 26;
/** So much at once into a socket: what a program leaves unread stays far below any buffer's limit, whose exact place is not compared. */
const MOST_INTO_SOCKET = 300;
/** Pipes are compared to the byte, also when they are full. */
const MOST_INTO_PIPE = 40_000;
const EVENTS = [1, 4, 5, 7, 0x2001, 0x2007, 0x4000_0001, 0x4000_0005, 0x4000_2007, 0];

/** What a program is drawn with. */
export type Draw = <T>(choices: readonly T[]) => T;

interface Known {
  readonly slot: Slot;
  readonly kind: PairKind | (typeof FRESH)[number];
  readonly peer?: Slot;
}

/** The program of this seed. */
export function programOf(seed: number): Operation[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const draw: Draw = (choices) => choices[below(choices.length)] as (typeof choices)[number];
  return new Author(below, draw).write();
}

class Author {
  private readonly below: (limit: number) => number;
  private readonly draw: Draw;
  private readonly program: Operation[] = [];
  private readonly known: Known[] = [];
  private slots = 0;

  constructor(below: (limit: number) => number, draw: Draw) {
    this.below = below;
    this.draw = draw;
  }

  write(): Operation[] {
    this.open();
    const length = SHORTEST + this.below(LONGEST - SHORTEST);
    while (this.program.length < length) {
      if (this.known.length === 0 || this.below(8) === 0) this.open();
      else this.use(this.draw(this.known));
    }
    return this.program;
  }

  private open(): void {
    if (this.below(3) > 0) {
      const kind = this.draw(PAIRS);
      const [one, other] = [this.slots++, this.slots++];
      this.known.push({ slot: one, kind, peer: other }, { slot: other, kind, peer: one });
      this.program.push({ do: 'pair', kind, into: [one, other] });
      return;
    }
    if (this.below(6) === 0) {
      const into = this.add('tcp');
      this.program.push({ do: 'refused', into });
      return;
    }
    const kind = this.draw(FRESH);
    this.program.push({ do: 'fresh', kind, into: this.add(kind) });
  }

  private add(kind: Known['kind'], peer?: Slot): Slot {
    const slot = this.slots++;
    this.known.push(peer === undefined ? { slot, kind } : { slot, kind, peer });
    return slot;
  }

  private use(known: Known): void {
    const { slot: on, kind, peer } = known;
    const listens = kind === 'listener' || kind === 'unix-listener';
    const choice = this.below(20);
    const isPipe = kind === 'pipe';
    if (listens && choice < 8) {
      const into = this.add(kind === 'listener' ? 'tcp' : 'unix');
      this.program.push(choice < 4 ? { do: 'connect', to: on, into } : { do: 'accept', on, into });
    } else if (choice < 4) this.send(on, isPipe);
    else if (choice < 7) {
      const bytes = 1 + this.below(isPipe ? MOST_INTO_PIPE : MOST_INTO_SOCKET);
      this.program.push({
        do: this.draw(isPipe ? (['read'] as const) : (['recv', 'recv', 'read', 'peek'] as const)),
        on,
        bytes,
      });
    } else if (choice < 9) {
      this.program.push(isPipe ? { do: 'close', on } : { do: 'shutdown', on, how: this.draw(HOW) });
    } else if (choice < 11) this.close(known);
    else if (choice < 14) this.program.push({ do: 'wait', on, directions: this.draw([1, 4, 5, 7, 2, 1, 5]) });
    else if (choice < 17) this.epoll(on);
    else if (choice === 17) this.program.push({ do: 'dup', on, into: this.add(kind, peer) });
    else if (choice === 18 && peer !== undefined && (kind === 'unix' || isPipe)) {
      this.program.push({ do: 'fill and drain', on, peer });
    } else if (!isPipe) {
      const rare: PlainOperation[] = ['error', 'reset on close', 'peer'];
      // A listener that was shut down and connects to the address that was its own is nobody's program.
      if (!listens) rare.push('connect again');
      // Urgent bytes of Unix streams, which Linux has since 5.15, are not simulated.
      if (kind === 'tcp') rare.push('send urgent', 'recv urgent', 'send urgent', 'recv urgent');
      this.program.push({ do: this.draw(rare), on });
    }
  }

  private send(on: Slot, isPipe: boolean): void {
    const bytes = this.below(10) === 0 && !isPipe ? 0 : 1 + this.below(isPipe ? MOST_INTO_PIPE : MOST_INTO_SOCKET);
    const fill = 1 + (this.program.length % 255);
    this.program.push({ do: isPipe ? 'write' : this.draw(['send', 'send', 'write'] as const), on, bytes, fill });
  }

  private close(known: Known): void {
    this.known.splice(this.known.indexOf(known), 1);
    this.program.push({ do: this.below(5) === 0 ? 'close behind' : 'close', on: known.slot });
  }

  private epoll(on: Slot): void {
    const choice = this.below(6);
    if (choice < 2) this.program.push({ do: 'epoll add', on, events: this.draw(EVENTS) });
    else if (choice === 2) this.program.push({ do: 'epoll modify', on, events: this.draw(EVENTS) });
    else if (choice === 3) this.program.push({ do: 'epoll remove', on });
    else this.program.push({ do: choice === 4 ? 'epoll wait' : 'epoll rotate' });
  }
}

/** A program as a person reads it. */
export function textOf(program: readonly Operation[]): string {
  return program.map((operation, index) => `  ${index}: ${JSON.stringify(operation)}`).join('\n');
}
