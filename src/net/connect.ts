/**
 * Connecting, as one operation: a name is looked up, its addresses are tried as RFC 8305 says, and what comes of it is a stream, or an error
 * that says where. Time limits are those of the scopes around: `failAfter(5000, connect({ host, port }))`. A cancel closes every socket that
 * was under way.
 */

import { type Co, type Op, routine, sleep } from '../kernel/index.ts';
import { checkDuration } from '../kernel/scope.ts';
import { currentSys, DEFAULT_HOST, Socket, SocketAddress, SystemError } from '../os/index.ts';
import { WriteWait } from '../scheduler/index.ts';
import { connectToFirst, interleaved, isEstablished } from './happy-eyeballs.ts';
import { checkFamily, type ResolvedAddress, type ResolveOptions, type Resolver, resolve } from './resolve.ts';
import type { BufferOptions } from './socket-stream.ts';
import { TcpStream, type TcpStreamOptions } from './tcp-stream.ts';
import { UnixStream } from './unix-stream.ts';

/** Milliseconds between the beginnings of two attempts, if none is given. RFC 8305, section 5. */
export const ATTEMPT_DELAY_MS = 250 as const;

/** Where to connect to by TCP, and how. */
export interface TcpConnectOptions {
  /** A name, or a numeric address. Default 127.0.0.1. */
  host?: string;
  /** 1 to 65535. */
  port: number;
  /** Addresses of one family only. Default: of both, in turn. */
  family?: 'IPv4' | 'IPv6';
  /** The numeric address of ours to connect from; only addresses of its family are tried. Default: the system chooses. */
  localAddress?: string;
  /** The port of ours to connect from. Default: the system chooses. */
  localPort?: number;
  /**
   * Milliseconds after which the next address is tried while one has not answered. Default 250. 0: all at once; `Infinity`: each only when the
   * one before has failed.
   */
  attemptDelay?: number;
  /** What looks up the host, in the place of {@link resolve}. Asked for numeric addresses too. */
  resolve?: Resolver;
  /** For the stream. */
  stream?: TcpStreamOptions;
  path?: undefined;
}

/** Which Unix socket to connect to. */
export interface UnixConnectOptions {
  /** A path, or on Linux an abstract name: `'\0name'`. */
  path: string;
  /** For the stream. */
  stream?: BufferOptions;
}

const LARGEST_PORT = 65_535;
/** A Unix listener whose queue is full says nothing when there is room again, so one asks again: after 1 ms, 2, 4, … */
const FIRST_PAUSE_MS = 1;
/** … and then every 100 ms: ten questions a second cost nothing, and nobody notices a tenth of one. */
const LONGEST_PAUSE_MS = 100;

/**
 * Connects, and waits until that is done. By TCP a name may have several addresses: they are tried in turn, IPv6 and IPv4 alternately,
 * the next one 250 ms after the last or as soon as one has failed, until one answers; the others are closed. Over a Unix socket whose
 * listener's queue is full it waits for a place.
 *
 * Throws `SystemError` with `address` and `port` (or `path`): `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`, `EADDRNOTAVAIL`,
 * `ENOENT`, `EACCES`, `EMFILE`, …; {@link ConnectError}, with all of them, if there were several attempts; what {@link resolve} throws;
 * `TypeError` and `RangeError` at once for what is no host, port or path. A connection to oneself counts as refused (rule 38).
 *
 * @example
 * using stream = yield* failAfter(5000, connect({ host: 'example.org', port: 80 }));
 */
export function connect(options: TcpConnectOptions): Op<TcpStream>;
export function connect(options: UnixConnectOptions): Op<UnixStream>;
export function connect(options: TcpConnectOptions | UnixConnectOptions): Op<TcpStream> | Op<UnixStream> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`connect takes an object like { host, port } or { path }, not ${String(options)}`);
  }
  if (options.path !== undefined) {
    checkPath(options.path);
    return connectUnix(options);
  }
  checkTcp(options);
  return connectTcp(options);
}

const connectTcp: (options: TcpConnectOptions) => Op<TcpStream> = routine(function* connect(
  options: TcpConnectOptions,
): Co<TcpStream> {
  const { host = DEFAULT_HOST, port, attemptDelay = ATTEMPT_DELAY_MS, localAddress, localPort = 0 } = options;
  const sys = currentSys();
  const local = localAddress === undefined ? undefined : SocketAddress.from({ host: localAddress }, sys);
  const found = yield* addressesOf(host, familyOf(options, local), options.resolve);
  const addresses = interleaved(found).map(({ address, scopeid }) =>
    SocketAddress.from({ address, port, scopeid }, sys, 'connect'),
  );
  const open = ({ family }: SocketAddress): Socket => {
    const kind = { family: family as 'IPv4' | 'IPv6' };
    if (localAddress === undefined && localPort === 0) return Socket.tcp(kind);
    return Socket.tcp({ ...kind, host: localAddress ?? ANYWHERE[kind.family], port: localPort });
  };
  const socket = yield* connectToFirst({ addresses, delay: attemptDelay, open, host, port });
  return owned(socket, () => new TcpStream(socket, options.stream));
});

const connectUnix: (options: UnixConnectOptions) => Op<UnixStream> = routine(function* connect({
  path,
  stream,
}: UnixConnectOptions): Co<UnixStream> {
  const address = SocketAddress.from({ path }, currentSys(), 'connect');
  const socket = Socket.unix();
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const begun = beginUnix(socket, address);
      if (begun === true) return new UnixStream(socket, stream);
      if (begun === undefined) {
        // Interrupted: it goes on by itself, and is not repeated (rule 38).
        do yield new WriteWait(socket);
        while (!isEstablished(socket, address));
        return new UnixStream(socket, stream);
      }
      yield sleep(pause);
    }
  } catch (error) {
    socket.close();
    throw error;
  }
});

const ANYWHERE = { IPv4: '0.0.0.0', IPv6: '::' } as const;

function* addressesOf(
  host: string,
  family: ResolveOptions['family'],
  resolver: Resolver = resolve,
): Co<readonly ResolvedAddress[]> {
  const found: unknown = yield resolver(host, family === undefined ? {} : { family });
  checkResolved(found);
  const wanted = found.filter((address) => family === undefined || address.family === family);
  if (wanted.length > 0) return wanted;
  const sys = currentSys();
  throw new SystemError(sys, 'getaddrinfo', -(sys.constants.EAI_NODATA as number), { hostname: host });
}

/** Throws `TypeError` for what a resolver of somebody's own gives that is no list of addresses: it must not end up as the default, this machine. */
function checkResolved(found: unknown): asserts found is readonly ResolvedAddress[] {
  if (!Array.isArray(found)) throw new TypeError(`resolve must give an array of addresses, not ${String(found)}`);
  for (const entry of found as readonly (Partial<ResolvedAddress> | null | undefined)[]) {
    if (typeof entry?.address === 'string' && (entry.family === 'IPv4' || entry.family === 'IPv6')) continue;
    throw new TypeError(
      `resolve must give addresses like { family: 'IPv4', address: '127.0.0.1' }, not ${JSON.stringify(entry)}`,
    );
  }
}

/** A Unix connect is done at once, or the queue is full (`'full'`, and nothing has happened), or it has failed. */
function beginUnix(socket: Socket, address: SocketAddress): true | undefined | 'full' {
  try {
    return socket.connect(address);
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EAGAIN') return 'full';
    throw error;
  }
}

/** What is made over a socket; if that fails, the socket is closed. */
function owned<T>(socket: Socket, make: () => T): T {
  try {
    return make();
  } catch (error) {
    socket.close();
    throw error;
  }
}

function familyOf({ family }: TcpConnectOptions, local: SocketAddress | undefined): ResolveOptions['family'] {
  const own = local?.family as ResolveOptions['family'];
  if (family === undefined || own === undefined || family === own) return family ?? own;
  throw new TypeError(`localAddress is ${own}, and family says ${family}: no address fits both`);
}

function checkPath(path: unknown): void {
  if (typeof path !== 'string') throw new TypeError(`path must be a string, not ${String(path)}`);
  if (path === '') throw new TypeError("path is empty; it is that of a Unix socket, as '/run/app.sock'");
}

function checkTcp({
  host,
  port,
  family,
  localAddress,
  localPort,
  attemptDelay,
  resolve: resolver,
}: TcpConnectOptions): void {
  if (host !== undefined && typeof host !== 'string') throw new TypeError(`host must be a string, not ${String(host)}`);
  if (host === '') throw new TypeError('host is empty; leave it out for 127.0.0.1');
  checkPort('port', port, 1);
  if (localPort !== undefined) checkPort('localPort', localPort, 0);
  if (localAddress !== undefined && typeof localAddress !== 'string') {
    throw new TypeError(`localAddress must be a string, not ${String(localAddress)}`);
  }
  if (attemptDelay !== undefined) checkDuration('attemptDelay', attemptDelay);
  if (resolver !== undefined && typeof resolver !== 'function') {
    throw new TypeError(`resolve must be a function that gives the addresses of a host, not ${String(resolver)}`);
  }
  checkFamily(family);
}

function checkPort(what: string, port: unknown, least: number): void {
  if (typeof port === 'number' && Number.isInteger(port) && port >= least && port <= LARGEST_PORT) return;
  const given = typeof port === 'string' ? `the text '${port}'` : String(port);
  throw new RangeError(`${what} must be an integer from ${least} to ${LARGEST_PORT}, not ${given}`);
}
