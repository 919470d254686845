import { type BackendName, realSys } from 'genloop/os';
import { SimulatedSystem } from 'genloop/testing';
import { execute } from './testing/simulation/machine.ts';
import { programOf, textOf } from './testing/simulation/programs.ts';

const [from, count, backend] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4] as BackendName];
const seen = new Map<string, number>();
let diffs = 0;
for (let seed = from; seed < from + count; seed++) {
  const program = programOf(seed);
  const system = new SimulatedSystem({ seed, sendBuffer: 212992, receiveBuffer: 212992 });
  let expected: string[];
  try {
    expected = execute(program, { sys: system, backend }, (look) => look());
  } catch (e) {
    console.log('sim threw', seed, e);
    continue;
  }
  if (system.descriptors.length) console.log('leak', seed, system.descriptors);
  let actual: string[];
  try {
    actual = execute(program, { sys: realSys(), backend }, (look, line) => {
      const end = performance.now() + 60;
      for (;;) {
        const s = look();
        if (s === expected[line] || performance.now() > end) return s;
      }
    });
  } catch (e) {
    console.log('real threw', seed, e);
    continue;
  }
  const at = expected.findIndex((l, i) => l !== actual[i]);
  if (at < 0) continue;
  diffs++;
  const key = `${(program[at >> 1] as { do: string }).do}/${at % 2}`;
  const n = seen.get(key) ?? 0;
  seen.set(key, n + 1);
  if (n < 1)
    console.log(
      `seed ${seed} op ${at >> 1} ${at % 2 ? 'look' : 'result'}\n sim  ${expected[at]}\n real ${actual[at]}\n${textOf(program.slice(0, (at >> 1) + 1))}`,
    );
}
console.log(diffs, 'of', count, [...seen]);
