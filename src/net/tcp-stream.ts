/** A TCP connection as a stream. */

import type { Socket } from '../os/index.ts';
import { type BufferOptions, SocketStream, setBuffers } from './socket-stream.ts';

const MS_PER_SECOND = 1000;

/** When the system asks a silent peer whether it is still there. The system counts in whole seconds; fractions round up. */
export interface KeepAlive {
  /** After how many milliseconds without a word it asks first. */
  idle?: number;
  /** How many milliseconds it waits before it asks again. */
  interval?: number;
  /** After how many questions without an answer the connection has failed (`ETIMEDOUT`). */
  count?: number;
}

/** How a {@link TcpStream} is set up. */
export interface TcpStreamOptions extends BufferOptions {
  /** Whether small writes go at once instead of waiting for others to join them (TCP_NODELAY). Default: true. */
  noDelay?: boolean;
  /** Whether, and when, the system asks a silent peer whether it is still there (SO_KEEPALIVE). Default: false. `true`: when the system likes, on Linux after two hours. */
  keepAlive?: boolean | KeepAlive;
}

/** A TCP connection. Made by `listen`, `serve` and `connect`, or from a connected socket. */
export class TcpStream extends SocketStream {
  /**
   * Takes possession of a connected socket. Throws `SystemError` if it is none of TCP, `RangeError` for options; then the socket stays the caller's.
   *
   * @param options `null`: it has been set up already, as sockets are that have what their listener has.
   */
  constructor(socket: Socket, options: TcpStreamOptions | null = {}) {
    super(socket, 'TcpStream');
    if (options !== null) configureTcp(socket, withDefaults(options));
  }

  /** Changes options; those that are not named stay as they are. */
  configure(options: TcpStreamOptions): void {
    configureTcp(this.socket, options);
  }
}

/** @internal The options of a new stream. */
export function withDefaults(options: TcpStreamOptions): TcpStreamOptions {
  return options.noDelay === undefined ? { ...options, noDelay: true } : options;
}

/** @internal Sets options of a connected socket, or of a listening one, for those that it accepts. */
export function configureTcp(socket: Socket, options: TcpStreamOptions): void {
  const { noDelay, keepAlive } = options;
  if (noDelay !== undefined) socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', noDelay);
  setBuffers(socket, options);
  if (keepAlive === undefined) return;
  if (keepAlive === null || !(typeof keepAlive === 'boolean' || typeof keepAlive === 'object')) {
    throw new TypeError(`keepAlive must be true, false or { idle, interval, count }, not ${String(keepAlive)}`);
  }
  if (typeof keepAlive === 'object') {
    const { idle, interval, count } = keepAlive;
    if (idle !== undefined) setSeconds(socket, idleOption(socket), 'idle', idle);
    if (interval !== undefined) setSeconds(socket, 'TCP_KEEPINTVL', 'interval', interval);
    if (count !== undefined) socket.setOption('IPPROTO_TCP', 'TCP_KEEPCNT', count);
  }
  socket.setOption('SOL_SOCKET', 'SO_KEEPALIVE', keepAlive !== false);
}

function setSeconds(socket: Socket, option: string, what: string, ms: number): void {
  if (!(ms > 0 && ms < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`keepAlive.${what} must be a positive number of milliseconds, not ${String(ms)}`);
  }
  socket.setOption('IPPROTO_TCP', option, Math.ceil(ms / MS_PER_SECOND));
}

/** What Linux and the BSDs call it; Darwin has another name. */
function idleOption(socket: Socket): string {
  return 'TCP_KEEPIDLE' in socket.sys.constants ? 'TCP_KEEPIDLE' : 'TCP_KEEPALIVE';
}
