/**
 * The suite on an addon built with AddressSanitizer and UndefinedBehaviorSanitizer, under an ordinary node. Takes the
 * words and options of the test command.
 *
 * The sanitizer's library has to come first in the process, hence LD_PRELOAD. The programs that tests start (python3, nc, a second
 * node) inherit it; they run a little slower, and are watched too. Leaks are not looked for: Node frees little at its exit.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { ROOT } from './native-sources.mjs';

/** Tests of the repository itself, and of what runs without an addon: the sanitizers have nothing to say about them. */
const WITHOUT_ADDON = 'runner,layers,package,loader,browser,test/simulation/,simulation/box-office';
/** Everything takes two to four times as long. */
const TIMEOUT_S = '300';

const compiler = process.env.CXX?.trim().split(/\s+/) ?? ['c++'];
const library = spawnSync(compiler[0], [...compiler.slice(1), '-print-file-name=libasan.so'], { encoding: 'utf8' });
const preload = library.stdout?.trim() ?? '';

if (process.platform !== 'linux' || !isAbsolute(preload) || !existsSync(preload)) {
  console.log('not run: the suite under AddressSanitizer (it needs Linux and a g++ with libasan.so)');
} else {
  run(['scripts/cmake.mjs', '--tag', 'asan', '--sanitize', 'address,undefined'], process.env);
  const words = process.argv.slice(2);
  run(['--import', 'tsx', 'test/run.ts', '--except', WITHOUT_ADDON, '--timeout', TIMEOUT_S, ...words], {
    ...process.env,
    LD_PRELOAD: preload,
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    GENLOOP_ADDON: join(ROOT, 'build', 'asan', 'addon.node'),
  });
}

function run(args, env) {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
