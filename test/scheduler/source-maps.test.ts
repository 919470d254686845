/** From a place in a script to the place in its source, wherever the map is. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { SourceMaps } from '../../src/scheduler/source-maps.ts';
import { suite } from '../support/suite.ts';

const test = suite('source maps');

let folder = '';

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'genloop-maps-'));
});

test.after(() => rmSync(folder, { recursive: true }));

/** Line 2, column 2 of the script is line 7, column 5 of the source. */
function mapOf(source: string, sourceRoot?: string): string {
  return JSON.stringify({ version: 3, sources: [source], names: [], mappings: ';EAMI', sourceRoot });
}

function position(sourceMapURL: string, line = 1, column = 2): string {
  const url = pathToFileURL(join(folder, 'out', 'main.js')).href;
  const { file, ...rest } = new SourceMaps().positionOf({ url, sourceMapURL }, line, column);
  return [file.replace(folder, ''), rest.line, rest.column].join(':');
}

function data(text: string): string {
  return `data:application/json;base64,${Buffer.from(text).toString('base64')}`;
}

test('inside the script, in either encoding', () => {
  assert.is(position(data(mapOf('main.ts'))), '/out/main.ts:7:5');
  assert.is(position(`data:application/json,${encodeURIComponent(mapOf('../main.ts'))}`), '/main.ts:7:5');
});

test('in a file of its own, with and without a root for its sources', () => {
  const map = pathToFileURL(join(folder, 'main.js.map')).href;
  for (const [root, expected] of [
    [undefined, '/main.ts:7:5'],
    ['', '/main.ts:7:5'],
    ['src', '/src/main.ts:7:5'],
    ['src/', '/src/main.ts:7:5'],
    ['https://example.org/src', 'https://example.org/src/main.ts:7:5'],
  ] as const) {
    writeFileSync(join(folder, 'main.js.map'), mapOf('main.ts', root));
    assert.is(position(map), expected);
  }
});

test('without one, or with one that says nothing of this place, it is the place in the script', () => {
  for (const url of ['', 'missing.map', 'http://127.0.0.1/remote.map', data('{'), data('{}'), data('null'), 'data:,']) {
    assert.is(position(url), '/out/main.js:2:3', url);
  }
  assert.is(position(data(mapOf('main.ts')), 0, 0), '/out/main.js:1:1');
});

test('each map is read once', () => {
  const maps = new SourceMaps();
  const file = join(folder, 'once.js.map');
  writeFileSync(file, mapOf('main.ts'));
  const script = { url: pathToFileURL(join(folder, 'once.js')).href, sourceMapURL: 'once.js.map' };
  assert.is(maps.positionOf(script, 1, 2).line, 7);
  rmSync(file);
  assert.is(maps.positionOf(script, 1, 2).line, 7);
});

test.run();
