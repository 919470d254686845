/**
 * Loaded first in the processes and threads that tests start while mutants are tried, in place of the compiler (all is compiled):
 * notes at the end what was reached, where the test that started them finds it. A process that a signal ends notes nothing.
 */

import { appendFileSync } from 'node:fs';

process.setSourceMapsEnabled(true);
const { GENLOOP_MUTATION_REACHED: file = '' } = process.env;
if (file !== '') {
  process.on('exit', () => {
    const { __stryker__: stryker } = globalThis as { __stryker__?: { mutantCoverage?: { static: object } } };
    try {
      appendFileSync(file, `${JSON.stringify(stryker?.mutantCoverage?.static ?? {})}\n`);
    } catch {
      // The test took all descriptors away.
    }
  });
}

/** As tsx's function of this name: there is nothing to do. */
export function register(): void {}
