/**
 * The suite once more where tasks receive and send for themselves; with `npm test` the wait receives for its parked readers, and the round
 * sends for its tasks. Takes the words and options of the test command.
 */

import { suiteForEach } from './suite.mjs';

/** Tests in which nobody receives or sends. */
const WITHOUT_TRANSFERS = 'runner,layers,package,loader,browser,test/kernel/,test/os/,test/platform/,start.test';

suiteForEach([{ GENLOOP_RECEIVE: 'task', GENLOOP_SEND: 'task' }], WITHOUT_TRANSFERS);
