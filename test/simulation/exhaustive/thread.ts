/** A thread of `configurations.ts`: explores one model. */

import { parentPort, workerData } from 'node:worker_threads';
import { withoutStacks } from '../stacks.ts';
import { explore } from './explore.ts';
import type { Target } from './model.ts';

withoutStacks();
(parentPort as NonNullable<typeof parentPort>).postMessage(explore(workerData as readonly Target[]));
