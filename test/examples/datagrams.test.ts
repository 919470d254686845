/** The examples of datagrams and of descriptors that travel, and the programs of docs/datagrams.md, run as programs. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { has, MODES, output, Program, ROOT } from './program.ts';

const test = suite('examples of datagrams');
const TIME = /^\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT.*\n$/;
const python = has('python3');
if (!python) notRun("the batched time server with Python's clients: no python3");

for (const [mode, args] of MODES) {
  if (!python) break;
  test(`the batched time server answers everybody who asks, whatever they ask (${mode})`, async () => {
    await using server = Program.example('time-server-batched.ts', ['--port', '0', '--port', '0', ...args]);
    const ports = [await server.port(0), await server.port(1)];
    const answer = await output(['python3', 'test/examples/time_client.py', ...ports.map(String)]);
    assert.match(answer, TIME);
    const { code, stdout, stderr } = await server.kill('SIGINT').ended();
    assert.equal([stderr, code], ['', 0]);
    assert.match(stdout, /^(time: serving UDP on 127\.0\.0\.1:\d+\n){2}127\.0\.0\.1:\d+ asked for the time\n/);
    assert.match(stdout, /\nended\n$/);
  });
}

test('a listener is handed to a child, which goes on serving', async () => {
  await using program = Program.example('pass-a-listener.ts');
  const { code, stdout, stderr } = await program.ended();
  assert.equal([stderr, code, stdout], ['', 0, 'served by the parent\nserved by the child\n']);
});

test('the programs of docs/datagrams.md say what stands beside them', async () => {
  // Inside the clone, where `import … from 'genloop'` finds it.
  const folder = mkdtempSync(join(ROOT, 'build', 'datagrams-'));
  try {
    const text = readFileSync(join(ROOT, 'docs/datagrams.md'), 'utf8');
    const programs = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code as string);
    const wholes = programs.filter((code) => code.includes('await run('));
    const said: string[] = [];
    for (const [n, code] of wholes.entries()) {
      const file = join(folder, `program-${n}.ts`);
      writeFileSync(file, code);
      await using program = Program.typescript(file);
      const { code: status, stdout, stderr } = await program.ended();
      assert.equal([stderr, status], ['', 0]);
      said.push(stdout);
    }
    assert.equal(said, ['you said: hello\n', 'true\n']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
