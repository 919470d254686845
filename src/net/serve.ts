/**
 * Serving: a handler for each connection, in a block that returns when all of them have ended.
 *
 * `serve(…)` is an operation like any routine's call, to be yielded or spawned. It is a function as well: `g.start` calls it with its
 * `ready`, and gives the server as soon as it listens.
 */

import { type Co, MisuseError, type Op, routine } from '../kernel/index.ts';
import { RoutineCall } from '../kernel/routine.ts';
import { checkDuration } from '../kernel/scope.ts';
import { ClosedError } from '../os/index.ts';
import type { Accepted } from './accept.ts';
import { Listener } from './listener.ts';
import type { Handler, ServeOptions } from './serve-options.ts';
import { Server } from './server.ts';

/** What {@link serve} gives: yield it, spawn it, or hand it to `g.start`, which then gives the {@link Server}. */
export interface Serving<S extends Accepted> extends Op<void> {
  /** As `g.start` calls it. */
  (ready: (server: Server<S>) => void): Op<void>;
}

type Ready<S extends Accepted> = ((server: Server<S>) => void) | undefined;

type Arguments<S extends Accepted> = [readonly Listener<S>[], Handler<S>, ServeOptions<S>];

function* body<S extends Accepted>(
  listeners: readonly Listener<S>[],
  handler: Handler<S>,
  options: ServeOptions<S>,
  ready?: Ready<S>,
): Co<void> {
  const closed = listeners.find((listener) => listener.closed);
  if (closed !== undefined) {
    for (const listener of listeners) listener.close();
    throw new ClosedError(`${closed} has been closed, and cannot be served`);
  }
  yield new Server(listeners, handler, options).run(ready);
}

const serving = routine(body) as (...given: unknown[]) => Op<void>;

/**
 * Serves the connections of one or several listeners: each gets a task, which runs the handler. Returns when the server has been
 * stopped and all of it has ended; the listeners are closed on every path, and so is each stream when its handler has ended.
 *
 * A handler that fails concerns its connection alone (`onError`). What `accept` reports of a connection that is gone is skipped; where
 * there is nothing left to accept with, accepting pauses, and goes on by itself (`onPause`). Throws what is wrong with a
 * listener itself, after the connections have ended. Rules 22, 23.
 *
 * A cancel from outside ends it with all its connections; with `{ grace }` it stops it, as {@link Server.stop} does. Throws
 * `TypeError`, `RangeError` and `MisuseError` where it is called, for what cannot be served.
 *
 * @example
 * yield* serve(yield* listen({ port: 15000 }), function* echo(client) {
 *   for (let data; (data = yield* client.read()) !== null; ) yield* client.write(data);
 * });
 *
 * @example
 * const server = yield* g.start(serve(yield* listen(), echo));
 * console.log(`serving on ${server.address}`);
 * …
 * server.stop({ grace: 1000 });
 */
export function serve<S extends Accepted>(
  listeners: Listener<S> | readonly Listener<S>[],
  handler: Handler<S>,
  options: ServeOptions<S> = {},
): Serving<S> {
  const all = listeners instanceof Listener ? [listeners] : [...listeners];
  check(all, handler, options);
  return callable<S>([all, handler, options]);
}

/**
 * A function that is an operation too: it has what the call of a routine has. (Not made of one, since debug mode would wait in vain for
 * that to be yielded.)
 */
function callable<S extends Accepted>(args: Arguments<S>): Serving<S> {
  // Whatever else calls it gives no `ready`: a block calls a body that is a function with its scope.
  const call = (ready: unknown): Op<void> =>
    serving(...args, typeof ready === 'function' ? (ready as Ready<S>) : undefined);
  Object.setPrototypeOf(call, RoutineCall.prototype);
  Object.defineProperty(call, 'name', { value: 'serve' });
  return Object.assign(call, { body, self: undefined, args, fresh: true }) as unknown as Serving<S>;
}

function check<S extends Accepted>(
  listeners: readonly Listener<S>[],
  handler: Handler<S>,
  { maxConnections, grace, onError, onPause, onReady }: ServeOptions<S>,
): void {
  if (listeners.length === 0) throw new MisuseError('serve needs at least one listener');
  for (const listener of listeners) {
    if (listener instanceof Listener) continue;
    throw new TypeError('serve takes a listener, or an array of them; was a `yield*` before `listen` forgotten?');
  }
  if (typeof handler !== 'function') throw new TypeError('the handler must be a generator function of a stream');
  for (const [name, given] of Object.entries({ onError, onPause, onReady })) {
    if (given !== undefined && typeof given !== 'function') throw new TypeError(`${name} must be a function`);
  }
  if (maxConnections !== undefined && maxConnections !== Number.POSITIVE_INFINITY) {
    if (!Number.isInteger(maxConnections) || maxConnections < 1) {
      throw new RangeError(`maxConnections must be a whole number from 1 on, not ${String(maxConnections)}`);
    }
  }
  if (grace !== undefined) checkDuration('grace', grace);
}
