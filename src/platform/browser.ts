/**
 * What stands in for Node where there is none: the same names as in `node.ts`, which says what each is for. There is no
 * addon here, so all that runs are simulated systems and virtual clocks; of what those never ask for, nothing is made up.
 */

/** Tells of what no simulated system asks for. */
function absent(what: string): () => never {
  return () => {
    throw new Error(`${what} was called where there is no Node`);
  };
}

const UTF8 = /^utf-?8$/i;
const ASSERTION_MESSAGE = 'Failed';

/** What an {@link AssertionError} is made of. */
export interface AssertionDetails {
  message?: string;
  actual?: unknown;
  expected?: unknown;
  operator?: string;
}

/** Says the same as Node's, in the same fields. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError' as const;
  readonly code = 'ERR_ASSERTION' as const;
  readonly generatedMessage: boolean;
  readonly actual: unknown;
  readonly expected: unknown;
  readonly operator: string;

  constructor({ message, actual, expected, operator = 'fail' }: AssertionDetails = {}) {
    super(message ?? ASSERTION_MESSAGE);
    this.generatedMessage = message === undefined;
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
  }
}

/** No context is carried along: a browser has no `AsyncLocalStorage`. */
export class AsyncResource {
  /** Calls the function. */
  runInAsyncScope<This, Result>(
    fn: (this: This, ...args: unknown[]) => Result,
    self: This,
    ...args: unknown[]
  ): Result {
    return fn.apply(self, args);
  }
}

/** Bytes that say their text, as a program that reads from a socket expects it of them. */
class Bytes extends Uint8Array {
  /** The text of UTF-8, or of `latin1`: a character a byte. Throws `RangeError` for any other encoding, which only Node knows. */
  override toString(encoding: string = 'utf8', start: number = 0, end: number = this.length): string {
    if (UTF8.test(encoding)) return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.subarray(start, end));
    if (encoding === 'latin1') return String.fromCharCode(...this.subarray(start, end));
    throw new RangeError(`bytes are decoded as utf8 where there is no Node, not as '${encoding}'`);
  }
}

/** The part of Node's `Buffer` that makes new ones. */
export const Buffer = {
  /** A copy of the bytes, or the text as UTF-8; or the memory itself, from `offset` on. */
  from(data: string | Uint8Array | ArrayBuffer, offset?: number, length?: number): Uint8Array {
    if (data instanceof ArrayBuffer) return new Bytes(data, offset, length);
    return new Bytes(typeof data === 'string' ? new TextEncoder().encode(data) : data);
  },
  /** So many bytes. */
  allocUnsafe(size: number): Uint8Array {
    return new Bytes(size);
  },
  /** So many bytes. */
  allocUnsafeSlow(size: number): Uint8Array {
    return new Bytes(size);
  },
};

/** A channel to which nobody can subscribe. */
export function channel(): { readonly hasSubscribers: false; publish(): void } {
  return { hasSubscribers: false, publish() {} };
}

/** There is no resolver: names are those of a simulated system. */
export const dns: { lookup: () => never } = { lookup: absent('dns.lookup') };

/** There are no files. */
export function existsSync(): boolean {
  return false;
}
/** There are no files. */
export const readFileSync: () => never = absent('readFileSync');
/** There are no files; a trace goes to a function. */
export const openSync: () => never = absent('openSync');
/** There are no files. */
export const writeSync: () => never = absent('writeSync');
/** There are no files. */
export const closeSync: () => never = absent('closeSync');
/** There are no files: the Unix sockets of a simulated system have none. */
export const lstatSync: () => never = absent('lstatSync');
/** There are no files. */
export const unlinkSync: () => never = absent('unlinkSync');
/** There are no files. */
export const chmodSync: () => never = absent('chmodSync');

/** A debugger that answers no question: messages are without the places of tasks. */
export class Session {
  /** Connects to nothing. */
  connect(): void {}
  /** Leaves nothing. */
  disconnect(): void {}
  /** Is told of nothing. */
  on(): this {
    return this;
  }
  /** Asks in vain. */
  post(): void {}
}

/** There is nothing that could be loaded. */
export const createRequire: () => never = absent('createRequire');
/** Nobody keeps source maps for us. */
export function findSourceMap(): undefined {}
/** Never made, as there are no places to look for. */
export class SourceMap {
  constructor() {
    absent('SourceMap')();
  }
}

/** There are no signals. */
export const constants: { signals: Record<string, number> } = { signals: {} };

/** There are no files. */
export const join: () => never = absent('join');
/** There are no files. */
export const resolve: () => never = absent('resolve');
/** The last part of a path or URL. */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
/** No place is near another. */
export function relative(_from: string, to: string): string {
  return to;
}

/** A process without environment variables, signals and an end. It cannot load an addon: there is no `dlopen`. */
export const process = {
  platform: 'browser',
  pid: 0,
  /** Where a person looks. */
  stderr: {
    columns: undefined as number | undefined,
    /** One message, as it is. */
    write(text: string): void {
      console.error(text);
    },
  },
  /** The top of what is served. */
  cwd(): string {
    return '/';
  },
  env: {} as Record<string, string | undefined>,
  exitCode: undefined as number | undefined,
  /** Nothing ever happens to it. */
  on(): void {},
  /** Nothing ever happens to it. */
  once(): void {},
  /** Nobody listens. */
  off(): void {},
  /** Nobody listens. */
  listenerCount(): number {
    return 0;
  },
  /** What Node writes to standard error. */
  emitWarning(message: string, { type = 'Warning', code = '' }: { type?: string; code?: string } = {}): void {
    console.warn(`${type}${code === '' ? '' : ` [${code}]`}: ${message}`);
  },
  /** Only a signal asks for it. */
  exit(): never {
    return absent('process.exit')();
  },
};

/** A module has no path but its URL. */
export function fileURLToPath(url: string | URL): string {
  return String(url);
}

/** A browser has no such mark: whoever transfers the memory of a view takes it away from the stream. */
export function markAsUntransferable(_object: object): void {}

/** As far as signals go, which nobody gets. */
export const isMainThread: boolean = true;
/** Workers of a browser do not know theirs. */
export const threadId: number = 0;

/** A page ends as it likes. */
export function unref(): void {}

/** Throws: a scheduler can only be driven by `runSync()` or `turn()` here. `code` is `'ERR_GENLOOP_NO_HOST'`. */
export function needLoop(verb: string): never {
  throw Object.assign(new Error(`${verb} lives in Node's loop, and there is none here; use runSync() or turn()`), {
    code: 'ERR_GENLOOP_NO_HOST',
  });
}
