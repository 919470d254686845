/** Loaded before everything else: the library that comes after it is broken as `GENLOOP_BREAKAGE` says. */

import { register } from 'node:module';

register('./hook.mjs', import.meta.url, { data: JSON.parse(process.env.GENLOOP_BREAKAGE ?? 'null') });
