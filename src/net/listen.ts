/** One verb for all listeners. */

import { type Co, type Op, routine } from '../kernel/index.ts';
import { checkOptions } from './options.ts';
import { type ResolvedAddress, resolve } from './resolve.ts';
import { TcpListener, type TcpListenOptions } from './tcp-listener.ts';
import { UnixListener, type UnixListenOptions } from './unix-listener.ts';

/** Where to listen: a path is that of a Unix socket, anything else is TCP. */
export type ListenOptions = TcpListenOptions | UnixListenOptions;

/** What {@link listen} gives for such options. */
export type ListenerFor<O extends ListenOptions> = O extends UnixListenOptions ? UnixListener : TcpListener;

/** The first address of a name; a numeric one is that itself. */
function* numeric(host: string): Co<string> {
  const [first] = yield* resolve(host);
  const { address, scopeid } = first as ResolvedAddress;
  return scopeid === undefined ? address : `${address}%${scopeid}`;
}

/**
 * Listens for connections, on TCP (127.0.0.1 and any port, if nothing else is said) or on a Unix socket. Throws what
 * `TcpListener.open` and `UnixListener.open` throw, which do the same outside of a task: `SystemError` with what to do. The host may
 * be a name here: of several addresses it listens on the first. What `resolve` throws is thrown.
 *
 * @example
 * using listener = yield* listen({ port: 15000 });
 * const client = yield* listener.accept();
 */
export const listen: <const O extends ListenOptions = TcpListenOptions>(options?: O) => Op<ListenerFor<O>> = routine(
  function* listen<O extends ListenOptions>(options?: O): Co<ListenerFor<O>> {
    const where: ListenOptions = options ?? {};
    checkOptions('listen', '{ port: 15000 } or { path }', where);
    if (where.path !== undefined) return UnixListener.open(where) as ListenerFor<O>;
    const { host } = where;
    return TcpListener.open(host === undefined ? where : { ...where, host: yield* numeric(host) }) as ListenerFor<O>;
  },
);
