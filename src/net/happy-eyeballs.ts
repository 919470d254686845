/**
 * The first of several addresses that answers (RFC 8305, "happy eyeballs"): a name has addresses of both families, and of one of them a
 * program may hear nothing at all. So they are tried alternately, each a little after the one before, without waiting for that one to
 * fail; the first that is connected wins, and the others are closed.
 *
 * One task does it, with all attempts in one `select`: nothing is left to be joined, and whatever ends the wait closes every socket on its way.
 */

import { type Co, select, sleep } from '../kernel/index.ts';
import { currentSys, poll, type Socket, SocketAddress, SystemError, type SystemErrorDetails } from '../os/index.ts';
import { WriteWait } from '../scheduler/index.ts';
import { ConnectError } from './connect-error.ts';

/** How attempts are made. */
export interface Attempts {
  /** The addresses, the one to try first first. */
  readonly addresses: readonly SocketAddress[];
  /** Milliseconds between the beginnings of two attempts, as long as none has failed. */
  readonly delay: number;
  /** Makes a fresh socket for an address. */
  readonly open: (address: SocketAddress) => Socket;
  /** What the error of several says: the host and the port that were asked for. */
  readonly host: string;
  readonly port: number;
}

/** One that is under way. */
interface Attempt {
  readonly socket: Socket;
  readonly address: SocketAddress;
}

/** Addresses of both families in turn, beginning with that of the first. RFC 8305, section 4. */
export function interleaved<A extends { readonly family: string }>(addresses: readonly A[]): A[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return Array.from({ length: Math.max(first.length, second.length) }, (_, at) => [first[at], second[at]])
    .flat()
    .filter((address): address is A => address !== undefined);
}

/** Connects to the first that answers. Throws its error if there was one attempt, a {@link ConnectError} if there were several. */
export function* connectToFirst(attempts: Attempts): Co<Socket> {
  const { addresses, delay } = attempts;
  const sys = currentSys();
  const underWay: Attempt[] = [];
  const failures: SystemError[] = [];
  let next = 0;
  let due = Number.NEGATIVE_INFINITY;
  try {
    for (;;) {
      while (next < addresses.length && (underWay.length === 0 || sys.now() >= due)) {
        const address = addresses[next++] as SocketAddress;
        const begun = attempted(failures, () => begin(attempts, address));
        if (begun === undefined) continue;
        const { attempt, connected } = begun;
        underWay.push(attempt);
        due = sys.now() + delay;
        if (connected && settled(attempt, underWay, failures)) return remove(underWay, attempt).socket;
        if (connected) due = Number.NEGATIVE_INFINITY;
      }
      if (underWay.length === 0) throw failureOf(attempts, failures);
      const pause = next < addresses.length ? Math.max(0, due - sys.now()) : Number.POSITIVE_INFINITY;
      const attempt = yield* writable(underWay, pause);
      if (attempt === undefined) continue;
      if (settled(attempt, underWay, failures)) return remove(underWay, attempt).socket;
      // Nobody has to wait for the time of one that has failed.
      if (!underWay.includes(attempt)) due = Number.NEGATIVE_INFINITY;
    }
  } finally {
    for (const { socket } of underWay) socket.close();
  }
}

/** Waits for one of the attempts, and no longer than until the next may begin. */
function* writable(underWay: readonly Attempt[], pause: number): Co<Attempt | undefined> {
  const waits = underWay.map(({ socket }) => new WriteWait(socket));
  const { key } = yield* select(pause === Number.POSITIVE_INFINITY ? waits : [...waits, sleep(pause)]);
  return underWay[key];
}

/** Whether an attempt that can be written to is connected. One that has failed is closed, and its error noted. */
function settled(attempt: Attempt, underWay: Attempt[], failures: SystemError[]): boolean {
  const established = attempted(failures, () => isEstablished(attempt.socket, attempt.address));
  if (established === undefined) remove(underWay, attempt).socket.close();
  return established ?? false;
}

/** Begins an attempt; a socket that does not get that far is closed. */
function begin({ open }: Attempts, address: SocketAddress): { attempt: Attempt; connected: boolean } {
  const socket = open(address);
  try {
    return { attempt: { socket, address }, connected: socket.connect(address) === true };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Whether a socket is connected that can be written to; `false`: not yet, it was announced for nothing. Throws the connect's error.
 * SO_ERROR tells it once, so it is asked for first. Rules 37, 38.
 */
export function isEstablished(socket: Socket, address: SocketAddress): boolean {
  const { sys } = socket;
  const details = placeOf(address);
  const errno = socket.getOption('SOL_SOCKET', 'SO_ERROR');
  if (errno !== 0) throw new SystemError(sys, 'connect', -errno, details);
  const peer = SocketAddress.empty(sys);
  const result = sys.getpeername(socket.fileno(), peer.slot);
  if (result < 0) {
    const { ENOTCONN, POLLOUT, POLLHUP } = sys.constants as Record<string, number>;
    // A socket that is on its way shows no hang-up; one that does never set out: the call was interrupted before it did anything.
    const [event] = result === -(ENOTCONN as number) ? poll([[socket, POLLOUT as number]], 0) : [];
    if (result === -(ENOTCONN as number) && ((event?.events ?? 0) & (POLLHUP as number)) === 0) return false;
    throw new SystemError(sys, 'connect', result, details);
  }
  if (isSame(peer, socket.localAddress)) {
    const hint = 'nobody listens there: the socket had got that very port for itself, and met itself';
    throw new SystemError(sys, 'connect', -(sys.constants.ECONNREFUSED as number), { ...details, hint });
  }
  return true;
}

function placeOf(address: SocketAddress): SystemErrorDetails {
  if (address.family === 'unix') return { path: address.address };
  return { address: address.address, port: address.port };
}

/** The same address and port: a connection to oneself, which TCP allows. */
function isSame(one: SocketAddress, other: SocketAddress): boolean {
  return one.port === other.port && one.family === other.family && one.address === other.address;
}

function attempted<T>(failures: SystemError[], act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    failures.push(error);
    return undefined;
  }
}

function remove(underWay: Attempt[], attempt: Attempt): Attempt {
  underWay.splice(underWay.indexOf(attempt), 1);
  return attempt;
}

function failureOf({ host, port }: Attempts, failures: readonly SystemError[]): Error {
  const [first, ...others] = failures as [SystemError, ...SystemError[]];
  return others.length === 0 ? first : new ConnectError(host, port, failures);
}
