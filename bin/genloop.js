#!/usr/bin/env node
// The command line of the package. `genloop build` compiles the addon where no prebuilt one fits.

import { parseArgs } from 'node:util';
import { BuildError, buildAddon, version } from '../scripts/build-addon.mjs';

const USAGE = `usage: genloop build [--headers <folder>]

Compiles the native addon for this system. Needs a C++17 compiler ($CXX, c++, g++ or clang++) and the
headers of Node, which usually lie beside it; --headers (or GENLOOP_NODE_HEADERS) says where else.

       genloop --version
`;

let args;
try {
  args = parseArgs({
    allowPositionals: true,
    options: {
      headers: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  });
} catch (error) {
  process.stderr.write(`genloop: ${error.message}\n\n${USAGE}`);
  process.exit(2);
}

const { values, positionals } = args;
if (values.version) {
  console.log(version());
} else if (values.help) {
  process.stdout.write(USAGE);
} else if (positionals.length !== 1 || positionals[0] !== 'build') {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  try {
    const file = await buildAddon({ headers: values.headers });
    // Loaded in this process: a compiler that is content may still leave a symbol open.
    process.dlopen({ exports: {} }, file);
    console.log(`genloop: built ${file}`);
  } catch (error) {
    process.stderr.write(`genloop: ${error instanceof BuildError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}
