/** The simulated system says what the kernel says: the same table as in `test/poller/kernel-facts.test.ts`, over each of its backends. */

import type { BackendName } from 'genloop/os';
import { SimulatedSystem } from 'genloop/testing';
import type { Subject } from '../../support/backends.ts';
import { factsOf } from '../../support/facts.ts';

const NAMES: readonly BackendName[] = ['epoll', 'poll', 'select'];

for (const name of NAMES) {
  // A new one for each question: what a situation has left behind is no part of the next.
  const subject: Subject = {
    title: `${name}, simulated`,
    name,
    get sys() {
      return new SimulatedSystem();
    },
  };
  factsOf(subject);
}
