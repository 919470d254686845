/** Connects that fail because strace says so: the right error, once, with address and port, and no descriptor left. */

import { Socket } from 'genloop/os';
import * as assert from 'uvu/assert';
import { NODE, Program } from '../examples/program.ts';
import { Trace, untraceable } from '../support/strace.ts';
import { notRun, suite } from '../support/suite.ts';

const test = suite('injected faults of a connect');

/** Connects in the blocking drive; prints what came of it, and how many sockets are left. */
const CLIENT = `
  import { readdirSync, readlinkSync, writeSync } from 'node:fs';
  import { runSync } from 'genloop';
  import { connect } from 'genloop/net';
  const port = Number(process.env.PORT);
  const say = (...words) => writeSync(1, words.join(' ') + '\\n');
  say('ready');
  // Until strace is attached: what Node does at its start is neither counted nor hit.
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.destroy();
  try {
    runSync(function* () {
      const stream = yield* connect({ port });
      say('connected to', stream.remoteAddress.port === port);
      stream.close();
    });
  } catch ({ code, syscall, address, port: at }) {
    say(code, syscall, address, at === port);
  }
  const sockets = readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return Number(fd) > 2 && readlinkSync('/proc/self/fd/' + fd).startsWith('socket:');
    } catch {
      return false;
    }
  });
  say(sockets.length, 'sockets');`;

interface Fault {
  readonly title: string;
  readonly inject: string;
  readonly says: string;
  /** How often the call was made in all. */
  readonly calls: number;
}

const FAULTS: readonly Fault[] = [
  {
    title: 'a connect fails',
    inject: 'connect:error=ETIMEDOUT:when=1',
    says: 'ETIMEDOUT connect 127.0.0.1 true',
    calls: 1,
  },
  {
    title: 'a connect is interrupted, and nothing has come of it: it is not repeated, and SO_ERROR is asked',
    inject: 'connect:error=EINTR:when=1',
    says: 'ENOTCONN connect 127.0.0.1 true',
    calls: 1,
  },
  {
    title: 'there is no descriptor for the socket',
    inject: 'socket:error=EMFILE:when=1',
    says: 'EMFILE socket  false',
    calls: 1,
  },
];

const obstacle = untraceable();
if (obstacle !== undefined) notRun(`connects that fail because strace says so: ${obstacle}`);

for (const { title, inject, says, calls } of FAULTS) {
  if (obstacle !== undefined) break;
  test(title, async () => {
    using listener = Socket.listener();
    const [call = ''] = inject.split(':');
    const env = { PORT: String(listener.localAddress.port), GENLOOP_BACKEND: 'epoll' };
    await using client = new Program([...NODE, '--input-type=module', '-e', CLIENT], { env, interactive: true });
    await client.says('ready\n');
    await using trace = await Trace.attach(client, '-e', `trace=${call}`, '-e', `inject=${inject}`);
    client.type('\n');
    const { code, stdout, stderr } = await client.ended();
    assert.is(code, 0, stderr);
    assert.is(stdout, `ready\n${says}\n0 sockets\n`, stderr);
    const made = await trace.calls(call);
    assert.match(made[0] ?? '', /\(INJECTED\)/);
    assert.is(made.length, calls, made.join('\n'));
  });
}

test.run();
