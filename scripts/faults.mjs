/**
 * The tests that docs/faults.md names, and its table of contents: writes the table, a line for each fault. With `--check` it only says
 * whether that is up to date, whether each test that is named is there, and whether each fault has one.
 *
 * In the name of a test `…` stands for what is filled in when it runs: the errno, the drive, the backend.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './native-sources.mjs';

const NAME = 'docs/faults.md';
const PAGE = path.join(ROOT, NAME);
const FAULT = /^### (.+)$/;
const TEST = /^- `(test\/[\w/-]+\.test\.ts)`: (.+)$/;
const HEAD = ['| fault | what happens | tests |', '|---|---|---|'];

/** The faults of the page: `{ title, happens, tests: [file, name][] }`. */
function faultsOf(lines) {
  const faults = [];
  for (const line of lines) {
    const title = FAULT.exec(line)?.[1];
    const test = TEST.exec(line);
    const last = faults.at(-1);
    if (title !== undefined) faults.push({ title, happens: '', tests: [] });
    else if (test !== null) last?.tests.push([test[1], test[2]]);
    else if (line.startsWith('#')) faults.push({ title: '', happens: '', tests: [] });
    else if (last?.tests.length === 0 && !line.startsWith('-')) last.happens += `${line} `;
  }
  return faults.filter(({ title }) => title !== '');
}

/** What is wrong with a test that is named; `undefined` if it is there. */
function missing([file, name]) {
  const source = path.join(ROOT, file);
  if (!existsSync(source)) return `there is no ${file}`;
  const text = readFileSync(source, 'utf8').replaceAll(/\\(['"`])/g, '$1');
  const literal = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '(?:…|\\$\\{[^}]*\\})');
  return new RegExp(`(['"\`])${literal}\\1`).test(text) ? undefined : `${file} has no test that is called: ${name}`;
}

/** Where a heading is found, as GitHub says it. */
function anchor(title) {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function row({ title, happens, tests }) {
  const [first] = happens.trim().split(/(?<=\.) /);
  return `| [${title}](#${anchor(title)}) | ${first} | ${tests.length} |`;
}

const before = readFileSync(PAGE, 'utf8');
const lines = before.split('\n');
const faults = faultsOf(lines);
const problems = faults.flatMap(({ title, happens, tests }) => [
  ...(tests.length === 0 ? [`no test is named for: ${title}`] : []),
  ...(happens.trim() === '' ? [`nothing is said of what happens: ${title}`] : []),
  ...tests.map(missing).filter((problem) => problem !== undefined),
]);
const start = lines.indexOf(HEAD[0]);
if (start < 0) problems.push(`${NAME} has no table: a line ${HEAD[0]} has to stand where it shall be`);
const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
const after = lines.toSpliced(start, length, ...HEAD, ...faults.map(row)).join('\n');
if (process.argv.includes('--check')) {
  if (after !== before) problems.push(`the table of ${NAME} is not up to date; run: npm run docs:faults`);
} else if (start >= 0) writeFileSync(PAGE, after);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
