/** What the addon is made of: native/sources.gypi, which both builds read as well. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where every build puts the addon, and the loader looks for it. */
export const ADDON = join(ROOT, 'build', 'Release', 'addon.node');

/** Absolute paths of all .cc files. */
export function sourceFiles() {
  const { variables } = JSON.parse(readFileSync(join(ROOT, 'native', 'sources.gypi'), 'utf8'));
  return [...variables.core_files, ...variables.binding_files].map((file) => join(ROOT, 'native', file));
}

/** Whether the addon exists and is younger than everything that it is made of. */
export function isUpToDate() {
  if (!existsSync(ADDON)) return false;
  const built = statSync(ADDON).mtimeMs;
  const folders = ['core', 'binding'].map((name) => join(ROOT, 'native', name));
  const inputs = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  inputs.push(join(ROOT, 'native', 'sources.gypi'), join(ROOT, 'binding.gyp'));
  return inputs.every((file) => !existsSync(file) || statSync(file).mtimeMs <= built);
}
