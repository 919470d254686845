/**
 * What one event costs while N other descriptors are watched and silent: a task signals an eventfd, waits for it,
 * and takes it back; N tasks wait for eventfds that nobody signals. Prints nanoseconds per event.
 *
 *   idle-cost BACKEND N
 */

import { writeSync } from 'node:fs';
import { type Co, ReadWait, Scheduler } from 'genloop';
import { type BackendName, EventFd } from 'genloop/os';
import { Batches } from './batches.ts';

const [backend, count] = [process.argv[2] as BackendName, Number(process.argv[3])];
const scheduler = new Scheduler({ backend });

function* idle(descriptor: EventFd): Co<void> {
  yield new ReadWait(descriptor);
}

function* busy(descriptor: EventFd): Co<void> {
  const batches = new Batches();
  while (batches.next()) {
    for (let i = 0; i < batches.turns; i++) {
      descriptor.signal();
      yield new ReadWait(descriptor);
      descriptor.take();
    }
  }
  writeSync(1, `${batches.median()}\n`);
  process.exit(0);
}

const active = EventFd.create();
for (let i = 0; i < count; i++) scheduler.spawn(idle(EventFd.create()));
scheduler.spawn(busy(active));
scheduler.runSync();
