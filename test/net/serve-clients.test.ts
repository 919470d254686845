/** Clients as a server meets them: who does not read, who says a byte now and then, and who takes another's number. */

import { type Co, currentScheduler, group, sleep } from 'genloop';
import { type Server, serve, TcpListener, TcpStream, type UnixStream } from 'genloop/net';
import { ClosedError, realSys, type Socket } from 'genloop/os';
import * as assert from 'uvu/assert';
import { eachSetup } from '../support/drives.ts';
import { VirtualClock } from '../support/seeded.ts';
import { isSeeded } from '../support/seeds.ts';
import { Opened } from '../support/situations.ts';
import { suite } from '../support/suite.ts';
import { inside } from '../support/systems.ts';
import { connectedTo, unixClient, unixListener, until } from './clients.ts';

const test = suite('serve: clients');
const each = eachSetup(test);

each('who does not read holds the memory of one socket and of one piece, and delays nobody', async (setup, place) => {
  const PIECE = new Uint8Array(16_384);
  const SLOW = 20;
  const listener = place.keep(TcpListener.open({ stream: { sendBuffer: 8_192 } }));
  const produced = new Map<TcpStream, number>();
  function* flood(client: TcpStream): Co<void> {
    for (let pieces = 1; ; pieces++) {
      produced.set(client, pieces);
      yield* client.write(PIECE);
    }
  }
  function* handler(client: TcpStream): Co<void> {
    const asked = String(yield* client.read());
    if (asked === 'flood') yield* flood(client);
    else yield* client.write(asked);
  }
  const scheduler = setup.make();
  scheduler.spawn(
    group(function* (g): Co<void> {
      const server = yield* g.start(serve(listener, handler));
      const deaf: Socket[] = [];
      for (let n = 0; n < SLOW; n++) {
        const client = connectedTo(place, server.address);
        client.send('flood');
        deaf.push(client);
      }
      // Until all have stopped: nothing of what they wrote is read by anybody, so they never go on.
      const stopped = (): boolean => produced.size === SLOW && scheduler.poller.waiting >= SLOW;
      for (let before = -1, now = 0; !stopped() || before !== now; ) {
        before = now;
        yield* sleep(0);
        now = [...produced.keys()].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
      }
      const room = deaf[0]?.getOption('SOL_SOCKET', 'SO_RCVBUF') as number;
      for (const [stream, pieces] of produced) {
        const kept = stream.socket.getOption('SOL_SOCKET', 'SO_SNDBUF') + room;
        assert.ok(stream.bytesWritten <= kept, `${stream.bytesWritten} bytes, and room for ${kept}`);
        assert.is(pieces, Math.floor(stream.bytesWritten / PIECE.length) + 1);
      }
      const quick = place.keep(new TcpStream(connectedTo(place, server.address)));
      yield* quick.write('am I served?');
      assert.is(String(yield* quick.read()), 'am I served?');
      server.stop({ grace: 0 });
    }),
  );
  await setup.run(scheduler);
});

test('who says a byte every ten seconds costs a task that waits: no timer, no step, no wake-up in between', () => {
  const BYTES = 100;
  const clock = new VirtualClock({ sys: realSys() });
  const place = new Opened();
  let reads = 0;
  function* patient(client: UnixStream): Co<void> {
    while ((yield* client.read()) !== null) reads++;
  }
  try {
    inside(clock.sys, () => {
      const scheduler = clock.scheduler();
      const listener = unixListener(place);
      scheduler.spawn(
        group(function* (g): Co<void> {
          const server = yield* g.start(serve(listener, patient));
          const client = unixClient(place, server);
          yield* until(() => server.counters.active === 1);
          const tasks = scheduler.size;
          yield* sleep(10_000);
          const { waits } = scheduler.counters;
          for (let n = 0; n < BYTES; n++) {
            yield* client.write('x');
            yield* sleep(10_000);
            assert.is(reads, n + 1);
            assert.is(scheduler.size, tasks);
            // This task's own sleep is the only timer.
            assert.is(currentScheduler().kernel.timers.size, 0);
          }
          // One for the byte, and one for the sleep.
          assert.ok(scheduler.counters.waits - waits <= 2 * BYTES, `${scheduler.counters.waits - waits} waits`);
          client.close();
          server.stop();
        }),
      );
      scheduler.runSync();
    });
  } finally {
    place.close();
  }
});

each(
  'a connection that gets the number of one that was closed in the same batch gets nothing of what was meant for that',
  async (setup, place) => {
    const listener = place.keep(TcpListener.open());
    const log: [string, string][] = [];
    const streams = new Map<string, TcpStream>();
    const numbers = new Map<string, number>();
    function* handler(client: TcpStream): Co<void> {
      const name = String(yield* client.read());
      streams.set(name, client);
      numbers.set(name, client.socket.fd);
      yield* client.write('welcome');
      try {
        const said = yield* client.read();
        log.push([name, String(said)]);
        if (name === 'killer') streams.get('victim')?.close();
      } catch (error) {
        log.push([name, (error as Error).name]);
        if (!(error instanceof ClosedError)) throw error;
      }
    }
    function* introduced(server: Server<TcpStream>, name: string): Co<TcpStream> {
      const client = place.keep(new TcpStream(connectedTo(place, server.address)));
      yield* client.write(name);
      assert.is(String(yield* client.read()), 'welcome');
      return client;
    }
    const scheduler = setup.make();
    scheduler.spawn(
      group(function* (g): Co<void> {
        const server = yield* g.start(serve(listener, handler));
        const killer = yield* introduced(server, 'killer');
        const victim = yield* introduced(server, 'victim');
        // All three are in the kernel before anybody asks: one batch.
        killer.socket.send('now');
        victim.socket.send('for the victim alone');
        const heir = place.keep(new TcpStream(connectedTo(place, server.address)));
        heir.socket.send('heir');
        assert.is(String(yield* heir.read()), 'welcome');
        yield* heir.write('for the heir');
        yield* until(() => log.length === 3);
        server.stop({ grace: 0 });
      }),
    );
    await setup.run(scheduler);
    const outcome = new Map(log);
    assert.is(outcome.get('heir'), 'for the heir');
    assert.is(outcome.get('killer'), 'now');
    // Its own bytes, or the close: whichever step came first.
    assert.ok(['for the victim alone', 'ClosedError'].includes(outcome.get('victim') as string), outcome.get('victim'));
    if (setup.backend === 'epoll' && !isSeeded()) assert.is(outcome.get('victim'), 'ClosedError');
  },
);

test.run();
