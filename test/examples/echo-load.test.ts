/** examples/echo-server.ts with more clients than it has descriptors, and with somebody else's load generator. */

import * as assert from 'uvu/assert';
import { notRun, suite } from '../support/suite.ts';
import { echoClients, has, output, Program } from './program.ts';

const test = suite('echo-server under load');
const python = has('python3');
const benchmark = has('redis-benchmark');
if (!python) notRun('more clients than the echo server has descriptors: no python3');
if (!benchmark) notRun('the echo server with redis-benchmark: not installed');

const LIMIT = 128;

for (const [drive, args] of [
  ['as a guest', []],
  ['blocking', ['--sync']],
] as const) {
  for (const kind of ['hard', 'soft'] as const) {
    if (!python) break;
    test(`two hundred clients are all served under a ${kind} limit of ${LIMIT} descriptors (${drive})`, async () => {
      // Node raises a soft limit to the hard one when it starts, so that only the hard one is felt.
      const wrapper = kind === 'soft' ? ['sh', '-c', `ulimit -S -n ${LIMIT}; exec "$@"`, 'sh'] : [];
      await using server = Program.example('echo-server.ts', ['--port', '0', '--quiet', ...args], { wrapper });
      const port = await server.port();
      if (kind === 'hard') server.limit(LIMIT);
      await echoClients(port, 'crowd', 'several', 'crowd');
      if (kind === 'hard') assert.match(server.stderr, /^accepting pauses: accept EMFILE/);
      else assert.is(server.stderr, '');
      assert.is((await server.kill('SIGINT').ended()).code, 0);
    });
  }

  if (benchmark) {
    test(`redis-benchmark takes it for a server that answers PING (${drive})`, async () => {
      await using server = Program.example('echo-server.ts', ['--port', '0', '--quiet', ...args]);
      const port = await server.port();
      const options = ['-t', 'ping_mbulk', '-n', '20000', '-c', '50', '-q', '-p', String(port)];
      assert.match(await output(['redis-benchmark', ...options]), /PING_M?BULK: [\d.]+ requests per second/);
    });
  }
}

test.run();
