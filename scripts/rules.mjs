/**
 * Writes below each rule of docs/semantics.md the names of tests that hold it: those whose names begin with `rule N:`. With
 * `--check` it only says whether they are those that there are.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './native-sources.mjs';

/** So many are shown, of different files where possible. */
const SHOWN = 3;
const PAGE = path.join(ROOT, 'docs', 'semantics.md');
const RULE = /^\*\*(\d+)\.\*\* .*$/;
const HOLDER = /^- `test\//;
const NAME = /(['"`])(rules? ([\d, and]+): (?:\\.|(?!\1).)*)\1/g;

/** The tests that hold each rule: `[file, name]`. */
function holders() {
  const found = new Map();
  const files = readdirSync(path.join(ROOT, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.test.ts')).sort()) {
    const text = readFileSync(path.join(ROOT, 'test', file), 'utf8');
    for (const [, , name, numbers] of text.matchAll(NAME)) {
      // What is put together when the test runs has no one name.
      if (name.includes('${')) continue;
      for (const number of numbers.match(/\d+/g)) {
        found.set(number, [...(found.get(number) ?? []), [`test/${file}`, name.replaceAll(/\\(.)/g, '$1')]]);
      }
    }
  }
  return found;
}

/** A few of them: of one rule alone before those of several, each of another file as far as possible. */
function chosen(all) {
  const alone = all.filter(([, name]) => name.startsWith('rule '));
  const ordered = [...alone, ...all.filter((one) => !alone.includes(one))];
  const files = new Set();
  const [first, rest] = [[], []];
  for (const one of ordered) {
    (files.has(one[0]) ? rest : first).push(one);
    files.add(one[0]);
  }
  return [...first, ...rest].slice(0, SHOWN);
}

const before = readFileSync(PAGE, 'utf8');
const found = holders();
const missing = [];
const lines = [];
for (const line of before.split('\n').filter((text) => !HOLDER.test(text))) {
  lines.push(line);
  const number = RULE.exec(line)?.[1];
  if (number === undefined) continue;
  const all = found.get(number) ?? [];
  if (all.length === 0) missing.push(number);
  lines.push(...chosen(all).map(([file, name]) => `- \`${file}\`: ${name}`));
}
const after = lines.join('\n');
if (missing.length > 0) {
  console.error(`no test has a name that begins with: ${missing.map((number) => `rule ${number}:`).join(', ')}`);
  process.exitCode = 1;
}
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('docs/semantics.md names tests that are no more, or lacks some; run: npm run docs:rules');
    process.exitCode = 1;
  }
} else writeFileSync(PAGE, after);
