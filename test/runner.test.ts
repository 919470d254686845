/** The runner must not let anything pass that is not a pass. Each case is a small test file, run by a runner of its own. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.ts';

const RUNNER = fileURLToPath(new URL('run.ts', import.meta.url));
const SUITE = new URL('support/suite.ts', import.meta.url).href;
const HEAD = `import { suite, notRun } from ${JSON.stringify(SUITE)}; const test = suite('fixture');`;

interface Outcome {
  code: number | null;
  lines: string[];
  text: string;
}

/** Runs the runner on a folder of such files. */
async function run(files: Record<string, string>, ...options: string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'genloop-fixture-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, name), `${HEAD}\n${body}\n`);
    const env: NodeJS.ProcessEnv = { ...process.env, GENLOOP_TEST_SETTLE_MS: '200' };
    delete env.GENLOOP_TEST_FILTER;
    delete env.GENLOOP_TEST_TIMEOUT;
    const child = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), RUNNER, '--root', folder, ...options],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env,
      },
    );
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, lines: text.trim().split('\n'), text };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const test = suite('runner');

test('a file whose tests pass is a pass, counted test by test', async () => {
  const { code, lines } = await run({
    'a.test.ts': `test('one', () => {}); test('two', async () => {}); test.run();`,
    'b.test.ts': `test('three', () => {}); test.run();`,
  });
  assert.is(lines.at(-1), '3 passed, 0 failed');
  assert.is(code, 0);
});

test('a failing test is counted, and its message shown', async () => {
  const { code, lines, text } = await run({
    'a.test.ts': `test('one', () => {}); test('two', () => { throw new Error('so it goes'); }); test.run();`,
  });
  assert.is(lines.at(-1), '1 passed, 1 failed');
  assert.match(text, 'so it goes');
  assert.is(code, 1);
});

test('a crash is a failure, and the test that crashed is named', async () => {
  const { code, lines, text } = await run({
    'a.test.ts': `test('boom', () => { process.kill(process.pid, 'SIGSEGV'); return new Promise(() => {}); }); test.run();`,
  });
  assert.is(lines.at(-1), '0 passed, 1 failed');
  assert.match(text, /ended by SIGSEGV, during "fixture: boom"/);
  assert.is(code, 1);
});

test('a hang is ended at the time limit together with its children', async () => {
  const { code, lines, text } = await run(
    {
      'a.test.ts': `
        import { spawn } from 'node:child_process';
        test('fine', () => {});
        test('hang', () => {
          const child = spawn('sleep', ['600'], { stdio: 'inherit' });
          console.log('child ' + child.pid + '.');
          for (;;);
        });
        test.run();`,
    },
    '--timeout',
    '3',
  );
  assert.is(lines.at(-1), '0 passed, 1 failed');
  assert.match(text, /killed after 3 s, during "fixture: hang"/);
  assert.is(code, 1);
});

test('an exit in the middle of a test is a failure', async () => {
  const { code, lines, text } = await run({
    'a.test.ts': `test('one', () => {}); test('leave', () => { process.exit(0); }); test.run();`,
  });
  assert.is(lines.at(-1), '0 passed, 1 failed');
  assert.match(text, 'during "fixture: leave"');
  assert.is(code, 1);
});

test('a file that breaks after its tests is a failure', async () => {
  const { code, lines } = await run({
    'a.test.ts': `test('one', () => {}); test.run(); process.on('exit', () => { process.exitCode = 3; });`,
  });
  assert.is(lines.at(-1), '1 passed, 1 failed');
  assert.is(code, 1);
});

test('a file that runs nothing is a failure', async () => {
  const { code, lines, text } = await run({
    'forgot.test.ts': `test('one', () => {});`,
    'empty.test.ts': 'test.run();',
  });
  assert.is(lines.at(-1), '0 passed, 2 failed');
  assert.match(text, 'empty.test.ts: ran no test');
  assert.match(text, 'forgot.test.ts: ended without a summary');
  assert.is(code, 1);
});

test('tests left out by only() are failures', async () => {
  const { code, lines } = await run({ 'a.test.ts': `test('one', () => {}); test.only('two', () => {}); test.run();` });
  assert.is(lines.at(-1), '1 passed, 1 failed');
  assert.is(code, 1);
});

test('a test that leaves a descriptor open fails, and the next one does not', async () => {
  const { lines, text } = await run({
    'a.test.ts': `
      import { openSync } from 'node:fs';
      test('leaks', () => { openSync('/dev/null'); });
      test('does not', () => {});
      test.run();`,
  });
  assert.match(text, /descriptor \d+ is still open: \/dev\/null/);
  assert.match(text, '"leaks"');
  assert.is(lines.at(-1), '1 passed, 1 failed');
});

test("a test that leaves a handle in Node's loop fails", async () => {
  const { lines, text } = await run({
    'a.test.ts': `
      let timer;
      test('leaks', () => { timer = setInterval(() => {}, 1e6); });
      test.after(() => clearInterval(timer));
      test.run();`,
  });
  assert.match(text, '1 more active timer handle(s)');
  assert.is(lines.at(-1), '0 passed, 1 failed');
});

test('what a suite opens before its first test and closes after its last is no leak', async () => {
  const { lines } = await run({
    'a.test.ts': `
      import { openSync, closeSync } from 'node:fs';
      let fd;
      test.before(() => { fd = openSync('/dev/null'); });
      test.after(() => closeSync(fd));
      test('one', () => {});
      test.run();`,
  });
  assert.is(lines.at(-1), '1 passed, 0 failed');
});

test('what this machine cannot run is said once, above the last line', async () => {
  const { code, lines } = await run({
    'a.test.ts': `test('one', () => notRun('no such thing here')); test('two', () => notRun('no such thing here')); test.run();`,
    'b.test.ts': `notRun('nor this'); test.run();`,
  });
  assert.is(lines.at(-1), '2 passed, 0 failed');
  assert.equal(lines.slice(-3, -1), ['not run: no such thing here', 'not run: nor this']);
  assert.is(code, 0);
});

test('words choose files, and --filter tests', async () => {
  const files = {
    'apple.test.ts': `test('red', () => {}); test('green', () => {}); test.run();`,
    'pear.test.ts': `test('green', () => {}); test('long', () => {}); test.run();`,
  };
  assert.is((await run(files, 'apple')).lines.at(-1), '2 passed, 0 failed');
  assert.is((await run(files, '--filter', 'green')).lines.at(-1), '2 passed, 0 failed');
  const none = await run(files, '--filter', 'blue');
  assert.is(none.lines.at(-1), '0 passed, 1 failed');
  assert.is(none.code, 1);
});

test.run();
