/**
 * Mutation testing: `npm run mutate -- [words] [--incremental]`. Breaks kernel, poller and scheduler in some thousand small ways, one
 * after the other, and counts those that no test notices. Words choose sources by a part of their path; `--incremental` asks anew
 * only about what has changed since the last run. docs/mutation.md tells how, and what has been found.
 *
 * A run over everything writes `test/mutation/results.json`, and from that the tables of docs/mutation.md. `--saved` takes Stryker's last
 * report instead of a run, `--check` only says whether the page shows the results. Fails if a folder is under {@link LEAST}.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureAddon } from './addon.mjs';
import { ROOT } from './native-sources.mjs';

const FOLDERS = ['src/kernel', 'src/poller', 'src/scheduler'];
/** Of a hundred mutants so many must be noticed, in each folder and in all. */
const LEAST = 80;
const CONFIG = 'test/mutation/stryker.config.mjs';
const REPORT = join(ROOT, 'reports/mutation/mutation.json');
const RESULTS = join(ROOT, 'test/mutation/results.json');
const PAGE = join(ROOT, 'docs/mutation.md');
/** Stryker's words for a mutant that was noticed, and for one that was not. */
const NOTICED = ['Killed', 'Timeout'];
const MISSED = ['Survived', 'NoCoverage'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    incremental: { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
    saved: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});

if (values.check) render(JSON.parse(readFileSync(RESULTS, 'utf8')));
else await mutate();

async function mutate() {
  const all = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
  );
  const files = all.filter((file) => positionals.length === 0 || positionals.some((word) => file.includes(word)));
  if (files.length === 0) {
    console.error(`no source in ${FOLDERS.join(', ')} has one of these words in its path: ${positionals.join(' ')}`);
    process.exit(2);
  }
  if (!values.saved && !(await tried(files))) process.exitCode = 1;
  const results = summary(JSON.parse(readFileSync(REPORT, 'utf8')));
  for (const { file, line, column, mutator, was, became } of results.missed) {
    if (files.includes(file)) console.log(`${file}:${line}:${column} ${mutator}: ${was} → ${became}`);
  }
  if (files.length === all.length) {
    writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
    render(results);
  }
  for (const [folder, counts] of Object.entries(results.folders)) {
    console.log(`${folder}: ${percent(counts)} of the mutants were noticed`);
    if (score(counts) < LEAST) process.exitCode = 1;
  }
}

/** Has Stryker try the mutants of these files. Whether it was content. */
async function tried(files) {
  await ensureAddon();
  // Its package tells of no other entry.
  const stryker = join(
    createRequire(import.meta.url).resolve('@stryker-mutator/core/package.json'),
    '../bin/stryker.js',
  );
  const args = [stryker, 'run', CONFIG, '--concurrency', values.jobs, '--mutate', files.join(',')];
  if (values.incremental) args.push('--incremental');
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

/** Of Stryker's report what is worth keeping. */
function summary(report) {
  const files = {};
  const missed = [];
  for (const [file, { source, mutants }] of Object.entries(report.files)) {
    const counts = { noticed: 0, byLimit: 0, missed: 0, unreached: 0, left: 0 };
    for (const { status, location, mutatorName: mutator, replacement } of mutants) {
      if (NOTICED.includes(status)) counts.noticed++;
      else if (MISSED.includes(status)) counts.missed++;
      else counts.left++;
      if (status === 'Timeout') counts.byLimit++;
      if (status === 'NoCoverage') counts.unreached++;
      if (!MISSED.includes(status)) continue;
      const { line, column } = location.start;
      missed.push({ file, line, column, mutator, was: between(source, location), became: oneLine(replacement ?? '') });
    }
    files[file] = counts;
  }
  const folders = {};
  for (const folder of FOLDERS) {
    const inside = Object.keys(files).filter((file) => file.startsWith(`${folder}/`));
    if (inside.length > 0) folders[folder] = inside.map((file) => files[file]).reduce(added, {});
  }
  const machine = `Node ${process.version} on ${process.platform}`;
  const place = ({ file, line, column }) => `${file}:${String(line).padStart(4)}:${String(column).padStart(4)}`;
  missed.sort((one, other) => (place(one) < place(other) ? -1 : 1));
  return { date: new Date().toISOString().slice(0, 10), machine, folders, files, missed };
}

function added(sum = {}, counts) {
  return Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, (sum[key] ?? 0) + count]));
}

function between(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return oneLine(lines.join('\n'));
}

function oneLine(text) {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}

function score({ noticed, missed }) {
  return noticed + missed === 0 ? 100 : (100 * noticed) / (noticed + missed);
}

function percent(counts) {
  return `${score(counts).toFixed(1)} %`;
}

/** Puts tables in their places in the page, between `<!-- mutation:NAME -->` and `<!-- /mutation -->`. */
function render(results) {
  const { folders, files, missed } = results;
  const all = Object.values(folders).reduce(added, {});
  const row = (name, counts) => [
    name,
    percent(counts),
    counts.noticed,
    counts.byLimit,
    counts.missed,
    counts.unreached,
  ];
  const head = ['', 'noticed', 'mutants noticed', 'by a limit', 'missed', 'of these reached by no test'];
  const tables = {
    folders: table(head, [
      ...Object.entries(folders).map(([name, counts]) => row(`\`${name}\``, counts)),
      row('all', all),
    ]),
    files: table(
      head,
      Object.entries(files)
        .sort()
        .map(([name, counts]) => row(`\`${name}\``, counts)),
    ),
    mutators: table(['mutator', 'missed'], counted(missed)),
    run: `${results.date}, ${results.machine}.`,
  };
  const page = readFileSync(PAGE, 'utf8');
  const updated = page.replace(
    /(<!-- mutation:(\w+) -->)[\s\S]*?(<!-- \/mutation -->)/g,
    (_all, open, name, close) => `${open}\n\n${tables[name]}\n\n${close}`,
  );
  if (updated === page) return;
  if (values.check) {
    console.error('docs/mutation.md does not show test/mutation/results.json; npm run mutate -- --saved');
    process.exitCode = 1;
    return;
  }
  writeFileSync(PAGE, updated);
}

function counted(missed) {
  const counts = new Map();
  for (const { mutator } of missed) counts.set(mutator, (counts.get(mutator) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

function table(head, rows) {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
