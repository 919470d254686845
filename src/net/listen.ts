/** One verb for all listeners. */

import { type Co, type Op, routine } from '../kernel/index.ts';
import { TcpListener, type TcpListenOptions } from './tcp-listener.ts';
import { UnixListener, type UnixListenOptions } from './unix-listener.ts';

/** Where to listen: a path is that of a Unix socket, anything else is TCP. */
export type ListenOptions = TcpListenOptions | UnixListenOptions;

/** What {@link listen} gives for such options. */
export type ListenerFor<O extends ListenOptions> = O extends UnixListenOptions ? UnixListener : TcpListener;

/**
 * Listens for connections, on TCP (127.0.0.1 and any port, if nothing else is said) or on a Unix socket. Throws what
 * `TcpListener.open` and `UnixListener.open` throw, which do the same outside of a task: `SystemError` with what to do.
 *
 * @example
 * using listener = yield* listen({ port: 15000 });
 * const client = yield* listener.accept();
 */
export const listen: <const O extends ListenOptions = TcpListenOptions>(options?: O) => Op<ListenerFor<O>> = routine(
  // biome-ignore lint/correctness/useYield: a name will have to be resolved, which takes its time
  function* listen<O extends ListenOptions>(options?: O): Co<ListenerFor<O>> {
    const where: ListenOptions = options ?? {};
    return ('path' in where ? UnixListener.open(where) : TcpListener.open(where)) as ListenerFor<O>;
  },
);
