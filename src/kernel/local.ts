/** Values that belong to a task and to all that it spawns, without being handed through every call. */

import { runningTask } from './current.ts';
import { CancelScope } from './scope.ts';

/**
 * A task-local value. It holds in the block in which it was set and in all tasks spawned there; a task never sees what
 * another sets.
 *
 * @example
 * const requestId = new Local('none');
 * using _ = requestId.set('r-17');
 * requestId.get();   // 'r-17', here and in tasks spawned from here
 */
export class Local<T> {
  private readonly initial: T;

  constructor(initial: T) {
    this.initial = initial;
  }

  /** The value that holds here. Throws `MisuseError` outside of a task. */
  get(): T {
    for (let entry = runningTask().scope.locals; entry !== null; entry = entry.outer) {
      if (entry.local === this) return entry.value as T;
    }
    return this.initial;
  }

  /** Sets it for the rest of a block: `using _ = local.set(value)`. Throws `MisuseError` outside of a task. */
  set(value: T): Disposable {
    const task = runningTask();
    const scope = new CancelScope(task.kernel, task).enter();
    scope.locals = { local: this as Local<unknown>, value, outer: scope.locals };
    return scope;
  }
}
