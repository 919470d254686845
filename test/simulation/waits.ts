/** What a task waits for, as an operation that is watched. */

import { type Group, type Op, pass, runningTask, sleep, type Task } from 'genloop/kernel';
import { ReadWait, WriteWait } from 'genloop/scheduler';
import type { GroupRecord } from './ledger.ts';
import { Careless, Stubborn, Take } from './operations.ts';
import { Watched } from './park.ts';
import type { Wait } from './program.ts';
import type { Stage } from './stage.ts';
import { Reading, Writing } from './transfers.ts';
import { watchTransfer } from './watch-transfer.ts';
import type { Witness } from './witness.ts';

/** Where the things are that can be waited for. */
interface Surroundings {
  readonly stage: Stage;
  readonly tasks: ReadonlyMap<number, Task<unknown>>;
  readonly witness: Witness;
  /** The innermost group. */
  readonly group: Group | null;
  readonly record: GroupRecord | null;
}

/** The operation; `null` if there is nothing under this number, or only what cannot be waited for. */
export function operationOf(wait: Wait, { stage, tasks, witness, group, record }: Surroundings): Op<unknown> | null {
  const watch = (target: unknown, inner: Op<unknown>): Op<unknown> =>
    new Watched(witness, { kind: wait.do, target }, inner);
  switch (wait.do) {
    case 'pass':
      return watch('', pass());
    case 'sleep':
      return watch(wait.ms, sleep(wait.ms));
    case 'stubborn':
      return watch(wait.ms, new Stubborn(wait.ms));
    case 'careless':
      return watch(wait.ms, new Careless(wait.ms));
    case 'take': {
      const queue = stage.queues[wait.queue];
      return queue === undefined ? null : watch(queue, new Take(queue));
    }
    case 'await': {
      const event = stage.events[wait.event];
      return event === undefined ? null : watch(event, event.waiters.wait(String(event)));
    }
    case 'read':
    case 'write': {
      const end = stage.descriptor(wait.end);
      if (end === undefined || end.closed) return null;
      return watch(end, wait.do === 'read' ? new ReadWait(end) : new WriteWait(end));
    }
    case 'receive':
    case 'transmit': {
      const end = stage.stream(wait.end);
      if (end === undefined || end.stream.closed) return null;
      const transfer =
        wait.do === 'receive' ? new Reading(end, wait.how, wait.size) : new Writing(end, stage.content(wait.bytes));
      return watchTransfer(witness, transfer);
    }
    case 'next':
      return group === null || record?.keep !== true ? null : watch(record, group.next());
    case 'join': {
      const task = tasks.get(wait.task);
      return task === undefined || task === runningTask() ? null : watch(task, task.join());
    }
  }
}
