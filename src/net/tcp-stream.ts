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
  /** Takes possession of a connected socket. Throws `SystemError` if it is none of TCP, `RangeError` for options; then the socket stays the caller's. */
  constructor(socket: Socket, options: TcpStreamOptions = {}) {
    super(socket, 'TcpStream');
    this.configure(options.noDelay === undefined ? { ...options, noDelay: true } : options);
  }

  /** Changes options; those that are not named stay as they are. */
  configure(options: TcpStreamOptions): void {
    const { noDelay, keepAlive } = options;
    const { socket } = this;
    if (noDelay !== undefined) socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', noDelay);
    setBuffers(socket, options);
    if (keepAlive === undefined) return;
    if (typeof keepAlive === 'object') {
      const { idle, interval, count } = keepAlive;
      if (idle !== undefined) this.setSeconds(idleOption(socket), 'idle', idle);
      if (interval !== undefined) this.setSeconds('TCP_KEEPINTVL', 'interval', interval);
      if (count !== undefined) socket.setOption('IPPROTO_TCP', 'TCP_KEEPCNT', count);
    }
    socket.setOption('SOL_SOCKET', 'SO_KEEPALIVE', keepAlive !== false);
  }

  private setSeconds(option: string, what: string, ms: number): void {
    if (!(ms > 0 && ms < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`keepAlive.${what} must be a positive number of milliseconds, not ${String(ms)}`);
    }
    this.socket.setOption('IPPROTO_TCP', option, Math.ceil(ms / MS_PER_SECOND));
  }
}

/** What Linux and the BSDs call it; Darwin has another name. */
function idleOption(socket: Socket): string {
  return 'TCP_KEEPIDLE' in socket.sys.constants ? 'TCP_KEEPIDLE' : 'TCP_KEEPALIVE';
}
