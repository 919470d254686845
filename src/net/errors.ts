/** The errors of streams. What the system reports is a `SystemError` with the system's own code. */

/** The stream ended in the middle of what was asked for. `code` is `'ERR_GENLOOP_UNEXPECTED_END'`. */
export class UnexpectedEndError extends Error {
  override readonly name = 'UnexpectedEndError' as const;
  readonly code = 'ERR_GENLOOP_UNEXPECTED_END' as const;
  /** What had come of it. These bytes are yours, and are not read again. */
  readonly partial: Buffer;

  /** @internal */
  constructor(stream: string, wanted: string, partial: Buffer) {
    super(`${stream} ended after ${partial.length} bytes of ${wanted}`);
    this.partial = partial;
  }
}

/**
 * More came than the given limit, without an end in sight. Nothing was taken: what has come is still to be read, with a larger limit, or by
 * `read()`, or can be passed over with `skipUntil()`. `code` is `'ERR_GENLOOP_LIMIT'`.
 */
export class LimitError extends Error {
  override readonly name = 'LimitError' as const;
  readonly code = 'ERR_GENLOOP_LIMIT' as const;
  /** The limit, in bytes. */
  readonly limit: number;

  /** @internal */
  constructor(stream: string, wanted: string, limit: number) {
    super(`${wanted} from ${stream} is longer than the limit of ${limit} bytes; give a larger { limit }`);
    this.limit = limit;
  }
}

/**
 * Nothing more can be written, since an earlier write was cut off in its middle: whatever came next, the other side would take it
 * for the rest. `code` is `'ERR_GENLOOP_PARTIAL_WRITE'`. Rule 35.
 */
export class PartialWriteError extends Error {
  override readonly name = 'PartialWriteError' as const;
  readonly code = 'ERR_GENLOOP_PARTIAL_WRITE' as const;
  /** How many bytes of the earlier write had gone. */
  readonly bytesWritten: number;
  /** How many it had. */
  readonly length: number;

  /** @internal */
  constructor(stream: string, bytesWritten: number, length: number) {
    super(
      `${stream} takes no more writes: an earlier one was cancelled after ${bytesWritten} of ${length} bytes; close the stream`,
    );
    this.bytesWritten = bytesWritten;
    this.length = length;
  }
}

/** A write after the writing side was ended. `code` is `'ERR_GENLOOP_ENDED'`. */
export class EndedError extends Error {
  override readonly name = 'EndedError' as const;
  readonly code = 'ERR_GENLOOP_ENDED' as const;

  /** @internal */
  constructor(stream: string) {
    super(`${stream} was ended for writing; nothing can be written after end()`);
  }
}
