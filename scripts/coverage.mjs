/**
 * What the suite reaches of `src`, by lines and branches: `npm run coverage -- [words and options of the test command]`. Fails
 * if a test fails, or if anything is left of the kernel or of the scheduler; those two are reached in whole by
 * `npm run coverage -- test/kernel test/scheduler`, which takes half of the time.
 *
 * c8 merges what each process writes at its end, those that tests start included. A process that a signal kills writes
 * nothing, so what only such a process does is not seen. Two things have to be put right on the way: see
 * `coverage-debugger.cjs`, and {@link tidy}.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureAddon } from './addon.mjs';
import { BuildError } from './build-addon.mjs';
import { ROOT } from './native-sources.mjs';

const SOURCES = pathToFileURL(join(ROOT, 'src')).href;
const REPORTS = join(ROOT, 'coverage');
const RAW = join(REPORTS, 'tmp');
const DEBUGGER = join(ROOT, 'scripts', 'coverage-debugger.cjs');
/** Of these everything, in each file. */
const WHOLE = ['src/kernel/**', 'src/scheduler/**'];
/** Programs that are counted take up to twice as long. */
const TIMEOUT_S = '300';

try {
  await ensureAddon();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`genloop: ${error.message}`);
  process.exit(1);
}
rmSync(RAW, { recursive: true, force: true });
mkdirSync(RAW, { recursive: true });
const options = `${process.env.NODE_OPTIONS ?? ''} --require "${DEBUGGER}"`.trim();
const env = { ...process.env, NODE_V8_COVERAGE: RAW, NODE_OPTIONS: options };
const tested = run(['--import', 'tsx', 'test/run.ts', '--timeout', TIMEOUT_S, ...process.argv.slice(2)], env);
for (const name of readdirSync(RAW)) tidy(join(RAW, name));
report(['--include', 'src/**', '--reporter', 'text', '--reporter', 'html', '--check-coverage', 'false']);
const limits = ['statements', 'lines', 'branches', 'functions'].flatMap((what) => [`--${what}`, '100']);
// `--all`: a file that nothing has loaded is reached by nothing.
const whole = ['--all', '--src', ROOT, ...WHOLE.flatMap((folder) => ['--include', folder])];
const reached = report([...whole, '--reporter', 'none', '--check-coverage', '--per-file', ...limits]);
if (!reached) console.error(`not everything in ${WHOLE.join(' and ')} was reached; coverage/index.html shows what`);
process.exitCode = tested && reached ? 0 : 1;

function report(args) {
  const c8 = createRequire(import.meta.url).resolve('c8/bin/c8.js');
  return run([c8, 'report', '--temp-directory', RAW, '--reports-dir', REPORTS, ...args], process.env);
}

function run(args, environment) {
  return spawnSync(process.execPath, args, { cwd: ROOT, env: environment, stdio: 'inherit' }).status === 0;
}

/**
 * Leaves of one process's counts those of our sources, and of them what stands in the source: esbuild puts its own functions in
 * front of a file (for `using`: Node 20 does not know it), which c8 would take for branches of its first line.
 */
function tidy(file) {
  const counts = JSON.parse(readFileSync(file, 'utf8'));
  const maps = counts['source-map-cache'] ?? {};
  const ours = {};
  counts.result = counts.result.filter(({ url }) => url.startsWith(SOURCES));
  for (const script of counts.result) {
    const map = maps[script.url];
    if (map?.data == null) continue;
    ours[script.url] = map;
    const mapped = new SourceMap(map.data);
    // tsx writes a file's code on one line.
    const isOurs = ({ ranges }) => 'originalSource' in mapped.findEntry(0, ranges[0].endOffset - 1);
    script.functions = script.functions.filter(isOurs);
  }
  counts['source-map-cache'] = ours;
  writeFileSync(file, JSON.stringify(counts));
}
