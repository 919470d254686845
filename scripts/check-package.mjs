/** What a consumer's tools will make of the package: packs it as it is built, and shows the tarball to publint and to attw. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './native-sources.mjs';

const folder = mkdtempSync(join(tmpdir(), 'genloop-pack-'));
try {
  // Without scripts: `prepare` has built it, and what it prints would end up in the answer.
  const packed = run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], 'pipe');
  const tarball = join(folder, packed.trim().split('\n').at(-1));
  run('npx', ['--no-install', 'publint', 'run', tarball, '--strict'], 'inherit');
  run('npx', ['--no-install', 'attw', tarball, '--profile', 'esm-only'], 'inherit');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

function run(command, args, stdout) {
  const { status, stdout: text } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  return text;
}
