/** docs/simulation.md: that its example is the file beside this one, and does what the page says, with the mistake and without. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NODE, Program, ROOT } from '../../examples/program.ts';
import { suite } from '../../support/suite.ts';

const test = suite('simulation: the page for users');
const page = readFileSync(join(ROOT, 'docs/simulation.md'), 'utf8');
const example = readFileSync(join(ROOT, 'test/testing/simulation/box-office-test.ts'), 'utf8');
const mistaken = /^ {2}\/\*\* Serves one visitor\. \*\/\n.*?^ {2}\}\n/ms;
let folder = '';

test.before(() => {
  // Inside the clone, where `import … from 'genloop'` finds it.
  folder = mkdtempSync(join(ROOT, 'build', 'simulation-'));
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code as string);
}

/** Runs a program under node:test. */
async function run(code: string, env: Record<string, string> = {}): Promise<{ stdout: string; code: number | null }> {
  const file = join(folder, 'example.ts');
  writeFileSync(file, code);
  const [node, ...args] = NODE as [string, ...string[]];
  await using program = new Program([node, ...args, '--test', '--test-reporter=tap', file], { env });
  return await program.ended();
}

test('the program on the page is the file', () => {
  assert.equal(blocks('ts'), [example]);
  assert.match(example, mistaken);
});

test('its test fails with the seed and the message that the page shows, and with that seed alone as well', async () => {
  const [shown] = blocks('') as [string];
  const lines = shown.split('\n').filter((line) => line.trim() !== '');
  const seed = /^with seed (\d+) /.exec(shown)?.[1] as string;
  for (const env of [{}, { GENLOOP_SEED: seed }]) {
    const { stdout, code } = await run(example, env);
    for (const line of lines) assert.ok(stdout.includes(line), `'${line}' is not in\n${stdout}`);
    assert.is(code, 1);
  }
});

test('without faults it passes', async () => {
  const { stdout, code } = await run(example.replace(/faults: \{.*\},\n/, ''));
  assert.match(stdout, /^# pass 1$/m);
  assert.is(code, 0);
});

test('with the method that the page has instead it passes, under more seeds', async () => {
  const [better] = blocks('typescript') as [string];
  const { stdout, code } = await run(example.replace(mistaken, better).replace('eachSeed(300,', 'eachSeed(2_000,'));
  assert.match(stdout, /^# pass 1$/m);
  assert.is(code, 0);
});

test.run();
