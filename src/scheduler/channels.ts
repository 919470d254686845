/**
 * What happens to tasks, on Node's `diagnostics_channel`: `genloop:task:spawn`, `:start`, `:resume`, `:park`, `:exit` and
 * `genloop:scope:cancel`. A message is `{ task }`, with the `operation` for `park` and the `scope` for `cancel`. Subscribers are noticed at
 * the beginning of a round; where there are none, nothing is called.
 */

import type { CancelScope, Observer, Op, Task } from '../kernel/index.ts';
import { channel } from '../platform/node.ts';

/** The names, for `diagnostics_channel.subscribe`. */
export const CHANNELS = {
  spawn: 'genloop:task:spawn',
  start: 'genloop:task:start',
  resume: 'genloop:task:resume',
  park: 'genloop:task:park',
  exit: 'genloop:task:exit',
  cancel: 'genloop:scope:cancel',
} as const;

/** What a subscriber gets. */
export interface TaskMessage {
  /** Whom it is about; `null` for a scope that belongs to no task. */
  task: Task<unknown> | null;
  /** What it waits for, at `park`. */
  operation?: Op<unknown>;
  /** What was cancelled, at `cancel`. */
  scope?: CancelScope;
}

// Held here: a channel that nobody holds is forgotten by Node, and its subscribers with it.
const spawn = channel(CHANNELS.spawn);
const start = channel(CHANNELS.start);
const resume = channel(CHANNELS.resume);
const park = channel(CHANNELS.park);
const exit = channel(CHANNELS.exit);
const cancel = channel(CHANNELS.cancel);

/** Tasks whose first step was seen. */
const started = new WeakSet<Task<unknown>>();

const publisher: Observer = {
  spawned: (task) => {
    started.add(task);
    spawn.publish({ task } satisfies TaskMessage);
  },
  stepping: (task) => (started.delete(task) ? start : resume).publish({ task } satisfies TaskMessage),
  parked: (task, operation) => park.publish({ task, operation } satisfies TaskMessage),
  ended: (task) => exit.publish({ task } satisfies TaskMessage),
  cancelled: (scope) => cancel.publish({ task: scope.task, scope } satisfies TaskMessage),
};

/** The publisher, while anybody listens to any of them. */
export function publisherIfHeard(): Observer | null {
  const heard =
    spawn.hasSubscribers ||
    start.hasSubscribers ||
    resume.hasSubscribers ||
    park.hasSubscribers ||
    exit.hasSubscribers ||
    cancel.hasSubscribers;
  return heard ? publisher : null;
}
