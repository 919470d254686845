/** Listening for TCP connections. */

import { constants, DEFAULT_BACKLOG, DEFAULT_HOST, Socket, type Sys, SystemError } from '../os/index.ts';
import { Listener } from './listener.ts';
import { checkOptions } from './options.ts';
import { configureTcp, TcpStream, type TcpStreamOptions, withDefaults } from './tcp-stream.ts';

/** Where and how to listen for TCP connections. */
export interface TcpListenOptions {
  /** Numeric address; `'0.0.0.0'` and `'::'` are all of this machine's. Default 127.0.0.1: nothing listens to the outside unasked. */
  host?: string;
  /** Port; 0, the default, lets the kernel choose: see `listener.address.port`. */
  port?: number;
  /** How many connections the kernel keeps that were not accepted yet. Default 4096; it cuts it to its own limit (somaxconn). */
  backlog?: number;
  /** Lets several listeners share the port, each in a process of its own: the kernel spreads connections over them. SO_REUSEPORT. */
  reusePort?: boolean;
  /** For `'::'`: refuses IPv4. Default false: both, IPv4 as `::ffff:…`. */
  ipv6Only?: boolean;
  /** For the streams that it accepts. */
  stream?: TcpStreamOptions;
  path?: undefined;
}

/**
 * With a time to live that no packet from elsewhere has, a listener hears no new connection any more; a handshake
 * that is under way goes on, and accepted connections do not inherit it. `IP_MINTTL` and `IPV6_MINHOPCOUNT` of Linux.
 */
const DEAF: Readonly<Record<string, readonly [level: number, name: number]>> = { IPv4: [0, 21], IPv6: [41, 73] };
const LARGEST_TTL = 255;

/** Accepts TCP connections. */
export class TcpListener extends Listener<TcpStream> {
  /**
   * Listens, outside of a task too (`listen` does the same). Throws `SystemError` (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`: the
   * message says what to do), `TypeError` and `RangeError` for what is no numeric address and no port.
   */
  static open(options: TcpListenOptions = {}): TcpListener {
    checkOptions('listen', '{ port: 15000 } or { path }', options);
    const { host, stream, backlog = DEFAULT_BACKLOG, reusePort = false, ipv6Only = false } = options;
    const family = host?.includes(':') === true ? 'IPv6' : 'IPv4';
    const socket = Socket.tcp({ family });
    try {
      socket.setOption('SOL_SOCKET', 'SO_REUSEADDR', true);
      if (reusePort) socket.setOption('SOL_SOCKET', sharing(), true);
      if (family === 'IPv6') socket.setOption('IPPROTO_IPV6', 'IPV6_V6ONLY', ipv6Only);
      socket.bind({ host, port: options.port });
      socket.listen(backlog);
      return new TcpListener(socket, stream);
    } catch (error) {
      socket.close();
      throw explained(socket.sys, error, options);
    }
  }

  /** Takes possession of a socket that listens already: inherited from whoever started this process, say. */
  static adopt(socket: Socket, options: TcpStreamOptions = {}): TcpListener {
    return new TcpListener(socket, options);
  }

  private constructor(socket: Socket, options: TcpStreamOptions = {}) {
    // On Linux accepted sockets have what their listener has, which saves the calls for each.
    const inherited = socket.sys.platform === 'linux';
    if (inherited) configureTcp(socket, withDefaults(options));
    super(socket, (accepted) => new TcpStream(accepted, inherited ? null : options));
  }

  /** The port. */
  get port(): number {
    return this.address.port;
  }

  /** @internal */
  override shut(): boolean {
    const option = DEAF[this.address.family];
    if (this.socket.sys.platform !== 'linux' || option === undefined) return false;
    try {
      this.socket.setOption(...option, LARGEST_TTL);
      return true;
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }
}

/** FreeBSD spreads connections only under another name. */
function sharing(): string {
  return 'SO_REUSEPORT_LB' in constants ? 'SO_REUSEPORT_LB' : 'SO_REUSEPORT';
}

/** The same error with what to do, where that is known. */
function explained(sys: Sys, error: unknown, { host = DEFAULT_HOST, port = 0, reusePort }: TcpListenOptions): unknown {
  if (!(error instanceof SystemError)) return error;
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE:
      reusePort === true
        ? 'somebody listens there without reusePort, or as another user; all who share a port need it'
        : 'somebody listens there already: end that program, or choose another port (0: any)',
    EACCES: 'ports below 1024 need the right to them; choose one above 1023',
    EADDRNOTAVAIL: 'no address of this machine; 0.0.0.0 or :: stand for all that it has',
    EAFNOSUPPORT: 'this machine has no IPv6',
  };
  const hint = hints[error.code];
  if (hint === undefined) return error;
  return new SystemError(sys, error.syscall, error.errno, { address: host, port, hint, cause: error });
}
