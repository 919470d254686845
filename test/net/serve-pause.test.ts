/** Rule 22: what accept reports of one connection concerns nobody else; where nothing is left to accept with, it pauses. */

import { type Co, group, sleep } from 'genloop';
import { type ServeOptions, type Server, serve, type UnixStream } from 'genloop/net';
import { realSys, type Sys } from 'genloop/os';
import * as assert from 'uvu/assert';
import { VirtualClock } from '../support/seeded.ts';
import { Opened } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { inside, overriding } from '../support/systems.ts';
import { unixClient, unixListener, until } from './clients.ts';
import { spoken } from './spoken.ts';

const test = suite('serve: accepting pauses');

function* echo(client: UnixStream): Co<void> {
  for (let data = yield* client.read(); data !== null; data = yield* client.read()) yield* client.write(data);
}

interface Bench {
  readonly clock: VirtualClock;
  readonly server: Server<UnixStream>;
  /** At which times accept was called, and what it said (`'ok'`, `'none'`, an errno). */
  readonly calls: [number, string][];
  client(): UnixStream;
}

/** A server in virtual time, whose accept fails as long as `errno` names an error. */
function withServer(
  errno: (now: number) => string | undefined,
  body: (bench: Bench) => Co<void>,
  options: ServeOptions<UnixStream> = {},
): void {
  const real = realSys();
  const { EAGAIN } = real.constants as { EAGAIN: number };
  const calls: [number, string][] = [];
  let clock: VirtualClock | undefined;
  const sys: Sys = overriding(real, {
    accept: (fd, slot) => {
      const now = (clock as VirtualClock).now;
      const code = errno(now);
      const result = code === undefined ? real.accept(fd, slot) : -(real.constants[code] as number);
      calls.push([now, code ?? (result === -EAGAIN ? 'none' : 'ok')]);
      return result;
    },
  });
  clock = new VirtualClock({ sys });
  const place = new Opened();
  try {
    inside(sys, () => {
      const scheduler = (clock as VirtualClock).scheduler();
      const listener = unixListener(place);
      scheduler.spawn(
        group(function* (g): Co<void> {
          const server = yield* g.start(serve(listener, echo, options));
          const client = (): UnixStream => unixClient(place, server);
          yield* body({ clock: clock as VirtualClock, server, calls, client });
          server.stop({ grace: 0 });
        }),
      );
      scheduler.runSync();
    });
  } finally {
    place.close();
  }
}

function* says(client: UnixStream, text: string): Co<void> {
  yield* client.write(text);
  assert.is(String(yield* client.read()), text);
}

for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']) {
  test(`rule 22: with ${code} accepting pauses 100 ms, doubling to 1 s, with one event, while it goes on serving the others`, () => {
    let exhausted = false;
    const events: unknown[] = [];
    const onPause: ServeOptions<UnixStream>['onPause'] = (error, server) => events.push(error.code, server);
    withServer(
      () => (exhausted ? code : undefined),
      function* ({ clock, server, calls, client }): Co<void> {
        const before = client();
        yield* says(before, 'hello');
        exhausted = true;
        calls.length = 0;
        const began = clock.now;
        const waiting = client();
        for (const [times, until] of [
          [[0, 100, 300], 650],
          [[0, 100, 300, 700], 1450],
          [[0, 100, 300, 700, 1500, 2500, 3500, 4500], 5000],
        ] as const) {
          yield* sleep(began + until - clock.now);
          assert.equal(
            calls.map(([at]) => at - began),
            times,
          );
          yield* says(before, 'still here?');
        }
        exhausted = false;
        yield* says(waiting, 'at last');
        assert.is(clock.now - began, 5500);
        assert.equal(events, [code, server]);
        assert.equal(server.counters, { accepted: 2, active: 2, rejected: 0, errors: 0, pauses: 1 });
        yield* says(client(), 'at once');
        assert.is(clock.now - began, 5500);
      },
      { onPause },
    );
  });
}

test('rule 22: an error between two that it could accept is the same event, and one after a good second another', () => {
  let exhausted = false;
  let told = 0;
  withServer(
    () => (exhausted ? 'EMFILE' : undefined),
    function* ({ clock, server, client }): Co<void> {
      for (const [quiet, expected] of [
        [0, 1],
        [500, 1],
        [1500, 2],
      ] as const) {
        yield* sleep(quiet);
        exhausted = true;
        const waiting = client();
        yield* until(() => server.counters.pauses >= expected);
        const began = clock.now;
        yield* sleep(50);
        exhausted = false;
        yield* says(waiting, 'hello');
        // The pause begins anew with its shortest.
        assert.ok(clock.now - began <= 100);
        assert.is(told, expected);
        assert.is(server.counters.pauses, expected);
      }
    },
    { onPause: () => told++ },
  );
});

test('without a hook a pause is told on standard error; a hook that fails is as well, and the server goes on', async () => {
  for (const onPause of [
    undefined,
    () => {
      throw new Error('the hook');
    },
  ]) {
    let left = 1;
    const told = await spoken(() =>
      withServer(
        () => (left-- > 0 ? 'EMFILE' : undefined),
        function* ({ client }): Co<void> {
          yield* says(client(), 'hello');
        },
        onPause === undefined ? {} : { onPause },
      ),
    );
    assert.is(told.length, 1);
    const [sentence] = told[0] as [string];
    if (onPause !== undefined) assert.match(sentence, /^genloop: server on .*: onPause failed:$/);
    else assert.match(sentence, /^genloop: server on .*: accepting pauses: accept EMFILE: too many open files/);
  }
});

test('rule 22: connections that are gone before they are accepted are skipped and counted, at most 64 at a time', () => {
  let gone = 200;
  withServer(
    () => (gone-- > 0 ? 'ECONNABORTED' : undefined),
    function* ({ server, client, clock }): Co<void> {
      yield* says(client(), 'hello');
      assert.equal(server.counters, { accepted: 1, active: 1, rejected: 200, errors: 0, pauses: 0 });
      assert.is(clock.now, 0);
    },
  );
});

test('rule 22: a stop while accepting pauses ends the pause with the grace', () => {
  withServer(
    () => 'EMFILE',
    function* ({ server, client, clock }): Co<void> {
      client();
      yield* sleep(250);
      server.stop({ grace: 1000 });
      yield* server.ended();
      assert.is(clock.now, 1250);
    },
    { onPause: () => {} },
  );
});

test('rule 23: who had connected is accepted during the grace, once there are descriptors again', () => {
  let exhausted = true;
  withServer(
    () => (exhausted ? 'EMFILE' : undefined),
    function* ({ server, client, clock }): Co<void> {
      const waiting = client();
      yield* sleep(250);
      server.stop({ grace: 10_000 });
      exhausted = false;
      yield* says(waiting, 'hello');
      assert.is(clock.now, 300);
      waiting.close();
      yield* server.ended();
      assert.is(clock.now, 300);
      assert.is(server.counters.accepted, 1);
    },
    { onPause: () => {} },
  );
});

test.run();
