/** `genloop/kernel`, `genloop/testing` and whatever they load run where there is neither Node nor an addon. Docs: browser.md. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { names } from './checks.ts';
import { findChromium, type Visit, visit } from './chromium.ts';
import { Site } from './served.ts';

const BARE = fileURLToPath(new URL('bare.ts', import.meta.url));
const PACKAGE = new URL('../../package.json', import.meta.url);
const DIST = '/node_modules/genloop/dist/';
const BROWSER = `${DIST}platform/browser.js`;
const NODE = `${DIST}platform/node.js`;

const test = suite('browser');
const chromium = findChromium();
let site: Site;

test.before(() => {
  site = new Site();
});

test.after(() => site[Symbol.dispose]());

/** One line for each check, and each says that all is well. */
function allWell(lines: unknown): void {
  assert.equal(
    lines,
    names.map((name) => `ok: ${name}`),
  );
}

test('every check passes with the language and a few globals of the web, without Node', async () => {
  const args = ['--experimental-vm-modules', '--no-warnings', '--import', import.meta.resolve('tsx')];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, BARE, site.folder]);
  const { lines, loaded } = JSON.parse(stdout) as { lines: string[]; loaded: string[] };
  allWell(lines);
  assert.ok(loaded.includes(BROWSER));
  assert.not.ok(loaded.includes(NODE));
});

test('a bundler is told what the import map tells a page, and the map names every module', () => {
  const { browser, exports } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as {
    browser: Record<string, string>;
    exports: Record<string, { default: string } | string>;
  };
  const url = (path: string): string => path.replace('./dist/', DIST);
  const expected = Object.entries(browser).map(([from, to]) => [url(from), url(to)]);
  assert.equal(expected, [[NODE, BROWSER]]);
  for (const [entry, target] of Object.entries(exports)) {
    if (typeof target !== 'string') expected.push([`genloop${entry.slice(1)}`, url(target.default)]);
  }
  assert.equal(Object.entries(site.map).sort(), expected.sort());
});

if (chromium === undefined) notRun('the kernel and genloop/testing in a browser: no Chromium is installed');
else {
  const pageOf = (path: string): Promise<Visit> => visit(chromium, site, path);

  test('every check passes in a page of Chromium, from the files of the build', async () => {
    const { result, asked, missing } = await pageOf('/');
    allWell(result);
    assert.ok(asked.includes(`${DIST}kernel/index.js`) && asked.includes(`${DIST}testing/index.js`));
    assert.ok(asked.includes(BROWSER));
    assert.not.ok(asked.includes(NODE));
    assert.equal(
      missing.filter((path) => path !== '/favicon.ico'),
      [],
    );
  });

  test('the page of the documentation shows what its server said', async () => {
    assert.is((await pageOf('/document')).result, 'after 60 s: you said hello');
  });

  test("the documentation's drive runs tasks by the timers of a page", async () => {
    assert.is((await pageOf('/drive')).result, 'soon, given up, and nobody waits any more');
  });
}

test.run();
