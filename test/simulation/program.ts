/**
 * Random programs as data: a small tree, so that a program can be drawn from a seed, printed, kept, cut down, and run again. It says what
 * tasks do, never what comes of it; that is for the witness to know.
 *
 * Queues, events, ends of connections, tasks and scopes are named by number. A number that nobody has (any more) makes its statement do
 * nothing: so any part of a program can be taken away, and what is left is a program.
 */

import type { BackendName } from 'genloop/os';
import type { ReceiveMode, SendMode } from 'genloop/poller';

/** What a read of a stream wants: the names are those of the library, without the `read` of most. */
export type ReadKind = 'any' | 'view' | 'into' | 'exactly' | 'line' | 'until' | 'all' | 'peek';

/** Something to wait for; also a branch of a `select`. */
export type Wait =
  | { readonly do: 'pass' }
  | { readonly do: 'sleep'; readonly ms: number }
  /** An operation that cannot be undone, and completes after a time. */
  | { readonly do: 'stubborn'; readonly ms: number }
  /** One that is undone, and completes all the same, too late. */
  | { readonly do: 'careless'; readonly ms: number }
  | { readonly do: 'take'; readonly queue: number }
  | { readonly do: 'await'; readonly event: number }
  | { readonly do: 'read' | 'write'; readonly end: number }
  /** A read of a stream. The size is what `how` takes: bytes at most, of a buffer, exactly, or the limit of a line. */
  | { readonly do: 'receive'; readonly how: ReadKind; readonly end: number; readonly size: number }
  /** A write of a stream. */
  | { readonly do: 'transmit'; readonly end: number; readonly bytes: number }
  | { readonly do: 'join'; readonly task: number }
  /** The next task of the innermost group that ends, if that keeps its handles. */
  | { readonly do: 'next' };

/** What a block is: the names are those of the library. */
export type BlockKind = 'cancelScope' | 'failAfter' | 'moveOnAfter' | 'cleanup';

/** What runs several tasks at once. */
export type Together = 'all' | 'allSettled' | 'race' | 'firstSuccess';

/** One statement. */
export type Statement =
  | Wait
  | { readonly do: 'select'; readonly of: readonly Wait[] }
  | { readonly do: 'loud'; readonly wait: Wait }
  | { readonly do: 'put'; readonly queue: number }
  | { readonly do: 'wake'; readonly event: number; readonly count: number }
  | { readonly do: 'move'; readonly event: number; readonly to: number }
  | { readonly do: 'break'; readonly event: number }
  | { readonly do: 'send'; readonly end: number; readonly bytes: number }
  | { readonly do: 'drain' | 'close' | 'shutdown' | 'ghost'; readonly end: number }
  | { readonly do: 'open'; readonly pair: number }
  /** Writes the view that a stream lends to its other side, as it is. */
  | { readonly do: 'echo'; readonly end: number }
  | { readonly do: 'compute'; readonly ms: number }
  | { readonly do: 'burst' | 'passes'; readonly count: number }
  | { readonly do: 'fail' }
  | { readonly do: 'cancel'; readonly task: number }
  | { readonly do: 'cancelScope'; readonly scope: number; readonly cleanup?: number }
  | { readonly do: 'expire'; readonly scope: number; readonly ms: number }
  | { readonly do: 'spawn'; readonly task: number; readonly daemon: boolean; readonly body: readonly Statement[] }
  | {
      readonly do: 'block';
      readonly kind: BlockKind;
      readonly scope: number;
      readonly ms: number;
      readonly body: readonly Statement[];
    }
  | {
      readonly do: 'group';
      readonly scope: number;
      readonly isolate: boolean;
      readonly keep: boolean;
      readonly body: readonly Statement[];
    }
  /** A task of the innermost group, whose end of the body, where it is ready, is waited for; then it goes on with `last`. */
  | {
      readonly do: 'start';
      readonly task: number;
      readonly daemon: boolean;
      readonly body: readonly Statement[];
      readonly last: readonly Statement[];
    }
  /** A task into a group that somebody else has opened; which may be cancelled, or have ended. */
  | { readonly do: 'intrude'; readonly scope: number; readonly task: number; readonly body: readonly Statement[] }
  /** Each statement of the body is a task of its own. */
  | { readonly do: 'together'; readonly how: Together; readonly body: readonly Statement[] }
  | { readonly do: 'try'; readonly body: readonly Statement[]; readonly last: readonly Statement[] }
  | { readonly do: 'swallow'; readonly body: readonly Statement[] };

/** How a pair of ends is connected: `socket` is a pair of Unix streams. Of the last two, both ends are streams of `genloop/net`. */
export type PairKind = 'socket' | 'pipe' | 'tcp' | 'udp' | 'unixStream' | 'tcpStream';

/** How much sockets keep: little, more than a wait receives for one reader, or more than one task may move at once (rule 40). */
export type Room = 'small' | 'large' | 'huge';

/** Who drives the scheduler: rounds that wait in it, or a loop that watches its descriptor and calls `turn()`. */
export type Drive = 'round' | 'turn';

/** A program, and the world in which it runs. */
export interface Program {
  /** What order and faults are drawn from. */
  readonly seed: number;
  readonly backend: BackendName;
  readonly drive: Drive;
  /** Whether ready tasks are stepped in an order drawn from the seed, and not first in, first out. */
  readonly shuffled: boolean;
  /** Whether the failure of one task cancels all. */
  readonly fragile: boolean;
  /** How likely reports of what is not ready, and short reads and writes, are. */
  readonly spurious: number;
  readonly short: number;
  /** The longest time that a packet of TCP or UDP takes, in milliseconds. */
  readonly delay: number;
  /** Who receives for the parked reader of a stream: the wait, or its task. */
  readonly receive: ReceiveMode;
  /** Who sends short writes of streams while others are ready: the round, or the task. */
  readonly send: SendMode;
  readonly room: Room;
  /** How likely it is that a read or a write fails. */
  readonly errors: number;
  readonly pairs: readonly PairKind[];
  /** The tasks that are there at the beginning. They are numbered from 0. */
  readonly tasks: readonly (readonly Statement[])[];
}

/** How many queues and events there are. */
export const QUEUES = 2;
/** Numbers of tasks and scopes are drawn below these. */
export const TASKS = 6;
export const SCOPES = 3;

/** The lists of statements in a statement, by their keys. */
export function bodiesOf(statement: Statement): [key: 'body' | 'last', body: readonly Statement[]][] {
  const bodies: [key: 'body' | 'last', body: readonly Statement[]][] = [];
  if ('body' in statement) bodies.push(['body', statement.body]);
  if ('last' in statement) bodies.push(['last', statement.last]);
  return bodies;
}

/** Whether a program has streams of `genloop/net`. */
export function hasStreams({ pairs }: Program): boolean {
  return pairs.some((kind) => kind === 'unixStream' || kind === 'tcpStream');
}

/** How many statements a program has. */
export function sizeOf(program: Program): number {
  const count = (list: readonly Statement[]): number =>
    list.reduce((sum, each) => sum + 1 + bodiesOf(each).reduce((all, [, body]) => all + count(body), 0), 0);
  return program.tasks.reduce((sum, body) => sum + count(body), 0);
}
