/** docs/serving.md as a newcomer reads it: its programs do what the text says. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { Client } from './client.ts';
import { Program, ROOT } from './program.ts';

const test = suite('docs/serving.md');
/** Inside the clone, where `import … from 'genloop'` finds it. */
let folder = '';

test.before(() => {
  folder = mkdtempSync(join(ROOT, 'build', 'serving-'));
});

test.after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the n-th program of the page, on a port of its own. */
function start(n: number): Program {
  const text = readFileSync(join(ROOT, 'docs/serving.md'), 'utf8');
  const [, code] = [...text.matchAll(/^```ts\n(.*?)^```$/gms)][n] as unknown as [string, string];
  const file = join(folder, `program-${n}.ts`);
  writeFileSync(file, code.replace(/\b15000\b/g, '0'));
  return Program.typescript(file);
}

test('the first program shouts, and Ctrl-C ends it and says so to its clients', async () => {
  await using program = start(0);
  const port = await program.port();
  await using one = new Client(port);
  await using other = new Client(port);
  await one.gets('say something\n');
  await one.send('hello\n').gets('HELLO\n');
  await other.gets('say something\n');
  const { code, stdout } = await program.kill('SIGINT').ended();
  assert.is(code, 130);
  assert.match(stdout, /^shouting on 127\.0\.0\.1:\d+\n$/);
  assert.equal([await one.finish(), await other.finish()], ['', '']);
});

test('the second program says where it listens and what it has done, and ends', async () => {
  await using program = start(1);
  const { code, stdout, stderr } = await program.ended();
  assert.equal([code, stderr], [0, '']);
  assert.match(
    stdout,
    /^on 127\.0\.0\.1:(\d+), which has port \1\n\{ accepted: 0, active: 0, rejected: 0, errors: 0, pauses: 0 \}\n$/,
  );
});

test.run();
