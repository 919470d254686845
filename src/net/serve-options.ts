/** What a server is told, and what it tells. */

import type { Spawnable } from '../kernel/index.ts';
import type { SystemError } from '../os/index.ts';
import type { Accepted } from './accept.ts';
import type { Server } from './server.ts';

/**
 * What is done for each connection: a generator function, or a routine. The stream is closed when it has ended, however it ends. The second
 * argument is the server, which is the same for all.
 */
export type Handler<S extends Accepted> = (stream: S, server: Server<S>) => Spawnable<unknown>;

/** Options of `serve`. */
export interface ServeOptions<S extends Accepted = Accepted> {
  /**
   * How many connections are served at a time; default: any number. At the limit the server accepts nobody, and the others wait in the
   * kernel's queue (its length is the listener's `backlog`).
   */
  maxConnections?: number;
  /**
   * Called when a handler has failed; default: a message on standard error. The server goes on, whatever this does: what it throws is
   * reported as well. The stream is still open here, and closed afterwards. Rule 22.
   */
  onError?: (error: unknown, stream: S, server: Server<S>) => void;
  /**
   * Called when accepting pauses, because there is no descriptor or no memory left (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`): once, however
   * often it has to be tried again. Default: a message on standard error. Those who are connected are served on. Rule 22.
   */
  onPause?: (error: SystemError, server: Server<S>) => void;
  /** Called once it listens to all its listeners: as `ready` of `g.start`. */
  onReady?: (server: Server<S>) => void;
  /**
   * What a cancel from outside leaves to the connections, in milliseconds: Ctrl-C, a deadline, the failure of another task. Then it is a
   * {@link Server.stop} with this grace. Default 0: they are cancelled at once.
   */
  grace?: number;
  /** What the task of a connection is called; default: the handler's name, or `'connection'`. */
  name?: string;
  /** Whether each connection carries the `AsyncLocalStorage` context of `serve`; default true. Rule 46. */
  asyncContext?: boolean;
}

/** Options of `Server.stop`. */
export interface StopOptions {
  /** How long the connections may take to end by themselves, in milliseconds; default 5000. `Infinity`: as long as they like. */
  grace?: number;
}

/** What a server has done. */
export interface ServerCounters {
  /** Connections that were accepted. */
  accepted: number;
  /** Those that are served now. */
  active: number;
  /** Connections that were gone before they could be accepted. */
  rejected: number;
  /** Handlers that failed. */
  errors: number;
  /** How often accepting had to pause. */
  pauses: number;
}
