/** Runs the simulation against a broken library, in a process of its own, until it is caught. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Invariant } from '../witness.ts';
import type { Breakage } from './breakages.ts';

/** What came of it. */
export interface Catch {
  /** How many seeds were run, the last one included. */
  readonly seeds: number;
  /** The seed that caught it; `null`: none did. */
  readonly seed: number | null;
  readonly invariant: Invariant | null;
  readonly what: string | null;
  /** The program, cut down, and how many statements it has left. */
  readonly program: string | null;
  readonly size: number;
}

/** Runs at most `limit` seeds from `first` on. Rejects if the library cannot be broken so any more, or if it takes too long. */
export function hunt(
  breakage: Breakage,
  limit: number,
  first: number = 1,
  timeoutSeconds: number = 300,
): Promise<Catch> {
  const register = fileURLToPath(new URL('register.mjs', import.meta.url));
  const child = fileURLToPath(new URL('child.ts', import.meta.url));
  const loaders = ['--import', register, '--import', import.meta.resolve('tsx')];
  const started = spawn(
    process.execPath,
    ['--conditions=genloop-source', ...loaders, child, String(limit), String(first)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, GENLOOP_BREAKAGE: JSON.stringify(breakage), NODE_OPTIONS: '' },
      timeout: timeoutSeconds * 1000,
      killSignal: 'SIGKILL',
    },
  );
  return new Promise((settle, reject) => {
    let output = '';
    let errors = '';
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    started.on('error', reject);
    started.on('close', (code, signal) => {
      if (code === 0 && output !== '') settle(JSON.parse(output) as Catch);
      else reject(new Error(`"${breakage.name}": the process ended with ${signal ?? code}: ${errors.slice(0, 2000)}`));
    });
  });
}
