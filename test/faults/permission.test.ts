/**
 * What a user may not do. A test that runs as root tries it in a process that has given root up, once its modules are there: nobody else may
 * be able to read them.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('what a user may not do');
/** The user without rights, as all systems call it. */
const NOBODY = Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout) || 65_534;

/** Tries, as somebody else than root, and prints what came of it and how many descriptors it has cost. */
const PROGRAM = `
  import { chmodSync, mkdtempSync, readdirSync, rmSync, writeSync } from 'node:fs';
  import { tmpdir } from 'node:os';
  import { join } from 'node:path';
  import { runSync } from 'genloop';
  import { connect, listen, TcpListener, UdpSocket, UnixListener } from 'genloop/net';
  import { Socket } from 'genloop/os';
  const say = (...words) => writeSync(1, words.join(' ') + '\\n');
  const folder = mkdtempSync(join(tmpdir(), 'genloop-permission-'));
  const path = join(folder, 'socket');
  // The folder is for everybody, the socket for nobody.
  chmodSync(folder, 0o755);
  const theirs = UnixListener.open({ path, mode: 0 });
  const root = process.getuid() === 0;
  function* main() {
    const opened = () => readdirSync('/dev/fd').length;
    // What the first of a kind loads and keeps.
    const listener = yield* listen();
    (yield* connect({ port: listener.address.port })).close();
    listener.close();
    const ways = {
      'a TCP port of the system': () => TcpListener.open({ port: 1 }),
      'a UDP port of the system': () => UdpSocket.open({ port: 1 }),
      'a socket of others, listened to': () => UnixListener.open({ path }),
      'a socket of others, replaced': () => UnixListener.open({ path, replace: true }),
      'a folder of others': () => UnixListener.open({ path: '/genloop-permission' }),
      'a socket of others, connected to': () => connect({ path }),
    };
    for (const [what, open] of Object.entries(ways)) {
      const before = opened();
      try {
        const result = open();
        if (what.includes('connected')) yield* result;
        say(what + ': allowed');
      } catch (error) {
        say(what + ':', error.code, error.syscall, opened() - before, 'left', error.message.includes('no right') ? '(no right)' : '');
      }
    }
  }
  if (root) { process.setegid(${NOBODY}); process.seteuid(${NOBODY}); }
  try { runSync(main); } finally {
    if (root) { process.seteuid(0); process.setegid(0); }
    theirs.close();
    rmSync(folder, { recursive: true });
  }`;

/** The first port that anybody may have. */
function firstFree(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return Number.NaN;
  }
}

if (process.platform !== 'linux') notRun('what a user may not do: as root it is tried on Linux only');
else {
  const everyPort = firstFree() <= 1;
  if (everyPort) notRun('a port that a user may not have: here every user may have every port');
  test('no right to a port, a socket or a folder: EACCES with what it is about, and no descriptor is left', async () => {
    await using program = new Program([...NODE, '--input-type=module', '-e', PROGRAM]);
    const { code, stdout, stderr } = await program.ended();
    assert.is(code, 0, stderr);
    const expected = [
      'a TCP port of the system: EACCES bind 0 left',
      'a UDP port of the system: EACCES bind 0 left',
      'a socket of others, listened to: EADDRINUSE bind 0 left (no right)',
      'a socket of others, replaced: EADDRINUSE bind 0 left (no right)',
      'a folder of others: EACCES bind 0 left',
      'a socket of others, connected to: EACCES connect 0 left',
    ];
    const lines = stdout.trim().split(/ *\n/);
    assert.equal(lines, everyPort ? lines.slice(0, 2).concat(expected.slice(2)) : expected);
  });
}

test.run();
