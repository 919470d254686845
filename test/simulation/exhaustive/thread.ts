/** A thread of `configurations.ts`: explores one model. */

import { parentPort, workerData } from 'node:worker_threads';
import { withoutStacks } from '../stacks.ts';
import type { Configuration } from './configurations.ts';
import { explore } from './explore.ts';

withoutStacks();
const { targets, over } = workerData as Configuration;
(parentPort as NonNullable<typeof parentPort>).postMessage(explore(targets, over));
