/** A recorded run of the echo server under load replays to the same trace: on every backend, without a socket, from text. */

import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Co, currentScheduler, Scheduler, Socket } from 'genloop';
import { type BackendName, realSys, type Sys } from 'genloop/os';
import { availableBackends } from 'genloop/poller';
import { CHANNELS, type TaskMessage } from 'genloop/scheduler';
import { formatCall, ReplayError, recorded, replayed, SysLog, traced } from 'genloop/testing';
import * as assert from 'uvu/assert';
import { echoServer } from '../../../examples/servers/echo.ts';
import { CALL_NAMES } from '../../../src/testing/wrappers/calls.ts';
import { NODE } from '../../examples/program.ts';
import { suite } from '../../support/suite.ts';

const test = suite('echo server, recorded and replayed');
const CLIENT = fileURLToPath(new URL('load-client.ts', import.meta.url));
const CLIENTS = 8;
const MESSAGES = 400;
const FEW = 5;

/** The program: serves until so many clients have ended. What it says goes to `said`. */
function* serve(started: (port: number) => void, said: string[]): Co<void> {
  const listener = Socket.listener();
  let ended = 0;
  const server = currentScheduler().spawn(
    echoServer(listener, (line) => {
      said.push(line);
      if (line.endsWith(' connected')) return;
      ended++;
      if (ended === CLIENTS) server.cancel('all have gone');
    }),
    { name: 'server' },
  );
  started(listener.localAddress.port);
}

/** Runs the program on a system, in the blocking drive: every event of every task, and what the server said. */
function run(
  sys: Sys,
  backend: BackendName,
  started: (port: number) => void,
): { trace: string[]; said: string[]; error: unknown } {
  const trace: string[] = [];
  const said: string[] = [];
  const listeners = Object.entries(CHANNELS).map(([event, channel]) => {
    const listener = (message: unknown): void => {
      const { task, operation } = message as TaskMessage;
      trace.push(`${event} ${task} ${operation?.describe() ?? ''}`);
    };
    subscribe(channel, listener);
    return () => unsubscribe(channel, listener);
  });
  let error: unknown;
  try {
    const scheduler = new Scheduler({ sys, backend });
    scheduler.spawn(serve(started, said), { name: 'main' });
    scheduler.runSync();
  } catch (thrown) {
    error = thrown;
  } finally {
    for (const unlisten of listeners) unlisten();
  }
  return { trace, said, error };
}

/** Runs `body` while every call of the real system throws. */
function withoutKernel<T>(body: () => T): T {
  const real = realSys() as unknown as Record<string, unknown>;
  const before = { ...real };
  for (const name of CALL_NAMES) {
    real[name] = () => {
      throw new Error(`${name} was called for real`);
    };
  }
  try {
    return body();
  } finally {
    Object.assign(real, before);
  }
}

/** Records a run under the load of another process. */
async function record(
  backend: BackendName,
  messages = MESSAGES,
): Promise<{ log: SysLog; trace: string[]; said: string[] }> {
  const { sys, log } = recorded(realSys());
  const ended: Promise<unknown>[] = [];
  const { trace, said, error } = run(sys, backend, (port) => {
    const [node, ...args] = NODE as [string, ...string[]];
    const client = spawn(node, [...args, CLIENT, ...[port, CLIENTS, messages].map(String)], { stdio: 'inherit' });
    ended.push(once(client, 'close'));
  });
  assert.is(error, undefined, String(error));
  assert.equal(await Promise.all(ended), [[0, null]], 'all clients heard what they had said');
  return { log, trace, said };
}

for (const backend of availableBackends(realSys())) {
  test(`thousands of messages of another process, recorded and replayed on ${backend}: the same trace of tasks`, async () => {
    const { log, trace, said } = await record(backend);
    assert.ok(log.length > CLIENTS * MESSAGES * 2, `${log.length} calls`);
    assert.ok(trace.length > CLIENTS * MESSAGES, `${trace.length} events`);
    assert.is(said.length, 2 * CLIENTS);

    const text = log.toString();
    const again = SysLog.parse(text);
    assert.is(again.toString(), text, 'the text says all that there is to say');

    withoutKernel(() => {
      for (const source of [log, again]) {
        const sys = replayed(source);
        const replay = run(sys, backend, () => {});
        assert.is(replay.error, undefined, String(replay.error));
        sys.finish();
        assert.is(sys.step, sys.steps);
        // Compared as text: a difference of arrays of so many lines would take a minute to print.
        const at = replay.trace.findIndex((line, index) => line !== trace[index]);
        assert.is(at, -1, `event ${at}: ${replay.trace[at]}, and not ${trace[at]}`);
        assert.is(replay.trace.length, trace.length);
        assert.equal(replay.said, said);
      }
    });
  });
}

test('a log that is replayed through a tracer and recorded again is the same log', async () => {
  const { log } = await record('poll', FEW);
  withoutKernel(() => {
    const lines: string[] = [];
    const second = recorded(traced(replayed(log), (call) => lines.push(formatCall(call))));
    assert.is(run(second.sys, 'poll', () => {}).error, undefined);
    assert.is(lines.length, log.length);
    assert.is(second.log.toString(), log.toString());
  });
});

test('another backend, or another server, is found out at its first call', async () => {
  const { log } = await record('poll', FEW);
  withoutKernel(() => {
    const { error } = run(replayed(log), 'select', () => {});
    const found = error instanceof ReplayError ? error : (error as Error).cause;
    assert.instance(found, ReplayError);
    assert.match(
      (found as Error).message,
      /^step \d+ of \d+: the recorded run called poll\(.*; this one calls select\(/,
    );
  });
});

test.run();
