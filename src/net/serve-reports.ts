/** What a server says that nobody has given other orders: on standard error. Nothing fails in silence (rule 21). */

import { SystemError } from '../os/index.ts';
import type { Accepted } from './accept.ts';
import type { ServeOptions } from './serve-options.ts';
import type { Server } from './server.ts';

/** Who is at the other end, as far as that is known. */
function peerOf(stream: Accepted): string {
  try {
    return String((stream as { remoteAddress?: unknown }).remoteAddress ?? stream);
  } catch {
    // One that has been closed since.
    return String(stream);
  }
}

/** A handler has failed. Never throws: the server goes on. */
export function reportFailure<S extends Accepted>(
  error: unknown,
  stream: S,
  server: Server<S>,
  onError: ServeOptions<S>['onError'],
): void {
  if (onError === undefined) {
    const what = `genloop: ${server}: the connection from ${peerOf(stream)} failed`;
    // A connection that broke is told in a line; anything else may be a bug, of which one wants to know the place.
    if (error instanceof SystemError) console.error(`${what}: ${error.message}`);
    else console.error(`${what}:`, error);
    return;
  }
  try {
    onError(error, stream, server);
  } catch (raised) {
    console.error(`genloop: ${server}: onError failed:`, raised);
  }
}

/** Accepting pauses. Never throws. */
export function reportPause<S extends Accepted>(
  error: SystemError,
  server: Server<S>,
  onPause: ServeOptions<S>['onPause'],
): void {
  if (onPause === undefined) {
    console.error(`genloop: ${server}: accepting pauses: ${error.message}`);
    return;
  }
  try {
    onPause(error, server);
  } catch (raised) {
    console.error(`genloop: ${server}: onPause failed:`, raised);
  }
}
