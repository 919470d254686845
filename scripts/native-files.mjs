/** All C++ files in native/, headers, tests and benchmark included. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './native-sources.mjs';

export function nativeFiles() {
  const folder = join(ROOT, 'native');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}
