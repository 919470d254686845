/**
 * The tests of everything that has tasks, each in a thousand seeded orders: what holds must hold in any order. `test/support/seeds.ts` says how.
 * The schedulers' tests use real descriptors and real time, so they take fewer. Words choose among the folders; GENLOOP_TEST_SEEDS sets another
 * number for all. An order that fails is found again by `GENLOOP_TEST_SEEDS=<its seed> npm test -- <file> --filter <test>`.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './native-sources.mjs';

const { GENLOOP_TEST_SEEDS: asked } = process.env;
/** Folders, and the seeds of each: under eight minutes in all, on two busy cores. */
const SUITES = [
  { folder: 'test/kernel/', seeds: 1_000 },
  { folder: 'test/testing/', seeds: 1_000 },
  { folder: 'test/scheduler/', seeds: 50 },
];
/** A file has this long: hundreds of times its usual work. */
const TIMEOUT_S = '570';

const folder = mkdtempSync(join(tmpdir(), 'genloop-seeds-'));
const sum = { passed: 0, failed: 0, all: 0, large: 0, usual: 0, none: 0, runs: 0 };
const orders = [];
const words = process.argv.slice(2);
for (const suite of SUITES) {
  if (words.length > 0 && !words.some((word) => suite.folder.includes(word))) continue;
  const seeds = Number(asked ?? suite.seeds);
  console.log(`${suite.folder} in ${seeds} seeded orders`);
  const file = join(folder, 'orders');
  const args = ['--import', 'tsx', 'test/run.ts', suite.folder, '--timeout', TIMEOUT_S];
  const env = { ...process.env, GENLOOP_TEST_SEEDS: String(seeds), GENLOOP_TEST_ORDERS: file };
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  console.log(stdout.trimEnd());
  const [, passed, failed] = stdout.match(/^(\d+) passed, (\d+) failed\s*$/m) ?? [];
  // A run that ended without its last line has failed, whatever it has shown.
  sum.passed += Number(passed ?? 0);
  sum.failed += Number(failed ?? 1);
  if (status !== 0) process.exitCode = status ?? 1;
  let bodies = 0;
  for (const line of lines(file)) {
    const counted = JSON.parse(line);
    for (const key of ['all', 'large', 'usual', 'none', 'runs']) sum[key] += counted[key];
    bodies += counted.all;
  }
  rmSync(file, { force: true });
  orders.push(`${bodies} in ${seeds} (${suite.folder})`);
}
rmSync(folder, { recursive: true });

function lines(file) {
  try {
    return readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

console.log(
  `test bodies in seeded orders: ${orders.join(', ')}; ${sum.large} large ones in 3, ${sum.usual} about the usual order ` +
    `or with seeds of their own, ${sum.none} without tasks in their process; ${sum.runs} runs in all`,
);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
if (sum.failed > 0) process.exitCode ||= 1;
