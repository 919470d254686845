import { programOf } from './draw.ts';
import { printProgram } from './print.ts';
import { runProgram } from './trial.ts';

Error.stackTraceLimit = Number(process.env.STACK ?? 0);
const from = Number(process.argv[2] ?? 1),
  to = Number(process.argv[3] ?? 1000);
let bad = 0,
  steps = 0;
const t = performance.now();
const kinds = new Map<string, number>();
for (let seed = from; seed <= to; seed++) {
  const program = programOf(seed);
  const { violation, steps: s } = runProgram(program);
  steps += s;
  if (violation) {
    bad++;
    kinds.set(violation.invariant, (kinds.get(violation.invariant) ?? 0) + 1);
    if (bad <= 3) console.log(seed, violation, '\n' + printProgram(program));
  }
}
console.log({ bad, steps, ms: performance.now() - t }, kinds);
