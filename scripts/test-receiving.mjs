/**
 * The suite once more where tasks receive for themselves, and not the wait for its parked readers, which is what `npm test` does.
 * Takes the words and options of the test command.
 */

import { suiteForEach } from './suite.mjs';

/** Tests in which nobody receives. */
const WITHOUT_RECEIVING = 'runner,layers,package,loader,browser,test/kernel/,test/os/,test/platform/,start.test';

suiteForEach('GENLOOP_RECEIVE', ['task'], WITHOUT_RECEIVING);
