/**
 * What the kernel says, row by row, asked through every backend: the flags it gives, whom they wake, and what the next call then says.
 * The flags stand here as epoll and poll give them; what select and kqueue can tell of the same situation is computed.
 */

import { SUBJECTS } from '../support/backends.ts';
import { factsOf } from '../support/facts.ts';

for (const subject of SUBJECTS) factsOf(subject);
