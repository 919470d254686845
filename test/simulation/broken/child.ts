/** A process with a broken library: runs seeds until one is caught, and says which. Started by `hunt.ts`. */

import { programOf } from '../draw.ts';
import { printProgram } from '../print.ts';
import { sizeOf } from '../program.ts';
import { shrink } from '../shrink.ts';
import { withoutStacks } from '../stacks.ts';
import { runProgram } from '../trial.ts';
import type { Catch } from './hunt.ts';

withoutStacks();
const [limit = 0, first = 1] = process.argv.slice(2).map(Number);
let caught: Catch = { seeds: limit, seed: null, invariant: null, what: null, program: null, size: 0 };
for (let seed = first; seed < first + limit; seed++) {
  const program = programOf(seed);
  const { violation } = runProgram(program);
  if (violation === null) continue;
  const { invariant, what } = violation;
  const small = shrink(program, invariant);
  caught = { seeds: seed - first + 1, seed, invariant, what, program: printProgram(small), size: sizeOf(small) };
  break;
}
process.stdout.write(JSON.stringify(caught));
