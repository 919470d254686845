/**
 * The group of a server: a task for each connection, and one for each listener. That of a connection needs no `finally` of
 * its own, and so no generator around the handler's: its stream is closed where the group is told of its end.
 */

import { Group, type GroupOptions } from '../kernel/group.ts';
import type { Kernel, Task } from '../kernel/index.ts';
import type { Accepted } from './accept.ts';

/** @internal Tasks that have a stream, among others. */
export class Connections<S extends Accepted> extends Group {
  /** How many there are. */
  count = 0;
  private readonly onEnd: () => void;

  /** @param onEnd Called when the task of a connection has ended, and its stream is closed. */
  constructor(kernel: Kernel, task: Task<unknown>, onEnd: () => void, options: GroupOptions) {
    super(kernel, task, options);
    this.onEnd = onEnd;
  }

  /** The stream of a task; `undefined` if it has none. */
  streamOf(task: Task<unknown>): S | undefined {
    return task.entrusted as S | undefined;
  }

  /** From now on the stream belongs to the task. */
  entrust(task: Task<unknown>, stream: S): void {
    task.entrusted = stream;
    this.count++;
  }

  /** @internal */
  override childEnded(task: Task<unknown>): void {
    const stream = this.streamOf(task);
    // Whoever is told of a failure may still look at the stream.
    super.childEnded(task);
    if (stream === undefined) return;
    // A handle of the task that somebody keeps does not keep the stream.
    task.entrusted = undefined;
    this.count--;
    stream.close();
    this.onEnd();
  }
}
