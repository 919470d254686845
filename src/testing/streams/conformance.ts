/**
 * What every stream has to do, as checks that run in any test runner over anybody's streams: sockets, pipes, memory, or a transport of
 * your own. Each is a main task that throws what is wrong. None depends on how fast anything is.
 */

import type { Co, Op } from '../../kernel/index.ts';
import type { Stream } from '../../net/stream.ts';
import { bufferedChecks } from './checks-buffered.ts';
import { bytesChecks } from './checks-bytes.ts';
import { cancelChecks } from './checks-cancel.ts';
import { endChecks } from './checks-ends.ts';
import { partsChecks } from './checks-parts.ts';

/** The streams that are to be checked. */
export interface StreamSubject {
  /** Makes two new streams that are connected to each other, with room for 1,000 bytes on their way. The check closes them. */
  pair: () => Op<readonly [Stream, Stream]> | Co<readonly [Stream, Stream]>;
  /** Whether `end()` ends one direction alone. Default: true. Terminals and serial lines cannot. */
  halfClose?: boolean;
  /**
   * Whether closing one side ends the other's reading. Default: true.
   */
  ends?: boolean;
  /** Breaks the connection of one stream, so that the other gets an error; for those that can break. */
  reset?: ((stream: Stream) => void) | undefined;
  /** How many bytes go each way in the check of many bytes. Default: 1 MiB. */
  size?: number;
  /** More bytes than can ever be on their way. Default: 32 MiB. */
  tooMuch?: number;
  /** From which the sizes of pieces are drawn. Default: 1. */
  seed?: number;
}

/** One thing that every stream has to do. */
export interface StreamCheck {
  /** What it has to do, as a sentence. */
  readonly name: string;
  /** Makes the main task of a run, which fails if the streams do not do it. */
  readonly main: () => Co<void>;
}

/** @internal A check of a subject of which everything is known. */
export interface CompleteSubject extends Required<Omit<StreamSubject, 'reset'>> {
  readonly reset: ((stream: Stream) => void) | null;
}

/** @internal What a file of checks has. */
export interface CheckDefinition {
  readonly name: string;
  /** What the subject must be able to do. */
  readonly needs?: readonly ('halfClose' | 'ends' | 'reset')[];
  readonly main: (one: Stream, other: Stream, subject: CompleteSubject) => Co<void>;
}

/**
 * The checks that apply to these streams; run each with `run(check.main)`, `runSync` or `simulate`.
 *
 * @example
 * for (const { name, main } of streamChecks({ pair: function* () { return memoryPair(); } })) {
 *   test(name, () => run(main));
 * }
 */
export function streamChecks(subject: StreamSubject): StreamCheck[] {
  const complete: CompleteSubject = {
    halfClose: true,
    ends: true,
    size: 1_048_576,
    tooMuch: 33_554_432,
    seed: 1,
    ...subject,
    reset: subject.reset ?? null,
  };
  return [...bytesChecks, ...partsChecks, ...endChecks, ...bufferedChecks, ...cancelChecks]
    .filter(({ needs = [] }) => needs.every((need) => complete[need] !== false && complete[need] !== null))
    .map(({ name, main }) => ({ name, main: () => checked(complete, main) }));
}

function* checked(subject: CompleteSubject, main: CheckDefinition['main']): Co<void> {
  const [one, other] = (yield subject.pair()) as readonly [Stream, Stream];
  try {
    yield main(one, other, subject);
  } finally {
    one.close();
    other.close();
  }
}
