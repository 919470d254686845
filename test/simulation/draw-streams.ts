/** What programs do with streams of `genloop/net`: single reads and writes, and a few things that follow each other where it is narrow. */

import type { PairKind, ReadKind, Room, Statement, Wait } from './program.ts';

/** Draws from a seed. */
export interface Draws {
  readonly room: Room;
  /** How many ends the connections of the program have. */
  readonly ends: number;
  below(limit: number): number;
  chance(probability: number): boolean;
  one<T>(choices: readonly T[]): T;
  end(): number;
  fresh(): number;
}

/** The connections of a program with streams. */
export const STREAM_PAIRS: readonly (readonly PairKind[])[] = [
  ...([['unixStream'], ['unixStream'], ['tcpStream'], ['tcpStream']] satisfies PairKind[][]),
  ...([
    ['unixStream', 'unixStream'],
    ['unixStream', 'tcpStream'],
    ['tcpStream', 'tcpStream'],
    ['tcpStream', 'socket'],
    ['unixStream', 'tcp'],
  ] satisfies PairKind[][]),
  // More ends than writes go together.
  Array.from({ length: 9 }, (): PairKind => 'unixStream'),
];

const READS: readonly ReadKind[] = [
  'any',
  'any',
  'view',
  'view',
  'view',
  'into',
  'exactly',
  'line',
  'until',
  'all',
  'peek',
];
/** So many make a crowd. */
const MANY_ENDS = 16;
const READ_SIZES = [1, 3, 30, 300, 5000, 65_536] as const;
/** One is what a wait receives for a reader at most. */
const WRITE_SIZES = [1, 1, 3, 3, 300, 300, 4096, 5000] as const;
/** Some do not fit; of the last, where it fits, one task may not move all without the others' turn (rule 40). */
const LONG_WRITES: Record<Room, number> = { small: 5000, large: 40_000, huge: 300_000 };

/** A read or a write. */
export function streamWait(draws: Draws): Wait {
  return draws.chance(0.65) ? receive(draws, draws.end()) : transmit(draws, draws.end());
}

function receive(draws: Draws, end: number): Wait {
  return { do: 'receive', how: draws.one(READS), end, size: draws.one(READ_SIZES) };
}

function transmit(draws: Draws, end: number): Wait {
  const bytes = draws.chance(0.04) ? LONG_WRITES[draws.room] : draws.one(WRITE_SIZES);
  return { do: 'transmit', end, bytes };
}

function send(draws: Draws, end: number): Statement {
  return { do: 'send', end, bytes: draws.one([1, 3, 300]) };
}

function spawn(draws: Draws, ...body: Statement[]): Extract<Statement, { do: 'spawn' }> {
  return { do: 'spawn', task: draws.fresh(), daemon: false, body };
}

/** What is done to a stream to which a write was left a moment ago. */
function interference(draws: Draws, end: number, { task }: { readonly task: number }, scope: number): Statement {
  switch (draws.below(9)) {
    case 0:
      return { do: 'close', end };
    case 1:
      // The other side's: it is told of an error, and those who write elsewhere are not.
      return { do: 'close', end: end ^ 1 };
    case 2:
      return { do: 'shutdown', end };
    case 3:
      return { do: 'open', pair: end >> 1 };
    case 4:
      return transmit(draws, end);
    case 5:
      return { do: 'cancelScope', scope };
    case 6:
      return { do: 'compute', ms: 1 };
    default:
      return { do: 'cancel', task };
  }
}

/** Several tasks write in one round, and somebody comes between. There may be room for a part, or for nothing. */
function together(draws: Draws, end: number, scope: number): Statement[] {
  const other = draws.one([end ^ 1, end ^ 2]);
  const write = transmit(draws, end);
  const within = draws.one(['cancelScope', 'moveOnAfter', 'failAfter'] as const);
  const writer = spawn(
    draws,
    draws.chance(0.4) ? { do: 'block', kind: within, scope, ms: draws.one([0, 0.5, 1]), body: [write] } : write,
  );
  const between = spawn(draws, interference(draws, end, writer, scope));
  const another = spawn(draws, transmit(draws, other), ...(draws.chance(0.4) ? [transmit(draws, other)] : []));
  return [
    // Who waits for a descriptor opens the poller, without which nothing goes together.
    spawn(draws, receive(draws, draws.one([end, end ^ 2]))),
    draws.chance(0.6) ? { do: 'pass' } : { do: 'sleep', ms: 1 },
    ...(draws.chance(0.5) ? [{ do: 'send', end, bytes: fill(draws) } as const] : []),
    ...(draws.chance(0.7) ? [writer, between, another] : [another, writer, between]),
    { do: 'pass' },
    receive(draws, end ^ 1),
    receive(draws, end ^ 1),
  ];
}

/** What leaves little room, or none. */
function fill(draws: Draws): number {
  return draws.one(
    { small: [700, 2900, 3800, 3999, 5000], large: [20_000, 36_000, 40_000], huge: [300_000] }[draws.room],
  );
}

/** What was lent is written while there is no room for all of it; and then its memory is received into once more. */
function lentTooMuch(draws: Draws, end: number): Statement[] {
  const other = end ^ 2;
  return [
    spawn(draws, { do: 'echo', end }),
    spawn(draws, receive(draws, other)),
    { do: 'pass' },
    { do: 'send', end, bytes: fill(draws) },
    { do: 'send', end: end ^ 1, bytes: 300 },
    { do: 'passes', count: 2 },
    { do: 'send', end: other ^ 1, bytes: 300 },
    { do: 'passes', count: 2 },
    receive(draws, end ^ 1),
    receive(draws, end ^ 1),
  ];
}

/** More tasks write than go in one call. */
function crowd(draws: Draws): Statement[] {
  const bytes = draws.one([1, 3, 300]);
  return [
    spawn(draws, receive(draws, 0)),
    { do: 'pass' },
    ...Array.from({ length: draws.ends }, (_, end) => spawn(draws, { do: 'transmit', end, bytes })),
    { do: 'pass' },
    receive(draws, draws.end()),
  ];
}

/** Statements that mean little by themselves, and something after each other. */
export function streamIdiom(draws: Draws, scope: number): Statement[] {
  const end = draws.end();
  const kind = draws.below(draws.ends > MANY_ENDS ? 24 : 17);
  if (kind > 16) return crowd(draws);
  if (kind > 15) return lentTooMuch(draws, end);
  if (kind > 11) return together(draws, end, scope);
  const other = draws.one([end ^ 1, end ^ 2]);
  const reader = spawn(draws, receive(draws, end));
  const cancel: Statement = { do: 'cancel', task: reader.task };
  switch (kind) {
    case 0:
      // It is woken, and cancelled before it runs: what it was woken for is the next one's.
      return [
        spawn(draws, receive(draws, end), cancel),
        reader,
        { do: 'pass' },
        send(draws, end ^ 1),
        receive(draws, end),
      ];
    case 1:
      // Two are readable in one wait, and who comes first closes the other.
      return [
        spawn(draws, receive(draws, other), { do: 'close', end }),
        reader,
        { do: 'pass' },
        send(draws, end ^ 1),
        send(draws, other ^ 1),
      ];
    case 2:
      // And who comes first cancels the other, whose bytes are read afterwards.
      return [
        spawn(draws, receive(draws, other), cancel, receive(draws, end)),
        reader,
        { do: 'pass' },
        send(draws, end ^ 1),
        send(draws, other ^ 1),
      ];
    case 3:
      // It comes when the time is up.
      return [
        spawn(draws, { do: 'sleep', ms: 1 }, transmit(draws, end ^ 1)),
        { do: 'block', kind: draws.one(['moveOnAfter', 'failAfter']), scope, ms: 1, body: [receive(draws, end)] },
        receive(draws, end),
      ];
    case 4: {
      // Both become readable in one wait, and one of them decides.
      const branches = [receive(draws, end), receive(draws, other)];
      return [
        spawn(draws, send(draws, end ^ 1), send(draws, other ^ 1)),
        { do: 'select', of: branches },
        receive(draws, end),
        receive(draws, other),
      ];
    }
    case 5: {
      const branches = [receive(draws, end), receive(draws, other)];
      return [
        spawn(draws, send(draws, end ^ 1), send(draws, other ^ 1)),
        { do: 'together', how: 'race', body: branches },
        receive(draws, end),
      ];
    }
    case 6:
      return [
        spawn(draws, { do: 'echo', end }, { do: 'echo', end }),
        transmit(draws, end ^ 1),
        receive(draws, end ^ 1),
        transmit(draws, end ^ 1),
        receive(draws, end ^ 1),
      ];
    case 7:
      // All, and that it is all.
      return [transmit(draws, end ^ 1), { do: 'shutdown', end: end ^ 1 }, receive(draws, end), receive(draws, end)];
    case 8:
      // Whoever is there already stays there.
      return [reader, { do: 'pass' }, receive(draws, end), send(draws, end ^ 1)];
    case 9:
      // Whoever waits for the socket itself is told of what nobody has received.
      return [
        { do: 'block', kind: 'moveOnAfter', scope, ms: 1, body: [receive(draws, end)] },
        spawn(draws, { do: 'sleep', ms: 1 }, send(draws, end ^ 1)),
        { do: 'read', end },
        receive(draws, end),
      ];
    case 10: {
      // Once a write was cut off, nothing can follow.
      const long: Statement = { do: 'transmit', end, bytes: LONG_WRITES[draws.room] };
      return [
        { do: 'block', kind: 'moveOnAfter', scope, ms: 1, body: [long] },
        receive(draws, end ^ 1),
        transmit(draws, end),
      ];
    }
    default:
      // The number comes back, and another stream with it.
      return [
        reader,
        { do: 'pass' },
        send(draws, end ^ 1),
        spawn(draws, { do: 'open', pair: end >> 1 }, receive(draws, end)),
        { do: 'pass' },
        transmit(draws, end ^ 1),
      ];
  }
}
