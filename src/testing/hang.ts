/** A run that would not have ended, found out by a system that knows it, or by counting: real time decides nothing. */

import type { Task } from '../kernel/index.ts';

/** A program that would not have ended. `code` is `'ERR_GENLOOP_HANG'`. */
export class HangError extends Error {
  override readonly name = 'HangError' as const;
  readonly code = 'ERR_GENLOOP_HANG' as const;
  // Private, so that printing the error does not print all that they hold.
  readonly #tasks: readonly Task<unknown>[];

  /** @internal */
  constructor(
    why: string,
    tasks: Iterable<Task<unknown>> = [],
    where: (task: Task<unknown>) => string | undefined = () => undefined,
  ) {
    const all = [...tasks];
    const lines = all.map((task) => {
      const place = where(task);
      return `\n  ${task} waits for ${task.waitsFor}${place === undefined ? '' : ` at ${place}`}`;
    });
    super(lines.length === 0 ? why : `${why}, and yet:${lines.join('')}`);
    this.#tasks = all;
  }

  /** The tasks that wait, in the order of their start. */
  get tasks(): readonly Task<unknown>[] {
    return this.#tasks;
  }
}
