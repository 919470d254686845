/** `genloop/testing` under other people's test runners, in processes of their own; and the programs of docs/testing.md. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';
import { NODE, Program, ROOT } from '../examples/program.ts';
import { suite } from '../support/suite.ts';

const test = suite('testing: runners');
let folder = '';

test.before(() => {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  // Inside the clone, where `import … from 'genloop'` finds it.
  folder = mkdtempSync(join(ROOT, 'build', 'testing-'));
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

async function underNodeTest(...files: string[]): Promise<{ output: string; code: number | null }> {
  const [node, ...args] = NODE as [string, ...string[]];
  await using program = new Program([node, ...args, '--test', '--test-reporter=tap', ...files]);
  const { stdout, stderr, code } = await program.ended();
  return { output: stdout + stderr, code };
}

test('works under node:test, which shows its failures as those of node:assert', async () => {
  const { output, code } = await underNodeTest('test/testing/with-node-test.ts');
  assert.match(output, /^# pass 4$/m);
  assert.match(output, /^# fail 1$/m);
  assert.match(output, /error: 'the body had no checkpoint: it came to its end without any trap'/);
  assert.match(output, /code: 'ERR_ASSERTION'/);
  assert.match(output, /expected: 'at least one of each'/);
  assert.is(code, 1);
});

test('works under uvu, which shows what was compared', async () => {
  await using program = Program.typescript('test/testing/with-uvu.ts');
  const { stdout, code } = await program.ended();
  const output = stripVTControlCharacters(stdout);
  assert.match(output, /Total: {5}4\n {2}Passed: {4}1\n/);
  assert.match(output, /with seed 3 \(GENLOOP_SEED=3 runs it alone\): Expected values to be strictly equal/);
  assert.match(output, /\+\+true +\(Expected\)/);
  assert.match(output, /the body had a checkpoint: it waited for sleep\(1\) {2}\(assertNoCheckpoint\)/);
  assert.match(output, /step 0 of a sequence was taken twice: by task 2 \(one\), and by task 3 \(two\)/);
  assert.is(code, 1);
});

test('the programs of docs/testing.md pass under node:test', async () => {
  const text = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8');
  const files = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code], n) => {
    const file = join(folder, `document-${n}.ts`);
    writeFileSync(file, code as string);
    return file;
  });
  assert.ok(files.length >= 7);
  const { output, code } = await underNodeTest(...files);
  assert.match(output, /^# fail 0$/m, output);
  assert.ok(Number(/^# pass (\d+)$/m.exec(output)?.[1]) >= files.length, output);
  assert.is(code, 0);
});

test.run();
