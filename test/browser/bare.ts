/**
 * Runs the checks in a context of V8 that has the language and those globals of the web that are named here, and nothing of Node. A
 * program of its own, as modules of such a context want a flag: `node --experimental-vm-modules bare.ts [folder of the build]`. Prints the lines, and the paths of what was loaded, as JSON.
 */

import vm from 'node:vm';
import { Site } from './served.ts';

/** All that the library and the checks ask of a browser besides the language. */
const WEB = {
  AbortController,
  AbortSignal,
  atob,
  btoa,
  clearInterval,
  clearTimeout,
  console,
  performance,
  setInterval,
  setTimeout,
  TextDecoder,
  URL,
};

using site = new Site(process.argv[2]);
const context = vm.createContext({ ...WEB });
// As the documentation says; the V8 of Node 20 has none of its own.
vm.runInContext("Symbol.dispose ??= Symbol('Symbol.dispose')", context);
// One whose bytes are a Uint8Array of the context's own, as they are in a page.
const encoding = '(encode) => class TextEncoder { encode(text) { return new Uint8Array(encode(text)); } }';
context.TextEncoder = vm.runInContext(encoding, context)((text: string) => new TextEncoder().encode(text));
const modules = new Map<string, vm.SourceTextModule>();

function moduleAt(path: string): vm.SourceTextModule {
  const known = modules.get(path);
  if (known !== undefined) return known;
  const text = site.get(path);
  if (text === undefined) throw new Error(`there is nothing at ${path}`);
  const identifier = `http://site${path}`;
  const made = new vm.SourceTextModule(text, {
    context,
    identifier,
    initializeImportMeta: (meta: { url?: string }) => {
      meta.url = identifier;
    },
  });
  modules.set(path, made);
  return made;
}

const checks = moduleAt('/checks.js');
await checks.link((what, from) => {
  const path = new URL(from.identifier).pathname;
  const target = site.resolve(what, path);
  if (!target.startsWith('/')) throw new Error(`${path} imports '${what}', which no browser knows`);
  return moduleAt(target);
});
await checks.evaluate();
const { report } = checks.namespace as typeof import('./checks.ts');
console.log(JSON.stringify({ lines: await report(), loaded: [...modules.keys()] }));
