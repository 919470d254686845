/** Names that the parts of this folder share. */

/** In Stryker's copy: what `build.mjs` makes. */
export const COMPILED = 'mutated';

/** In Stryker's copy: the tests, how long each takes, and what it reaches. Written by the first run, read before each mutant's. */
export const CATALOGUE = 'mutated/tests.json';
