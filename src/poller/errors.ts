/** The one error that is the poller's own: somebody already waits there. */

/**
 * A second waiter for the same direction of a descriptor, or a descriptor that another scheduler watches. The first waiter
 * is undisturbed. `code` is `'ERR_GENLOOP_BUSY'`.
 */
export class BusyError extends Error {
  override readonly name = 'BusyError' as const;
  readonly code = 'ERR_GENLOOP_BUSY' as const;

  constructor(message: string) {
    super(message);
  }
}
