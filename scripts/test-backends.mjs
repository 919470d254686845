/** The suite once more on each backend that is not the system's best, which `npm test` runs on. Takes the words and options of the test command. */

import { suiteForEach } from './suite.mjs';

/** Tests in which no backend takes part, or that choose each of theirs by name. */
const WITHOUT_BACKEND = 'runner,layers,package,loader,browser,test/simulation/,testing/simulation/,poller/,start.test';

suiteForEach([{ GENLOOP_BACKEND: 'poll' }, { GENLOOP_BACKEND: 'select' }], WITHOUT_BACKEND);
