/** README.md as a newcomer reads it: its programs compile, run and do what the text says, and its links lead somewhere. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { ask, Client } from './client.ts';
import { Program, ROOT } from './program.ts';

const test = suite('README');
const documents = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
/** Inside the clone, where `import … from 'genloop'` finds it. */
let folder = '';

interface Block {
  document: string;
  code: string;
}

function blocksOf(document: string): Block[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => ({ document, code: code as string }));
}

const programs = blocksOf('README.md').map(({ code }) => code);

/** Starts the n-th program of the README, on ports of its own. */
function start(n: number): Program {
  const file = join(folder, `program-${n}.ts`);
  writeFileSync(file, (programs[n] as string).replace(/\b1[567]000\b/g, '0'));
  return Program.typescript(file);
}

test.before(() => {
  folder = mkdtempSync(join(ROOT, 'build', 'readme-'));
});

test.after(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('every piece of TypeScript in README and docs compiles as it stands', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const files = documents.flatMap(blocksOf).map(({ document, code }, n) => {
    const file = join(folder, `${document.replace(/\W/g, '-')}-${n}.ts`);
    writeFileSync(file, code);
    return file;
  });
  assert.ok(files.length > 4);
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram(files, options));
  const complaints = ts.formatDiagnostics(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => ROOT,
    getNewLine: () => '\n',
  });
  assert.is(complaints, '');
});

test('the first program tells the time on three ports, and hears its eventfd', async () => {
  await using program = start(0);
  for (const n of [0, 1, 2]) assert.match(await ask(await program.port(n)), /^\w{3} \w{3} \d\d \d{4} .*\n$/);
  await program.says('the eventfd was signalled');
  await program.kill('SIGINT').ended();
});

for (const document of ['docs/writing-an-operation.md', 'docs/drives.md', 'docs/connecting.md']) {
  blocksOf(document).forEach(({ code }, n) => {
    test(`program ${n + 1} of ${document} runs to its end`, async () => {
      const file = join(folder, `${document.replace(/\W/g, '-')}-program-${n}.ts`);
      writeFileSync(file, code);
      await using program = Program.typescript(file);
      const { code: exit, stderr } = await program.ended();
      assert.equal([exit, stderr], [0, '']);
    });
  });
}

test('step 1 of the chat greets, and prints what is said', async () => {
  await using program = start(1);
  await using ada = new Client(await program.port());
  await ada.gets('Hello 127.0.0.1:');
  ada.send('good morning\n');
  await program.says(/^127\.0\.0\.1:\d+ says good morning$/m);
  await ada.finish();
  await program.kill('SIGINT').ended();
});

for (const step of [2, 3]) {
  test(`step ${step} of the chat lets the others read, and tells who leaves`, async () => {
    await using program = start(step);
    const port = await program.port();
    await using ada = new Client(port);
    await using bob = new Client(port);
    // Whoever is not accepted yet hears nothing: so both speak first, until each has heard the other.
    const heard = Promise.all([ada.gets('hello'), bob.gets('hello')]);
    const talk = setInterval(() => {
      ada.send('hello\n');
      bob.send('hello\n');
    }, 10);
    await heard.finally(() => clearInterval(talk));
    if (step === 3) {
      await using cyd = new Client(port);
      ada.send('hello\n');
      await bob.gets('hello');
      cyd.reset();
      ada.send('still here\n');
      await bob.gets('still here\n');
    }
    await ada.finish();
    await bob.gets('has left\n');
    const { stderr, code } = await program.kill('SIGINT').ended();
    if (step === 3) assert.equal([stderr, code], ['', 130]);
  });
}

test('the server adds what each client says, and a stop lets it go', async () => {
  await using program = start(5);
  await using client = new Client(await program.port());
  await client.gets('numbers to add?\n');
  await client.send('1 2 3\r\n').gets('6\n');
  await client.send('40 2\n').gets('42\n');
  const { code, stderr } = await program.kill('SIGINT').ended();
  assert.is(code, 130, stderr);
  assert.is(await client.finish(), '');
});

test('the program with a time limit says goodbye on both sides before it gives up', async () => {
  await using program = start(4);
  const { stdout, stderr, code } = await program.ended();
  const lines = ['quick has hung up', 'slow has hung up', 'no answer: it took longer than 200 ms', ''];
  assert.equal([stdout, stderr, code], [lines.join('\n'), '', 0]);
});

test('the commands that it tells to type exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), 'utf8');
    for (const [, script] of text.matchAll(/npm run ([\w:]+)/g))
      assert.ok(script && script in scripts, `${document}: ${script}`);
  }
});

test('its links, and those of the docs, lead to files that there are', () => {
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), 'utf8');
    for (const [, link] of text.matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)) {
      if (link === undefined || /^https?:/.test(link)) continue;
      assert.ok(existsSync(join(ROOT, dirname(document), link)), `${document}: ${link}`);
    }
  }
});

test('each rule of docs/semantics.md is held by tests that there are', () => {
  const rules = readFileSync(join(ROOT, 'docs/semantics.md'), 'utf8')
    .split(/^\*\*(?=\d+\.\*\*)/m)
    .slice(1);
  assert.ok(rules.length > 40);
  for (const rule of rules) {
    const held = [...rule.matchAll(/^- `(test\/[\w/-]+\.test\.ts)`: (.+)$/gm)];
    assert.ok(held.length > 0, rule);
    for (const [, file, name] of held) {
      const text = readFileSync(join(ROOT, file as string), 'utf8').replaceAll('\\', '');
      assert.ok(text.includes(name as string), `${file}: ${name}`);
    }
  }
});

test('the tests that the docs name are there', () => {
  const sources = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${name}`);
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), 'utf8');
    for (const [file] of text.matchAll(/test\/[\w/-]+\.test\.ts/g))
      assert.ok(sources.includes(file), `${document}: ${file}`);
  }
});

test.run();
